//! Sums, differences and multiples of histograms. Layouts that differ are brought to what both can show: the coarser schema,
//! the wider zero bucket, the custom bounds both have.

use std::sync::Arc;

use kymo_engine::metrics::ResetHint;

use super::layout::{intersect, same_bounds};
use super::{Buckets, FloatHistogram};

/// Histograms of exponential and of custom buckets cannot be combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Incompatible;

/// What there is to say about a sum or difference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Combined {
    /// One side says that there was a counter reset, the other that there was none.
    pub(crate) conflict: bool,
    /// Custom bounds differed; the result has those that both sides had.
    pub(crate) reconciled: bool,
}

impl FloatHistogram {
    /// Multiplies all counts and the sum. A negative factor makes it a gauge.
    pub(crate) fn multiply(&mut self, factor: f64) {
        self.each_count(|count| *count *= factor);
        if factor < 0.0 {
            self.reset_hint = ResetHint::Gauge;
        }
    }

    /// Divides all counts and the sum. Division by zero leaves no buckets.
    pub(crate) fn divide(&mut self, divisor: f64) {
        if divisor == 0.0 {
            (self.positive, self.negative) = (Buckets::default(), Buckets::default());
        }
        self.each_count(|count| *count /= divisor);
        if divisor < 0.0 {
            self.reset_hint = ResetHint::Gauge;
        }
    }

    fn each_count(&mut self, mut change: impl FnMut(&mut f64)) {
        change(&mut self.zero_count);
        change(&mut self.count);
        change(&mut self.sum);
        self.positive.counts_mut().iter_mut().for_each(&mut change);
        self.negative.counts_mut().iter_mut().for_each(&mut change);
    }

    /// True when a count or the sum is infinite.
    pub(crate) fn overflows(&self) -> bool {
        let mut any = self.zero_count.is_infinite() || self.count.is_infinite() || self.sum.is_infinite();
        any |= self.positive.counts().iter().any(|c| c.is_infinite());
        any | self.negative.counts().iter().any(|c| c.is_infinite())
    }

    /// Adds another histogram.
    pub(crate) fn add(&mut self, other: &FloatHistogram) -> Result<Combined, Incompatible> {
        self.combine(other, |sum, value| *sum += value)
    }

    /// Subtracts another histogram.
    pub(crate) fn subtract(&mut self, other: &FloatHistogram) -> Result<Combined, Incompatible> {
        self.combine(other, |sum, value| *sum -= value)
    }

    fn combine(
        &mut self,
        other: &FloatHistogram,
        op: impl Fn(&mut f64, f64) + Copy,
    ) -> Result<Combined, Incompatible> {
        let aligned = self.align(other)?;
        let other = aligned.other.as_ref().unwrap_or(other);
        op(&mut self.zero_count, other.zero_count);
        op(&mut self.count, other.count);
        op(&mut self.sum, other.sum);
        self.positive.combine(&other.positive, op);
        self.negative.combine(&other.negative, op);
        Ok(aligned.combined)
    }

    /// Brings this histogram to a layout that both have, and the other one too where it must change.
    pub(super) fn align(&mut self, other: &FloatHistogram) -> Result<Aligned, Incompatible> {
        if self.uses_custom_buckets() != other.uses_custom_buckets() {
            return Err(Incompatible);
        }
        let mut aligned = Aligned {
            combined: Combined {
                conflict: self.take_hint(other.reset_hint),
                reconciled: false,
            },
            other: None,
        };
        if self.uses_custom_buckets() {
            if !same_bounds(&self.custom_values, &other.custom_values) {
                aligned.combined.reconciled = true;
                let common = intersect(&self.custom_values, &other.custom_values);
                self.rebound(&common);
                let mut changed = other.clone();
                changed.rebound(&common);
                aligned.other = Some(changed);
            }
            return Ok(aligned);
        }
        if self.zero_threshold == other.zero_threshold && self.schema == other.schema {
            return Ok(aligned);
        }
        let mut changed = other.clone();
        // A wider zero bucket may end inside of a bucket of the other side, and must then take that in as well.
        while self.zero_threshold != changed.zero_threshold {
            if self.zero_threshold > changed.zero_threshold {
                changed.widen_zero(self.zero_threshold);
            } else {
                self.widen_zero(changed.zero_threshold);
            }
        }
        let schema = self.schema.min(changed.schema);
        self.reduce_to(schema);
        changed.reduce_to(schema);
        aligned.other = Some(changed);
        Ok(aligned)
    }

    /// Joins custom buckets to `bounds`.
    pub(super) fn rebound(&mut self, bounds: &Arc<[f64]>) {
        self.positive = self.at_bounds(bounds);
        self.custom_values = bounds.clone();
    }

    /// The hint of a sum; true when the hints conflict.
    fn take_hint(&mut self, other: ResetHint) -> bool {
        let conflict = matches!(
            (self.reset_hint, other),
            (ResetHint::Yes, ResetHint::No) | (ResetHint::No, ResetHint::Yes)
        );
        self.reset_hint = match (self.reset_hint, other) {
            (a, b) if a == b => a,
            (ResetHint::Gauge, _) | (_, ResetHint::Gauge) => ResetHint::Gauge,
            _ => ResetHint::Unknown,
        };
        conflict
    }

    /// True when both have the same layout, counts and sum, whatever their hints; buckets listed without observations count.
    pub(crate) fn same_as(&self, other: &FloatHistogram) -> bool {
        let same = |a: f64, b: f64| a.to_bits() == b.to_bits();
        let same_side = |a: &Buckets, b: &Buckets| {
            a.indexes() == b.indexes() && a.counts().iter().zip(b.counts()).all(|(a, b)| same(*a, *b))
        };
        self.schema == other.schema
            && same(self.count, other.count)
            && same(self.sum, other.sum)
            && self.zero_threshold == other.zero_threshold
            && same(self.zero_count, other.zero_count)
            && same_bounds(&self.custom_values, &other.custom_values)
            && same_side(&self.positive, &other.positive)
            && same_side(&self.negative, &other.negative)
    }
}

/// What [`FloatHistogram::align`] has found.
pub(super) struct Aligned {
    pub(super) combined: Combined,
    /// The other histogram at the common layout, where it differs from what it was.
    pub(super) other: Option<FloatHistogram>,
}

impl Buckets {
    /// Combines every bucket with that of the other side; what is missing counts as zero.
    pub(super) fn combine(&mut self, other: &Buckets, op: impl Fn(&mut f64, f64)) {
        if !self.covers(other) {
            self.list_also(other);
        }
        if self.indexes() == other.indexes() {
            for (mine, theirs) in self.counts_mut().iter_mut().zip(other.counts()) {
                op(mine, *theirs);
            }
            return;
        }
        let mut at = 0;
        for (index, count) in other.iter() {
            while self.indexes()[at] < index {
                at += 1;
            }
            op(&mut self.counts_mut()[at], count);
        }
    }
}
