//! Functions that change each value of a vector by itself.

use super::EvalError;
use super::context::Context;
use super::grid::Grid;
use super::series::{ABSENT, StepSeries, StepValue};
use crate::promql::ast::CallExpr;

/// Go's `math.Min`: NaN wins.
pub(super) fn min(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        a.min(b)
    }
}

/// Go's `math.Max`: NaN wins.
pub(super) fn max(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        a.max(b)
    }
}

fn unary(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "abs" => f64::abs,
        "acos" => f64::acos,
        "acosh" => f64::acosh,
        "asin" => f64::asin,
        "asinh" => f64::asinh,
        "atan" => f64::atan,
        "atanh" => f64::atanh,
        "ceil" => f64::ceil,
        "cos" => f64::cos,
        "cosh" => f64::cosh,
        "deg" => |v| v * 180.0 / std::f64::consts::PI,
        "exp" => f64::exp,
        "floor" => f64::floor,
        "ln" => f64::ln,
        "log10" => f64::log10,
        "log2" => f64::log2,
        "rad" => |v| v * std::f64::consts::PI / 180.0,
        "sgn" => |v| {
            if v < 0.0 {
                -1.0
            } else if v > 0.0 {
                1.0
            } else {
                v
            }
        },
        "sin" => f64::sin,
        "sinh" => f64::sinh,
        "sqrt" => f64::sqrt,
        "tan" => f64::tan,
        "tanh" => f64::tanh,
        _ => return None,
    })
}

fn with_args(name: &str, value: f64, args: &[f64]) -> f64 {
    match name {
        "clamp" if args[1] < args[0] => ABSENT,
        "clamp" => max(args[0], min(args[1], value)),
        "clamp_min" => max(args[0], value),
        "clamp_max" => min(args[0], value),
        _ => {
            // Halves go up; the inverse keeps `round(x, 0.1)` free of the error of a division by 0.1.
            let inverse = 1.0 / args.first().copied().unwrap_or(1.0);
            (value * inverse + 0.5).floor() / inverse
        }
    }
}

/// The series without their histograms.
pub(super) fn floats(mut series: Vec<StepSeries>) -> Vec<StepSeries> {
    series.iter_mut().for_each(|s| s.histograms.clear());
    series.retain(|s| !s.values.is_empty());
    series
}

pub(super) fn eval(context: &Context<'_>, call: &CallExpr, grid: Grid) -> Result<StepValue, EvalError> {
    let name = call.function.name;
    let mut series = floats(context.vector(&call.args[0], grid)?);
    if let Some(function) = unary(name) {
        for (_, value) in series.iter_mut().flat_map(|s| s.values.iter_mut()) {
            *value = function(*value);
        }
        return context.drop_names(series).map(StepValue::Vector);
    }
    if !matches!(name, "clamp" | "clamp_min" | "clamp_max" | "round") {
        return Err(EvalError::execution(format!(
            "function {name} is not known to the evaluation"
        )));
    }
    let scalars = call.args[1..]
        .iter()
        .map(|arg| context.scalar(arg, grid))
        .collect::<Result<Vec<_>, EvalError>>()?;
    let mut args = Vec::new();
    for (step, value) in series.iter_mut().flat_map(|s| s.values.iter_mut()) {
        args.clear();
        args.extend(scalars.iter().map(|s| s[step]));
        *value = with_args(name, *value, &args);
    }
    series.retain(|s| !s.values.is_empty());
    context.drop_names(series).map(StepValue::Vector)
}
