//! `anchored` and `smoothed` windows: their values at the bounds are samples outside, or lie on the line between samples.

use super::context::Context;
use super::grid::Grid;
use super::range_fn::{note_non_counters, renamed};
use super::series::{Column, StepSeries, StepValue};
use super::{EvalError, plan};
use crate::promql::ast::{CallExpr, Expr, MatrixSelector};

/// A point of a series.
type Point = (i64, f64);

/// The function with what it needs of the selector.
struct Extended<'a> {
    name: &'a str,
    smoothed: bool,
    range: i64,
}

pub(super) fn eval(
    context: &Context<'_>,
    call: &CallExpr,
    matrix: &MatrixSelector,
    grid: Grid,
) -> Result<Vec<StepSeries>, EvalError> {
    let name = call.function.name;
    let smoothed = matrix.selector.smoothed;
    let (word, allowed): (_, &[&str]) = if smoothed {
        ("smoothed", &["delta", "increase", "rate"])
    } else {
        ("anchored", &["changes", "delta", "increase", "rate", "resets"])
    };
    if !allowed.contains(&name) {
        let allowed = allowed.join(", ");
        return Err(EvalError::execution(format!(
            "{word} modifier can only be used with: {allowed} - not with {name}"
        )));
    }
    let range = plan::resolve_positive(context.query, &matrix.range)?;
    let shift = plan::shift(context.query, matrix.selector.at, &matrix.selector.offset)?;
    let lookback = context.query.lookback;
    let after = if smoothed { lookback } else { 0 };
    let function = Extended {
        name,
        smoothed,
        range,
    };
    let around = (range.saturating_add(lookback), after);
    let series = context.series_of(plan::node_id(&matrix.selector))?;
    let out = context.for_each(grid, series, &|task, data| {
        task.read_live(data, shift, around)?;
        let pairs = task
            .samples
            .timestamps
            .iter()
            .copied()
            .zip(task.samples.values.iter().copied());
        let points: Vec<Point> = pairs.collect();
        let mut values = Column::default();
        for (step, time) in grid.times().enumerate() {
            let end = shift.apply(time);
            let first = end.saturating_sub(range).saturating_sub(lookback);
            let from = points.partition_point(|(t, _)| *t <= first);
            let to = points
                .partition_point(|(t, _)| *t <= end.saturating_add(after))
                .max(from);
            task.window(step, to - from)?;
            if let Some(value) = function.value(&points[from..to], end) {
                values.set(step, value);
            }
        }
        let labels = data.labels().clone();
        Ok((!values.is_empty()).then(|| StepSeries::floats(labels, false, values)))
    })?;
    if matches!(name, "rate" | "increase") {
        note_non_counters(context, &out, &Expr::Matrix(matrix.clone()));
    }
    match renamed(context, out)? {
        StepValue::Vector(series) => Ok(series),
        _ => Ok(Vec::new()),
    }
}

impl Extended<'_> {
    fn value(&self, points: &[Point], end: i64) -> Option<f64> {
        match self.name {
            "changes" => self.count(points, end, |a, b| a != b && !(a.is_nan() && b.is_nan())),
            "resets" => self.count(points, end, |a, b| b < a),
            name => self.difference(points, end, name != "delta", name == "rate"),
        }
    }

    /// Counts pairs, beginning with the last sample at or before the window's start.
    fn count(&self, points: &[Point], end: i64, counts: fn(f64, f64) -> bool) -> Option<f64> {
        let inside = points.partition_point(|(t, _)| *t <= end.saturating_sub(self.range));
        if inside == points.len() {
            return None;
        }
        let window = &points[inside.saturating_sub(1)..];
        Some(
            window
                .windows(2)
                .filter(|pair| counts(pair[0].1, pair[1].1))
                .count() as f64,
        )
    }

    fn difference(&self, points: &[Point], end: i64, counter: bool, per_second: bool) -> Option<f64> {
        let start = end.saturating_sub(self.range);
        let last_index = points.len().checked_sub(1)?;
        let before_last = &points[..last_index];
        let first = before_last
            .partition_point(|(t, _)| *t <= start)
            .saturating_sub(1);
        let last = if self.smoothed {
            before_last.partition_point(|(t, _)| *t < end)
        } else {
            last_index
        };
        if points[last].0 <= start || (self.smoothed && points[first].0 > end) {
            return None;
        }
        let left = match points[first] {
            (t, _) if self.smoothed && t < start => {
                between(points[first], points[first + 1], start, counter, true)
            }
            (_, v) => v,
        };
        let right = match points[last] {
            (t, _) if self.smoothed && last > 0 && t > end => {
                between(points[last - 1], points[last], end, counter, false)
            }
            (_, v) => v,
        };
        let mut result = right - left;
        if counter {
            let from = first + usize::from(points[first].0 <= start);
            let to = last + usize::from(points[last].0 < end);
            result += resets(left, right, points.get(from..to).unwrap_or_default());
        }
        Some(if per_second {
            result / (self.range as f64 / 1000.0)
        } else {
            result
        })
    }
}

/// The value at `time` on the line between two points. A counter that was reset between them starts again from zero.
fn between(a: Point, b: Point, time: i64, counter: bool, left: bool) -> f64 {
    let (mut from, mut to) = (a.1, b.1);
    if counter && to < from {
        if left {
            from = 0.0;
        } else {
            to += from;
        }
    }
    from + (to - from) * time.saturating_sub(a.0) as f64 / b.0.saturating_sub(a.0) as f64
}

fn resets(left: f64, right: f64, points: &[Point]) -> f64 {
    let (mut previous, mut correction) = (left, 0.0);
    for value in points.iter().map(|p| p.1).chain([right]) {
        if value < previous {
            correction += previous;
        }
        previous = value;
    }
    correction
}
