//! Operators between scalars, and between a vector and a scalar; which evaluation two vectors take.

use super::context::Context;
use super::grid::Grid;
use super::series::{ABSENT, Histograms, Sample, StepSeries, StepValue};
use super::{EvalError, matching, setop};
use crate::promql::ast::{BinaryExpr, BinaryOp, VectorMatching};

mod element;

pub(super) use element::{Operator, Outcome};

pub(super) fn eval(context: &Context<'_>, binary: &BinaryExpr, grid: Grid) -> Result<StepValue, EvalError> {
    let lhs = context.value(&binary.lhs, grid)?;
    let rhs = context.value(&binary.rhs, grid)?;
    match (lhs, rhs) {
        (StepValue::Scalar(mut l), StepValue::Scalar(r)) => {
            if is_trim(binary.op) {
                let op = crate::lex::string::quote(binary.op.as_str());
                return Err(EvalError::execution(format!(
                    "operator {op} not allowed for Scalar operations"
                )));
            }
            for (l, r) in l.iter_mut().zip(r) {
                *l = scalars(binary.op, *l, r);
            }
            Ok(StepValue::Scalar(l))
        }
        (StepValue::Vector(l), StepValue::Scalar(r)) => with_scalar(context, binary, l, &r, false),
        (StepValue::Scalar(l), StepValue::Vector(r)) => with_scalar(context, binary, r, &l, true),
        (StepValue::Vector(l), StepValue::Vector(r)) => {
            let fallback = VectorMatching::default();
            let rules = binary.matching.as_ref().unwrap_or(&fallback);
            if binary.op.is_set() {
                return setop::eval(binary.op, rules, l, r).map(StepValue::Vector);
            }
            matching::eval(context, binary, rules, l, r, grid).map(StepValue::Vector)
        }
        _ => Err(EvalError::execution(
            "binary expression must contain only scalar and instant vector types",
        )),
    }
}

/// The result of an arithmetic operator.
pub(super) fn arithmetic(op: BinaryOp, l: f64, r: f64) -> f64 {
    match op {
        BinaryOp::Add => l + r,
        BinaryOp::Sub => l - r,
        BinaryOp::Mul => l * r,
        BinaryOp::Div => l / r,
        BinaryOp::Mod => l % r,
        BinaryOp::Pow => l.powf(r),
        _ => l.atan2(r),
    }
}

/// The result of a comparison.
pub(super) fn compare(op: BinaryOp, l: f64, r: f64) -> bool {
    match op {
        BinaryOp::Equal => l == r,
        BinaryOp::NotEqual => l != r,
        BinaryOp::Greater => l > r,
        BinaryOp::Less => l < r,
        BinaryOp::GreaterEqual => l >= r,
        _ => l <= r,
    }
}

fn scalars(op: BinaryOp, l: f64, r: f64) -> f64 {
    if op.is_comparison() {
        f64::from(u8::from(compare(op, l, r)))
    } else {
        arithmetic(op, l, r)
    }
}

/// What one element of a vector of floats becomes: its new value, or nothing when a comparison drops it.
fn element(op: BinaryOp, return_bool: bool, l: f64, r: f64, kept: f64) -> f64 {
    match (op.is_comparison(), return_bool) {
        (false, _) => arithmetic(op, l, r),
        (true, true) => f64::from(u8::from(compare(op, l, r))),
        (true, false) if compare(op, l, r) => kept,
        (true, false) => ABSENT,
    }
}

/// True for operators that make something else of a metric than it was, so that its name goes.
pub(super) fn changes_metric(op: BinaryOp) -> bool {
    !op.is_comparison() && !is_trim(op)
}

/// True for `</` and `>/`, which only native histograms support: floats are left out with an info.
fn is_trim(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::TrimLower | BinaryOp::TrimUpper)
}

/// The operator with its place.
pub(super) fn operator<'c, 'q>(context: &'c Context<'q>, binary: &BinaryExpr) -> Operator<'c, 'q> {
    Operator {
        context,
        op: binary.op,
        span: binary.lhs.span().to(binary.rhs.span()),
    }
}

fn with_scalar(
    context: &Context<'_>,
    binary: &BinaryExpr,
    mut vector: Vec<StepSeries>,
    scalar: &[f64],
    scalar_left: bool,
) -> Result<StepValue, EvalError> {
    let op = binary.op;
    let operator = operator(context, binary);
    for one in &mut vector {
        for (step, value) in one.values.iter_mut() {
            let other = scalar[step];
            let (l, r) = if scalar_left {
                (other, *value)
            } else {
                (*value, other)
            };
            if is_trim(op) {
                operator.apply(&Sample::Float(l), &Sample::Float(r));
                *value = ABSENT;
                continue;
            }
            // A comparison keeps the vector's value, on whichever side it stands.
            *value = element(op, binary.return_bool, l, r, *value);
        }
        histograms_with_scalar(&operator, one, scalar, scalar_left);
    }
    vector.retain(|s| !s.is_empty());
    if !changes_metric(op) && !binary.return_bool {
        return Ok(StepValue::Vector(vector));
    }
    context.drop_names(vector).map(StepValue::Vector)
}

/// What the histograms of a series become; no operator makes a float of a histogram and a number.
fn histograms_with_scalar(
    operator: &Operator<'_, '_>,
    one: &mut StepSeries,
    scalar: &[f64],
    scalar_left: bool,
) {
    if one.histograms.is_empty() {
        return;
    }
    let mut out = Histograms::default();
    for (step, histogram) in one.histograms.iter() {
        let (histogram, other) = (Sample::Histogram(histogram.clone()), Sample::Float(scalar[step]));
        let outcome = if scalar_left {
            operator.apply(&other, &histogram)
        } else {
            operator.apply(&histogram, &other)
        };
        if let Outcome::Keep(Sample::Histogram(result)) = outcome {
            out.set(step, result);
        }
    }
    one.histograms = out;
}
