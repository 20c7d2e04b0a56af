//! Functions of windows. A window of a time holds what is later than its start and not later than the time, less the offset.

use kymo_engine::metrics::matcher::MatchOp;

use super::{Asked, Grid, Samples, Series, Source};
use crate::logql::ast::{Grouping, RangeAggregation, RangeOp};
use crate::logql::eval::{EvalError, LabelSet};
use crate::logql::pipeline::{ERROR, PRESERVE_ERROR};

pub(super) fn eval(
    of: &RangeAggregation,
    outer: Option<&Grouping>,
    grid: &Grid,
    source: &mut Source<'_>,
) -> Result<Vec<Series>, EvalError> {
    let (range, offset) = (of.range.range, of.range.offset);
    if grid.is_empty() {
        return Ok(Vec::new());
    }
    let last = grid.times().last().unwrap_or(grid.start);
    let after = grid.start.saturating_sub(offset).saturating_sub(range);
    let mut samples = source(&Asked {
        of,
        outer,
        after,
        last: last.saturating_sub(offset),
        gapless: grid.step <= range,
        grid: *grid,
    })?;
    if of.op == RangeOp::AbsentOverTime {
        samples
            .iter()
            .try_for_each(|series| refuse_error(&series.labels))?;
        return Ok(absent(of, grid, &samples));
    }
    let mut out = Vec::with_capacity(samples.len());
    for series in &mut samples {
        // All points are in the only window, in whatever order.
        let is_any_order = grid.len() == 1
            && matches!(
                of.op,
                RangeOp::QuantileOverTime | RangeOp::MaxOverTime | RangeOp::MinOverTime
            );
        if !is_any_order {
            // Those of one time stay in the order in which they came.
            series.points.sort_by_key(|(time, _)| *time);
        }
        let values: Vec<Option<f64>> = windows(series, grid, range, offset)
            .map(|(points, end)| (!points.is_empty()).then(|| value(of, points, end - range, end)))
            .collect();
        if values.iter().any(Option::is_some) {
            refuse_error(&series.labels)?;
        }
        out.push(Series {
            labels: std::mem::take(&mut series.labels),
            values,
        });
    }
    Ok(out)
}

/// Fails for a series of lines that could not be read, unless the error was asked for by its name.
pub(in crate::logql) fn refuse_error(labels: &LabelSet) -> Result<(), EvalError> {
    match labels.get(ERROR) {
        Some(error) if labels.get(PRESERVE_ERROR).is_none() => Err(EvalError::Pipeline {
            error: error.to_owned(),
            series: labels.to_string(),
        }),
        _ => Ok(()),
    }
}

/// The points of each window, and its end.
fn windows<'s>(
    series: &'s Samples,
    grid: &Grid,
    range: i64,
    offset: i64,
) -> impl Iterator<Item = (&'s [(i64, f64)], i64)> + use<'s> {
    let (mut from, mut to) = (0, 0);
    let points = &series.points;
    grid.times().map(move |time| {
        let end = time.saturating_sub(offset);
        let start = end.saturating_sub(range);
        while points.get(to).is_some_and(|(t, _)| *t <= end) {
            to += 1;
        }
        while from < to && points[from].0 <= start {
            from += 1;
        }
        (&points[from..to], end)
    })
}

/// The value of a window that has points.
fn value(of: &RangeAggregation, points: &[(i64, f64)], start: i64, end: i64) -> f64 {
    let seconds = of.range.range as f64 / 1e9;
    let sum = || points.iter().fold(0.0, |sum, (_, v)| sum + v);
    match of.op {
        RangeOp::Rate | RangeOp::BytesRate => sum() / seconds,
        RangeOp::CountOverTime | RangeOp::BytesOverTime | RangeOp::SumOverTime => sum(),
        RangeOp::RateCounter => rate_counter(points, start, end),
        RangeOp::AvgOverTime => mean(points.iter().map(|(_, v)| *v)),
        RangeOp::MaxOverTime => choose(points, |v, best| v > best),
        RangeOp::MinOverTime => choose(points, |v, best| v < best),
        RangeOp::StdvarOverTime => variance(points.iter().map(|(_, v)| *v)),
        RangeOp::StddevOverTime => variance(points.iter().map(|(_, v)| *v)).sqrt(),
        RangeOp::QuantileOverTime => quantile(of.param.unwrap_or(0.0), points),
        RangeOp::FirstOverTime => points[0].1,
        RangeOp::LastOverTime => points[points.len() - 1].1,
        RangeOp::AbsentOverTime => 1.0,
    }
}

/// The one that beats all others; NaN is beaten by every number.
fn choose(points: &[(i64, f64)], beats: impl Fn(f64, f64) -> bool) -> f64 {
    let better = |best: f64, v: f64| if beats(v, best) || best.is_nan() { v } else { best };
    points[1..]
        .iter()
        .fold(points[0].1, |best, (_, v)| better(best, *v))
}

/// The running mean, which neither overflows nor loses an infinity.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut mean, mut count) = (0.0f64, 0.0);
    for v in values {
        count += 1.0;
        if mean.is_infinite() {
            let same_infinity = v.is_infinite() && (mean > 0.0) == (v > 0.0);
            if same_infinity || v.is_finite() {
                continue;
            }
        }
        mean += v / count - mean / count;
    }
    mean
}

