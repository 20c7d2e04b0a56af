//! Which evaluation belongs to which function. Not for the functions themselves.

use kymo_engine::labels::Labels;

use super::context::Context;
use super::grid::Grid;
use super::selector::Take;
use super::series::{ABSENT, StepSeries, StepValue, present};
use super::{EvalError, calendar, classic, info, label_fn, math_fn, native, range_fn, selector, sort};
use crate::promql::ast::{CallExpr, Expr, ValueType};

pub(super) fn eval(context: &Context<'_>, call: &CallExpr, grid: Grid) -> Result<StepValue, EvalError> {
    match call.function.name {
        "time" => Ok(StepValue::Scalar(grid.times().map(seconds).collect())),
        "pi" => Ok(StepValue::Scalar(vec![std::f64::consts::PI; grid.len])),
        "start" => Ok(StepValue::Scalar(vec![seconds(context.query.start); grid.len])),
        "end" => Ok(StepValue::Scalar(vec![seconds(context.query.end); grid.len])),
        "step" => Ok(StepValue::Scalar(vec![seconds(context.query.step); grid.len])),
        "range" => Ok(StepValue::Scalar(vec![
            seconds(
                context.query.end - context.query.start
            );
            grid.len
        ])),
        "min_of" | "max_of" => pick(context, call, grid),
        "scalar" => scalar(context, call, grid),
        "vector" => {
            let values = context.scalar(&call.args[0], grid)?;
            let values = values.into_iter().collect();
            Ok(StepValue::Vector(vec![StepSeries::floats(
                Labels::empty(),
                false,
                values,
            )]))
        }
        "timestamp" => timestamp(context, call, grid),
        "start_timestamp" => start_timestamp(context, call, grid),
        "absent" => absent(context, call, grid),
        "absent_over_time" => range_fn::absent(context, call, grid),
        "label_replace" => label_fn::replace(context, call, grid).map(StepValue::Vector),
        "label_join" => label_fn::join(context, call, grid).map(StepValue::Vector),
        "sort" | "sort_desc" => sort::by_value(context, call, grid).map(StepValue::Vector),
        "sort_by_label" | "sort_by_label_desc" => sort::by_label(context, call, grid).map(StepValue::Vector),
        "info" => info::eval(context, call, grid).map(StepValue::Vector),
        "minute" | "hour" | "day_of_week" | "day_of_month" | "day_of_year" | "days_in_month" | "month"
        | "year" => calendar::eval(context, call, grid),
        "histogram_quantile" | "histogram_quantiles" | "histogram_fraction" => {
            classic::eval(context, call, grid)
        }
        "histogram_avg" | "histogram_count" | "histogram_sum" | "histogram_stddev" | "histogram_stdvar" => {
            native::parts(context, call, grid)
        }
        _ if call.args.iter().any(|arg| arg.value_type() == ValueType::Matrix) => {
            range_fn::eval(context, call, grid)
        }
        _ => math_fn::eval(context, call, grid),
    }
}

fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

fn pick(context: &Context<'_>, call: &CallExpr, grid: Grid) -> Result<StepValue, EvalError> {
    let mut values = context.scalar(&call.args[0], grid)?;
    let least = call.function.name == "min_of";
    for (value, other) in values.iter_mut().zip(context.scalar(&call.args[1], grid)?) {
        *value = if least {
            math_fn::min(*value, other)
        } else {
            math_fn::max(*value, other)
        };
    }
    Ok(StepValue::Scalar(values))
}

/// The value of a vector of one element; NaN for any other.
fn scalar(context: &Context<'_>, call: &CallExpr, grid: Grid) -> Result<StepValue, EvalError> {
    let vector = context.vector(&call.args[0], grid)?;
    let values = (0..grid.len).map(|i| {
        let mut found = vector.iter().map(|s| s.values.get(i)).filter(|v| present(*v));
        match (found.next(), found.next()) {
            (Some(value), None) => value,
            _ => f64::NAN,
        }
    });
    Ok(StepValue::Scalar(values.collect()))
}

fn timestamp(context: &Context<'_>, call: &CallExpr, grid: Grid) -> Result<StepValue, EvalError> {
    let series = match call.args[0].unwrapped() {
        Expr::Vector(vector) => selector::select(context, vector, grid, Take::Timestamp)?,
        other => {
            let mut series = context.vector(other, grid)?;
            for one in &mut series {
                let steps: Vec<usize> = one.steps().collect();
                for step in steps {
                    one.values.set(step, seconds(grid.time(step)));
                }
                one.histograms.clear();
            }
            series
        }
    };
    context.drop_names(series).map(StepValue::Vector)
}

/// The start timestamps of the samples that a selector finds. They are there only where they count, and an expression has none.
fn start_timestamp(context: &Context<'_>, call: &CallExpr, grid: Grid) -> Result<StepValue, EvalError> {
    let series = match call.args[0].unwrapped() {
        Expr::Vector(vector) if context.query.options.use_start_timestamps => {
            selector::select(context, vector, grid, Take::Start)?
        }
        other => {
            context.vector(other, grid)?;
            Vec::new()
        }
    };
    context.drop_names(series).map(StepValue::Vector)
}

fn absent(context: &Context<'_>, call: &CallExpr, grid: Grid) -> Result<StepValue, EvalError> {
    let mut values = vec![1.0; grid.len];
    for series in context.vector(&call.args[0], grid)? {
        series.steps().for_each(|step| values[step] = ABSENT);
    }
    Ok(StepValue::Vector(range_fn::absent_series(&call.args[0], values)))
}
