//! Differences of native histograms between the bounds of extended windows.

use std::sync::Arc;

use kymo_engine::metrics::ResetHint;

use super::super::hints::HistogramSample;
use super::super::range_fn::mixed::MixedWindow;
use super::super::series::Sample;
use super::super::told::Told;
use crate::promql::histogram::FloatHistogram;

/// The histogram at `time` on the line between two others. A counter that was reset between them starts again from zero.
pub(in crate::promql::eval) fn between(
    a: &HistogramSample,
    b: &HistogramSample,
    time: i64,
    counter: bool,
    told: &mut Told<'_>,
) -> Option<FloatHistogram> {
    if time == a.time {
        return Some(FloatHistogram::clone(&a.value));
    }
    let mut result = FloatHistogram::clone(&b.value);
    if time == b.time {
        return Some(result);
    }
    let share = time.saturating_sub(a.time) as f64 / b.time.saturating_sub(a.time) as f64;
    if counter && b.value.detects_reset(&a.value) {
        result.multiply(share);
        return Some(result);
    }
    told.subtract(&mut result, &a.value)?;
    result.multiply(share);
    told.add(&mut result, &a.value)?;
    Some(result)
}

/// What the series has more at the end of the window than at its start; of a counter, with what resets have taken.
pub(super) fn difference(
    w: &MixedWindow<'_>,
    (smoothed, counter): (bool, bool),
    seconds: Option<f64>,
    told: &mut Told<'_>,
) -> Option<Sample> {
    let (list, start, end) = (w.histograms, w.floats.start, w.floats.end);
    let last_index = list.len().checked_sub(1)?;
    let before_last = &list[..last_index];
    let first = before_last.partition_point(|h| h.time <= start).saturating_sub(1);
    let last = match smoothed {
        true => before_last.partition_point(|h| h.time < end),
        false => last_index,
    };
    if list[last].time <= start || (smoothed && list[first].time > end) {
        return None;
    }
    check(&list[first..=last], counter, told)?;
    let left = if smoothed && list[first].time < start {
        between(&list[first], &list[first + 1], start, counter, told)?
    } else {
        FloatHistogram::clone(&list[first].value)
    };
    let right = if smoothed && last > 0 && list[last].time > end {
        between(&list[last - 1], &list[last], end, counter, told)?
    } else {
        FloatHistogram::clone(&list[last].value)
    };
    let gauge = |h: &FloatHistogram| h.reset_hint == ResetHint::Gauge;
    if !counter && (!gauge(&left) || !gauge(&right)) {
        told.not_a_gauge();
    }
    let mut result = right.clone();
    told.subtract(&mut result, &left)?;
    if counter {
        let spanned = smoothed && list[first].time < start;
        add_resets(&mut result, list, (first, last), (&left, &right), spanned, told)?;
    }
    if let Some(seconds) = seconds {
        result.divide(seconds);
    }
    result.reset_hint = ResetHint::Gauge;
    result.compact();
    Some(Sample::Histogram(Arc::new(result)))
}

/// Refuses a mix of schemas and warns of gauges among counters.
fn check(list: &[HistogramSample], counter: bool, told: &mut Told<'_>) -> Option<()> {
    let custom = list.first()?.value.uses_custom_buckets();
    if list.iter().any(|h| h.value.uses_custom_buckets() != custom) {
        told.mixed_schemas();
        return None;
    }
    if counter && list.iter().any(|h| h.value.reset_hint == ResetHint::Gauge) {
        told.not_a_counter();
    }
    Some(())
}

/// Adds what resets between the bounds have taken. `spanned` tells that the left value lies between the first two samples, so
/// that a reset between those is in it already.
fn add_resets(
    result: &mut FloatHistogram,
    list: &[HistogramSample],
    (first, last): (usize, usize),
    (left, right): (&FloatHistogram, &FloatHistogram),
    spanned: bool,
    told: &mut Told<'_>,
) -> Option<()> {
    let (mut previous, mut from) = (left, first + 1);
    if spanned && list[first + 1].value.detects_reset(&list[first].value) {
        previous = &list[first + 1].value;
        from += 1;
    }
    // The last sample is compared as the right value, once.
    if from > last {
        return Some(());
    }
    for h in &list[from..last] {
        if h.value.detects_reset(previous) {
            told.add(result, previous)?;
        }
        previous = &h.value;
    }
    if right.detects_reset(previous) {
        told.add(result, previous)?;
    }
    Some(())
}
