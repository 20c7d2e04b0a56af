//! Chunks of floats: times as differences of differences, values as the bits that change (`tsdb/chunkenc/xor.go`).

use super::bits::{BitReader, BitWriter};
use super::varbit::{fits, signed};
use crate::error::{Error, Result};
use crate::wire::{put_varint, unzigzag, zigzag};

/// Bits of a difference of time steps by the number of ones before it; more take 64.
const STEP_WIDTHS: [u32; 4] = [0, 14, 17, 20];

/// The window of bits in which values changed last.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Window {
    leading: u32,
    trailing: u32,
    /// There was none before.
    set: bool,
}

impl Window {
    /// Appends how `new` differs from `old`.
    pub(super) fn put(&mut self, out: &mut BitWriter, old: f64, new: f64) {
        let delta = old.to_bits() ^ new.to_bits();
        out.bit(delta != 0);
        if delta == 0 {
            return;
        }
        let (leading, trailing) = (delta.leading_zeros().min(31), delta.trailing_zeros());
        if self.set && leading >= self.leading && trailing >= self.trailing {
            out.bit(false);
            out.bits(delta >> self.trailing, 64 - self.leading - self.trailing);
            return;
        }
        *self = Window {
            leading,
            trailing,
            set: true,
        };
        let width = 64 - leading - trailing;
        out.bit(true);
        out.bits(leading.into(), 5);
        // 64 does not fit 6 bits, and 0 cannot be.
        out.bits(u64::from(width) & 63, 6);
        out.bits(delta >> trailing, width);
    }

    /// Reads the value that follows `old`.
    pub(super) fn read(&mut self, input: &mut BitReader<'_>, old: f64) -> Result<f64> {
        if !input.bit()? {
            return Ok(old);
        }
        if input.bit()? {
            let leading = input.bits(5)? as u32;
            let width = match input.bits(6)? as u32 {
                0 => 64,
                width => width,
            };
            self.leading = leading;
            self.trailing = 64_u32.checked_sub(leading + width).ok_or(Error::Chunk {
                what: "a value has more than 64 bits",
            })?;
        }
        let bits = input.bits(64 - self.leading - self.trailing)?;
        Ok(f64::from_bits(old.to_bits() ^ (bits << self.trailing)))
    }
}

/// Encodes at least one and at most 65,535 samples.
pub(super) fn encode(timestamps: &[i64], values: &[f64]) -> Vec<u8> {
    let mut bytes = (timestamps.len() as u16).to_be_bytes().to_vec();
    put_varint(&mut bytes, zigzag(timestamps[0]));
    bytes.extend(values[0].to_bits().to_be_bytes());
    let Some(second) = timestamps.get(1) else {
        return bytes;
    };
    let mut step = second.wrapping_sub(timestamps[0]);
    put_varint(&mut bytes, step.cast_unsigned());
    let mut out = BitWriter::after(bytes);
    let mut window = Window::default();
    window.put(&mut out, values[0], values[1]);
    for i in 2..timestamps.len() {
        let next = timestamps[i].wrapping_sub(timestamps[i - 1]);
        put_step(&mut out, next.wrapping_sub(step));
        step = next;
        window.put(&mut out, values[i - 1], values[i]);
    }
    out.into_bytes()
}

fn put_step(out: &mut BitWriter, difference: i64) {
    let class = STEP_WIDTHS.iter().position(|width| fits(difference, *width));
    match class {
        Some(class) => {
            out.bits((1 << (class + 1)) - 2, class as u32 + 1);
            out.bits(difference.cast_unsigned(), STEP_WIDTHS[class]);
        }
        None => {
            out.bits(0b1111, 4);
            out.bits(difference.cast_unsigned(), 64);
        }
    }
}

fn read_step(input: &mut BitReader<'_>) -> Result<i64> {
    for width in STEP_WIDTHS {
        if !input.bit()? {
            return Ok(signed(input.bits(width)?, width));
        }
    }
    Ok(input.bits(64)?.cast_signed())
}

/// Decodes a chunk of floats.
///
/// # Errors
/// Bytes that are no such chunk.
pub fn decode(data: &[u8]) -> Result<Vec<(i64, f64)>> {
    let mut input = BitReader::new(data);
    let count = input.bits(16)?;
    let mut samples: Vec<(i64, f64)> = Vec::new();
    let (mut step, mut window) = (0_i64, Window::default());
    for i in 0..count {
        let sample = match samples.last() {
            None => (unzigzag(input.varint()?), input.double()?),
            Some((time, value)) => {
                step = match i {
                    1 => input.varint()?.cast_signed(),
                    _ => step.wrapping_add(read_step(&mut input)?),
                };
                (time.wrapping_add(step), window.read(&mut input, *value)?)
            }
        };
        samples.push(sample);
    }
    Ok(samples)
}
