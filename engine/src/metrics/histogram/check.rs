//! Which native histograms are stored: the rules and texts of Prometheus' `Histogram.Validate`.

use super::{CUSTOM_BUCKETS, Counts, Histogram, SCHEMA_MAX, SCHEMA_MIN, Span};

/// Why a histogram is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the texts are the documentation")]
pub enum HistogramError {
    #[error(
        "histogram has an invalid schema: {schema}, must be between -4 and 52 for exponential buckets, or -53 for custom buckets"
    )]
    Schema { schema: i32 },
    #[error(
        "{side} side: span number {span} with offset {offset}: histogram has a span whose offset is negative"
    )]
    SpanOffset {
        side: &'static str,
        span: usize,
        offset: i32,
    },
    #[error(
        "{side} side: spans need {need} buckets, have {have} buckets: histogram spans specify different number of buckets than provided"
    )]
    SpansMismatch {
        side: &'static str,
        need: u64,
        have: u64,
    },
    #[error(
        "{side} side: bucket number {bucket} has observation count of {count}: histogram has a bucket whose observation count is negative"
    )]
    NegativeBucket {
        side: &'static str,
        bucket: usize,
        count: f64,
    },
    #[error("{what} is {count}: histogram has an observation count that is negative")]
    NegativeCount { what: &'static str, count: f64 },
    #[error(
        "{buckets} observations found in buckets, but the Count field is {count}: histogram's observation count should equal the number of observations found in the buckets (in absence of NaN)"
    )]
    CountMismatch { buckets: u128, count: u64 },
    #[error(
        "{buckets} observations found in buckets, but the Count field is {count}: histogram's observation count should be at least the number of observations found in the buckets"
    )]
    CountNotBigEnough { buckets: u128, count: u64 },
    #[error("exponential histogram (schema {schema}) has custom bounds")]
    ExponentialWithCustomBounds { schema: i32 },
    #[error(
        "custom buckets: previous bound is {before} and current is {bound}: histogram custom bounds must be in strictly increasing order"
    )]
    BoundsOrder { before: f64, bound: f64 },
    #[error("custom buckets: histogram custom bounds must be finite, found {bound}")]
    BoundNotFinite { bound: f64 },
    #[error(
        "custom buckets: only {bounds} custom bounds defined which is insufficient to cover total span length of {span}: histogram custom bounds are too few"
    )]
    TooFewBounds { bounds: usize, span: i64 },
    #[error("custom buckets: must have zero count of 0 and a zero threshold of 0")]
    CustomZeroBucket,
    #[error("custom buckets: must not have negative spans or buckets")]
    CustomNegative,
    #[error("histogram has {buckets} buckets, the limit is {limit}")]
    TooManyBuckets { buckets: u64, limit: u64 },
}

/// Buckets a histogram may have: far above what any client makes, and few enough to hold in memory.
const BUCKETS_MAX: u64 = 1 << 16;

impl Histogram {
    /// Checks everything that Prometheus checks before it stores a histogram.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn validate(&self) -> Result<(), HistogramError> {
        match self.schema {
            CUSTOM_BUCKETS => self.check_custom()?,
            SCHEMA_MIN..=SCHEMA_MAX if self.custom_values.is_empty() => {}
            SCHEMA_MIN..=SCHEMA_MAX => {
                return Err(HistogramError::ExponentialWithCustomBounds { schema: self.schema });
            }
            schema => return Err(HistogramError::Schema { schema }),
        }
        let (positive, negative) = match &self.counts {
            Counts::Integer {
                positive, negative, ..
            } => (positive.len(), negative.len()),
            Counts::Float {
                positive, negative, ..
            } => (positive.len(), negative.len()),
        };
        check_spans("negative", &self.negative_spans, negative as u64)?;
        check_spans("positive", &self.positive_spans, positive as u64)?;
        match &self.counts {
            Counts::Integer {
                count,
                zero,
                positive,
                negative,
            } => {
                let buckets: u128 = positive.iter().chain(negative).map(|n| u128::from(*n)).sum();
                self.check_total(buckets + u128::from(*zero), *count)
            }
            Counts::Float {
                count,
                zero,
                positive,
                negative,
            } => {
                for (what, count) in [("zero bucket", *zero), ("count", *count)] {
                    if count < 0.0 {
                        return Err(HistogramError::NegativeCount { what, count });
                    }
                }
                check_buckets("negative", negative)?;
                check_buckets("positive", positive)
            }
        }
    }

    fn check_total(&self, buckets: u128, count: u64) -> Result<(), HistogramError> {
        // An observation of NaN is counted and lies in no bucket.
        if self.sum.is_nan() && buckets > u128::from(count) {
            return Err(HistogramError::CountNotBigEnough { buckets, count });
        }
        if !self.sum.is_nan() && buckets != u128::from(count) {
            return Err(HistogramError::CountMismatch { buckets, count });
        }
        Ok(())
    }

    fn check_custom(&self) -> Result<(), HistogramError> {
        for pair in self.custom_values.windows(2) {
            // A NaN is neither above nor below: it must fail too.
            if pair[0].partial_cmp(&pair[1]) != Some(std::cmp::Ordering::Less) {
                return Err(HistogramError::BoundsOrder {
                    before: pair[0],
                    bound: pair[1],
                });
            }
        }
        if let Some(bound) = self
            .custom_values
            .iter()
            .find(|b| b.is_nan() || **b == f64::INFINITY)
        {
            return Err(HistogramError::BoundNotFinite { bound: *bound });
        }
        let (zero, negative) = match &self.counts {
            Counts::Integer { zero, negative, .. } => (*zero != 0, !negative.is_empty()),
            Counts::Float { zero, negative, .. } => (*zero != 0.0, !negative.is_empty()),
        };
        if zero || self.zero_threshold != 0.0 {
            return Err(HistogramError::CustomZeroBucket);
        }
        if negative || !self.negative_spans.is_empty() {
            return Err(HistogramError::CustomNegative);
        }
        let span: i64 = self
            .positive_spans
            .iter()
            .map(|s| i64::from(s.offset) + i64::from(s.length))
            .sum();
        let begins_below = self.positive_spans.first().filter(|s| s.offset < 0);
        if let Some(first) = begins_below {
            return Err(HistogramError::SpanOffset {
                side: "positive",
                span: 1,
                offset: first.offset,
            });
        }
        // The last bucket ends at +Inf, which is not listed.
        if span > self.custom_values.len() as i64 + 1 {
            return Err(HistogramError::TooFewBounds {
                bounds: self.custom_values.len(),
                span,
            });
        }
        Ok(())
    }
}

fn check_spans(side: &'static str, spans: &[Span], have: u64) -> Result<(), HistogramError> {
    for (i, span) in spans.iter().enumerate().skip(1) {
        if span.offset < 0 {
            return Err(HistogramError::SpanOffset {
                side,
                span: i + 1,
                offset: span.offset,
            });
        }
    }
    let need: u64 = spans.iter().map(|s| u64::from(s.length)).sum();
    if need != have {
        return Err(HistogramError::SpansMismatch { side, need, have });
    }
    if need > BUCKETS_MAX {
        return Err(HistogramError::TooManyBuckets {
            buckets: need,
            limit: BUCKETS_MAX,
        });
    }
    Ok(())
}

fn check_buckets(side: &'static str, buckets: &[f64]) -> Result<(), HistogramError> {
    match buckets.iter().position(|n| *n < 0.0) {
        Some(i) => Err(HistogramError::NegativeBucket {
            side,
            bucket: i + 1,
            count: buckets[i],
        }),
        None => Ok(()),
    }
}
