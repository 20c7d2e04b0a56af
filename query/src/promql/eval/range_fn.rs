//! Functions over range vectors: one pass over each series with a window that moves along the steps.
//! Not for `anchored` and `smoothed` windows (see `extended`).

use kymo_engine::labels::{Labels, LabelsBuilder, METRIC_NAME};
use kymo_engine::metrics::{MatchOp, Matcher, Samples};

use super::context::Context;
use super::grid::Grid;
use super::hints::HistogramSample;
use super::plan::{self, Shift};
use super::series::{ABSENT, Column, StepSeries, StepValue, merged, present, without_metadata};
use super::task::Task;
use super::told::Told;
use super::{EvalError, extended, subquery};
use crate::lex::Span;
use crate::promql::ast::{CallExpr, Expr};

pub(super) mod mixed;
mod over_time;
mod rate;
mod regression;

pub(super) use regression::{Sums, check_smoothing, whole};

/// The samples of one series inside the window of one step: `start < t <= end`.
pub(super) struct Window<'a> {
    /// Milliseconds.
    pub(super) times: &'a [i64],
    pub(super) values: &'a [f64],
    /// Each value is what happened since the one before.
    pub(super) delta: bool,
    /// Bounds of the window, and the step's own time, in milliseconds.
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) eval_time: i64,
}

/// A function over windows that are never empty, with its scalar arguments of the step.
pub(super) type RangeFunction = fn(&Window<'_>, &[f64]) -> Option<f64>;

/// The function of this name, if it is one over a range vector.
pub(super) fn lookup(name: &str) -> Option<RangeFunction> {
    Some(match name {
        "rate" => rate::rate,
        "increase" => rate::increase,
        "delta" => rate::delta,
        "irate" => rate::irate,
        "idelta" => rate::idelta,
        "changes" => rate::changes,
        "resets" => rate::resets,
        "deriv" => regression::deriv,
        "predict_linear" => regression::predict_linear,
        "double_exponential_smoothing" => regression::smoothing,
        "sum_over_time" => over_time::sum,
        "avg_over_time" => over_time::avg,
        "min_over_time" => over_time::min,
        "max_over_time" => over_time::max,
        "count_over_time" => over_time::count,
        "present_over_time" => |_, _| Some(1.0),
        "first_over_time" => over_time::first,
        "last_over_time" => over_time::last,
        "stddev_over_time" => over_time::stddev,
        "stdvar_over_time" => over_time::stdvar,
        "quantile_over_time" => over_time::quantile_over_time,
        "mad_over_time" => over_time::mad,
        "ts_of_first_over_time" => over_time::ts_of_first,
        "ts_of_last_over_time" => over_time::ts_of_last,
        "ts_of_min_over_time" => over_time::ts_of_min,
        "ts_of_max_over_time" => over_time::ts_of_max,
        _ => return None,
    })
}

/// Moves a window along the steps and calls `visit` with every one that holds samples.
pub(super) fn slide(
    samples: &Samples,
    (shift, range): (Shift, i64),
    grid: Grid,
    mut visit: impl FnMut(usize, &Window<'_>) -> Result<(), EvalError>,
) -> Result<(), EvalError> {
    let (mut from, mut to) = (0, 0);
    for (i, eval_time) in grid.times().enumerate() {
        let end = shift.apply(eval_time);
        let start = end.saturating_sub(range);
        while to < samples.len() && samples.timestamps[to] <= end {
            to += 1;
        }
        while from < to && samples.timestamps[from] <= start {
            from += 1;
        }
        if from < to {
            let (times, values) = (&samples.timestamps[from..to], &samples.values[from..to]);
            visit(
                i,
                &Window {
                    times,
                    values,
                    delta: samples.delta,
                    start,
                    end,
                    eval_time,
                },
            )?;
        }
    }
    Ok(())
}

/// A series with the samples of all windows, staleness markers left out.
pub(super) struct Series<'a> {
    labels: &'a Labels,
    drop_name: bool,
    samples: &'a Samples,
    /// Start timestamps of the floats; empty where none is wanted.
    starts: &'a [i64],
    histograms: &'a [HistogramSample],
    /// Start timestamps count.
    use_starts: bool,
}

impl Series<'_> {
    /// True when there is nothing but the values of floats.
    fn is_plain(&self) -> bool {
        self.histograms.is_empty() && (self.starts.is_empty() || !self.use_starts)
    }
}

/// What is done with a series.
type Visit<'v> = dyn Fn(&mut Task<'_>, &Series<'_>) -> Result<Option<StepSeries>, EvalError> + Sync + 'v;

/// The range vector argument of a function, series by series.
struct Ranges {
    shift: Shift,
    range: i64,
}

