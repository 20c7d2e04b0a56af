//! Counter resets between two histograms: found by their counts, or told by their hints.

use kymo_engine::metrics::ResetHint;

use super::layout::{intersect, same_bounds};
use super::{Buckets, FloatHistogram, bounds};

/// True when a bucket holds less than it did before.
fn any_fell(current: &Buckets, previous: &Buckets) -> bool {
    if current.indexes() == previous.indexes() {
        return current.counts().iter().zip(previous.counts()).any(|(c, p)| c < p);
    }
    let mut current = current.iter().peekable();
    for (index, before) in previous.iter() {
        while current.next_if(|(i, _)| *i < index).is_some() {}
        let now = current.next_if(|(i, _)| *i == index);
        let fell = match now {
            Some((_, now)) => now < before,
            None => before != 0.0,
        };
        if fell {
            return true;
        }
    }
    false
}

impl FloatHistogram {
    /// True when the counter behind this histogram was reset since `previous`: by its hint, or because a count fell or the
    /// resolution rose.
    pub fn detects_reset(&self, previous: &FloatHistogram) -> bool {
        match self.reset_hint {
            ResetHint::Yes => true,
            ResetHint::No => false,
            ResetHint::Unknown | ResetHint::Gauge => self.fell_since(previous),
        }
    }

    /// As [`FloatHistogram::detects_reset`], by the counts alone.
    pub(crate) fn fell_since(&self, previous: &FloatHistogram) -> bool {
        if self.count < previous.count || self.uses_custom_buckets() != previous.uses_custom_buckets() {
            return true;
        }
        if self.uses_custom_buckets() {
            if same_bounds(&self.custom_values, &previous.custom_values) {
                return any_fell(&self.positive, &previous.positive);
            }
            let common = intersect(&self.custom_values, &previous.custom_values);
            return any_fell(&self.at_bounds(&common), &previous.at_bounds(&common));
        }
        if self.schema > previous.schema || self.zero_threshold < previous.zero_threshold {
            return true;
        }
        let (zero_before, threshold) = previous.zero_count_at(self.zero_threshold);
        if threshold != self.zero_threshold || self.zero_count < zero_before {
            return true;
        }
        let steps = (previous.schema - self.schema).unsigned_abs();
        let outside = |side: &Buckets, steps: u32| -> Buckets {
            let reduced = side.reduced(steps);
            let kept = reduced
                .iter()
                .filter(|(i, _)| bounds::exponential(*i, self.schema) > self.zero_threshold);
            kept.collect()
        };
        any_fell(&outside(&self.positive, 0), &outside(&previous.positive, steps))
            || any_fell(&outside(&self.negative, 0), &outside(&previous.negative, steps))
    }
}
