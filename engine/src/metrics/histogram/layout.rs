//! What rows of histograms have in common, so that it is kept once: resolution, which buckets there are, kind of counts.

use super::row::{get_spans, put_spans};
use super::{Counts, Histogram, ResetHint, Span};
use crate::coding::{Malformed, Reader, put_svarint, put_uvarint};

/// The common part of rows.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    schema: i32,
    zero_threshold: f64,
    positive_spans: Vec<Span>,
    negative_spans: Vec<Span>,
    custom_values: Vec<f64>,
    float: bool,
    positive_len: usize,
    negative_len: usize,
}

/// Counts of a row in one order: of all observations, of the zero bucket, of positive and negative buckets. Those of floats
/// are their bits.
pub(super) type Numbers = Vec<u64>;

impl Layout {
    /// That of a histogram.
    pub(super) fn of(histogram: &Histogram) -> Layout {
        let (float, positive_len, negative_len) = shape(&histogram.counts);
        Layout {
            schema: histogram.schema,
            zero_threshold: histogram.zero_threshold,
            positive_spans: histogram.positive_spans.clone(),
            negative_spans: histogram.negative_spans.clone(),
            custom_values: histogram.custom_values.clone(),
            float,
            positive_len,
            negative_len,
        }
    }

    /// True when a histogram has this layout.
    pub(super) fn fits(&self, histogram: &Histogram) -> bool {
        let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        self.schema == histogram.schema
            && self.zero_threshold.to_bits() == histogram.zero_threshold.to_bits()
            && self.positive_spans == histogram.positive_spans
            && self.negative_spans == histogram.negative_spans
            && bits(&self.custom_values) == bits(&histogram.custom_values)
            && (self.float, self.positive_len, self.negative_len) == shape(&histogram.counts)
    }

    /// True when counts are floats.
    pub(super) fn is_float(&self) -> bool {
        self.float
    }

    /// Length of a row's [`Numbers`].
    pub(super) fn numbers_len(&self) -> usize {
        2 + self.positive_len + self.negative_len
    }

    /// The histogram of a row; `numbers` are [`Layout::numbers_len`] many.
    pub(super) fn histogram(&self, reset_hint: ResetHint, sum: f64, numbers: &[u64]) -> Histogram {
        let (positive, negative) = numbers[2..].split_at(self.positive_len);
        let floats = |bits: &[u64]| bits.iter().map(|b| f64::from_bits(*b)).collect();
        let counts = if self.float {
            Counts::Float {
                count: f64::from_bits(numbers[0]),
                zero: f64::from_bits(numbers[1]),
                positive: floats(positive),
                negative: floats(negative),
            }
        } else {
            Counts::Integer {
                count: numbers[0],
                zero: numbers[1],
                positive: positive.to_vec(),
                negative: negative.to_vec(),
            }
        };
        Histogram {
            schema: self.schema,
            reset_hint,
            zero_threshold: self.zero_threshold,
            sum,
            positive_spans: self.positive_spans.clone(),
            negative_spans: self.negative_spans.clone(),
            custom_values: self.custom_values.clone(),
            counts,
        }
    }

    /// Bytes of memory behind it.
    pub(super) fn heap_bytes(&self) -> usize {
        8 * (self.positive_spans.capacity() + self.negative_spans.capacity() + self.custom_values.capacity())
    }

    /// Appends the encoded form.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.float.into());
        put_svarint(out, self.schema.into());
        out.extend_from_slice(&self.zero_threshold.to_bits().to_le_bytes());
        put_spans(out, &self.positive_spans);
        put_spans(out, &self.negative_spans);
        put_uvarint(out, self.custom_values.len() as u64);
        for value in &self.custom_values {
            out.extend_from_slice(&value.to_bits().to_le_bytes());
        }
        put_uvarint(out, self.positive_len as u64);
        put_uvarint(out, self.negative_len as u64);
    }

    /// Reads the encoded form. What follows it must hold at least two bytes for each bucket.
    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Layout, Malformed> {
        let float = match r.u8()? {
            0 => false,
            1 => true,
            _ => return Err(Malformed("kind of counts")),
        };
        let schema = i32::try_from(r.svarint()?).map_err(|_| Malformed("schema of a histogram"))?;
        let zero_threshold = f64::from_bits(r.u64()?);
        let (positive_spans, negative_spans) = (get_spans(r)?, get_spans(r)?);
        let mut custom_values = Vec::new();
        for _ in 0..r.count(8)? {
            custom_values.push(f64::from_bits(r.u64()?));
        }
        Ok(Layout {
            schema,
            zero_threshold,
            positive_spans,
            negative_spans,
            custom_values,
            float,
            positive_len: r.count(2)?,
            negative_len: r.count(2)?,
        })
    }
}

fn shape(counts: &Counts) -> (bool, usize, usize) {
    match counts {
        Counts::Integer {
            positive, negative, ..
        } => (false, positive.len(), negative.len()),
        Counts::Float {
            positive, negative, ..
        } => (true, positive.len(), negative.len()),
    }
}

/// The counts of a row in one order.
pub(super) fn numbers(counts: &Counts) -> Numbers {
    match counts {
        Counts::Integer {
            count,
            zero,
            positive,
            negative,
        } => {
            let buckets = positive.iter().chain(negative).copied();
            [*count, *zero].into_iter().chain(buckets).collect()
        }
        Counts::Float {
            count,
            zero,
            positive,
            negative,
        } => {
            let buckets = positive.iter().chain(negative);
            let all = [count, zero].into_iter().chain(buckets);
            all.map(|n| n.to_bits()).collect()
        }
    }
}
