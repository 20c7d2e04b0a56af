//! The variants of an instant case: the same query with its selectors pinned by `@`, at other times, and inside a range.

use crate::promql::ast::{At, Expr};
use crate::promql::functions;

/// The query with every selector pinned to `time` that no `@` pins already, or nothing when its result depends on the
/// evaluation time by itself.
pub(super) fn pinned(expr: &Expr, time: i64) -> Option<Expr> {
    let mut depends = false;
    expr.walk(&mut |e| {
        if let Expr::Call(call) = e {
            depends |= functions::depends_on_time(call.function.name);
        }
    });
    if depends {
        return None;
    }
    let mut expr = expr.clone();
    pin(&mut expr, time);
    Some(expr)
}

fn pin(expr: &mut Expr, time: i64) {
    let set = |at: &mut Option<At>| {
        if !matches!(at, Some(At::Timestamp(_))) {
            *at = Some(At::Timestamp(time));
        }
    };
    match expr {
        Expr::Number(_) | Expr::String(_) => {}
        Expr::Paren(paren) => pin(&mut paren.expr, time),
        Expr::Unary(unary) => pin(&mut unary.expr, time),
        Expr::Binary(binary) => {
            pin(&mut binary.lhs, time);
            pin(&mut binary.rhs, time);
        }
        Expr::Call(call) => call.args.iter_mut().for_each(|arg| pin(arg, time)),
        Expr::Aggregate(aggregate) => {
            if let Some(param) = &mut aggregate.param {
                pin(param, time);
            }
            pin(&mut aggregate.expr, time);
        }
        Expr::Vector(selector) => set(&mut selector.at),
        Expr::Matrix(matrix) => set(&mut matrix.selector.at),
        // What a pinned subquery holds is evaluated at its own steps.
        Expr::Subquery(subquery) => set(&mut subquery.at),
    }
}

/// The times at which a pinned query must give the same, in milliseconds.
pub(super) fn times(time: i64) -> Vec<i64> {
    if time == 0 {
        vec![-1_000, 0, 1_000]
    } else {
        vec![-10 * time, 0, time / 5, time, 10 * time]
    }
}

/// Functions whose result in the middle of a range differs from that of an instant.
pub(super) fn differs_in_range(query: &str) -> bool {
    let lower = query.to_ascii_lowercase();
    ["start()", "end()", "range()", "step()"]
        .iter()
        .any(|call| lower.contains(call))
}
