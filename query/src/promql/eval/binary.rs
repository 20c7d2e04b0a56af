//! Operators between scalars, and between a vector and a scalar; which evaluation two vectors take.

use super::context::Context;
use super::grid::Grid;
use super::series::{ABSENT, StepSeries, StepValue};
use super::{EvalError, matching, setop};
use crate::promql::ast::{BinaryExpr, BinaryOp, VectorMatching};

pub(super) fn eval(context: &Context<'_>, binary: &BinaryExpr, grid: Grid) -> Result<StepValue, EvalError> {
    let lhs = context.value(&binary.lhs, grid)?;
    let rhs = context.value(&binary.rhs, grid)?;
    match (lhs, rhs) {
        (StepValue::Scalar(mut l), StepValue::Scalar(r)) => {
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

/// What one element of a vector becomes: its new value, or nothing when a comparison drops it.
pub(super) fn element(op: BinaryOp, return_bool: bool, l: f64, r: f64, kept: f64) -> f64 {
    match (op.is_comparison(), return_bool) {
        (false, _) => arithmetic(op, l, r),
        (true, true) => f64::from(u8::from(compare(op, l, r))),
        (true, false) if compare(op, l, r) => kept,
        (true, false) => ABSENT,
    }
}

/// True for `</` and `>/`, which only native histograms support: floats are left out with an info.
pub(super) fn is_trim(context: &Context<'_>, binary: &BinaryExpr) -> bool {
    let trim = matches!(binary.op, BinaryOp::TrimLower | BinaryOp::TrimUpper);
    if trim {
        let op = binary.op.as_str();
        let span = binary.lhs.span().to(binary.rhs.span());
        context.inform(
            span,
            format!("incompatible sample types encountered for binary operator \"{op}\": float {op} float"),
        );
    }
    trim
}

fn with_scalar(
    context: &Context<'_>,
    binary: &BinaryExpr,
    mut vector: Vec<StepSeries>,
    scalar: &[f64],
    scalar_left: bool,
) -> Result<StepValue, EvalError> {
    let op = binary.op;
    if !vector.is_empty() && is_trim(context, binary) {
        return Ok(StepValue::Vector(Vec::new()));
    }
    for one in &mut vector {
        for (step, value) in one.values.iter_mut() {
            let other = scalar[step];
            let (l, r) = if scalar_left {
                (other, *value)
            } else {
                (*value, other)
            };
            // A comparison keeps the vector's value, on whichever side it stands.
            *value = element(op, binary.return_bool, l, r, *value);
        }
    }
    vector.retain(|s| !s.values.is_empty());
    if op.is_comparison() && !binary.return_bool {
        return Ok(StepValue::Vector(vector));
    }
    context.drop_names(vector).map(StepValue::Vector)
}