impl Ranges {
    fn of(context: &Context<'_>, arg: &Expr) -> Result<Ranges, EvalError> {
        let (at, offset, range) = match arg.unwrapped() {
            Expr::Matrix(m) => (m.selector.at, &m.selector.offset, &m.range),
            Expr::Subquery(s) => (s.at, &s.offset, &s.range),
            _ => return Err(EvalError::execution("expected a range vector")),
        };
        let shift = plan::shift(context.query, at, offset)?;
        Ok(Ranges {
            shift,
            range: plan::resolve_positive(context.query, range)?,
        })
    }

    fn each(
        &self,
        context: &Context<'_>,
        arg: &Expr,
        grid: Grid,
        visit: &Visit<'_>,
    ) -> Result<Vec<StepSeries>, EvalError> {
        match arg.unwrapped() {
            Expr::Matrix(matrix) => {
                let series = context.series_of(plan::node_id(&matrix.selector))?;
                let use_starts = context.query.options.use_start_timestamps;
                let with_resets = context.tells_resets(&matrix.selector);
                context.for_each(grid, series, &|task, data| {
                    task.with_starts = use_starts;
                    task.with_resets = with_resets;
                    task.read_live(data, self.shift, (self.range, 0))?;
                    let samples = std::mem::take(&mut task.samples);
                    let starts = std::mem::take(&mut task.starts);
                    let histograms = std::mem::take(&mut task.histograms);
                    let series = Series {
                        labels: data.labels(),
                        drop_name: false,
                        samples: &samples,
                        starts: &starts,
                        histograms: &histograms,
                        use_starts,
                    };
                    let visited = visit(task, &series);
                    // The next series takes over the memory.
                    task.samples = samples;
                    visited
                })
            }
            Expr::Subquery(sub) => {
                let series = subquery::eval(context, sub, grid)?;
                context.for_each(grid, &series, &|task, one| {
                    let series = Series {
                        labels: &one.labels,
                        drop_name: one.drop_name,
                        samples: &one.samples,
                        starts: &[],
                        histograms: &one.histograms,
                        use_starts: false,
                    };
                    visit(task, &series)
                })
            }
            _ => Ok(Vec::new()),
        }
    }
}

/// Evaluates a function over a range vector.
pub(super) fn eval(context: &Context<'_>, call: &CallExpr, grid: Grid) -> Result<StepValue, EvalError> {
    let name = call.function.name;
    let position = call
        .args
        .iter()
        .position(|a| a.value_type() == crate::promql::ast::ValueType::Matrix);
    let (Some(function), Some(position)) = (lookup(name), position) else {
        return Err(EvalError::execution(format!(
            "function {name} is not known to the evaluation"
        )));
    };
    let arg = &call.args[position];
    if let Expr::Matrix(matrix) = arg.unwrapped()
        && (matrix.selector.anchored || matrix.selector.smoothed)
    {
        return extended::eval(context, call, matrix, grid).map(StepValue::Vector);
    }
    let scalars = scalar_args(context, call, grid)?;
    let ranges = Ranges::of(context, arg)?;
    let keeps_name = matches!(name, "last_over_time" | "first_over_time");
    let over = Over {
        name,
        function,
        scalars: &scalars,
        ranges: &ranges,
        span: call.args[0].span(),
    };
    let out = ranges.each(context, arg, grid, &|task, series| {
        over.series(task, series, grid)
    })?;
    if name == "quantile_over_time" {
        warn_quantiles(context, call, &scalars, &out);
    }
    if matches!(name, "rate" | "increase") {
        note_non_counters(context, &out, arg);
    }
    if keeps_name {
        Ok(StepValue::Vector(out))
    } else {
        renamed(context, out)
    }
}

/// A function with what it is applied to.
struct Over<'a> {
    name: &'a str,
    function: RangeFunction,
    /// Its scalar arguments by step.
    scalars: &'a [Vec<f64>],
    ranges: &'a Ranges,
    /// The place of its annotations.
    span: Span,
}

impl Over<'_> {
    fn params(&self, step: usize, params: &mut Vec<f64>) -> Result<(), EvalError> {
        params.clear();
        params.extend(self.scalars.iter().map(|s| s[step]));
        if self.name == "double_exponential_smoothing" {
            check_smoothing(params)?;
        }
        Ok(())
    }

    fn series(
        &self,
        task: &mut Task<'_>,
        series: &Series<'_>,
        grid: Grid,
    ) -> Result<Option<StepSeries>, EvalError> {
        let mut out = StepSeries::floats(series.labels.clone(), series.drop_name, Column::default());
        let mut params = Vec::with_capacity(self.scalars.len());
        let moved = (self.ranges.shift, self.ranges.range);
        if series.is_plain() {
            slide(series.samples, moved, grid, |step, window| {
                task.window(step, window.values.len())?;
                self.params(step, &mut params)?;
                if let Some(value) = (self.function)(window, &params) {
                    out.values.set(step, value);
                }
                Ok(())
            })?;
        } else {
            let metric = series.labels.metric_name();
            mixed::slide(series, moved, grid, |step, window| {
                task.window(step, window.weight())?;
                self.params(step, &mut params)?;
                let mut told = Told {
                    notes: &mut task.counts.notes,
                    metric,
                    span: self.span,
                };
                if let Some(sample) = mixed::apply(self.name, self.function, window, &params, &mut told) {
                    out.set(step, sample);
                }
                Ok(())
            })?;
        }
        Ok((!out.is_empty()).then_some(out))
    }
}

