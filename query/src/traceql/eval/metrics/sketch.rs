//! Counts of values by size, from which quantiles are read. Up to some tens of values are kept as they are and give exact
//! quantiles; more are counted in buckets of a 32nd of a power of two. Which of the two depends on how many there are in all, so
//! merging in any order gives the same. Not for `histogram_over_time`, whose buckets are powers of two.

/// Buckets of a power of two.
const FINE_BITS: u32 = 5;
/// What is left of a float's bits to tell its bucket.
const SHIFT: u32 = 52 - FINE_BITS;
/// The bucket of 2, the least value that is taken.
const FIRST: usize = (2f64.to_bits() >> SHIFT) as usize;
/// Buckets that are made at once: those of eight powers of two.
const STRIDE: usize = 8 << FINE_BITS;
/// Most values that are kept as they are.
const FEW: usize = 48;

/// Whole numbers from which on they are counted together.
const BULK: usize = 256;
/// Buckets of whole numbers.
const BUCKETS: usize = bucket(i64::MAX as f64) + 1;

/// The values of one step of a series, each with a weight.
#[derive(Debug, Clone)]
pub(super) enum Sketch {
    Few(Vec<(f64, u64)>),
    Many(Many),
}

/// Counted values.
#[derive(Debug, Clone)]
pub(super) struct Many {
    /// Number of the first bucket.
    from: usize,
    weights: Vec<u64>,
    least: f64,
    largest: f64,
}

impl Default for Sketch {
    fn default() -> Sketch {
        Sketch::Few(Vec::new())
    }
}

const fn bucket(value: f64) -> usize {
    (value.to_bits() >> SHIFT) as usize - FIRST
}

/// The least value of a bucket.
fn bound(bucket: usize) -> f64 {
    f64::from_bits(((bucket + FIRST) as u64) << SHIFT)
}

impl Sketch {
    /// Takes a finite value from 2 on.
    #[inline]
    pub(super) fn add(&mut self, value: f64, weight: u64) {
        match self {
            Sketch::Many(many) => many.add(value, weight),
            Sketch::Few(list) if list.len() < FEW => list.push((value, weight)),
            Sketch::Few(list) => {
                let mut many = Many::of(list);
                many.add(value, weight);
                *self = Sketch::Many(many);
            }
        }
    }

    /// Takes whole numbers, those from 2 on.
    pub(super) fn add_whole(&mut self, values: &[i64]) {
        if values.len() < BULK {
            let taken = values.iter().filter(|value| **value >= 2);
            return taken.for_each(|value| self.add(*value as f64, 1));
        }
        let mut counted = [0u32; BUCKETS];
        let (mut least, mut largest) = (i64::MAX, 0);
        for value in values.iter().copied().filter(|value| *value >= 2) {
            counted[bucket(value as f64)] += 1;
            least = least.min(value);
            largest = largest.max(value);
        }
        if largest == 0 {
            return;
        }
        let (first, last) = (bucket(least as f64), bucket(largest as f64));
        let weights = counted[first..=last].iter().map(|n| u64::from(*n));
        if weights.clone().sum::<u64>() <= FEW as u64 {
            let taken = values.iter().filter(|value| **value >= 2);
            return taken.for_each(|value| self.add(*value as f64, 1));
        }
        let bulk = Many {
            from: first,
            weights: weights.collect(),
            least: least as f64,
            largest: largest as f64,
        };
        self.merge(&Sketch::Many(bulk));
    }

    pub(super) fn merge(&mut self, other: &Sketch) {
        match (&mut *self, other) {
            (_, Sketch::Few(list)) => list.iter().for_each(|(value, weight)| self.add(*value, *weight)),
            (Sketch::Many(ours), Sketch::Many(theirs)) => ours.merge(theirs),
            (Sketch::Few(list), Sketch::Many(theirs)) => {
                let mut many = Many::of(list);
                many.merge(theirs);
                *self = Sketch::Many(many);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Sketch::Few(list) if list.is_empty())
    }

    /// The smallest value that at least this part of all values does not exceed, within a bucket by its rank there. Weights
    /// count in units.
    pub(super) fn quantile(&self, q: f64, unit: u64) -> Option<f64> {
        let rank = |total: u64| {
            let rank = (q * total as f64 / unit as f64).ceil() as u64;
            rank.max(1).saturating_mul(unit).min(total)
        };
        match self {
            Sketch::Few(list) => {
                let mut sorted = list.clone();
                sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
                let rank = rank(sorted.iter().map(|(_, weight)| weight).sum());
                let mut below = 0;
                let found = sorted.iter().find(|(_, weight)| {
                    below += weight;
                    below >= rank
                });
                found.map(|(value, _)| *value)
            }
            Sketch::Many(many) => many.ranked(rank(many.weights.iter().sum())),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Sketch::Few(list) => list.capacity() * size_of::<(f64, u64)>(),
            Sketch::Many(many) => many.weights.capacity() * size_of::<u64>(),
        }
    }
}

impl Many {
    fn of(list: &[(f64, u64)]) -> Many {
        let mut many = Many {
            from: 0,
            weights: Vec::new(),
            least: f64::INFINITY,
            largest: f64::NEG_INFINITY,
        };
        list.iter().for_each(|(value, weight)| many.add(*value, *weight));
        many
    }

