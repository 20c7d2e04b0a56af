//! Builds expressions so that what has no attribute becomes its value. Not for types (see [`super::check`]): what does not go
//! together stays as it is written.

use super::ast::{BinaryOp, FieldExpr, LogicOp, Static, UnaryOp};
use super::value;

/// `lhs op rhs`; a comparison with `nil` asks for presence.
pub(super) fn binary(op: BinaryOp, lhs: FieldExpr, rhs: FieldExpr) -> FieldExpr {
    let is_nil = |e: &FieldExpr| matches!(e, FieldExpr::Static(Static::Nil));
    if matches!(op, BinaryOp::Equal | BinaryOp::NotEqual) && (is_nil(&lhs) || is_nil(&rhs)) {
        let expr = if is_nil(&rhs) { lhs } else { rhs };
        return exists(expr, op == BinaryOp::Equal);
    }
    if let (FieldExpr::Static(a), FieldExpr::Static(b)) = (&lhs, &rhs)
        && !op.is_regex()
        && let folded = value::apply(op, a, b)
        && is_literal(&folded)
    {
        return FieldExpr::Static(folded);
    }
    FieldExpr::Binary {
        op,
        lhs: Box::new(lhs),
        rhs: Box::new(rhs),
    }
}

fn exists(expr: FieldExpr, absent: bool) -> FieldExpr {
    if let FieldExpr::Static(value) = &expr {
        return FieldExpr::Static(Static::Bool(matches!(value, Static::Nil) == absent));
    }
    FieldExpr::Exists {
        expr: Box::new(expr),
        absent,
    }
}

/// True for values that a query can spell.
fn is_literal(value: &Static) -> bool {
    match value {
        Static::Nil => false,
        Static::Float(x) => x.is_finite(),
        _ => true,
    }
}

/// `op expr`.
pub(super) fn unary(op: UnaryOp, expr: FieldExpr) -> FieldExpr {
    let folded = match (op, &expr) {
        (UnaryOp::Not, FieldExpr::Static(Static::Bool(b))) => Some(Static::Bool(!b)),
        (UnaryOp::Negate, FieldExpr::Static(value)) => negated(value),
        _ => None,
    };
    match folded {
        Some(value) => FieldExpr::Static(value),
        None => FieldExpr::Unary {
            op,
            expr: Box::new(expr),
        },
    }
}

/// The negative of a number.
pub(super) fn negated(value: &Static) -> Option<Static> {
    match value {
        Static::Int(n) => Some(Static::Int(n.wrapping_neg())),
        Static::Float(x) => Some(Static::Float(-x)),
        Static::Duration(n) => Some(Static::Duration(n.wrapping_neg())),
        _ => None,
    }
}

/// `lhs op rhs`, joined to the chain that the left side is.
pub(super) fn logic(op: LogicOp, lhs: FieldExpr, rhs: FieldExpr) -> FieldExpr {
    match lhs {
        FieldExpr::Logic {
            op: chained,
            mut operands,
        } if chained == op => {
            operands.push(rhs);
            FieldExpr::Logic { op, operands }
        }
        lhs => FieldExpr::Logic {
            op,
            operands: vec![lhs, rhs],
        },
    }
}
