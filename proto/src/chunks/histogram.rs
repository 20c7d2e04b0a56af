//! Chunks of native histograms: a layout, then each histogram by how it differs from the one before
//! (`tsdb/chunkenc/histogram.go`, `float_histogram.go`).

use super::bits::{BitReader, BitWriter};
use super::layout;
use super::varbit::{put_signed, put_unsigned, read_signed, read_unsigned};
use super::xor::Window;
use crate::error::{Error, Result};
use crate::histogram::{Buckets, Count, Histogram, Span};

/// Bits of the sum of a stale sample.
const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;

/// `reset_hint` of a reset, of none, and of a gauge histogram.
const RESET: u64 = 1;
const NO_RESET: u64 = 2;
const GAUGE: u64 = 3;

fn is_stale(histogram: &Histogram) -> bool {
    histogram.sum.to_bits() == STALE_BITS
}

/// True when `next` can stand in a chunk after `last`.
pub(super) fn continues(last: &Histogram, next: &Histogram) -> bool {
    let same_kind = matches!(last.count, Count::Float(_)) == matches!(next.count, Count::Float(_));
    let same_bounds = last.custom_values.len() == next.custom_values.len()
        && last
            .custom_values
            .iter()
            .zip(&next.custom_values)
            .all(|(a, b)| a.to_bits() == b.to_bits());
    let same_buckets = |a: &Buckets, b: &Buckets| a.spans == b.spans;
    same_kind
        && same_bounds
        && !is_stale(last)
        && !is_stale(next)
        && last.schema == next.schema
        && last.zero_threshold.to_bits() == next.zero_threshold.to_bits()
        && same_buckets(&last.positive, &next.positive)
        && same_buckets(&last.negative, &next.negative)
        && (last.reset_hint == GAUGE) == (next.reset_hint == GAUGE)
        && (next.reset_hint == GAUGE || !is_reset(last, next))
}

/// True when a counter of the same layout has gone down. Readers take the histograms of a chunk for free of that.
fn is_reset(last: &Histogram, next: &Histogram) -> bool {
    let number = |count| match count {
        Count::Absent => 0.0,
        Count::Integer(n) => n as f64,
        Count::Float(n) => n,
    };
    let fell = |a: &Buckets, b: &Buckets| absolute(a).zip(absolute(b)).any(|(a, b)| b < a);
    next.reset_hint == RESET
        || number(next.count) < number(last.count)
        || number(next.zero_count) < number(last.zero_count)
        || fell(&last.positive, &next.positive)
        || fell(&last.negative, &next.negative)
}

fn absolute(buckets: &Buckets) -> impl Iterator<Item = f64> {
    let whole = buckets.deltas.iter().scan(0_i64, |count, delta| {
        *count = count.wrapping_add(*delta);
        Some(*count as f64)
    });
    whole.chain(buckets.counts.iter().copied())
}

/// Encodes histograms that [`continues`] lets stand together; `before` is the last of the chunk before.
pub(super) fn encode(histograms: &[Histogram], before: Option<&Histogram>) -> Vec<u8> {
    let mut bytes = (histograms.len() as u16).to_be_bytes().to_vec();
    bytes.push(header(&histograms[0], before));
    let mut out = BitWriter::after(bytes);
    let blank;
    let first = if is_stale(&histograms[0]) {
        // A stale sample has a sum and nothing else.
        blank = Histogram {
            sum: histograms[0].sum,
            timestamp: histograms[0].timestamp,
            count: histograms[0].count,
            ..Histogram::default()
        };
        &blank
    } else {
        &histograms[0]
    };
    layout::put(&mut out, first);
    put_signed(&mut out, first.timestamp);
    match first.count {
        Count::Float(_) => floats(&mut out, first, &histograms[1..]),
        _ => integers(&mut out, first, &histograms[1..]),
    }
    out.into_bytes()
}

/// What is known of a reset before the chunk, in the two highest bits.
fn header(first: &Histogram, before: Option<&Histogram>) -> u8 {
    let hint = match first.reset_hint {
        GAUGE => 0b11,
        RESET => 0b10,
        _ => match before {
            Some(last) if !is_stale(last) && continues_but_for_reset(last, first) => 0b10,
            Some(last) if continues(last, first) => 0b01,
            _ => 0b00,
        },
    };
    hint << 6
}

