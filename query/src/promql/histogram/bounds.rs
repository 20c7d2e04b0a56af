//! Bounds of buckets, and the buckets of a histogram in the order of their bounds.

use std::fmt;
use std::sync::LazyLock;

use super::FloatHistogram;
use crate::number::format_go;

/// A bucket with its bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Lower bound.
    pub lower: f64,
    /// Upper bound.
    pub upper: f64,
    /// The lower bound belongs to the bucket.
    pub lower_inclusive: bool,
    /// The upper bound belongs to the bucket.
    pub upper_inclusive: bool,
    /// Observations.
    pub count: f64,
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{},{}{}:{}",
            if self.lower_inclusive { '[' } else { '(' },
            format_go(self.lower),
            format_go(self.upper),
            if self.upper_inclusive { ']' } else { ')' },
            format_go(self.count)
        )
    }
}

/// `2^(i / 2^schema)` by schema and `i`, up to the last bit as clients and servers of native histograms have them: every other
/// one is that of the schema below, and the ones between are their lower neighbour times the growth of one bucket.
static FRACTIONS: LazyLock<Vec<Vec<f64>>> = LazyLock::new(|| {
    let mut all: Vec<Vec<f64>> = vec![vec![1.0]];
    for schema in 1..=8usize {
        // The peers' square root of two is one bit short, and all bounds above it with it.
        let growth = match schema {
            1 => std::f64::consts::SQRT_2.next_down(),
            _ => 0.5f64.powi(schema as i32).exp2(),
        };
        let below = &all[schema - 1];
        let next = below.iter().flat_map(|bound| [*bound, bound * growth]).collect();
        all.push(next);
    }
    all
});

/// The upper bound of a positive bucket of an exponential schema. Bucket `i` covers `(base^(i-1), base^i]` with
/// `base = 2^(2^-schema)`; the last one that holds finite numbers ends at the largest of them.
pub(super) fn exponential(index: i32, schema: i32) -> f64 {
    let index = i64::from(index);
    let (fraction, exponent) = if schema < 0 {
        (0, index << (-schema).min(31))
    } else {
        let schema = schema.min(62);
        (index & ((1 << schema) - 1), index >> schema)
    };
    if fraction == 0 && exponent == 1024 {
        return f64::MAX;
    }
    if exponent > 1100 {
        return f64::INFINITY;
    }
    if exponent < -1100 {
        return 0.0;
    }
    let power = exponent as i32;
    let mantissa = match FRACTIONS.get(schema.max(0) as usize) {
        _ if fraction == 0 => 1.0,
        Some(fractions) => fractions[fraction as usize],
        None => (fraction as f64 / 2f64.powi(schema)).exp2(),
    };
    // Two steps, so that neither overflows before the product does.
    mantissa * 2f64.powi(power / 2) * 2f64.powi(power - power / 2)
}

impl FloatHistogram {
    /// The upper bound of the positive bucket `index`.
    pub(super) fn bound(&self, index: i32) -> f64 {
        if !self.uses_custom_buckets() {
            return exponential(index, self.schema);
        }
        match usize::try_from(index) {
            Err(_) => f64::NEG_INFINITY,
            Ok(i) => self.custom_values.get(i).copied().unwrap_or(f64::INFINITY),
        }
    }

    fn bucket(&self, lower: f64, upper: f64, index: i32, count: f64) -> Bucket {
        let custom = self.uses_custom_buckets();
        Bucket {
            lower,
            upper,
            lower_inclusive: if custom { index == 0 } else { lower < 0.0 },
            upper_inclusive: custom || upper > 0.0,
            count,
        }
    }

    /// The positive buckets, ascending.
    pub(super) fn positive_buckets(&self) -> impl DoubleEndedIterator<Item = Bucket> + Clone + '_ {
        self.positive
            .iter()
            .map(|(i, count)| self.bucket(self.bound(i.wrapping_sub(1)), self.bound(i), i, count))
    }

    /// The negative buckets, away from zero.
    pub(super) fn negative_buckets(&self) -> impl DoubleEndedIterator<Item = Bucket> + Clone + '_ {
        self.negative
            .iter()
            .map(|(i, count)| self.bucket(-self.bound(i), -self.bound(i.wrapping_sub(1)), i, count))
    }

    /// The zero bucket.
    pub(super) fn zero_bucket(&self) -> Bucket {
        Bucket {
            lower: -self.zero_threshold,
            upper: self.zero_threshold,
            lower_inclusive: true,
            upper_inclusive: true,
            count: self.zero_count,
        }
    }

    /// All buckets listed from the lowest to the highest, the zero bucket where it holds something.
    pub fn buckets(&self) -> impl DoubleEndedIterator<Item = Bucket> + Clone + '_ {
        let zero = (self.zero_count != 0.0).then(|| self.zero_bucket());
        self.negative_buckets()
            .rev()
            .chain(zero)
            .chain(self.positive_buckets())
    }
}
