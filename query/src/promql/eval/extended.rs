//! `anchored` and `smoothed` windows: their values at the bounds are samples outside, or lie on the line between samples.

use kymo_engine::metrics::Samples;

use super::context::Context;
use super::grid::Grid;
use super::hints::HistogramSample;
use super::range_fn::mixed::{self, MixedWindow, pairs};
use super::range_fn::{Window, note_non_counters, renamed};
use super::series::{Column, Sample, StepSeries, StepValue};
use super::told::Told;
use super::{EvalError, plan};
use crate::lex::Span;
use crate::promql::ast::{CallExpr, Expr, MatrixSelector};

mod delta;
mod floats;
mod histograms;

pub(super) use histograms::between;

/// The function with what it needs of the selector.
struct Extended<'a> {
    name: &'a str,
    smoothed: bool,
    range: i64,
    use_starts: bool,
    span: Span,
}

/// The samples of a series, and what lies around the windows.
struct Read<'a> {
    floats: &'a Samples,
    starts: &'a [i64],
    histograms: &'a [HistogramSample],
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
        use_starts: context.query.options.use_start_timestamps,
        span: Expr::Matrix(matrix.clone()).span(),
    };
    let around = (range.saturating_add(lookback), after);
    let with_resets = context.tells_resets(&matrix.selector);
    let series = context.series_of(plan::node_id(&matrix.selector))?;
    let out = context.for_each(grid, series, &|task, data| {
        task.with_starts = function.use_starts;
        task.with_resets = with_resets;
        task.read_live(data, shift, around)?;
        let all = Read {
            floats: &std::mem::take(&mut task.samples),
            starts: &std::mem::take(&mut task.starts),
            histograms: &std::mem::take(&mut task.histograms),
        };
        let mut out = StepSeries::floats(data.labels().clone(), false, Column::default());
        for (step, time) in grid.times().enumerate() {
            let end = shift.apply(time);
            let first = end.saturating_sub(range).saturating_sub(lookback);
            let window = function.window(&all, (first, end.saturating_add(after)), end);
            task.window(step, window.weight())?;
            let mut told = Told {
                notes: &mut task.counts.notes,
                metric: out.labels.metric_name(),
                span: function.span,
            };
            if let Some(sample) = function.value(&window, &mut told) {
                out.set(step, sample);
            }
        }
        Ok((!out.is_empty()).then_some(out))
    })?;
    if matches!(name, "rate" | "increase") {
        note_non_counters(context, &out, &Expr::Matrix(matrix.clone()));
    }
    match renamed(context, out)? {
        StepValue::Vector(series) => Ok(series),
        _ => Ok(Vec::new()),
    }
}

impl<'a> Extended<'a> {
    /// The samples with `first < t <= last` of a step that ends at `end`.
    fn window(&self, all: &Read<'a>, (first, last): (i64, i64), end: i64) -> MixedWindow<'a> {
        let times = &all.floats.timestamps;
        let of = |t: i64| times.partition_point(|time| *time <= t);
        let (from, to) = (of(first), of(last).max(of(first)));
        let of = |t: i64| all.histograms.partition_point(|h| h.time <= t);
        let (first, last) = (of(first), of(last).max(of(first)));
        MixedWindow {
            floats: Window {
                times: &times[from..to],
                values: &all.floats.values[from..to],
                delta: all.floats.delta,
                start: end.saturating_sub(self.range),
                end,
                eval_time: end,
            },
            starts: all.starts.get(from..to).unwrap_or_default(),
            histograms: &all.histograms[first..last],
            use_starts: self.use_starts,
        }
    }

    fn value(&self, w: &MixedWindow<'_>, told: &mut Told<'_>) -> Option<Sample> {
        match self.name {
            "changes" | "resets" => return self.pairs(w),
            _ if w.floats.values.is_empty() && w.histograms.is_empty() => return None,
            _ if mixed::has_both(w) => {
                told.mixed();
                return None;
            }
            _ => {}
        }
        let counter = self.name != "delta";
        let seconds = (self.name == "rate").then_some(self.range as f64 / 1000.0);
        if w.floats.delta && counter {
            return delta::total(w, self.smoothed, seconds, told);
        }
        if w.histograms.is_empty() {
            let change = floats::difference(&w.floats, self.smoothed, counter)?;
            return Some(Sample::Float(seconds.map_or(change, |s| change / s)));
        }
        histograms::difference(w, (self.smoothed, counter), seconds, told)
    }

    /// Counts pairs, beginning with the last sample at or before the window's start, of whichever kind it is.
    fn pairs(&self, w: &MixedWindow<'_>) -> Option<Sample> {
        let points = pairs::in_order(w);
        let inside = points.partition_point(|p| p.time <= w.floats.start);
        if inside == points.len() {
            return None;
        }
        let points = &points[inside.saturating_sub(1)..];
        Some(Sample::Float(match self.name {
            "changes" => pairs::changes(points),
            // Deltas are no totals that could fall.
            _ if w.floats.delta => 0.0,
            _ => pairs::resets(points),
        }))
    }
}
