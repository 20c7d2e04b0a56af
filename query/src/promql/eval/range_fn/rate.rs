//! `rate` and its kind over plain floats, with Prometheus' extrapolation to the window's bounds.

use super::Window;
use crate::promql::eval::kahan::Kahan;

/// Where the samples of a window lie in it, in milliseconds.
pub(super) struct Extent {
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) first: i64,
    pub(super) last: i64,
    /// Samples but one.
    pub(super) intervals: usize,
}

fn seconds(from: i64, to: i64) -> f64 {
    to.saturating_sub(from) as f64 / 1000.0
}

impl Extent {
    /// The start timestamp of the first sample when it lies inside of the window: the counter was zero then.
    pub(super) fn inner_start(&self, start: i64) -> Option<i64> {
        (start != 0 && start > self.start && start < self.first).then_some(start)
    }

    /// What a change between the samples is multiplied with to stand for the whole window. `from` is where the counter is
    /// known to have been zero; `to_zero` is the first value as a share of the increase of a counter.
    pub(super) fn factor(&self, from: Option<i64>, to_zero: Option<f64>, per_second: bool) -> f64 {
        let average = match self.intervals {
            0 => 0.0,
            n => seconds(self.first, self.last) / n as f64,
        };
        let sampled = seconds(from.unwrap_or(self.first), self.last);
        // A gap of about one interval means that the series goes on to the bound; a larger one that it starts or ends inside.
        let threshold = average * 1.1;
        let mut to_start = seconds(self.start, self.first);
        if from.is_some() {
            to_start = 0.0;
        } else {
            if to_start >= threshold {
                to_start = average / 2.0;
            }
            // A counter was never below zero, so the extrapolation must not go back further than to its zero.
            if let Some(to_zero) = to_zero {
                to_start = to_start.min(sampled * to_zero);
            }
        }
        let mut to_end = seconds(self.last, self.end);
        if to_end >= threshold {
            to_end = average / 2.0;
        }
        let mut factor = match sampled {
            0.0 => 1.0,
            _ => (sampled + to_start + to_end) / sampled,
        };
        if per_second {
            factor /= seconds(self.start, self.end);
        }
        factor
    }
}

pub(super) fn rate(w: &Window<'_>, _: &[f64]) -> Option<f64> {
    match w.delta {
        true => Some(total(w) / seconds(w.start, w.end)),
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
pub(super) fn total(w: &Window<'_>) -> f64 {
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
    let extent = Extent {
        start: w.start,
        end: w.end,
        first: w.times[0],
        last: w.times[n - 1],
        intervals: n - 1,
    };
    let to_zero = (counter && result > 0.0 && first >= 0.0).then(|| first / result);
    Some(result * extent.factor(None, to_zero, per_second))
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
