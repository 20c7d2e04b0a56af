//! Extended windows over series whose samples each say what happened since the one before.

use std::sync::Arc;

use kymo_engine::metrics::ResetHint;

use super::super::kahan::Kahan;
use super::super::range_fn::mixed::MixedWindow;
use super::super::series::Sample;
use super::super::told::Told;
use crate::promql::histogram::FloatHistogram;

/// How much of what a sample at `time` tells lies inside of the window. A sample stands for the time since the one before it;
/// `smoothed` windows divide it evenly over that time, others take it whole where it is.
fn share(w: &MixedWindow<'_>, before: Option<i64>, time: i64, smoothed: bool) -> f64 {
    let (start, end) = (w.floats.start, w.floats.end);
    let Some(before) = before.filter(|_| smoothed) else {
        return f64::from(u8::from(time > start && time <= end));
    };
    let inside = time.min(end).saturating_sub(before.max(start)).max(0);
    inside as f64 / time.saturating_sub(before).max(1) as f64
}

/// What happened within the window, per second where `seconds` is its length; nothing when no sample tells of it.
pub(super) fn total(
    w: &MixedWindow<'_>,
    smoothed: bool,
    seconds: Option<f64>,
    told: &mut Told<'_>,
) -> Option<Sample> {
    let times: Vec<i64> = if w.histograms.is_empty() {
        w.floats.times.to_vec()
    } else {
        w.histograms.iter().map(|h| h.time).collect()
    };
    let shares: Vec<f64> = (0..times.len())
        .map(|i| share(w, i.checked_sub(1).map(|i| times[i]), times[i], smoothed))
        .collect();
    if shares.iter().all(|share| *share == 0.0) {
        return None;
    }
    if w.histograms.is_empty() {
        let mut sum = Kahan::default();
        for (value, share) in w.floats.values.iter().zip(&shares).filter(|(_, s)| **s > 0.0) {
            sum.add(value * share);
        }
        let total = sum.total();
        return Some(Sample::Float(seconds.map_or(total, |s| total / s)));
    }
    let mut sum: Option<FloatHistogram> = None;
    for (h, share) in w.histograms.iter().zip(&shares).filter(|(_, s)| **s > 0.0) {
        let mut part = FloatHistogram::clone(&h.value);
        part.multiply(*share);
        match &mut sum {
            Some(sum) => told.add(sum, &part)?,
            None => sum = Some(part),
        }
    }
    let mut sum = sum?;
    if let Some(seconds) = seconds {
        sum.divide(seconds);
    }
    sum.reset_hint = ResetHint::Gauge;
    sum.compact();
    Some(Sample::Histogram(Arc::new(sum)))
}
