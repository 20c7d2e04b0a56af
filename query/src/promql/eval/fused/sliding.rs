//! Functions over all windows of a series at once, in time that grows with the samples instead of with the samples of each
//! window. Each gives the bits of its counterpart in `range_fn` or leaves the series to it.

use std::collections::VecDeque;

use super::windows::{Extrapolated, Windows};
use crate::promql::eval::quantile::{nan_first, quantile_of_sorted};
use crate::promql::eval::series::ABSENT;

/// Sums of integers up to here are exact in any order.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// A function that knows a faster way than window by window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fast {
    Extrapolated {
        counter: bool,
        per_second: bool,
    },
    Count,
    Present,
    First,
    Last,
    Changes,
    Resets,
    Min,
    Max,
    Sum,
    Avg,
    Quantile,
    /// None of them.
    Unknown,
}

impl Fast {
    /// The way of the function of this name.
    pub(super) fn of(name: &str) -> Fast {
        let extrapolated = |counter, per_second| Fast::Extrapolated { counter, per_second };
        match name {
            "rate" => extrapolated(true, true),
            "increase" => extrapolated(true, false),
            "delta" => extrapolated(false, false),
            "count_over_time" => Fast::Count,
            "present_over_time" => Fast::Present,
            "first_over_time" => Fast::First,
            "last_over_time" => Fast::Last,
            "changes" => Fast::Changes,
            "resets" => Fast::Resets,
            "min_over_time" => Fast::Min,
            "max_over_time" => Fast::Max,
            "sum_over_time" => Fast::Sum,
            "avg_over_time" => Fast::Avg,
            "quantile_over_time" => Fast::Quantile,
            _ => Fast::Unknown,
        }
    }

    /// The value of every window over a series that has only one finite value, where that is certain.
    pub(super) fn of_constant(self, windows: &Windows, value: f64) -> Option<f64> {
        match self {
            // An infinite factor would make NaN of it; samples have different times, so there is none.
            Fast::Extrapolated { .. } if windows.are_pairs() => Some(0.0),
            Fast::Changes | Fast::Resets if windows.are_filled() => Some(0.0),
            Fast::First | Fast::Last | Fast::Min | Fast::Max if windows.are_filled() => Some(value),
            Fast::Present if windows.are_filled() => Some(1.0),
            _ => None,
        }
    }

    /// Appends the values of all windows, or returns false and leaves `out` alone.
    pub(super) fn compute(
        self,
        windows: &Windows,
        values: &[f64],
        scalars: &[Vec<f64>],
        out: &mut Vec<f64>,
    ) -> bool {
        match self {
            Fast::Extrapolated { counter, .. } => extrapolate(windows, values, counter, out),
            Fast::Count => each(windows, out, |from, to| (to - from) as f64),
            Fast::Present => each(windows, out, |_, _| 1.0),
            Fast::First => each(windows, out, |from, _| values[from]),
            Fast::Last => each(windows, out, |_, to| values[to - 1]),
            Fast::Changes => counted(windows, values, out, |before, after| {
                before != after && !(before.is_nan() && after.is_nan())
            }),
            Fast::Resets => counted(windows, values, out, |before, after| after < before),
            Fast::Min => return extreme(windows, values, out, |a, b| a < b),
            Fast::Max => return extreme(windows, values, out, |a, b| a > b),
            Fast::Sum => return sums(windows, values, out, false),
            Fast::Avg => return sums(windows, values, out, true),
            Fast::Quantile => return quantiles(windows, values, &scalars[0], out),
            Fast::Unknown => return false,
        }
        true
    }
}

fn each(windows: &Windows, out: &mut Vec<f64>, value: impl Fn(usize, usize) -> f64) {
    let of = |(from, to)| if from < to { value(from, to) } else { ABSENT };
    out.extend(windows.all().map(of));
}