    #[inline]
    fn add(&mut self, value: f64, weight: u64) {
        self.least = self.least.min(value);
        self.largest = self.largest.max(value);
        let bucket = bucket(value);
        match self.weights.get_mut(bucket.wrapping_sub(self.from)) {
            Some(counted) => *counted += weight,
            None => *self.bucket(bucket) += weight,
        }
    }

    /// A bucket that may not be there yet.
    #[cold]
    fn bucket(&mut self, bucket: usize) -> &mut u64 {
        let from = bucket - bucket % STRIDE;
        if self.weights.is_empty() {
            self.from = from;
        }
        if from < self.from {
            let missing = self.from - from;
            self.weights.splice(0..0, std::iter::repeat_n(0, missing));
            self.from = from;
        }
        let at = bucket - self.from;
        if at >= self.weights.len() {
            self.weights.resize(at - at % STRIDE + STRIDE, 0);
        }
        &mut self.weights[at]
    }

    fn merge(&mut self, other: &Many) {
        self.least = self.least.min(other.least);
        self.largest = self.largest.max(other.largest);
        if other.weights.is_empty() {
            return;
        }
        self.bucket(other.from);
        self.bucket(other.from + other.weights.len() - 1);
        let at = other.from - self.from;
        for (ours, theirs) in self.weights[at..].iter_mut().zip(&other.weights) {
            *ours += theirs;
        }
    }

    /// The value at a place when all are in order.
    fn ranked(&self, rank: u64) -> Option<f64> {
        let mut below = 0;
        for (at, weight) in self.weights.iter().enumerate() {
            if below + weight >= rank && *weight > 0 {
                let (low, high) = (bound(self.from + at), bound(self.from + at + 1));
                let part = (rank - below) as f64 / *weight as f64;
                return Some((low + (high - low) * part).clamp(self.least, self.largest));
            }
            below += weight;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(values: impl Iterator<Item = u32>) -> Sketch {
        let mut sketch = Sketch::default();
        values.for_each(|v| sketch.add(f64::from(v), 1));
        sketch
    }

    #[test]
    fn few_values_are_exact() {
        let one = sketch([100].into_iter());
        assert_eq!(one.quantile(0.0, 1), Some(100.0));
        assert_eq!(one.quantile(0.99, 1), Some(100.0));
        let three = sketch([100_000, 10, 1000].into_iter());
        assert_eq!(three.quantile(0.5, 1), Some(1000.0));
        assert_eq!(three.quantile(1.0, 1), Some(100_000.0));
        assert_eq!(Sketch::default().quantile(0.5, 1), None);
        let equal = sketch(std::iter::repeat_n(77, 1000));
        assert_eq!(equal.quantile(0.5, 1), Some(77.0));
    }

    #[test]
    fn many_values_are_near() {
        let sketch = sketch(2..100_000);
        for q in [0.01, 0.1, 0.5, 0.9, 0.99, 0.999] {
            let exact = q * 100_000.0;
            let found = sketch.quantile(q, 1).unwrap();
            assert!((found / exact - 1.0).abs() < 0.003, "{q}: {found}");
        }
    }

    #[test]
    fn whole_numbers_together_are_those_one_by_one() {
        let many: Vec<i64> = (-50..3_000).map(|n: i64| n * n * 977).chain([i64::MAX]).collect();
        let few: Vec<i64> = (0..400).map(|n| n / 390 * (n + 5)).collect();
        for values in [&many[..], &few, &many[..40], &[0; 300]] {
            for before in [0, 3, 48, 100] {
                let mut one = sketch(2..2 + before);
                let mut all = one.clone();
                values
                    .iter()
                    .filter(|v| **v >= 2)
                    .for_each(|v| one.add(*v as f64, 1));
                all.add_whole(values);
                assert_eq!(
                    matches!(one, Sketch::Few(_)),
                    matches!(all, Sketch::Few(_)),
                    "{before}"
                );
                for q in [0.0, 0.01, 0.3, 0.5, 0.9, 1.0] {
                    assert_eq!(one.quantile(q, 1), all.quantile(q, 1), "{before} {q}");
                }
            }
        }
    }

    #[test]
    fn merged_parts_are_the_whole() {
        for cut in [2, 3, 40, 60, 500, 8_999] {
            let mut left = sketch(2..cut);
            left.merge(&sketch(cut..9_000));
            let mut right = sketch(cut..9_000);
            right.merge(&sketch(2..cut));
            for q in [0.0, 0.3, 0.5, 0.999, 1.0] {
                let whole = sketch(2..9_000).quantile(q, 1);
                assert_eq!(left.quantile(q, 1), whole);
                assert_eq!(right.quantile(q, 1), whole);
            }
        }
    }
}
