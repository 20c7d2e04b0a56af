//! `rate`, `increase` and `delta` over histograms, and over floats whose start timestamps count.

use std::sync::Arc;

use kymo_engine::metrics::ResetHint;

use super::super::rate::{Extent, total};
use super::MixedWindow;
use crate::promql::eval::series::Sample;
use crate::promql::eval::told::Told;
use crate::promql::histogram::FloatHistogram;

/// True when a start timestamp tells that a counter began anew between two samples. It does not when it is unset, when it lies
/// behind its own sample or equals it (an unknown start), nor when it lies before the previous sample. One that equals the
/// time of the previous sample is a reset only if that sample's own start is known: otherwise it is how an unknown start of a
/// cumulative series goes on.
pub(in crate::promql::eval) fn begins_anew(previous: (i64, i64), current: (i64, i64)) -> bool {
    let ((start_before, time_before), (start, time)) = (previous, current);
    if start == 0 || start >= time || start < time_before {
        return false;
    }
    start > time_before || (start_before != 0 && start_before < time_before)
}

/// True when a start timestamp lies inside of what the previous sample covers.
fn overlaps((start_before, time_before): (i64, i64), start: i64) -> bool {
    start != 0 && start < time_before && start != start_before
}

pub(super) fn extrapolated(
    w: &MixedWindow<'_>,
    counter: bool,
    per_second: bool,
    told: &mut Told<'_>,
) -> Option<Sample> {
    if w.has_both() {
        told.mixed();
        return None;
    }
    let seconds = w.floats.end.saturating_sub(w.floats.start) as f64 / 1000.0;
    if w.histograms.is_empty() {
        if counter && w.floats.delta {
            let total = total(&w.floats);
            return Some(Sample::Float(if per_second { total / seconds } else { total }));
        }
        return floats(w, counter, per_second, told).map(Sample::Float);
    }
    let result = if counter && w.floats.delta {
        let Sample::Histogram(sum) = super::folded(w.histograms, told, false)? else {
            return None;
        };
        let mut sum = FloatHistogram::clone(&sum);
        if per_second {
            sum.divide(seconds);
        }
        sum.compact();
        sum
    } else {
        histograms(w, counter, per_second, told)?
    };
    Some(Sample::Histogram(Arc::new(FloatHistogram {
        reset_hint: ResetHint::Gauge,
        ..result
    })))
}

fn floats(w: &MixedWindow<'_>, counter: bool, per_second: bool, told: &mut Told<'_>) -> Option<f64> {
    let (times, values) = (w.floats.times, w.floats.values);
    let (first, last) = (*values.first()?, *values.last()?);
    let mut result = last - first;
    if counter {
        let mut overlap = false;
        for i in 1..values.len() {
            let before = (w.start_of(i - 1), times[i - 1]);
            let start = w.start_of(i);
            overlap |= overlaps(before, start);
            if values[i] < values[i - 1] || begins_anew(before, (start, times[i])) {
                result += values[i - 1];
            }
        }
        if overlap {
            told.start_overlap();
        }
    }
    let extent = Extent {
        start: w.floats.start,
        end: w.floats.end,
        first: times[0],
        last: times[times.len() - 1],
        intervals: times.len() - 1,
    };
    let from = counter.then(|| extent.inner_start(w.start_of(0))).flatten();
    if from.is_some() {
        result += first;
    } else if values.len() < 2 {
        return None;
    }
    let to_zero = (counter && result > 0.0 && first >= 0.0).then(|| first / result);
    Some(result * extent.factor(from, to_zero, per_second))
}

fn histograms(
    w: &MixedWindow<'_>,
    counter: bool,
    per_second: bool,
    told: &mut Told<'_>,
) -> Option<FloatHistogram> {
    let list = w.histograms;
    let (first, last) = (list.first()?, list.last()?);
    let extent = Extent {
        start: w.floats.start,
        end: w.floats.end,
        first: first.time,
        last: last.time,
        intervals: list.len() - 1,
    };
    let mut result = if list.len() > 1 {
        Some(difference(w, counter, told)?)
    } else {
        None
    };
    let from = counter
        .then(|| extent.inner_start(w.histogram_start(0)))
        .flatten();
    let mut result = match (&mut result, from) {
        (None, None) => return None,
        (None, Some(_)) => FloatHistogram::clone(&first.value),
        (Some(result), Some(_)) => {
            told.add(result, &first.value)?;
            result.clone()
        }
        (Some(result), None) => result.clone(),
    };
    let to_zero =
        (counter && result.count > 0.0 && first.value.count >= 0.0).then(|| first.value.count / result.count);
    result.multiply(extent.factor(from, to_zero, per_second));
    result.compact();
    Some(result)
}

/// What the last histogram has more than the first, and what counter resets have taken between them.
fn difference(w: &MixedWindow<'_>, counter: bool, told: &mut Told<'_>) -> Option<FloatHistogram> {
    let list = w.histograms;
    let (first, last) = (&list[0].value, &list[list.len() - 1].value);
    let anew = |i: usize| {
        let before = (w.histogram_start(i - 1), list[i - 1].time);
        begins_anew(before, (w.histogram_start(i), list[i].time))
    };
    let is_gauge = |h: &FloatHistogram| h.reset_hint == ResetHint::Gauge;
    if counter && list.iter().any(|h| is_gauge(&h.value)) {
        told.not_a_counter();
    }
    // Behind a reset the first one does not matter, and neither does its layout.
    let mut base = first.clone();
    if counter && (anew(1) || list[1].value.detects_reset(first)) {
        let second = &list[1].value;
        base = Arc::new(FloatHistogram {
            custom_values: second.custom_values.clone(),
            ..FloatHistogram::empty(second.schema)
        });
    }
    let custom = base.uses_custom_buckets();
    let inner = &list[1..list.len() - 1];
    if last.uses_custom_buckets() != custom
        || (counter && inner.iter().any(|h| h.value.uses_custom_buckets() != custom))
    {
        told.mixed_schemas();
        return None;
    }
    let mut result = FloatHistogram::clone(last);
    told.subtract(&mut result, &base)?;
    if counter {
        add_resets(w, &mut result, base, &anew, told)?;
    } else if !is_gauge(first) || !is_gauge(last) {
        told.not_a_gauge();
    }
    Some(result)
}

fn add_resets(
    w: &MixedWindow<'_>,
    result: &mut FloatHistogram,
    base: Arc<FloatHistogram>,
    anew: &dyn Fn(usize) -> bool,
    told: &mut Told<'_>,
) -> Option<()> {
    let list = w.histograms;
    let (mut previous, mut overlap) = (base, false);
    for i in 1..list.len() {
        overlap |= overlaps((w.histogram_start(i - 1), list[i - 1].time), w.histogram_start(i));
        if anew(i) || list[i].value.detects_reset(&previous) {
            told.add(result, &previous)?;
        }
        previous = list[i].value.clone();
    }
    if overlap {
        told.start_overlap();
    }
    Some(())
}
