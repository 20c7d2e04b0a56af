//! Buckets seen at another layout: coarser schemas, wider zero buckets, fewer custom bounds. Not for adding up counts.

use std::sync::Arc;

use super::{Buckets, FloatHistogram, bounds};

/// The index that bucket `index` has `steps` schemas further down.
fn coarser(index: i32, steps: u32) -> i32 {
    ((index.wrapping_sub(1)) >> steps.min(31)).wrapping_add(1)
}

impl Buckets {
    /// The buckets joined to those `steps` schemas further down.
    pub(super) fn reduced(&self, steps: u32) -> Buckets {
        if steps == 0 {
            return self.clone();
        }
        self.iter().map(|(i, count)| (coarser(i, steps), count)).collect()
    }
}

impl FloatHistogram {
    /// The histogram at a lower or equal exponential schema.
    pub(super) fn reduce_to(&mut self, schema: i32) {
        let Ok(steps) = u32::try_from(self.schema - schema) else {
            return;
        };
        if steps > 0 {
            self.positive = self.positive.reduced(steps);
            self.negative = self.negative.reduced(steps);
            self.schema = schema;
        }
    }

    /// The zero count if the zero bucket were `threshold` wide, and its width when that ends inside of a bucket that holds
    /// something: it then takes in all of that bucket. `threshold` must not be below the present one.
    pub(super) fn zero_count_at(&self, mut threshold: f64) -> (f64, f64) {
        if threshold <= self.zero_threshold {
            return (self.zero_count, self.zero_threshold);
        }
        'widened: loop {
            let mut count = self.zero_count;
            for side in [&self.positive, &self.negative] {
                for (index, filled) in side.iter() {
                    if bounds::exponential(index.wrapping_sub(1), self.schema) >= threshold {
                        break;
                    }
                    count += filled;
                    let upper = bounds::exponential(index, self.schema);
                    if upper > threshold {
                        if filled != 0.0 {
                            threshold = upper;
                            // What the other side has to give may be more now.
                            continue 'widened;
                        }
                        break;
                    }
                }
            }
            return (count, threshold);
        }
    }

    /// Widens the zero bucket to at least `threshold`.
    pub(super) fn widen_zero(&mut self, threshold: f64) {
        (self.zero_count, self.zero_threshold) = self.zero_count_at(threshold);
        let (schema, zero) = (self.schema, self.zero_threshold);
        let outside = |(index, _): &(i32, f64)| bounds::exponential(index.wrapping_sub(1), schema) >= zero;
        self.positive = self.positive.iter().filter(outside).collect();
        self.negative = self.negative.iter().filter(outside).collect();
    }

    /// Leaves out buckets without observations.
    pub(crate) fn compact(&mut self) {
        self.positive.compact();
        self.negative.compact();
    }

    /// The custom buckets joined to those of `bounds`, all of which must be bounds of this histogram.
    pub(super) fn at_bounds(&self, bounds: &Arc<[f64]>) -> Buckets {
        let joined = self.positive.iter().map(|(index, count)| {
            let upper = self.bound(index);
            let target = bounds.partition_point(|b| *b < upper);
            (target as i32, count)
        });
        joined.collect()
    }
}

/// The bounds that both lists have.
pub(super) fn intersect(a: &[f64], b: &[f64]) -> Arc<[f64]> {
    let (mut i, mut j, mut common) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            common.push(a[i]);
            (i, j) = (i + 1, j + 1);
        } else if a[i] < b[j] {
            i += 1;
        } else {
            j += 1;
        }
    }
    Arc::from(common)
}

/// True when both lists have the same bounds.
pub(super) fn same_bounds(a: &Arc<[f64]>, b: &Arc<[f64]>) -> bool {
    Arc::ptr_eq(a, b)
        || (a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.to_bits() == b.to_bits()))
}