fn continues_but_for_reset(last: &Histogram, next: &Histogram) -> bool {
    let same = |a: &Buckets, b: &Buckets| a.spans == b.spans;
    last.schema == next.schema
        && same(&last.positive, &next.positive)
        && same(&last.negative, &next.negative)
        && last.reset_hint != GAUGE
        && is_reset(last, next)
}

fn whole(count: Count) -> u64 {
    match count {
        Count::Integer(n) => n,
        _ => 0,
    }
}

/// A number written by how its step differs from the step before.
#[derive(Default)]
struct Stepping {
    last: i64,
    step: i64,
}

impl Stepping {
    fn starting(first: i64) -> Stepping {
        Stepping { last: first, step: 0 }
    }

    /// The step to `next`, and how it differs from the one before.
    fn to(&mut self, next: i64) -> (i64, i64) {
        let step = next.wrapping_sub(self.last);
        let difference = step.wrapping_sub(self.step);
        (self.last, self.step) = (next, step);
        (step, difference)
    }

    /// The number after a difference of steps; without a step before, the difference is the step.
    fn by(&mut self, difference: i64) -> i64 {
        self.step = self.step.wrapping_add(difference);
        self.last = self.last.wrapping_add(self.step);
        self.last
    }
}

fn integers(out: &mut BitWriter, first: &Histogram, rest: &[Histogram]) {
    let (count, zero) = (whole(first.count), whole(first.zero_count));
    put_unsigned(out, count);
    put_unsigned(out, zero);
    out.double(first.sum);
    let deltas = |h: &Histogram| -> Vec<i64> { [&h.positive.deltas[..], &h.negative.deltas].concat() };
    let mut buckets: Vec<Stepping> = deltas(first).into_iter().map(Stepping::starting).collect();
    buckets.iter().for_each(|bucket| put_signed(out, bucket.last));
    let mut time = Stepping::starting(first.timestamp);
    let mut counts = [count, zero].map(|n| Stepping::starting(n.cast_signed()));
    let (mut sum, mut window) = (first.sum, Window::default());
    for (i, next) in rest.iter().enumerate() {
        let (step, difference) = time.to(next.timestamp);
        match i {
            0 => put_unsigned(out, step.cast_unsigned()),
            _ => put_signed(out, difference),
        }
        for (at, n) in counts.iter_mut().zip([next.count, next.zero_count]) {
            put_signed(out, at.to(whole(n).cast_signed()).1);
        }
        window.put(out, sum, next.sum);
        sum = next.sum;
        for (bucket, delta) in buckets.iter_mut().zip(deltas(next)) {
            put_signed(out, bucket.to(delta).1);
        }
    }
}

fn fraction(count: Count) -> f64 {
    match count {
        Count::Absent => 0.0,
        Count::Integer(n) => n as f64,
        Count::Float(n) => n,
    }
}

/// Count, zero count, sum and buckets of a float histogram.
fn columns(h: &Histogram) -> Vec<f64> {
    let mut all = vec![fraction(h.count), fraction(h.zero_count), h.sum];
    all.extend(&h.positive.counts);
    all.extend(&h.negative.counts);
    all
}

fn floats(out: &mut BitWriter, first: &Histogram, rest: &[Histogram]) {
    let mut last = columns(first);
    last.iter().for_each(|value| out.double(*value));
    let mut windows = vec![Window::default(); last.len()];
    let mut time = Stepping::starting(first.timestamp);
    for (i, next) in rest.iter().enumerate() {
        let (step, difference) = time.to(next.timestamp);
        match i {
            0 => put_unsigned(out, step.cast_unsigned()),
            _ => put_signed(out, difference),
        }
        for ((window, last), next) in windows.iter_mut().zip(&mut last).zip(columns(next)) {
            window.put(out, *last, next);
            *last = next;
        }
    }
}