/// The population variance (Welford 1962).
pub(super) fn variance(values: impl Iterator<Item = f64>) -> f64 {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for v in values {
        count += 1.0;
        let delta = v - mean;
        mean += delta / count;
        squares += delta * (v - mean);
    }
    squares / count
}

/// The value of a rank between 0 and 1, between two values in proportion.
fn quantile(q: f64, points: &[(i64, f64)]) -> f64 {
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    let mut values: Vec<f64> = points.iter().map(|(_, v)| *v).collect();
    // NaN sorts first, as in Prometheus.
    let order = |a: &f64, b: &f64| match (a.is_nan(), b.is_nan()) {
        (true, true) => std::cmp::Ordering::Equal,
        (true, false) => std::cmp::Ordering::Less,
        (false, true) => std::cmp::Ordering::Greater,
        (false, false) => a.total_cmp(b),
    };
    let rank = q * (values.len() - 1) as f64;
    let lower = rank.floor().max(0.0) as usize;
    let weight = rank - rank.floor();
    let (_, lower, behind) = values.select_nth_unstable_by(lower, order);
    let upper = behind.iter().copied().min_by(order).unwrap_or(*lower);
    *lower * (1.0 - weight) + upper * weight
}

/// Increase a second, resets added back and extended to the window as Prometheus' `rate` does; 0 of a single point.
fn rate_counter(points: &[(i64, f64)], start: i64, end: i64) -> f64 {
    let (first, last) = (points[0], points[points.len() - 1]);
    if points.len() < 2 {
        return 0.0;
    }
    let mut increase = last.1 - first.1;
    for pair in points.windows(2) {
        if pair[1].1 < pair[0].1 {
            increase += pair[0].1;
        }
    }
    let seconds = |nanos: i64| nanos as f64 / 1e9;
    let sampled = seconds(last.0 - first.0);
    let between = sampled / (points.len() - 1) as f64;
    let threshold = between * 1.1;
    let mut to_start = seconds(first.0 - start);
    if to_start >= threshold {
        to_start = between / 2.0;
    }
    if increase > 0.0 && first.1 >= 0.0 {
        to_start = to_start.min(sampled * (first.1 / increase));
    }
    let mut to_end = seconds(end - last.0);
    if to_end >= threshold {
        to_end = between / 2.0;
    }
    let factor = (sampled + to_start + to_end) / sampled;
    increase * factor / seconds(end - start)
}

/// 1 where no line gave anything, with the labels that the selector says.
fn absent(of: &RangeAggregation, grid: &Grid, samples: &[Samples]) -> Vec<Series> {
    let (range, offset) = (of.range.range, of.range.offset);
    let mut times: Vec<i64> = samples
        .iter()
        .flat_map(|s| s.points.iter().map(|(t, _)| *t))
        .collect();
    times.sort_unstable();
    let is_absent = |time: i64| {
        let end = time.saturating_sub(offset);
        let after = times.partition_point(|t| *t <= end.saturating_sub(range));
        times.get(after).is_none_or(|t| *t > end)
    };
    let values = grid.times().map(|time| is_absent(time).then_some(1.0)).collect();
    let selector = &of.range.log.selector;
    let once = |name: &str| selector.iter().filter(|m| m.name() == name).count() == 1;
    let labels = selector
        .iter()
        .filter(|m| m.op() == MatchOp::Equal && once(m.name()) && !m.value().is_empty());
    vec![Series {
        labels: LabelSet::from_pairs(labels.map(|m| (m.name(), m.value()))),
        values,
    }]
}
