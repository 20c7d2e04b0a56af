//! The `*_over_time` functions.

use super::super::kahan::{Kahan, Mean, Variance};
use super::super::quantile::quantile;
use super::Window;

pub(super) fn sum(w: &Window<'_>, _: &[f64]) -> Option<f64> {
    let mut sum = Kahan::default();
    w.values.iter().for_each(|v| sum.add(*v));
    Some(sum.total())
}

pub(super) fn avg(w: &Window<'_>, _: &[f64]) -> Option<f64> {
    let mut mean = Mean::default();
    w.values.iter().for_each(|v| mean.add(*v));
    Some(mean.value())
}

/// The extreme by `beats`, NaN only when there is nothing else; with its index, the last one of equals when `last` is set.
fn extreme(values: &[f64], last: bool, beats: fn(f64, f64) -> bool) -> usize {
    let mut best = 0;
    for (i, value) in values.iter().enumerate().skip(1) {
        let held = values[best];
        if beats(*value, held) || held.is_nan() || (last && *value == held) {
            best = i;
        }
    }
    best
}

pub(super) fn min(w: &Window<'_>, _: &[f64]) -> Option<f64> {
    Some(w.values[extreme(w.values, false, |a, b| a < b)])
}

pub(super) fn max(w: &Window<'_>, _: &[f64]) -> Option<f64> {
    Some(w.values[extreme(w.values, false, |a, b| a > b)])
}

pub(super) fn ts_of_min(w: &Window<'_>, _: &[f64]) -> Option<f64> {
    Some(seconds(w.times[extreme(w.values, true, |a, b| a < b)]))
}

pub(super) fn ts_of_max(w: &Window<'_>, _: &[f64]) -> Option<f64> {
    Some(seconds(w.times[extreme(w.values, true, |a, b| a > b)]))
}

pub(super) fn ts_of_first(w: &Window<'_>, _: &[f64]) -> Option<f64> {
    Some(seconds(w.times[0]))
}

pub(super) fn ts_of_last(w: &Window<'_>, _: &[f64]) -> Option<f64> {
    Some(seconds(w.times[w.times.len() - 1]))
}

fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

pub(super) fn count(w: &Window<'_>, _: &[f64]) -> Option<f64> {
    Some(w.values.len() as f64)
}

pub(super) fn first(w: &Window<'_>, _: &[f64]) -> Option<f64> {
    Some(w.values[0])
}

pub(super) fn last(w: &Window<'_>, _: &[f64]) -> Option<f64> {
    Some(w.values[w.values.len() - 1])
}

pub(super) fn stdvar(w: &Window<'_>, _: &[f64]) -> Option<f64> {
    let mut variance = Variance::default();
    w.values.iter().for_each(|v| variance.add(*v));
    Some(variance.value())
}

pub(super) fn stddev(w: &Window<'_>, args: &[f64]) -> Option<f64> {
    stdvar(w, args).map(f64::sqrt)
}

pub(super) fn quantile_over_time(w: &Window<'_>, args: &[f64]) -> Option<f64> {
    Some(quantile(args[0], &mut w.values.to_vec()))
}

/// Median of the distances from the median; NaN when there is one among the values.
pub(super) fn mad(w: &Window<'_>, _: &[f64]) -> Option<f64> {
    if w.values.iter().any(|v| v.is_nan()) {
        return Some(f64::NAN);
    }
    let mut values = w.values.to_vec();
    let median = quantile(0.5, &mut values);
    values.iter_mut().for_each(|v| *v = (*v - median).abs());
    Some(quantile(0.5, &mut values))
}
