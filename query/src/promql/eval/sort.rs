//! `sort` and `sort_by_label` with their descending forms. Range queries order by labels whatever they say.

use std::cmp::Ordering;

use super::EvalError;
use super::context::Context;
use super::grid::Grid;
use super::math_fn::floats;
use super::series::StepSeries;
use crate::promql::ast::CallExpr;

fn warn_in_range(context: &Context<'_>, call: &CallExpr) -> bool {
    if context.grid.len != 1 || context.query.step > 0 {
        context.warn(
            call.span,
            "sort is ineffective for range queries since results are always ordered by labels",
        );
        return true;
    }
    false
}

pub(super) fn by_value(
    context: &Context<'_>,
    call: &CallExpr,
    grid: Grid,
) -> Result<Vec<StepSeries>, EvalError> {
    let mut series = floats(context.vector(&call.args[0], grid)?);
    if warn_in_range(context, call) || grid.len != 1 {
        return Ok(series);
    }
    let descending = call.function.name == "sort_desc";
    series.sort_by(|a, b| nan_last(a.values.get(0), b.values.get(0), descending));
    Ok(series)
}

/// Order of values with NaN behind all others in both directions.
pub(super) fn nan_last(a: f64, b: f64, descending: bool) -> Ordering {
    match a.partial_cmp(&b) {
        Some(order) if descending => order.reverse(),
        Some(order) => order,
        None => a.is_nan().cmp(&b.is_nan()),
    }
}

pub(super) fn by_label(
    context: &Context<'_>,
    call: &CallExpr,
    grid: Grid,
) -> Result<Vec<StepSeries>, EvalError> {
    let mut series = context.vector(&call.args[0], grid)?;
    if warn_in_range(context, call) {
        return Ok(series);
    }
    let names = call.args[1..]
        .iter()
        .map(|arg| context.string(arg))
        .collect::<Result<Vec<_>, _>>()?;
    let descending = call.function.name == "sort_by_label_desc";
    series.sort_by(|a, b| {
        let by_names = names
            .iter()
            .map(|n| natural(a.labels.value(n), b.labels.value(n)))
            .find(|o| o.is_ne());
        let order = by_names.unwrap_or_else(|| a.labels.cmp(&b.labels));
        if descending { order.reverse() } else { order }
    });
    Ok(series)
}

/// Natural order: runs of digits compare as numbers.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    while !a.is_empty() && !b.is_empty() {
        let (left, right) = (chunk(a), chunk(b));
        let digits = |s: &str| s.as_bytes()[0].is_ascii_digit();
        let order = if digits(left) && digits(right) {
            let (l, r) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
            (l.len(), l).cmp(&(r.len(), r)).then(left.len().cmp(&right.len()))
        } else {
            left.cmp(right)
        };
        if order.is_ne() {
            return order;
        }
        (a, b) = (&a[left.len()..], &b[right.len()..]);
    }
    a.len().cmp(&b.len())
}

/// The run of digits, or of anything else, at the start.
fn chunk(text: &str) -> &str {
    let digit = text.as_bytes()[0].is_ascii_digit();
    let len = text.bytes().take_while(|b| b.is_ascii_digit() == digit).count();
    &text[..len]
}
