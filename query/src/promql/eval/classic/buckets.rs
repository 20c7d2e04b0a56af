//! Interpolation inside the cumulative buckets of one classic histogram.

/// Difference of neighbouring counts that is taken for rounding, relative to their sum.
const TOLERANCE: f64 = 1e-12;

/// A bucket: how many observations are at most `bound`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    pub(super) bound: f64,
    pub(super) count: f64,
}

/// What was repaired in counts that fell.
pub(super) struct Forced {
    pub(super) min_bucket: f64,
    pub(super) max_bucket: f64,
    pub(super) max_diff: f64,
}

/// Joins buckets of one bound. They must be sorted.
fn coalesce(buckets: &mut Vec<Bucket>) {
    buckets.dedup_by(|next, kept| {
        let same = next.bound == kept.bound;
        if same {
            kept.count += next.count;
        }
        same
    });
}

fn almost_equal(a: f64, b: f64) -> bool {
    let (sum, diff) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return diff < TOLERANCE * f64::MIN_POSITIVE;
    }
    diff / sum.min(f64::MAX) < TOLERANCE
}

/// Makes counts monotonic. Rounding errors are repaired silently, anything else is reported.
fn make_monotonic(buckets: &mut [Bucket]) -> Option<Forced> {
    let mut forced: Option<Forced> = None;
    let mut previous = buckets.first()?.count;
    for bucket in &mut buckets[1..] {
        let count = bucket.count;
        if count == previous {
            continue;
        }
        if almost_equal(previous, count) {
            bucket.count = previous;
        } else if count < previous {
            bucket.count = previous;
            let f = forced.get_or_insert(Forced {
                min_bucket: bucket.bound,
                max_bucket: bucket.bound,
                max_diff: 0.0,
            });
            f.min_bucket = f.min_bucket.min(bucket.bound);
            f.max_bucket = f.max_bucket.max(bucket.bound);
            f.max_diff = f.max_diff.max(previous - count);
        } else {
            previous = count;
        }
    }
    forced
}

/// The quantile, and what had to be repaired for it.
pub(super) fn quantile(q: f64, buckets: &mut Vec<Bucket>) -> (f64, Option<Forced>) {
    if q.is_nan() {
        return (f64::NAN, None);
    }
    if q < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if q > 1.0 {
        return (f64::INFINITY, None);
    }
    if buckets.last().is_none_or(|b| b.bound != f64::INFINITY) {
        return (f64::NAN, None);
    }
    coalesce(buckets);
    let forced = make_monotonic(buckets);
    (interpolate(q, buckets), forced)
}

fn interpolate(q: f64, buckets: &[Bucket]) -> f64 {
    let last = buckets.len() - 1;
    let observations = buckets[last].count;
    if buckets.len() < 2 || observations == 0.0 || observations.is_nan() {
        return f64::NAN;
    }
    let mut rank = q * observations;
    let found = buckets[..last].partition_point(|b| b.count.is_nan() || b.count < rank);
    if found == last {
        return buckets[last - 1].bound;
    }
    let bucket = buckets[found];
    if found == 0 && bucket.bound <= 0.0 {
        return bucket.bound;
    }
    let (mut start, mut count) = (0.0, bucket.count);
    if found > 0 {
        let before = buckets[found - 1];
        start = before.bound;
        count -= before.count;
        rank -= before.count;
    }
    start + (bucket.bound - start) * (rank / count)
}

/// The share of observations between two values.
pub(super) fn fraction(lower: f64, upper: f64, buckets: &mut Vec<Bucket>) -> f64 {
    if buckets.last().is_none_or(|b| b.bound != f64::INFINITY) {
        return f64::NAN;
    }
    coalesce(buckets);
    let count = buckets[buckets.len() - 1].count;
    if count == 0.0 || count.is_nan() || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    (rank_of(upper, buckets, count) - rank_of(lower, buckets, count)) / count
}

/// How many observations are below a value.
fn rank_of(value: f64, buckets: &[Bucket], total: f64) -> f64 {
    let mut rank = 0.0;
    for (i, bucket) in buckets.iter().enumerate() {
        let start = match i {
            0 if bucket.bound > 0.0 => 0.0,
            0 => f64::NEG_INFINITY,
            _ => buckets[i - 1].bound,
        };
        if start >= value {
            return rank;
        }
        if bucket.bound > value && start == f64::NEG_INFINITY {
            // No interpolation over an infinite width: the bucket counts as a whole or not at all.
            return bucket.count.min(total);
        }
        if bucket.bound > value {
            return (rank + (bucket.count - rank) * (value - start) / (bucket.bound - start)).min(total);
        }
        rank = bucket.count;
    }
    total
}
