//! A growing run of histograms of one series in memory: the layout once, then rows as differences to the row before. Not a
//! format of files: blocks have `columns`, the log has `row`.

use super::layout::{Layout, Numbers, numbers};
use super::{Counts, Histogram, ResetHint};
use crate::coding::{Malformed, Reader, put_svarint, put_uvarint};
use crate::metrics::is_stale;

/// Rows after which a run should be left alone, so that reading a few does not decode too many.
pub const ROWS_MAX: u32 = 120;

const HINT_MASK: u8 = 3;
/// The row is nothing but a stale marker.
const BARE: u8 = 4;
/// Its counts are floats.
const BARE_FLOAT: u8 = 8;

/// Histograms of one layout, ascending in time; stale markers may stand between them.
#[derive(Debug, Clone)]
pub struct OpenHistograms {
    layout: Layout,
    bytes: Vec<u8>,
    rows: u32,
    first_time: i64,
    last: Row,
}

/// What the next row is told by its differences to.
#[derive(Debug, Clone, Default)]
struct Row {
    time: i64,
    interval: i64,
    sum: u64,
    numbers: Numbers,
    /// Of the newest row, which may be bare.
    flags: u8,
}

impl OpenHistograms {
    /// Begins a run.
    pub fn new(time: i64, histogram: &Histogram) -> OpenHistograms {
        let layout = Layout::of(histogram);
        let numbers = vec![0; layout.numbers_len()];
        let mut run = OpenHistograms {
            layout,
            bytes: Vec::new(),
            rows: 0,
            first_time: time,
            last: Row {
                time,
                numbers,
                ..Row::default()
            },
        };
        run.append(time, histogram, None);
        run
    }

    /// Appends a histogram whose time is above [`OpenHistograms::last_time`]; false when it has another layout: the run
    /// stays as it is and another must be begun.
    pub fn push(&mut self, time: i64, histogram: &Histogram) -> bool {
        let bare = bare_flags(histogram).filter(|_| !self.layout.fits(histogram));
        if bare.is_none() && !self.layout.fits(histogram) {
            return false;
        }
        self.append(time, histogram, bare);
        true
    }

    fn append(&mut self, time: i64, histogram: &Histogram, bare: Option<u8>) {
        let (out, last) = (&mut self.bytes, &mut self.last);
        let interval = time.wrapping_sub(last.time);
        put_svarint(out, interval.wrapping_sub(last.interval));
        (last.time, last.interval) = (time, interval);
        last.flags = histogram.reset_hint as u8 | bare.unwrap_or(0);
        out.push(last.flags);
        put_xor(out, &mut last.sum, histogram.sum.to_bits());
        if bare.is_none() {
            let next = numbers(&histogram.counts);
            if self.layout.is_float() {
                for (last, next) in last.numbers.iter_mut().zip(&next) {
                    put_xor(out, last, *next);
                }
            } else {
                put_differences(out, &last.numbers, &next);
                last.numbers = next;
            }
        }
        self.rows += 1;
    }

    /// Number of histograms.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// Time of the first.
    pub fn first_time(&self) -> i64 {
        self.first_time
    }

    /// Time of the newest.
    pub fn last_time(&self) -> i64 {
        self.last.time
    }

    /// The newest.
    pub fn last(&self) -> Histogram {
        self.histogram(&self.last)
    }

    fn histogram(&self, row: &Row) -> Histogram {
        let hint = ResetHint::from_number((row.flags & HINT_MASK).into());
        let sum = f64::from_bits(row.sum);
        match row.flags & BARE {
            0 => self.layout.histogram(hint, sum, &row.numbers),
            _ => bare(hint, sum, row.flags & BARE_FLOAT != 0),
        }
    }

