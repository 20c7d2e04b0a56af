//! Native histograms: the value, its rules and its resolution. Shapes are those of Prometheus' `histogram.proto` with
//! absolute bucket counts. Not for what queries compute from them, nor for their encodings.

mod check;
pub mod columns;
mod layout;
pub mod open;
mod resolution;
pub mod row;

pub use check::HistogramError;

/// The schema of histograms whose bucket bounds are listed (native histograms with custom buckets).
pub const CUSTOM_BUCKETS: i32 = -53;
/// Lowest exponential schema.
pub const SCHEMA_MIN: i32 = -4;
/// Highest exponential schema that is stored; finer ones up to [`SCHEMA_REDUCIBLE_MAX`] are reduced to it.
pub const SCHEMA_MAX: i32 = 8;
/// Highest exponential schema that can be reduced.
pub const SCHEMA_REDUCIBLE_MAX: i32 = 52;

/// What is known about a counter reset before this histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
#[repr(u8)]
pub enum ResetHint {
    /// Nothing.
    #[default]
    Unknown = 0,
    /// There was one.
    Yes = 1,
    /// There was none.
    No = 2,
    /// It is a gauge histogram: resets make no sense.
    Gauge = 3,
}

impl ResetHint {
    /// The hint of a number of the wire format; numbers that are not known are `Unknown`.
    pub fn from_number(n: u64) -> ResetHint {
        match n {
            1 => ResetHint::Yes,
            2 => ResetHint::No,
            3 => ResetHint::Gauge,
            _ => ResetHint::Unknown,
        }
    }
}

/// A run of consecutive buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// Buckets skipped since the end of the span before; of the first span, the index of its first bucket.
    pub offset: i32,
    /// Number of buckets.
    pub length: u32,
}

/// Observation counts, absolute.
#[derive(Debug, Clone)]
pub enum Counts {
    /// Whole observations.
    Integer {
        /// All observations.
        count: u64,
        /// Observations in the zero bucket.
        zero: u64,
        /// Of the positive buckets, in the order of the spans.
        positive: Vec<u64>,
        /// Of the negative buckets.
        negative: Vec<u64>,
    },
    /// Fractions of observations, as rates and scaled histograms have them.
    Float {
        /// All observations.
        count: f64,
        /// Observations in the zero bucket.
        zero: f64,
        /// Of the positive buckets, in the order of the spans.
        positive: Vec<f64>,
        /// Of the negative buckets.
        negative: Vec<f64>,
    },
}

/// One native histogram sample.
#[derive(Debug, Clone)]
pub struct Histogram {
    /// Exponential schema, or [`CUSTOM_BUCKETS`].
    pub schema: i32,
    /// Reset before this sample?
    pub reset_hint: ResetHint,
    /// Width of the zero bucket.
    pub zero_threshold: f64,
    /// Sum of the observations; the staleness marker makes the sample a stale one.
    pub sum: f64,
    /// Which positive buckets there are.
    pub positive_spans: Vec<Span>,
    /// Which negative buckets there are.
    pub negative_spans: Vec<Span>,
    /// Upper bounds of custom buckets, ascending; empty for exponential schemas.
    pub custom_values: Vec<f64>,
    /// The counts.
    pub counts: Counts,
}

impl Histogram {
    /// True for the sample that ends a series.
    pub fn is_stale(&self) -> bool {
        super::is_stale(self.sum)
    }

    /// True when both have the same bits in every part.
    pub fn same_bits(&self, other: &Histogram) -> bool {
        self.same_layout(other)
            && self.reset_hint == other.reset_hint
            && self.sum.to_bits() == other.sum.to_bits()
            && self.counts.same_bits(&other.counts)
    }

    /// True when both have the same buckets and kind of counts, so that rows of both fit the same columns.
    pub fn same_layout(&self, other: &Histogram) -> bool {
        self.schema == other.schema
            && self.zero_threshold.to_bits() == other.zero_threshold.to_bits()
            && self.positive_spans == other.positive_spans
            && self.negative_spans == other.negative_spans
            && same_floats(&self.custom_values, &other.custom_values)
            && matches!(self.counts, Counts::Integer { .. }) == matches!(other.counts, Counts::Integer { .. })
    }

    /// Estimate of the memory in bytes.
    pub fn heap_bytes(&self) -> usize {
        let buckets = match &self.counts {
            Counts::Integer {
                positive, negative, ..
            } => positive.len() + negative.len(),
            Counts::Float {
                positive, negative, ..
            } => positive.len() + negative.len(),
        };
        size_of::<Histogram>()
            + 8 * (self.positive_spans.len() + self.negative_spans.len() + self.custom_values.len() + buckets)
    }
}

/// Equality of bits: two equal NaNs are the same sample, `0` and `-0` are not.
impl PartialEq for Histogram {
    fn eq(&self, other: &Histogram) -> bool {
        self.same_bits(other)
    }
}

impl Counts {
    fn same_bits(&self, other: &Counts) -> bool {
        match (self, other) {
            (
                Counts::Integer {
                    count,
                    zero,
                    positive,
                    negative,
                },
                Counts::Integer {
                    count: c,
                    zero: z,
                    positive: p,
                    negative: n,
                },
            ) => (count, zero, positive, negative) == (c, z, p, n),
            (
                Counts::Float {
                    count,
                    zero,
                    positive,
                    negative,
                },
                Counts::Float {
                    count: c,
                    zero: z,
                    positive: p,
                    negative: n,
                },
            ) => {
                count.to_bits() == c.to_bits()
                    && zero.to_bits() == z.to_bits()
                    && same_floats(positive, p)
                    && same_floats(negative, n)
            }
            _ => false,
        }
    }
}

fn same_floats(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

#[cfg(test)]
mod tests;
