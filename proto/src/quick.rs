//! Reading the encoding that every sender writes: one-byte tags, short lengths, samples of fixed shape. `None` means
//! "not that shape", never "wrong": the caller then reads the same bytes by the general rules.

use crate::remote_write::Sample;

/// The length at `pos` and the place after it; at most three bytes, so under 2 MiB.
#[inline]
fn length(bytes: &[u8], pos: usize) -> Option<(usize, usize)> {
    let first = *bytes.get(pos)?;
    if first < 0x80 {
        return Some((usize::from(first), pos + 1));
    }
    let second = *bytes.get(pos + 1)?;
    let low = usize::from(first & 0x7f) | usize::from(second & 0x7f) << 7;
    if second < 0x80 {
        return Some((low, pos + 2));
    }
    let third = *bytes.get(pos + 2)?;
    (third < 0x80).then_some((low | usize::from(third) << 14, pos + 3))
}

/// Start and end of the delimited value whose length is at `pos`.
#[inline]
pub(crate) fn delimited(bytes: &[u8], pos: usize) -> Option<(usize, usize)> {
    let (len, start) = length(bytes, pos)?;
    let end = start + len;
    (end <= bytes.len()).then_some((start, end))
}

/// The place behind all delimited fields of one tag that follow each other from `pos` on.
#[inline]
pub(crate) fn skip_run(bytes: &[u8], mut pos: usize, tag: u8) -> Option<usize> {
    while bytes.get(pos) == Some(&tag) {
        (_, pos) = delimited(bytes, pos + 1)?;
    }
    Some(pos)
}

/// Fills `out` with packed numbers of at most three bytes each.
#[inline]
pub(crate) fn packed(bytes: &[u8], out: &mut Vec<u32>) -> Option<()> {
    // No number takes less than a byte.
    out.resize(bytes.len(), 0);
    let (mut pos, mut n) = (0, 0);
    for slot in out.iter_mut() {
        if pos == bytes.len() {
            break;
        }
        let number;
        (number, pos) = length(bytes, pos)?;
        *slot = number as u32;
        n += 1;
    }
    out.truncate(n);
    Some(())
}

/// Calls `put` with the tag and the number of each field of a message of numbers of at most three bytes each.
#[inline]
pub(crate) fn numbers(bytes: &[u8], mut put: impl FnMut(u8, u32) -> Option<()>) -> Option<()> {
    let mut pos = 0;
    while pos < bytes.len() {
        let (n, after) = length(bytes, pos + 1)?;
        put(bytes[pos], n as u32)?;
        pos = after;
    }
    Some(())
}

/// A varint of up to eight bytes with at least eight bytes left, and the place after it.
#[inline]
fn varint(bytes: &[u8], pos: usize) -> Option<(u64, usize)> {
    let word = u64::from_le_bytes(*bytes.get(pos..)?.first_chunk::<8>()?);
    let stops = !word & 0x8080_8080_8080_8080;
    if stops == 0 {
        return None;
    }
    let len = stops.trailing_zeros() as usize / 8 + 1;
    // The groups of seven bits move together in three steps.
    let kept = word & (u64::MAX >> (64 - 8 * len));
    let pairs = (kept & 0x007f_007f_007f_007f) | (kept & 0x7f00_7f00_7f00_7f00) >> 1;
    let fours = (pairs & 0x0000_3fff_0000_3fff) | (pairs & 0x3fff_0000_3fff_0000) >> 2;
    let all = (fours & 0x0000_0000_0fff_ffff) | (fours & 0x0fff_ffff_0000_0000) >> 4;
    Some((all, pos + len))
}

/// The sample whose length is at `pos`: value (1), timestamp (2) and, where the schema has it, start timestamp (3), in
/// this order, each at most once.
#[inline]
pub(crate) fn sample(bytes: &[u8], pos: usize, with_start: bool) -> Option<(Sample, usize)> {
    let (mut at, end) = delimited(bytes, pos)?;
    let mut sample = Sample::default();
    if at < end && bytes[at] == 0x09 {
        sample.value = f64::from_bits(u64::from_le_bytes(*bytes[at + 1..].first_chunk()?));
        at += 9;
    }
    if at < end && bytes[at] == 0x10 {
        let (n, after) = varint(bytes, at + 1)?;
        (sample.timestamp, at) = (n.cast_signed(), after);
    }
    if with_start && at < end && bytes[at] == 0x18 {
        let (n, after) = varint(bytes, at + 1)?;
        (sample.start, at) = (n.cast_signed(), after);
    }
    (at == end).then_some((sample, end))
}
