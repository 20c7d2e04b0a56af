//! `</` and `>/`: the part of a histogram's observations below or above a value. Buckets that hold the value are divided by
//! interpolation, and the sum is estimated anew from the middles of what is left.

use super::quantile::exponential_share;
use super::{Bucket, Buckets, FloatHistogram};

/// Which part is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    Below,
    Above,
}

/// Counts, and the sum of what they stand for.
#[derive(Default)]
struct Kept {
    count: f64,
    sum: f64,
    changed: bool,
}

impl Kept {
    fn take(&mut self, count: f64, middle: f64) {
        self.count += count;
        // An empty rest of an infinite bucket must not add NaN.
        if count != 0.0 {
            self.sum += middle * count;
        }
    }
}

/// The value that stands for the observations between two bounds.
fn middle(lower: f64, upper: f64, positive: bool, linear: bool) -> f64 {
    match (lower.is_infinite(), upper.is_infinite()) {
        (true, true) => 0.0,
        (true, false) if upper > 0.0 => upper / 2.0,
        (true, false) => upper,
        (false, true) => lower,
        _ if linear => (lower + upper) / 2.0,
        _ if positive => (lower * upper).abs().sqrt(),
        _ => -(lower * upper).abs().sqrt(),
    }
}

impl FloatHistogram {
    /// The histogram of the observations on one side of `value`. The sum stays when nothing is cut off.
    pub(crate) fn trimmed(&self, value: f64, keep: Keep) -> FloatHistogram {
        let mut out = self.clone();
        let mut kept = Kept::default();
        let positive = self.trim_side(
            &mut out.positive,
            self.positive_buckets(),
            (value, keep),
            true,
            &mut kept,
        );
        let negative = self.trim_side(
            &mut out.negative,
            self.negative_buckets(),
            (value, keep),
            false,
            &mut kept,
        );
        if out.zero_count > 0.0 {
            let mut zero = self.zero_bucket();
            if negative && !positive {
                zero.upper = 0.0;
            }
            if positive && !negative {
                zero.lower = 0.0;
            }
            let (count, middle) = split_zero(&zero, value, keep);
            kept.changed |= count != out.zero_count;
            out.zero_count = count;
            kept.take(count, middle);
        }
        if kept.changed {
            (out.count, out.sum) = (kept.count, kept.sum);
            out.compact();
        }
        out
    }

    /// Trims one side; true when it had observations.
    fn trim_side(
        &self,
        out: &mut Buckets,
        buckets: impl Iterator<Item = Bucket>,
        (value, keep): (f64, Keep),
        positive: bool,
        kept: &mut Kept,
    ) -> bool {
        let custom = self.uses_custom_buckets();
        let mut any = false;
        for (bucket, slot) in buckets.zip(out.counts_mut()) {
            if bucket.count == 0.0 {
                continue;
            }
            any = true;
            let (whole, divided) = match keep {
                Keep::Below => (bucket.upper <= value, bucket.lower < value),
                Keep::Above => (bucket.lower >= value, bucket.upper > value),
            };
            let (count, at) = match (whole, divided) {
                (true, _) => (bucket.count, middle(bucket.lower, bucket.upper, positive, custom)),
                (false, true) => divide(&bucket, value, keep, positive, custom),
                (false, false) => (0.0, 0.0),
            };
            kept.take(count, at);
            kept.changed |= *slot != count;
            *slot = count;
        }
        any
    }
}

/// What is kept of the bucket that holds the value, and the middle of that part.
fn divide(bucket: &Bucket, value: f64, keep: Keep, positive: bool, custom: bool) -> (f64, f64) {
    if bucket.lower == f64::NEG_INFINITY || bucket.upper == f64::INFINITY {
        return divide_infinite(bucket, value, keep);
    }
    let share = if custom {
        (value - bucket.lower) / (bucket.upper - bucket.lower)
    } else {
        exponential_share(bucket, value)
    };
    let below = bucket.count * share;
    match keep {
        Keep::Below => (below, middle(bucket.lower, value, positive, custom)),
        Keep::Above => (
            bucket.count - below,
            middle(value, bucket.upper, positive, custom),
        ),
    }
}

/// As [`divide`], for buckets without a bound on one side, inside of which nothing is known about where observations lie.
fn divide_infinite(bucket: &Bucket, value: f64, keep: Keep) -> (f64, f64) {
    let upper = bucket.upper;
    if bucket.lower == f64::NEG_INFINITY {
        // A finite positive bound lets zero stand for the missing one.
        let from_zero = upper > 0.0 && upper != f64::INFINITY;
        return match keep {
            Keep::Below if value >= upper => (bucket.count, 0.0),
            Keep::Below if value > 0.0 && from_zero => (bucket.count * value / upper, value / 2.0),
            Keep::Below if upper <= 0.0 => (bucket.count, value),
            Keep::Above if value == f64::NEG_INFINITY => (bucket.count, 0.0),
            Keep::Above if value >= 0.0 && from_zero => {
                (bucket.count * (1.0 - value / upper), (value + upper) / 2.0)
            }
            _ => (0.0, 0.0),
        };
    }
    match keep {
        Keep::Above if value >= bucket.lower => (bucket.count, value),
        _ => (0.0, 0.0),
    }
}

fn split_zero(zero: &Bucket, value: f64, keep: Keep) -> (f64, f64) {
    let (lower, upper) = (zero.lower, zero.upper);
    let whole = (zero.count, (lower + upper) / 2.0);
    match keep {
        Keep::Below if value <= lower => (0.0, 0.0),
        Keep::Below if value >= upper => whole,
        Keep::Below => (
            zero.count * ((value - lower) / (upper - lower)),
            (lower + value) / 2.0,
        ),
        Keep::Above if value <= lower => whole,
        Keep::Above if value >= upper => (0.0, 0.0),
        Keep::Above => (
            zero.count * ((upper - value) / (upper - lower)),
            (value + upper) / 2.0,
        ),
    }
}
