//! Counts of values by size, from which quantiles are read. A bucket is a sixteenth of a power of two and knows its least and
//! its largest value: few or equal values give exact quantiles, many an error well below the width of a bucket. Merging is
//! exact. Not for `histogram_over_time`, whose buckets are powers of two.

/// Buckets of a power of two.
const FINE: usize = 16;
const FINE_BITS: u32 = FINE.ilog2();

/// Values of one bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bucket {
    /// In the units of the weights.
    weight: u64,
    least: f64,
    largest: f64,
}

const EMPTY: Bucket = Bucket {
    weight: 0,
    least: f64::INFINITY,
    largest: f64::NEG_INFINITY,
};

/// The buckets of one power of two.
#[derive(Debug, Clone, PartialEq)]
struct Octave {
    exponent: u16,
    buckets: Box<[Bucket; FINE]>,
}

/// The values of one step of a series.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Sketch {
    /// By exponent.
    octaves: Vec<Octave>,
}

impl Sketch {
    /// Takes a value from 2 on.
    pub(super) fn add(&mut self, value: f64, weight: u64) {
        let bits = value.to_bits();
        let exponent = (bits >> 52) as u16;
        let fine = (bits >> (52 - FINE_BITS)) as usize & (FINE - 1);
        let octave = self.octave(exponent);
        let bucket = &mut octave.buckets[fine];
        bucket.weight += weight;
        bucket.least = bucket.least.min(value);
        bucket.largest = bucket.largest.max(value);
    }

    fn octave(&mut self, exponent: u16) -> &mut Octave {
        let at = self.octaves.partition_point(|o| o.exponent < exponent);
        if self.octaves.get(at).is_none_or(|o| o.exponent != exponent) {
            let buckets = Box::new([EMPTY; FINE]);
            self.octaves.insert(at, Octave { exponent, buckets });
        }
        &mut self.octaves[at]
    }

    pub(super) fn merge(&mut self, other: &Sketch) {
        for theirs in &other.octaves {
            let ours = self.octave(theirs.exponent);
            for (a, b) in ours.buckets.iter_mut().zip(theirs.buckets.iter()) {
                a.weight += b.weight;
                a.least = a.least.min(b.least);
                a.largest = a.largest.max(b.largest);
            }
        }
    }

    /// The smallest value that at least this part of all values does not exceed, within a bucket by its rank there.
    pub(super) fn quantile(&self, q: f64, unit: u64) -> Option<f64> {
        let buckets = || {
            self.octaves
                .iter()
                .flat_map(|o| o.buckets.iter())
                .filter(|b| b.weight > 0)
        };
        let total: u64 = buckets().map(|b| b.weight).sum();
        let rank = ((q * total as f64 / unit as f64).ceil() as u64)
            .max(1)
            .saturating_mul(unit);
        let mut below = 0;
        for bucket in buckets() {
            if below + bucket.weight >= rank {
                let (at, of) = ((rank - below) / unit, bucket.weight / unit);
                if of <= 1 {
                    return Some(if at <= 1 { bucket.least } else { bucket.largest });
                }
                let part = (at.saturating_sub(1)) as f64 / (of - 1) as f64;
                return Some(bucket.least + (bucket.largest - bucket.least) * part.min(1.0));
            }
            below += bucket.weight;
        }
        buckets().next_back().map(|b| b.largest)
    }

    pub(super) fn bytes(&self) -> usize {
        self.octaves.len() * (size_of::<Octave>() + FINE * size_of::<Bucket>())
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
        let three = sketch([10, 1000, 100_000].into_iter());
        assert_eq!(three.quantile(0.5, 1), Some(1000.0));
        assert_eq!(three.quantile(1.0, 1), Some(100_000.0));
        assert_eq!(Sketch::default().quantile(0.5, 1), None);
    }

    #[test]
    fn many_values_are_near() {
        let sketch = sketch(2..100_000);
        for q in [0.01, 0.1, 0.5, 0.9, 0.99, 0.999] {
            let exact = q * 100_000.0;
            let found = sketch.quantile(q, 1).unwrap();
            assert!((found / exact - 1.0).abs() < 0.002, "{q}: {found}");
        }
    }

    #[test]
    fn merged_parts_are_the_whole() {
        let mut left = sketch(2..500);
        left.merge(&sketch(500..9_000));
        assert_eq!(left, sketch(2..9_000));
    }
}
