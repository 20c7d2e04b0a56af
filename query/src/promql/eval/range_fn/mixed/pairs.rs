//! Samples of both kinds in the order of time, and what happens from one to the next.

use super::MixedWindow;
use super::counter::begins_anew;
use crate::promql::eval::series::Sample;

/// A sample with its times.
#[derive(Clone)]
pub(in crate::promql::eval) struct Point {
    pub(in crate::promql::eval) time: i64,
    pub(in crate::promql::eval) start: i64,
    pub(in crate::promql::eval) value: Sample,
}

impl Point {
    pub(super) fn sample(&self) -> Sample {
        self.value.clone()
    }
}

/// All samples of a window, ascending in time.
pub(in crate::promql::eval) fn in_order(w: &MixedWindow<'_>) -> Vec<Point> {
    let floats = w.floats.times.iter().zip(w.floats.values).enumerate();
    let mut points: Vec<Point> = floats
        .map(|(i, (time, value))| Point {
            time: *time,
            start: w.start_of(i),
            value: Sample::Float(*value),
        })
        .collect();
    points.extend(w.histograms.iter().enumerate().map(|(i, h)| Point {
        time: h.time,
        start: w.histogram_start(i),
        value: Sample::Histogram(h.value.clone()),
    }));
    points.sort_by_key(|p| p.time);
    points
}

/// How often the value differs from the one before.
pub(in crate::promql::eval) fn changes(points: &[Point]) -> f64 {
    let changed = |pair: &&[Point]| match (&pair[0].value, &pair[1].value) {
        (Sample::Float(a), Sample::Float(b)) => a != b && !(a.is_nan() && b.is_nan()),
        (Sample::Histogram(a), Sample::Histogram(b)) => !b.same_as(a),
        _ => true,
    };
    points.windows(2).filter(changed).count() as f64
}

/// How often a counter was reset; a change of kind is a reset.
pub(in crate::promql::eval) fn resets(points: &[Point]) -> f64 {
    let reset = |pair: &&[Point]| {
        let (a, b) = (&pair[0], &pair[1]);
        let anew = || begins_anew((a.start, a.time), (b.start, b.time));
        match (&a.value, &b.value) {
            (Sample::Float(old), Sample::Float(new)) => new < old || anew(),
            (Sample::Histogram(old), Sample::Histogram(new)) => anew() || new.detects_reset(old),
            _ => true,
        }
    };
    points.windows(2).filter(reset).count() as f64
}
