//! Arithmetic and comparison of single values. Not for expressions over spans (see [`super::eval`]).

use std::cmp::Ordering;

use super::ast::{BinaryOp, Static};

/// The result of an operator other than a regular expression. [`Static::Nil`] where the types do not go together and for the
/// division of an integer by zero: a comparison then does not hold, arithmetic has no value.
pub(super) fn apply(op: BinaryOp, lhs: &Static, rhs: &Static) -> Static {
    if op.is_arithmetic() {
        return arithmetic(op, lhs, rhs);
    }
    compare(op, lhs, rhs).map_or(Static::Nil, Static::Bool)
}

/// Whether a comparison holds; `None` where the types do not go together.
pub(super) fn compare(op: BinaryOp, lhs: &Static, rhs: &Static) -> Option<bool> {
    let (lt, rt) = (lhs.value_type(), rhs.value_type());
    if !lt.matches(rt) || !op.takes(lt) || !op.takes(rt) {
        return None;
    }
    if matches!(lhs, Static::Nil) {
        return None;
    }
    Some(holds(op, order(lhs, rhs)))
}

/// Whether a comparison holds for an order; without one, as with NaN, only `!=` does.
pub(super) fn holds(op: BinaryOp, order: Option<Ordering>) -> bool {
    match (op, order) {
        (BinaryOp::NotEqual, order) => order != Some(Ordering::Equal),
        (_, None) => false,
        (BinaryOp::Equal, Some(order)) => order.is_eq(),
        (BinaryOp::Less, Some(order)) => order.is_lt(),
        (BinaryOp::LessEqual, Some(order)) => order.is_le(),
        (BinaryOp::Greater, Some(order)) => order.is_gt(),
        (BinaryOp::GreaterEqual, Some(order)) => order.is_ge(),
        _ => false,
    }
}

/// The order of two values of types that go together.
pub(super) fn order(lhs: &Static, rhs: &Static) -> Option<Ordering> {
    use Static::{Bool, Duration, Float, Int, Kind, Status, String};
    match (lhs, rhs) {
        (Int(a) | Duration(a), Int(b) | Duration(b)) => Some(a.cmp(b)),
        (Float(a), Float(b)) => a.partial_cmp(b),
        (Int(a) | Duration(a), Float(b)) => order_int_float(*a, *b),
        (Float(a), Int(b) | Duration(b)) => order_int_float(*b, *a).map(Ordering::reverse),
        (String(a), String(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Bool(a), Bool(b)) => Some(a.cmp(b)),
        (Status(a), Status(b)) => Some(a.cmp(b)),
        (Kind(a), Kind(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// Compares exactly, also where a float cannot hold the integer.
pub(super) fn order_int_float(int: i64, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    // 2^63 is a float; all floats below it and from -2^63 on have an integer part that fits.
    if float >= 9_223_372_036_854_775_808.0 {
        return Some(Ordering::Less);
    }
    if float < -9_223_372_036_854_775_808.0 {
        return Some(Ordering::Greater);
    }
    let whole = float.trunc();
    let by_whole = int.cmp(&(whole as i64));
    Some(by_whole.then_with(|| 0.0.partial_cmp(&(float - whole)).unwrap_or(Ordering::Equal)))
}

fn arithmetic(op: BinaryOp, lhs: &Static, rhs: &Static) -> Static {
    if let (Static::Int(a), Static::Int(b)) = (lhs, rhs) {
        return integers(op, *a, *b).map_or(Static::Nil, Static::Int);
    }
    match (lhs.as_f64(), rhs.as_f64()) {
        (Some(a), Some(b)) => Static::Float(floats(op, a, b)),
        _ => Static::Nil,
    }
}

/// Arithmetic of floats.
fn floats(op: BinaryOp, a: f64, b: f64) -> f64 {
    match op {
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Mul => a * b,
        BinaryOp::Div => a / b,
        BinaryOp::Mod => a % b,
        _ => a.powf(b),
    }
}

/// True for the division of one whole number by zero, or its rest.
pub(super) fn divides_by_zero(op: BinaryOp, lhs: &Static, rhs: &Static) -> bool {
    let divides = matches!(op, BinaryOp::Div | BinaryOp::Mod);
    divides && matches!((lhs, rhs), (Static::Int(_), Static::Int(0)))
}

/// Arithmetic of integers, which wraps at 64 bits as Go's does. A division by zero has no result.
fn integers(op: BinaryOp, a: i64, b: i64) -> Option<i64> {
    Some(match op {
        BinaryOp::Add => a.wrapping_add(b),
        BinaryOp::Sub => a.wrapping_sub(b),
        BinaryOp::Mul => a.wrapping_mul(b),
        BinaryOp::Div | BinaryOp::Mod if b == 0 => return None,
        BinaryOp::Div => a.wrapping_div(b),
        BinaryOp::Mod => a.wrapping_rem(b),
        _ => (a as f64).powf(b as f64) as i64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_floats_compare_exactly() {
        let less = Some(Ordering::Less);
        assert_eq!(order_int_float(i64::MAX, 9.223_372_036_854_776e18), less);
        assert_eq!(
            order_int_float(i64::MIN, -9.223_372_036_854_776e18),
            Some(Ordering::Equal)
        );
        assert_eq!(order_int_float(1, 1.5), less);
        assert_eq!(order_int_float(-1, -1.5), Some(Ordering::Greater));
        assert_eq!(order_int_float(2, 2.0), Some(Ordering::Equal));
        assert_eq!(order_int_float(0, f64::NAN), None);
    }

    #[test]
    fn integers_stay_integers_and_other_numbers_do_not() {
        let div = |a, b| apply(BinaryOp::Div, &a, &b);
        assert_eq!(div(Static::Int(1), Static::Int(2)), Static::Int(0));
        assert_eq!(div(Static::Int(1), Static::Float(2.0)), Static::Float(0.5));
        assert_eq!(div(Static::Duration(3), Static::Int(2)), Static::Float(1.5));
        assert_eq!(div(Static::Int(1), Static::Int(0)), Static::Nil);
        assert_eq!(div(Static::Int(i64::MIN), Static::Int(-1)), Static::Int(i64::MIN));
    }

    #[test]
    fn types_that_do_not_go_together_have_no_result() {
        let text = Static::String("a".into());
        assert_eq!(apply(BinaryOp::NotEqual, &text, &Static::Int(1)), Static::Nil);
        assert_eq!(
            apply(BinaryOp::NotEqual, &Static::Nil, &Static::Int(1)),
            Static::Nil
        );
        assert_eq!(apply(BinaryOp::Add, &text, &Static::Int(1)), Static::Nil);
        assert_eq!(
            compare(BinaryOp::Less, &Static::Bool(false), &Static::Bool(true)),
            None
        );
    }
}