fn extrapolate(windows: &Windows, values: &[f64], counter: bool, out: &mut Vec<f64>) {
    let with_factor = windows.all().zip(windows.factors());
    if !counter {
        out.extend(with_factor.map(|((from, to), factor)| match to < from + 2 {
            true => ABSENT,
            false => (values[to - 1] - values[from]) * factor,
        }));
        return;
    }
    // Places at which the counter began again.
    let falls = values
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[1] < pair[0]);
    let resets: Vec<usize> = falls.map(|(i, _)| i + 1).collect();
    let nothing: f64 = std::iter::empty::<f64>().sum();
    let reach = windows.reach();
    let mut next = 0;
    out.extend(with_factor.enumerate().map(|(i, ((from, to), factor))| {
        if to < from + 2 {
            return ABSENT;
        }
        let first = values[from];
        let mut result = values[to - 1] - first;
        while next < resets.len() && resets[next] <= from {
            next += 1;
        }
        let before = resets[next..].iter().take_while(|at| **at < to);
        result += match resets.get(next) {
            Some(at) if *at < to => before.map(|at| values[*at - 1]).sum::<f64>(),
            _ => nothing,
        };
        if result > 0.0 && first >= 0.0 && first < result * reach {
            return result * counter_factor(&windows.extrapolated()[i], *factor, first, result);
        }
        result * factor
    }));
}

/// A counter was never below zero, so the extrapolation must not go back further than to its zero.
fn counter_factor(of: &Extrapolated, factor: f64, first: f64, result: f64) -> f64 {
    let to_zero = of.sampled * (first / result);
    if to_zero < of.to_start {
        return of.factor_from(to_zero);
    }
    factor
}

/// How many neighbours inside of each window are such pairs.
fn counted(windows: &Windows, values: &[f64], out: &mut Vec<f64>, is: impl Fn(f64, f64) -> bool) {
    let mut before = Vec::with_capacity(values.len());
    let mut count = 0u32;
    for (i, value) in values.iter().enumerate() {
        if i > 0 && is(values[i - 1], *value) {
            count += 1;
        }
        before.push(count);
    }
    each(windows, out, |from, to| f64::from(before[to - 1] - before[from]));
}

/// The first of the extreme values of each window; series with NaN are left alone.
fn extreme(windows: &Windows, values: &[f64], out: &mut Vec<f64>, beats: impl Fn(f64, f64) -> bool) -> bool {
    if values.iter().any(|v| v.is_nan()) {
        return false;
    }
    // Places of values that none behind them beats.
    let mut best: VecDeque<usize> = VecDeque::new();
    let mut next = 0;
    out.extend(windows.all().map(|(from, to)| {
        while next < to {
            while best.back().is_some_and(|last| beats(values[next], values[*last])) {
                best.pop_back();
            }
            best.push_back(next);
            next += 1;
        }
        while best.front().is_some_and(|first| *first < from) {
            best.pop_front();
        }
        match best.front() {
            Some(first) if from < to => values[*first],
            _ => ABSENT,
        }
    }));
    true
}

/// Sums or means of integers, which are exact however they are added up; other series are left alone.
fn sums(windows: &Windows, values: &[f64], out: &mut Vec<f64>, mean: bool) -> bool {
    let mut total = 0.0;
    for value in values {
        total += value.abs();
        if value.trunc().to_bits() != value.to_bits() || value.to_bits() == (-0.0f64).to_bits() {
            return false;
        }
    }
    // Not so for NaN either.
    if !(total <= EXACT_MAX) {
        return false;
    }
    let mut until = Vec::with_capacity(values.len() + 1);
    until.push(0.0);
    let mut sum = 0.0;
    for value in values {
        sum += value;
        until.push(sum);
    }
    each(windows, out, |from, to| {
        let sum = until[to] - until[from];
        if mean { sum / (to - from) as f64 } else { sum }
    });
    true
}

/// Quantiles over windows that stay sorted while they slide; series with NaN are left alone.
fn quantiles(windows: &Windows, values: &[f64], q: &[f64], out: &mut Vec<f64>) -> bool {
    if values
        .iter()
        .any(|v| v.is_nan() || v.to_bits() == (-0.0f64).to_bits())
    {
        return false;
    }
    let mut sorted: Vec<f64> = Vec::with_capacity(windows.widest());
    let (mut first, mut next) = (0, 0);
    for (i, (from, to)) in windows.all().enumerate() {
        if from == to {
            out.push(ABSENT);
            continue;
        }
        let place = |sorted: &[f64], value: f64| sorted.partition_point(|v| nan_first(*v, value).is_lt());
        if from >= next {
            // Nothing of the window before is left.
            sorted.clear();
            (first, next) = (from, from);
        }
        while first < from {
            let at = place(&sorted, values[first]);
            sorted.remove(at);
            first += 1;
        }
        while next < to {
            let at = place(&sorted, values[next]);
            sorted.insert(at, values[next]);
            next += 1;
        }
        out.push(quantile_of_sorted(q[windows.first_step() + i], &sorted));
    }
    true
}