    /// Calls `visit` with each time and histogram, ascending.
    ///
    /// # Errors
    /// Never for bytes that are as they were written.
    pub fn decode(&self, mut visit: impl FnMut(i64, Histogram)) -> Result<(), Malformed> {
        let mut r = Reader::new(&self.bytes);
        let mut row = Row {
            time: self.first_time,
            numbers: vec![0; self.layout.numbers_len()],
            ..Row::default()
        };
        for _ in 0..self.rows {
            row.interval = row.interval.wrapping_add(r.svarint()?);
            row.time = row.time.wrapping_add(row.interval);
            row.flags = r.u8()?;
            row.sum ^= get_xor(&mut r)?;
            if row.flags & BARE == 0 {
                if self.layout.is_float() {
                    for n in &mut row.numbers {
                        *n ^= get_xor(&mut r)?;
                    }
                } else {
                    get_differences(&mut r, &mut row.numbers)?;
                }
            }
            visit(row.time, self.histogram(&row));
        }
        Ok(())
    }

    /// Gives back memory that only growth needs. The run can still grow.
    pub fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
    }

    /// Bytes of memory behind it.
    pub fn heap_bytes(&self) -> usize {
        self.bytes.capacity() + self.last.numbers.capacity() * 8 + self.layout.heap_bytes()
    }
}

/// Flags of a stale marker without any buckets.
fn bare_flags(histogram: &Histogram) -> Option<u8> {
    if !is_stale(histogram.sum) {
        return None;
    }
    let float = matches!(histogram.counts, Counts::Float { .. });
    let marker = bare(histogram.reset_hint, histogram.sum, float);
    histogram
        .same_bits(&marker)
        .then_some(BARE | if float { BARE_FLOAT } else { 0 })
}

fn bare(reset_hint: ResetHint, sum: f64, float: bool) -> Histogram {
    let counts = if float {
        Counts::Float {
            count: 0.0,
            zero: 0.0,
            positive: Vec::new(),
            negative: Vec::new(),
        }
    } else {
        Counts::Integer {
            count: 0,
            zero: 0,
            positive: Vec::new(),
            negative: Vec::new(),
        }
    };
    Histogram {
        schema: 0,
        reset_hint,
        zero_threshold: 0.0,
        sum,
        positive_spans: Vec::new(),
        negative_spans: Vec::new(),
        custom_values: Vec::new(),
        counts,
    }
}

/// The bytes in which two floats differ, behind how many zero bytes are in front of and behind them.
fn put_xor(out: &mut Vec<u8>, last: &mut u64, next: u64) {
    let xor = *last ^ next;
    *last = next;
    let leading = xor.leading_zeros() / 8;
    let trailing = if xor == 0 { 0 } else { xor.trailing_zeros() / 8 };
    out.push((leading << 4 | trailing) as u8);
    out.extend_from_slice(&xor.to_be_bytes()[leading as usize..(8 - trailing) as usize]);
}

fn get_xor(r: &mut Reader<'_>) -> Result<u64, Malformed> {
    let head = r.u8()?;
    let (leading, trailing) = (usize::from(head >> 4), usize::from(head & 15));
    let len = 8usize
        .checked_sub(leading + trailing)
        .ok_or(Malformed("bytes of a float"))?;
    let mut bytes = [0; 8];
    bytes[leading..leading + len].copy_from_slice(r.take(len)?);
    Ok(u64::from_be_bytes(bytes))
}

/// Differences; of zeros in a row the number, behind the first.
fn put_differences(out: &mut Vec<u8>, last: &[u64], next: &[u64]) {
    let mut zeros = 0u64;
    for (last, next) in last.iter().zip(next) {
        if last == next {
            zeros += 1;
            continue;
        }
        put_zeros(out, &mut zeros);
        put_svarint(out, next.wrapping_sub(*last).cast_signed());
    }
    put_zeros(out, &mut zeros);
}

fn put_zeros(out: &mut Vec<u8>, zeros: &mut u64) {
    if *zeros > 0 {
        put_uvarint(out, 0);
        put_uvarint(out, *zeros - 1);
        *zeros = 0;
    }
}

fn get_differences(r: &mut Reader<'_>, numbers: &mut [u64]) -> Result<(), Malformed> {
    let mut at = 0;
    while at < numbers.len() {
        let difference = r.svarint()?;
        if difference == 0 {
            let more = usize::try_from(r.uvarint()?).unwrap_or(usize::MAX);
            at = at.saturating_add(more).saturating_add(1);
        } else {
            numbers[at] = numbers[at].wrapping_add(difference.cast_unsigned());
            at += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