/// Decodes a chunk of native histograms, with float counts or with whole ones.
///
/// # Errors
/// Bytes that are no such chunk.
pub fn decode(data: &[u8], float: bool) -> Result<Vec<Histogram>> {
    let mut input = BitReader::new(data);
    let count = input.bits(16)?;
    let header = input.bits(8)? >> 6;
    if count == 0 {
        return Ok(Vec::new());
    }
    let layout = layout::read(&mut input)?;
    let time = read_signed(&mut input)?;
    let mut out = match float {
        true => read_floats(&mut input, &layout, time, count)?,
        false => read_integers(&mut input, &layout, time, count)?,
    };
    for (i, histogram) in out.iter_mut().enumerate() {
        histogram.reset_hint = match (header, i) {
            (0b11, _) => GAUGE,
            (0b10, 0) => RESET,
            (0b00, 0) => 0,
            _ => NO_RESET,
        };
    }
    Ok(out)
}

fn len(spans: &[Span]) -> usize {
    spans.iter().map(|span| span.length as usize).sum()
}

fn next_time(input: &mut BitReader<'_>, time: &mut Stepping, i: u64) -> Result<i64> {
    let difference = match i {
        0 => return Ok(time.last),
        1 => read_unsigned(input)?.cast_signed(),
        _ => read_signed(input)?,
    };
    Ok(time.by(difference))
}

fn read_integers(
    input: &mut BitReader<'_>,
    layout: &Histogram,
    first: i64,
    count: u64,
) -> Result<Vec<Histogram>> {
    let (positive, negative) = (len(&layout.positive.spans), len(&layout.negative.spans));
    let mut time = Stepping::starting(first);
    let mut counts = [Stepping::default(), Stepping::default()];
    let (mut sum, mut window) = (0.0, Window::default());
    let mut buckets: Vec<Stepping> = Vec::new();
    let mut out = Vec::new();
    for i in 0..count {
        let timestamp = next_time(input, &mut time, i)?;
        if i == 0 {
            for at in &mut counts {
                *at = Stepping::starting(read_unsigned(input)?.cast_signed());
            }
            sum = input.double()?;
            for _ in 0..positive + negative {
                buckets.push(Stepping::starting(read_signed(input)?));
            }
        } else {
            for at in &mut counts {
                at.by(read_signed(input)?);
            }
            sum = window.read(input, sum)?;
            // A stale sample has no buckets.
            if sum.to_bits() != STALE_BITS {
                for bucket in &mut buckets {
                    bucket.by(read_signed(input)?);
                }
            }
        }
        let mut histogram = layout.clone();
        histogram.timestamp = timestamp;
        histogram.count = Count::Integer(counts[0].last.cast_unsigned());
        histogram.zero_count = Count::Integer(counts[1].last.cast_unsigned());
        histogram.sum = sum;
        histogram.positive.deltas = buckets[..positive].iter().map(|b| b.last).collect();
        histogram.negative.deltas = buckets[positive..].iter().map(|b| b.last).collect();
        out.push(histogram);
    }
    Ok(out)
}

fn read_floats(
    input: &mut BitReader<'_>,
    layout: &Histogram,
    first: i64,
    count: u64,
) -> Result<Vec<Histogram>> {
    const FIXED: usize = 3;
    let positive = len(&layout.positive.spans);
    let columns = FIXED + positive + len(&layout.negative.spans);
    let mut time = Stepping::starting(first);
    let mut windows = vec![Window::default(); columns];
    let mut last: Vec<f64> = Vec::new();
    let mut out = Vec::new();
    for i in 0..count {
        let timestamp = next_time(input, &mut time, i)?;
        for (column, window) in windows.iter_mut().enumerate() {
            // After the sum of a stale sample there are no buckets.
            let stale = column >= FIXED && last[2].to_bits() == STALE_BITS;
            match last.get_mut(column) {
                None => last.push(input.double()?),
                Some(_) if stale => {}
                Some(value) => *value = window.read(input, *value)?,
            }
        }
        let [count, zero, sum, buckets @ ..] = &last[..] else {
            return Err(Error::Chunk {
                what: "a histogram without counts",
            });
        };
        let mut histogram = layout.clone();
        histogram.timestamp = timestamp;
        histogram.count = Count::Float(*count);
        histogram.zero_count = Count::Float(*zero);
        histogram.sum = *sum;
        histogram.positive.counts = buckets[..positive].to_vec();
        histogram.negative.counts = buckets[positive..].to_vec();
        out.push(histogram);
    }
    Ok(out)
}
