//! `rate` and its kind, with Prometheus' extrapolation to the window's bounds.

use super::Window;
use crate::promql::eval::kahan::Kahan;

pub(super) fn rate(w: &Window<'_>, _: &[f64]) -> Option<f64> {
    match w.delta {
        true => Some(total(w) / (w.end.saturating_sub(w.start) as f64 / 1000.0)),
        false => extrapolated(w, true, true),
    }
}

pub(super) fn increase(w: &Window<'_>, _: &[f64]) -> Option<f64> {
    match w.delta {
        true => Some(total(w)),
        false => extrapolated(w, true, false),
    }
}

/// What happened within the window according to samples that each say what happened since the one before.
fn total(w: &Window<'_>) -> f64 {
    let mut sum = Kahan::default();
    w.values.iter().for_each(|v| sum.add(*v));
    sum.total()
}

pub(super) fn delta(w: &Window<'_>, _: &[f64]) -> Option<f64> {
    extrapolated(w, false, false)
}

fn extrapolated(w: &Window<'_>, counter: bool, per_second: bool) -> Option<f64> {
    let n = w.values.len();
    if n < 2 {
        return None;
    }
    let (first, last) = (w.values[0], w.values[n - 1]);
    let mut result = last - first;
    if counter {
        result += w
            .values
            .windows(2)
            .filter(|pair| pair[1] < pair[0])
            .map(|pair| pair[0])
            .sum::<f64>();
    }
    let seconds = |from: i64, to: i64| to.saturating_sub(from) as f64 / 1000.0;
    let mut to_start = seconds(w.start, w.times[0]);
    let mut to_end = seconds(w.times[n - 1], w.end);
    let sampled = seconds(w.times[0], w.times[n - 1]);
    let average = sampled / (n - 1) as f64;
    // A gap of about one interval means that the series goes on to the bound; a larger one that it starts or ends inside.
    let threshold = average * 1.1;
    if to_start >= threshold {
        to_start = average / 2.0;
    }
    if counter {
        // A counter was never below zero, so the extrapolation must not go back further than to its zero.
        let to_zero = if result > 0.0 && first >= 0.0 {
            sampled * (first / result)
        } else {
            to_start
        };
        to_start = to_start.min(to_zero);
    }
    if to_end >= threshold {
        to_end = average / 2.0;
    }
    let mut factor = (sampled + to_start + to_end) / sampled;
    if per_second {
        factor /= seconds(w.start, w.end);
    }
    Some(result * factor)
}

pub(super) fn irate(w: &Window<'_>, _: &[f64]) -> Option<f64> {
    instant(w, true)
}

pub(super) fn idelta(w: &Window<'_>, _: &[f64]) -> Option<f64> {
    instant(w, false)
}

fn instant(w: &Window<'_>, rate: bool) -> Option<f64> {
    let n = w.values.len();
    if n < 2 {
        return None;
    }
    let (previous, last) = (w.values[n - 2], w.values[n - 1]);
    let interval = w.times[n - 1].saturating_sub(w.times[n - 2]);
    if interval == 0 {
        return None;
    }
    let change = if w.delta || (rate && last < previous) {
        last
    } else {
        last - previous
    };
    Some(if rate {
        change / (interval as f64 / 1000.0)
    } else {
        change
    })
}

pub(super) fn changes(w: &Window<'_>, _: &[f64]) -> Option<f64> {
    let changed = |pair: &&[f64]| pair[0] != pair[1] && !(pair[0].is_nan() && pair[1].is_nan());
    Some(w.values.windows(2).filter(changed).count() as f64)
}

pub(super) fn resets(w: &Window<'_>, _: &[f64]) -> Option<f64> {
    if w.delta {
        return Some(0.0);
    }
    Some(w.values.windows(2).filter(|pair| pair[1] < pair[0]).count() as f64)
}
