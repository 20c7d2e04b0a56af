//! From values by step to the result of a query. Not for JSON.

use kymo_engine::labels::Labels;
use kymo_engine::metrics::Samples;

use super::context::Context;
use super::grid::Grid;
use super::hints::weight;
use super::series::{StepSeries, StepValue, merged, without_metadata};
use super::task::Task;
use super::{EvalError, Series, Value, plan, subquery};
use crate::promql::ast::{Expr, MatrixSelector};

pub(super) fn top_level(context: &Context<'_>) -> Result<Value, EvalError> {
    let grid = context.grid;
    let range = context.query.is_range();
    match context.query.expr.unwrapped() {
        Expr::Matrix(matrix) if !range => return range_selector(context, matrix),
        Expr::Subquery(sub) if !range => return subquery::top_level(context, sub).map(Value::Matrix),
        Expr::Matrix(_) | Expr::Subquery(_) => {
            return Err(EvalError::execution(
                "invalid expression type \"range vector\" for range query, must be Scalar or instant Vector",
            ));
        }
        _ => {}
    }
    match context.value(&context.query.expr, grid)? {
        StepValue::String(text) => Ok(Value::String(text)),
        StepValue::Scalar(values) if !range => Ok(Value::Scalar(values[0])),
        StepValue::Scalar(values) => {
            let samples = Samples {
                timestamps: grid.times().collect(),
                values,
                delta: false,
            };
            let series = Series {
                labels: Labels::empty(),
                samples,
                histograms: Vec::new(),
            };
            Ok(Value::Matrix(if series.samples.is_empty() {
                Vec::new()
            } else {
                vec![series]
            }))
        }
        StepValue::Vector(series) => {
            // Beside its values a series gets its times.
            context.expect(&series)?;
            let mut out: Vec<Series> = named(series)?
                .into_iter()
                .filter_map(|s| finished(context, s))
                .collect();
            if range {
                out.sort_by(|a, b| a.labels.cmp(&b.labels));
                return Ok(Value::Matrix(out));
            }
            Ok(Value::Vector(out))
        }
    }
}

/// Drops the names that were to go at the end.
fn named(mut series: Vec<StepSeries>) -> Result<Vec<StepSeries>, EvalError> {
    for one in series.iter_mut().filter(|s| s.drop_name) {
        one.labels = without_metadata(&one.labels);
    }
    merged(series)
}

/// The series with the times of its steps.
pub(super) fn at_times(series: StepSeries, grid: Grid) -> Series {
    let mut samples = Samples::default();
    for (step, value) in series.values.iter() {
        samples.push(grid.time(step), value);
    }
    let histograms = series.histograms.iter();
    Series {
        labels: series.labels,
        samples,
        histograms: histograms
            .map(|(step, value)| (grid.time(step), value.clone()))
            .collect(),
    }
}

fn finished(context: &Context<'_>, series: StepSeries) -> Option<Series> {
    let finished = at_times(series, context.grid);
    (!finished.is_empty()).then_some(finished)
}

/// A range selector as the whole of an instant query: the raw samples.
fn range_selector(context: &Context<'_>, matrix: &MatrixSelector) -> Result<Value, EvalError> {
    let shift = plan::shift(context.query, matrix.selector.at, &matrix.selector.offset)?;
    let range = plan::resolve_positive(context.query, &matrix.range)?;
    let mut out = Vec::new();
    let mut task = Task::new(context, context.grid);
    for data in context.series_of(plan::node_id(&matrix.selector))? {
        task.read_live(data, shift, (range, 0))?;
        let samples = std::mem::take(&mut task.samples);
        let histograms = std::mem::take(&mut task.histograms);
        let weight = samples.len() + weight(&histograms);
        task.window(0, weight)?;
        context.meter.hold(weight, weight * 16)?;
        let series = Series {
            labels: data.labels().clone(),
            samples,
            histograms: histograms.into_iter().map(|h| (h.time, h.value)).collect(),
        };
        if !series.is_empty() {
            out.push(series);
        }
    }
    context.absorb(context.grid, &task.counts)?;
    Ok(Value::Matrix(out))
}
