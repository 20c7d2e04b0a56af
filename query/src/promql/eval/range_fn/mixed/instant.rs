//! `irate` and `idelta` over the last two samples, whatever their kinds.

use std::sync::Arc;

use kymo_engine::metrics::ResetHint;

use super::MixedWindow;
use super::counter::begins_anew;
use super::pairs::in_order;
use crate::promql::eval::series::Sample;
use crate::promql::eval::told::Told;
use crate::promql::histogram::FloatHistogram;

pub(super) fn change(w: &MixedWindow<'_>, rate: bool, told: &mut Told<'_>) -> Option<Sample> {
    let points = in_order(w);
    let [.., before, last] = points.as_slice() else {
        return None;
    };
    let interval = last.time.saturating_sub(before.time);
    if interval == 0 {
        return None;
    }
    let seconds = interval as f64 / 1000.0;
    let anew = begins_anew((before.start, before.time), (last.start, last.time));
    match (&before.value, &last.value) {
        (Sample::Float(old), Sample::Float(new)) => {
            let whole = w.floats.delta || (rate && (new < old || anew));
            let change = if whole { *new } else { new - old };
            Some(Sample::Float(if rate { change / seconds } else { change }))
        }
        (Sample::Histogram(old), Sample::Histogram(new)) => {
            let result = histograms((old, new), rate, anew || w.floats.delta, told)?;
            let mut result = FloatHistogram {
                reset_hint: ResetHint::Gauge,
                ..result
            };
            result.compact();
            if rate {
                result.divide(seconds);
            }
            Some(Sample::Histogram(Arc::new(result)))
        }
        _ => {
            told.mixed();
            None
        }
    }
}

fn histograms(
    (old, new): (&Arc<FloatHistogram>, &Arc<FloatHistogram>),
    rate: bool,
    anew: bool,
    told: &mut Told<'_>,
) -> Option<FloatHistogram> {
    let gauges = [old, new].map(|h| h.reset_hint == ResetHint::Gauge);
    if rate && gauges.contains(&true) {
        told.not_a_counter();
    }
    if !rate && gauges.contains(&false) {
        told.not_a_gauge();
    }
    let mut result = FloatHistogram::clone(new);
    if !rate || !(anew || new.detects_reset(old)) {
        told.subtract(&mut result, old)?;
    }
    Some(result)
}
