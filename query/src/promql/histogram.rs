//! Native histograms as queries see them: float counts in sparse buckets. All arithmetic on them lives below this module.
//! Not for how they are stored (see the engine), nor for classic histograms, whose buckets are series.

use std::fmt;
use std::sync::Arc;

use kymo_engine::metrics::{CUSTOM_BUCKETS, Counts, Histogram, ResetHint, STALE_NAN_BITS, Span, is_stale};

use crate::number::format_go;

mod arithmetic;
mod bounds;
mod buckets;
mod layout;
mod quantile;
mod reset;
mod sum;
mod trim;

pub(crate) use arithmetic::{Combined, Incompatible};
pub use bounds::Bucket;
pub use buckets::Buckets;
pub(crate) use quantile::Estimate;
pub(crate) use sum::{HistogramMean, HistogramSum};
pub(crate) use trim::Keep;

/// A native histogram with float counts. Buckets without observations may be listed or not; both mean the same.
#[derive(Debug, Clone, PartialEq)]
pub struct FloatHistogram {
    /// Exponential schema (-4 to 8), or [`CUSTOM_BUCKETS`].
    pub schema: i32,
    /// What is known about a counter reset before this sample.
    pub reset_hint: ResetHint,
    /// Width of the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: f64,
    /// All observations.
    pub count: f64,
    /// Sum of the observations; the staleness marker makes the sample a stale one.
    pub sum: f64,
    /// The positive buckets.
    pub positive: Buckets,
    /// The negative buckets.
    pub negative: Buckets,
    /// Upper bounds of custom buckets, ascending, without +Inf; empty for exponential schemas.
    pub custom_values: Arc<[f64]>,
}

impl FloatHistogram {
    /// A histogram without observations.
    pub fn empty(schema: i32) -> FloatHistogram {
        FloatHistogram {
            schema,
            reset_hint: ResetHint::Unknown,
            zero_threshold: 0.0,
            zero_count: 0.0,
            count: 0.0,
            sum: 0.0,
            positive: Buckets::default(),
            negative: Buckets::default(),
            custom_values: Arc::from([]),
        }
    }

    /// The stored histogram with float counts. Buckets past the end of the spans, or spans past the last bucket, are left out.
    pub fn from_stored(stored: &Histogram) -> FloatHistogram {
        let (count, zero_count, positive, negative) = match &stored.counts {
            Counts::Integer {
                count,
                zero,
                positive,
                negative,
            } => (
                *count as f64,
                *zero as f64,
                buckets_of(&stored.positive_spans, positive.iter().map(|n| *n as f64)),
                buckets_of(&stored.negative_spans, negative.iter().map(|n| *n as f64)),
            ),
            Counts::Float {
                count,
                zero,
                positive,
                negative,
            } => (
                *count,
                *zero,
                buckets_of(&stored.positive_spans, positive.iter().copied()),
                buckets_of(&stored.negative_spans, negative.iter().copied()),
            ),
        };
        FloatHistogram {
            schema: stored.schema,
            reset_hint: stored.reset_hint,
            zero_threshold: stored.zero_threshold,
            zero_count,
            count,
            sum: stored.sum,
            positive,
            negative,
            custom_values: Arc::from(stored.custom_values.as_slice()),
        }
    }

    /// The histogram in the form of the store, with float counts.
    pub fn to_stored(&self) -> Histogram {
        Histogram {
            schema: self.schema,
            reset_hint: self.reset_hint,
            zero_threshold: self.zero_threshold,
            sum: self.sum,
            positive_spans: self.positive.spans(),
            negative_spans: self.negative.spans(),
            custom_values: self.custom_values.to_vec(),
            counts: Counts::Float {
                count: self.count,
                zero: self.zero_count,
                positive: self.positive.counts().to_vec(),
                negative: self.negative.counts().to_vec(),
            },
        }
    }

    /// True for the sample that ends a series.
    pub fn is_stale(&self) -> bool {
        is_stale(self.sum)
    }

    /// The sample that ends a series.
    pub fn stale() -> FloatHistogram {
        FloatHistogram {
            sum: f64::from_bits(STALE_NAN_BITS),
            ..FloatHistogram::empty(0)
        }
    }

    /// True when the bucket bounds are listed.
    pub fn uses_custom_buckets(&self) -> bool {
        self.schema == CUSTOM_BUCKETS
    }

    /// Bytes that Prometheus takes for the histogram: its limit of samples counts 16 of them as one sample.
    pub fn size_bytes(&self) -> usize {
        let spans = self.positive.runs() + self.negative.runs();
        168 + 8 * (spans + self.positive.len() + self.negative.len() + self.custom_values.len())
    }

    /// How many samples the histogram counts for in limits, with its timestamp.
    pub fn sample_weight(&self) -> usize {
        (self.size_bytes() + 8) / 16
    }

    /// Bytes of memory, about.
    pub fn heap_bytes(&self) -> usize {
        size_of::<FloatHistogram>()
            + 12 * (self.positive.len() + self.negative.len())
            + 8 * self.custom_values.len()
    }
}

fn buckets_of(spans: &[Span], counts: impl Iterator<Item = f64>) -> Buckets {
    let mut out = Buckets::default();
    let mut counts = counts;
    let mut index = 0i32;
    for span in spans {
        index = index.wrapping_add(span.offset);
        for count in counts.by_ref().take(span.length as usize) {
            out.push(index, count);
            index = index.wrapping_add(1);
        }
    }
    out
}

/// The text that `count_values` shows: count, sum and every bucket that holds something, from the lowest to the highest.
impl fmt::Display for FloatHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{{count:{}, sum:{}",
            format_go(self.count),
            format_go(self.sum)
        )?;
        for bucket in self.buckets().filter(|b| b.count != 0.0) {
            write!(f, ", {bucket}")?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests;
