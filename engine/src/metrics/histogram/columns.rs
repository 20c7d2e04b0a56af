//! A chunk of histograms in a block: the layout once, then a column for each number of a row. Byte layout in FORMAT.md,
//! "Histogram chunks". Times lie elsewhere.

use super::layout::{Layout, Numbers, numbers};
use super::{Histogram, ResetHint, row};
use crate::coding::{Malformed, Reader};
use crate::metrics::values::{self, Effort, ints};

const ROWS: u8 = 0;
const COLUMNS: u8 = 1;
/// Most numbers of a chunk in columns: a bound on what a few bytes can blow up to.
const NUMBERS_MAX: usize = 1 << 20;

/// Appends a chunk: columns when all rows have one layout, rows one after the other otherwise.
pub fn encode(histograms: &[&Histogram], effort: Effort, out: &mut Vec<u8>) {
    let Some(first) = histograms.first() else { return };
    let layout = Layout::of(first);
    let numbers_max = layout.numbers_len().saturating_mul(histograms.len());
    if numbers_max > NUMBERS_MAX || !histograms.iter().all(|h| layout.fits(h)) {
        out.push(ROWS);
        histograms.iter().for_each(|h| row::encode(h, out));
        return;
    }
    out.push(COLUMNS);
    layout.encode(out);
    let hints: Vec<i64> = histograms.iter().map(|h| h.reset_hint as i64).collect();
    ints::encode(&hints, effort, out);
    let sums: Vec<f64> = histograms.iter().map(|h| h.sum).collect();
    values::encode_alone(&sums, effort, out);
    let mut rows: Vec<Numbers> = histograms.iter().map(|h| numbers(&h.counts)).collect();
    if layout.is_float() {
        for column in 0..layout.numbers_len() {
            let floats: Vec<f64> = rows.iter().map(|row| f64::from_bits(row[column])).collect();
            values::encode_alone(&floats, effort, out);
        }
        return;
    }
    for row in &mut rows {
        row[0] = row[0].wrapping_sub(buckets(row));
    }
    for column in 0..layout.numbers_len() {
        let integers: Vec<i64> = rows.iter().map(|row| row[column].cast_signed()).collect();
        ints::encode(&integers, effort, out);
    }
}

/// Observations in the buckets of a row: what its count is told against.
fn buckets(row: &[u64]) -> u64 {
    row[1..].iter().fold(0, |sum, n| sum.wrapping_add(*n))
}

/// Reads a chunk of `count` histograms. The caller bounds `count`.
///
/// # Errors
/// [`Malformed`] when the bytes are none.
pub fn decode(bytes: &[u8], count: usize) -> Result<Vec<Histogram>, Malformed> {
    let mut r = Reader::new(bytes);
    if count == 0 {
        return Ok(Vec::new());
    }
    match r.u8()? {
        ROWS => return (0..count).map(|_| row::decode(&mut r)).collect(),
        COLUMNS => {}
        _ => return Err(Malformed("form of a histogram chunk")),
    }
    let layout = Layout::decode(&mut r)?;
    let len = layout.numbers_len();
    if len.saturating_mul(count) > NUMBERS_MAX {
        return Err(Malformed("numbers of a histogram chunk"));
    }
    let (mut hints, mut sums) = (Vec::new(), Vec::new());
    ints::decode(&mut r, count, &mut hints)?;
    values::decode_alone(&mut r, count, &mut sums)?;
    let mut rows = vec![0u64; len * count];
    let (mut integers, mut floats) = (Vec::new(), Vec::new());
    for column in 0..len {
        let places = rows.iter_mut().skip(column).step_by(len);
        if layout.is_float() {
            floats.clear();
            values::decode_alone(&mut r, count, &mut floats)?;
            places.zip(&floats).for_each(|(place, n)| *place = n.to_bits());
        } else {
            integers.clear();
            ints::decode(&mut r, count, &mut integers)?;
            places
                .zip(&integers)
                .for_each(|(place, n)| *place = n.cast_unsigned());
        }
    }
    let histogram = |((row, hint), sum): ((&mut [u64], i64), f64)| {
        if !layout.is_float() {
            row[0] = row[0].wrapping_add(buckets(row));
        }
        let hint = u64::try_from(hint).ok().filter(|n| *n < 4);
        let hint = ResetHint::from_number(hint.ok_or(Malformed("reset hint"))?);
        Ok(layout.histogram(hint, sum, row))
    };
    rows.chunks_exact_mut(len)
        .zip(hints)
        .zip(sums)
        .map(histogram)
        .collect()
}

#[cfg(test)]
pub(super) mod tests;
