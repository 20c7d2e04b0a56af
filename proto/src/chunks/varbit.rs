//! Integers in a number of bits that grows with them (`tsdb/chunkenc/varbit.go`). Not for varints, which are bytes.

use super::bits::{BitReader, BitWriter};
use crate::error::Result;

/// Bits of the value by the number of ones before it.
const WIDTHS: [u32; 9] = [0, 3, 6, 9, 12, 18, 25, 56, 64];

fn put(out: &mut BitWriter, class: usize, value: u64) {
    let class = class.min(WIDTHS.len() - 1);
    if class == WIDTHS.len() - 1 {
        out.bits(0xff, 8);
    } else {
        // That many ones and a zero.
        out.bits((1 << (class + 1)) - 2, class as u32 + 1);
    }
    out.bits(value, WIDTHS[class]);
}

fn class(input: &mut BitReader<'_>) -> Result<u32> {
    let mut class = 0;
    while class < WIDTHS.len() - 1 && input.bit()? {
        class += 1;
    }
    Ok(WIDTHS[class])
}

/// True when `n` lies between `-(2^(width-1) - 1)` and `2^(width-1)`.
pub(super) fn fits(n: i64, width: u32) -> bool {
    match width {
        0 => n == 0,
        64 => true,
        _ => (-((1_i64 << (width - 1)) - 1)..=1_i64 << (width - 1)).contains(&n),
    }
}

/// The signed number of `width` bits; what is above the middle is negative.
pub(super) fn signed(bits: u64, width: u32) -> i64 {
    if (1..64).contains(&width) && bits > 1 << (width - 1) {
        return bits.cast_signed() - (1_i64 << width);
    }
    bits.cast_signed()
}

pub(super) fn put_signed(out: &mut BitWriter, n: i64) {
    let class = WIDTHS
        .iter()
        .position(|width| fits(n, *width))
        .unwrap_or(WIDTHS.len());
    put(out, class, n.cast_unsigned());
}

pub(super) fn put_unsigned(out: &mut BitWriter, n: u64) {
    let used = 64 - n.leading_zeros();
    let class = WIDTHS
        .iter()
        .position(|width| used <= *width)
        .unwrap_or(WIDTHS.len());
    put(out, class, n);
}

pub(super) fn read_signed(input: &mut BitReader<'_>) -> Result<i64> {
    let width = class(input)?;
    Ok(signed(input.bits(width)?, width))
}

pub(super) fn read_unsigned(input: &mut BitReader<'_>) -> Result<u64> {
    let width = class(input)?;
    input.bits(width)
}
