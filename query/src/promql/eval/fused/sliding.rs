//! Functions over all windows of a series at once, in time that grows with the samples instead of with the samples of each
//! window. Each gives the bits of its counterpart in `range_fn` or leaves the series to it.

use std::collections::VecDeque;

use super::windows::{Extrapolated, Windows};
use crate::promql::eval::kahan::{Kahan, Mean};
use crate::promql::eval::quantile::{nan_first, quantile_of_sorted};
use crate::promql::eval::range_fn::{Sums, whole};
use crate::promql::eval::series::ABSENT;

/// Sums of integers up to here are exact in any order.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// The samples of a series, and the time of each step in milliseconds.
#[derive(Clone, Copy)]
pub(super) struct Series<'s> {
    pub(super) times: &'s [i64],
    pub(super) values: &'s [f64],
    pub(super) ends: &'s dyn Fn(usize) -> i64,
}

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
    Slope,
    Ahead,
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
            "deriv" => Fast::Slope,
            "predict_linear" => Fast::Ahead,
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
        series: Series<'_>,
        scalars: &[Vec<f64>],
        out: &mut Vec<f64>,
    ) -> bool {
        let values = series.values;
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
            Fast::Min => extreme(windows, values, out, |a, b| a < b),
            Fast::Max => extreme(windows, values, out, |a, b| a > b),
            Fast::Sum => return sums(windows, values, out, false),
            Fast::Avg => return sums(windows, values, out, true),
            Fast::Quantile => return quantiles(windows, values, &scalars[0], out),
            Fast::Slope => return lines(windows, series, None, out),
            Fast::Ahead => return lines(windows, series, Some(&scalars[0]), out),
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

/// The first of the extreme values of each window. NaN counts only where there is nothing else: then the last one does.
fn extreme(windows: &Windows, values: &[f64], out: &mut Vec<f64>, beats: impl Fn(f64, f64) -> bool) {
    // Places of values that none behind them beats.
    let mut best: VecDeque<usize> = VecDeque::new();
    let mut next = 0;
    out.extend(windows.all().map(|(from, to)| {
        while next < to {
            let value = values[next];
            if !value.is_nan() {
                while best.back().is_some_and(|last| beats(value, values[*last])) {
                    best.pop_back();
                }
                best.push_back(next);
            }
            next += 1;
        }
        while best.front().is_some_and(|first| *first < from) {
            best.pop_front();
        }
        match best.front() {
            _ if from == to => ABSENT,
            Some(first) => values[*first],
            None => values[to - 1],
        }
    }));
}

/// Sums or means: of integers, which are exact however they are added up, by what each window adds to the one before; of
/// others several windows at a time.
fn sums(windows: &Windows, values: &[f64], out: &mut Vec<f64>, mean: bool) -> bool {
    let Some(gaps) = Gaps::of(values) else {
        return false;
    };
    let mut total = 0.0;
    let mut whole = true;
    for value in values.iter().filter(|v| !v.is_nan()) {
        total += value.abs();
        whole &= value.trunc().to_bits() == value.to_bits() && value.to_bits() != MINUS_ZERO;
    }
    if whole && total <= EXACT_MAX {
        let mut until = Vec::with_capacity(values.len() + 1);
        until.push(0.0);
        let mut sum = 0.0;
        for value in values {
            sum += if value.is_nan() { 0.0 } else { *value };
            until.push(sum);
        }
        each(windows, out, |from, to| match until[to] - until[from] {
            _ if gaps.within(from, to) => gaps.nan,
            sum if mean => sum / (to - from) as f64,
            sum => sum,
        });
        return true;
    }
    let bounds: Vec<(usize, usize)> = windows.all().collect();
    for some in bounds.chunks(LANES) {
        let lanes = Lanes::of(some, values);
        for (i, (from, to)) in some.iter().enumerate() {
            out.push(match to - from {
                0 => ABSENT,
                _ if gaps.within(*from, *to) => gaps.nan,
                _ if mean => lanes.mean(i, &values[*from..*to]),
                _ => lanes.kahan(i).total(),
            });
        }
    }
    true
}

/// Where a series has NaN, of which there is one kind: sums with it in a window are NaN of that kind.
struct Gaps {
    nan: f64,
    /// How many there are before each sample.
    until: Vec<u32>,
}

impl Gaps {
    /// The gaps of a series; none when its NaN have different bits.
    fn of(values: &[f64]) -> Option<Gaps> {
        let nan = values.iter().copied().find(|v| v.is_nan());
        let mut until = Vec::new();
        if let Some(nan) = nan {
            let mut count = 0;
            until.reserve(values.len() + 1);
            until.push(0);
            for value in values {
                count += u32::from(value.is_nan());
                if value.is_nan() && value.to_bits() != nan.to_bits() {
                    return None;
                }
                until.push(count);
            }
        }
        Some(Gaps {
            nan: nan.unwrap_or(f64::NAN),
            until,
        })
    }

    #[inline]
    fn within(&self, from: usize, to: usize) -> bool {
        !self.until.is_empty() && self.until[to] > self.until[from]
    }
}

/// Windows whose sums are computed together.
const LANES: usize = 4;
const MINUS_ZERO: u64 = 1 << 63;

/// Compensated sums of some windows, each as [`Kahan`] computes it.
struct Lanes {
    sum: [f64; LANES],
    rest: [f64; LANES],
}

impl Lanes {
    fn of(bounds: &[(usize, usize)], values: &[f64]) -> Lanes {
        let mut lanes = Lanes {
            sum: [0.0; LANES],
            rest: [0.0; LANES],
        };
        let together = match bounds.len() {
            LANES => bounds.iter().map(|(from, to)| to - from).min().unwrap_or(0),
            _ => 0,
        };
        if together > 0 {
            let [a, b, c, d] = std::array::from_fn(|i: usize| &values[bounds[i].0..][..together]);
            for (((a, b), c), d) in a.iter().zip(b).zip(c).zip(d) {
                lanes.add([*a, *b, *c, *d]);
            }
        }
        for (i, (from, to)) in bounds.iter().enumerate() {
            let mut one = lanes.kahan(i);
            values[from + together..*to].iter().for_each(|v| one.add(*v));
            (lanes.sum[i], lanes.rest[i]) = (one.sum, one.rest);
        }
        lanes
    }

    #[inline]
    fn add(&mut self, values: [f64; LANES]) {
        for (i, value) in values.into_iter().enumerate() {
            let sum = self.sum[i];
            let total = sum + value;
            let lost = if sum.abs() >= value.abs() {
                (sum - total) + value
            } else {
                (value - total) + sum
            };
            self.rest[i] = if total.is_infinite() {
                0.0
            } else {
                self.rest[i] + lost
            };
            self.sum[i] = total;
        }
    }

    fn kahan(&self, i: usize) -> Kahan {
        Kahan {
            sum: self.sum[i],
            rest: self.rest[i],
        }
    }

    /// The mean of a window as [`Mean`] computes it, whose way is another where sums overflow or nothing but minus zero is
    /// added up.
    fn mean(&self, i: usize, values: &[f64]) -> f64 {
        let Kahan { sum, rest } = self.kahan(i);
        if sum.is_finite() && sum != 0.0 {
            let count = values.len() as f64;
            return sum / count + rest / count;
        }
        let mut mean = Mean::default();
        values.iter().for_each(|v| mean.add(*v));
        mean.value()
    }
}

/// Lines through windows of whole numbers: their slopes, or where they lead to. Other series are left alone.
fn lines(windows: &Windows, series: Series<'_>, ahead: Option<&[f64]>, out: &mut Vec<f64>) -> bool {
    let Series { times, values, ends } = series;
    let (Some(first_time), Some(gaps)) = (times.first().copied(), Gaps::of(values)) else {
        return false;
    };
    // Sums of everything before each sample, by milliseconds behind the first one.
    let mut until = vec![Sums::default()];
    let mut sums = Sums::default();
    for (time, value) in times.iter().zip(values) {
        let gap = value.is_nan();
        let Some(y) = (if gap { Some(0) } else { whole(*value) }) else {
            return false;
        };
        let x = i128::from(time.saturating_sub(first_time));
        sums.n += 1;
        sums.x += x;
        sums.y += y;
        let (Some(xy), Some(xx)) = (sums.xy.checked_add(x * y), sums.xx.checked_add(x * x)) else {
            return false;
        };
        (sums.xy, sums.xx) = (xy, xx);
        until.push(sums);
    }
    // Where the value of each sample changes next.
    let mut changes = vec![values.len(); values.len()];
    for i in (0..values.len().saturating_sub(1)).rev() {
        changes[i] = if values[i] == values[i + 1] {
            changes[i + 1]
        } else {
            i + 1
        };
    }
    let from_len = out.len();
    for (i, (from, to)) in windows.all().enumerate() {
        if to < from + 2 || gaps.within(from, to) {
            out.push(if to < from + 2 { ABSENT } else { gaps.nan });
            continue;
        }
        let step = windows.first_step() + i;
        let origin = if ahead.is_some() { ends(step) } else { times[from] };
        let line = if changes[from] >= to {
            Some((0.0, values[from]))
        } else {
            between(
                &until[from],
                &until[to],
                i128::from(origin.saturating_sub(first_time)),
            )
        };
        let Some((slope, intercept)) = line else {
            out.truncate(from_len);
            return false;
        };
        out.push(match ahead {
            Some(seconds) => slope * seconds[step] + intercept,
            None => slope,
        });
    }
    true
}

/// The line through the samples between two sums, whose times are moved to an origin.
fn between(before: &Sums, after: &Sums, origin: i128) -> Option<(f64, f64)> {
    let (n, x, y) = (after.n - before.n, after.x - before.x, after.y - before.y);
    let moved = origin.checked_mul(2)?.checked_mul(x)?;
    let square = origin.checked_mul(origin)?.checked_mul(n)?;
    let sums = Sums {
        n,
        x: x - n * origin,
        y,
        xy: (after.xy - before.xy).checked_sub(origin.checked_mul(y)?)?,
        xx: (after.xx - before.xx).checked_sub(moved)?.checked_add(square)?,
    };
    sums.line()
}

/// Quantiles over windows that stay sorted while they slide. Series in which equal values have different bits are left
/// alone.
fn quantiles(windows: &Windows, values: &[f64], q: &[f64], out: &mut Vec<f64>) -> bool {
    let nan = values.iter().find(|v| v.is_nan()).map(|v| v.to_bits());
    let alike = |v: &f64| v.to_bits() != MINUS_ZERO && (!v.is_nan() || Some(v.to_bits()) == nan);
    if !values.iter().all(alike) {
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
        if to - next.min(to) > (to - from) / 4 {
            // Too little of the window before is left to be worth keeping sorted.
            sorted.clear();
            sorted.extend_from_slice(&values[from..to]);
            sorted.sort_by(|a, b| nan_first(*a, *b));
            (first, next) = (from, to);
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