fn scalar_args(context: &Context<'_>, call: &CallExpr, grid: Grid) -> Result<Vec<Vec<f64>>, EvalError> {
    let scalars = call
        .args
        .iter()
        .filter(|a| a.value_type() == crate::promql::ast::ValueType::Scalar);
    scalars.map(|arg| context.scalar(arg, grid)).collect()
}

/// The warnings for quantiles outside of [0, 1] at the steps that have a window.
pub(super) fn warn_quantiles(
    context: &Context<'_>,
    call: &CallExpr,
    scalars: &[Vec<f64>],
    out: &[StepSeries],
) {
    for (step, q) in scalars[0]
        .iter()
        .enumerate()
        .filter(|(_, q)| !(0.0..=1.0).contains(*q))
    {
        if out.iter().any(|s| present(s.values.get(step))) {
            super::quantile::warn_range(context, *q, call.args[0].span());
        }
    }
}

/// Drops names; two series of one labelset are an error here even when their steps differ.
pub(super) fn renamed(context: &Context<'_>, mut series: Vec<StepSeries>) -> Result<StepValue, EvalError> {
    if context.query.options.delayed_name_removal {
        return context.drop_names(series).map(StepValue::Vector);
    }
    let before = series.len();
    for one in &mut series {
        one.labels = without_metadata(&one.labels);
    }
    let series = merged(series)?;
    if series.len() < before {
        return Err(EvalError::same_labels());
    }
    Ok(StepValue::Vector(series))
}

/// The hint for `rate(metric[..])` on something that is no counter by its name, or by its type where series have one.
pub(super) fn note_non_counters(context: &Context<'_>, series: &[StepSeries], arg: &Expr) {
    for one in series.iter().filter(|s| !s.values.is_empty()) {
        let name = one.labels.value(METRIC_NAME);
        if name.is_empty() {
            continue;
        }
        let shown = crate::lex::string::quote(name);
        if context.query.options.type_and_unit_labels {
            let kind = one.labels.value("__type__");
            if !matches!(kind, "counter" | "histogram") {
                let kind = crate::lex::string::quote(kind);
                let message = format!(
                    "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", got {kind}: {shown}"
                );
                context.inform(arg.span(), message);
            }
        } else if !["_total", "_sum", "_count", "_bucket"]
            .iter()
            .any(|suffix| name.ends_with(suffix))
        {
            let message = format!(
                "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {shown}"
            );
            context.inform(arg.span(), message);
        }
    }
}

/// `absent_over_time`: 1 at the steps at which no series has a sample in its window.
pub(super) fn absent(context: &Context<'_>, call: &CallExpr, grid: Grid) -> Result<StepValue, EvalError> {
    let arg = &call.args[0];
    let ranges = Ranges::of(context, arg)?;
    let found = ranges.each(context, arg, grid, &|task, series| {
        let mut values = Column::default();
        mixed::slide(series, (ranges.shift, ranges.range), grid, |step, window| {
            task.window(step, window.weight())?;
            values.set(step, 1.0);
            Ok(())
        })?;
        Ok(Some(StepSeries::floats(
            series.labels.clone(),
            series.drop_name,
            values,
        )))
    })?;
    let anywhere = |step: usize| found.iter().any(|s| present(s.values.get(step)));
    let values = (0..grid.len)
        .map(|step| if anywhere(step) { ABSENT } else { 1.0 })
        .collect();
    Ok(StepValue::Vector(absent_series(arg, values)))
}

/// The one series that tells what is absent, unless nothing is.
pub(super) fn absent_series(arg: &Expr, values: Vec<f64>) -> Vec<StepSeries> {
    let values: Column = values.into_iter().collect();
    if values.is_empty() {
        return Vec::new();
    }
    let matchers: &[Matcher] = match arg.unwrapped() {
        Expr::Vector(selector) => &selector.matchers,
        Expr::Matrix(matrix) => &matrix.selector.matchers,
        _ => &[],
    };
    let mut labels = LabelsBuilder::default();
    let mut seen: Vec<&str> = Vec::new();
    for matcher in matchers.iter().filter(|m| m.name() != METRIC_NAME) {
        if matcher.op() == MatchOp::Equal && !seen.contains(&matcher.name()) {
            labels.set(matcher.name(), matcher.value());
            seen.push(matcher.name());
        } else {
            labels.remove(matcher.name());
        }
    }
    vec![StepSeries::floats(labels.build(), false, values)]
}
