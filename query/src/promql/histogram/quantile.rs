//! Quantiles, shares and variance of the observations of a histogram, by interpolation inside of its buckets.

use super::{Bucket, FloatHistogram};

/// What there is to say about an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Estimate {
    /// Nothing.
    Plain,
    /// Observations of NaN make the result NaN.
    NanResult,
    /// Observations of NaN make the result too high.
    NanSkew,
    /// Observations of NaN are in no share.
    NanExcluded,
}

/// How far `value` lies between the bounds of an exponential bucket, on the scale of their logarithms.
pub(super) fn exponential_share(bucket: &Bucket, value: f64) -> f64 {
    let (lower, upper) = (bucket.lower.abs().log2(), bucket.upper.abs().log2());
    let at = value.abs().log2();
    if value > 0.0 {
        (at - lower) / (upper - lower)
    } else {
        1.0 - (at - upper) / (lower - upper)
    }
}

impl FloatHistogram {
    /// All buckets in order, those next to the zero bucket cut where it begins.
    fn cut_buckets(&self) -> impl DoubleEndedIterator<Item = Bucket> + Clone + '_ {
        let threshold = self.zero_threshold;
        let custom = self.uses_custom_buckets();
        let zero = (self.zero_count > 0.0).then(|| self.zero_bucket());
        let negative = self.negative_buckets().rev().map(move |mut bucket| {
            bucket.upper = bucket.upper.min(-threshold);
            bucket
        });
        let positive = self.positive_buckets().map(move |mut bucket| {
            if !custom {
                bucket.lower = bucket.lower.max(threshold);
            }
            bucket
        });
        negative.chain(zero).chain(positive)
    }

    /// The zero bucket of a histogram with observations on one side only ends at zero.
    fn one_sided(&self, mut bucket: Bucket) -> Bucket {
        if self.negative.is_empty() && !self.positive.is_empty() {
            bucket.lower = 0.0;
        } else if self.positive.is_empty() && !self.negative.is_empty() {
            bucket.upper = 0.0;
        }
        bucket
    }

    /// The quantile `q`.
    pub(crate) fn quantile(&self, q: f64) -> (f64, Estimate) {
        if q < 0.0 {
            return (f64::NEG_INFINITY, Estimate::Plain);
        }
        if q > 1.0 {
            return (f64::INFINITY, Estimate::Plain);
        }
        if self.count == 0.0 || q.is_nan() {
            return (f64::NAN, Estimate::Plain);
        }
        // Observations of NaN are counted but lie in no bucket, so that only the way from below finds the rank.
        let forward = self.sum.is_nan() || q < 0.5;
        let rank = if forward { q } else { 1.0 - q } * self.count;
        let mut buckets: Box<dyn Iterator<Item = Bucket>> = if forward {
            Box::new(self.cut_buckets())
        } else {
            Box::new(self.cut_buckets().rev())
        };
        let (mut count, mut found) = (0.0, None);
        for bucket in buckets.by_ref() {
            found = Some(bucket);
            if bucket.count == 0.0 {
                continue;
            }
            count += bucket.count;
            if count >= rank {
                break;
            }
        }
        let bucket = found.unwrap_or(Bucket {
            count: 0.0,
            ..self.zero_bucket()
        });
        let rest: f64 = if self.sum.is_nan() {
            buckets.map(|b| b.count).sum()
        } else {
            0.0
        };
        self.quantile_in(bucket, (count, rank, rest), forward)
    }

    /// The quantile inside of the bucket that holds its rank; `count` is that of the buckets up to it, `rest` that of those
    /// behind it.
    fn quantile_in(
        &self,
        mut bucket: Bucket,
        (count, rank, rest): (f64, f64, f64),
        forward: bool,
    ) -> (f64, Estimate) {
        if self.uses_custom_buckets() {
            if bucket.lower == f64::NEG_INFINITY {
                if bucket.upper <= 0.0 {
                    return (bucket.upper, Estimate::Plain);
                }
                bucket.lower = 0.0;
            } else if bucket.upper == f64::INFINITY {
                return (bucket.lower, Estimate::Plain);
            }
        } else if bucket.lower < 0.0 && bucket.upper > 0.0 {
            bucket = self.one_sided(bucket);
        }
        let total = count + rest;
        // Rounding may bring the buckets above the count of the whole.
        let count = count.min(self.count);
        if count < rank {
            return match self.sum.is_nan() {
                true => (f64::NAN, Estimate::NanResult),
                false => (bucket.upper, Estimate::Plain),
            };
        }
        let within = if forward {
            rank - (count - bucket.count)
        } else {
            count - rank
        };
        let note = match self.sum.is_nan() && total < self.count {
            true => Estimate::NanSkew,
            false => Estimate::Plain,
        };
        let share = within / bucket.count;
        if self.uses_custom_buckets() || (bucket.lower <= 0.0 && bucket.upper >= 0.0) {
            return (bucket.lower + (bucket.upper - bucket.lower) * share, note);
        }
        let (lower, upper) = (bucket.lower.abs().log2(), bucket.upper.abs().log2());
        let value = if bucket.lower > 0.0 {
            (lower + (upper - lower) * share).exp2()
        } else {
            -(upper + (lower - upper) * (1.0 - share)).exp2()
        };
        (value, note)
    }

    /// The share of the observations between two values.
    pub(crate) fn fraction(&self, lower: f64, upper: f64) -> (f64, Estimate) {
        if self.count == 0.0 || lower.is_nan() || upper.is_nan() {
            return (f64::NAN, Estimate::Plain);
        }
        if lower >= upper {
            return (0.0, Estimate::Plain);
        }
        let (below_lower, below_upper) = (self.rank_of(lower), self.rank_of(upper));
        let (mut count, mut note) = (self.count, Estimate::Plain);
        if self.sum.is_nan() {
            count = self.cut_buckets().map(|b| b.count).sum();
            if count < self.count {
                note = Estimate::NanExcluded;
            }
        }
        let rank = |found: Option<f64>| found.filter(|r| *r <= count).unwrap_or(count);
        ((rank(below_upper) - rank(below_lower)) / self.count, note)
    }

    /// How many observations are below a value; nothing when it lies behind all buckets.
    fn rank_of(&self, value: f64) -> Option<f64> {
        let mut rank = 0.0;
        for mut bucket in self.cut_buckets() {
            let around_zero = bucket.lower <= 0.0 && bucket.upper >= 0.0;
            if around_zero {
                bucket = self.one_sided(bucket);
            }
            if bucket.lower >= value {
                return Some(rank);
            }
            if bucket.upper > value {
                return Some(match self.uses_custom_buckets() || around_zero {
                    // An infinite bucket has no inside to interpolate in.
                    true if bucket.lower == f64::NEG_INFINITY => bucket.count,
                    true => rank + bucket.count * (value - bucket.lower) / (bucket.upper - bucket.lower),
                    false => rank + bucket.count * exponential_share(&bucket, value),
                });
            }
            rank += bucket.count;
        }
        None
    }

    /// The variance, with every observation taken for the middle of its bucket.
    pub(crate) fn variance(&self) -> f64 {
        let mean = self.sum / self.count;
        let (mut sum, mut rest) = (0.0f64, 0.0f64);
        for bucket in self.cut_buckets().filter(|b| b.count != 0.0) {
            let middle = if self.uses_custom_buckets() {
                (bucket.upper + bucket.lower) / 2.0
            } else if bucket.lower <= 0.0 && bucket.upper >= 0.0 {
                0.0
            } else {
                (bucket.upper * bucket.lower).sqrt().copysign(bucket.upper)
            };
            let term = bucket.count * (middle - mean) * (middle - mean);
            let total = sum + term;
            rest = if total.is_infinite() {
                0.0
            } else if sum.abs() >= term.abs() {
                rest + ((sum - total) + term)
            } else {
                rest + ((term - total) + sum)
            };
            sum = total;
        }
        (sum + rest) / self.count
    }
}
