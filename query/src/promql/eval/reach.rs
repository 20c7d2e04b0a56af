//! Which times an answer depends on, so that whoever keeps it knows when it no longer holds. Not for reading.

use super::plan::{self, HINT_LOOKBACK};
use super::{EvalError, Query};
use crate::promql::ast::{At, Duration, DurationExpr, DurationOp, Expr};

/// The samples that the answer of a query depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// First and last time, in milliseconds, both inclusive; none when it depends on no sample.
    pub times: Option<(i64, i64)>,
    /// How far the samples of one step lie before and behind it, in milliseconds, if the value of a step depends on nothing
    /// else of the query than the step's own time.
    pub around: Option<(i64, i64)>,
}

/// The reach of a query.
///
/// # Errors
/// Durations that are none.
pub fn reach(query: &Query) -> Result<Reach, EvalError> {
    let mut planned = Vec::new();
    let grid = query.grid();
    plan::plan(query, &query.expr, grid, &mut planned)?;
    let selections = || planned.iter().map(|p| &p.selection);
    let first = selections()
        .map(|s| s.min_time.saturating_sub(HINT_LOOKBACK))
        .min();
    let times = first.zip(selections().map(|s| s.max_time).max());
    let around = times.map(|(first, last)| {
        (
            grid.start.saturating_sub(first),
            last.saturating_sub(grid.last()).max(0),
        )
    });
    Ok(Reach {
        times,
        around: around.filter(|_| !looks_beyond_its_step(&query.expr)),
    })
}

/// True when an expression depends on where the query begins or ends, or is pinned to a time.
fn looks_beyond_its_step(expr: &Expr) -> bool {
    let pinned = |at: Option<At>| at.is_some();
    let own = match expr {
        Expr::Vector(selector) => pinned(selector.at) || measures(&selector.offset),
        Expr::Matrix(matrix) => {
            pinned(matrix.selector.at) || measures(&matrix.selector.offset) || measures(&matrix.range)
        }
        Expr::Subquery(subquery) => {
            pinned(subquery.at)
                || measures(&subquery.offset)
                || measures(&subquery.range)
                || subquery.step.as_ref().is_some_and(measures)
        }
        Expr::Call(call) => matches!(call.function.name, "start" | "end" | "range"),
        _ => false,
    };
    own || expr.children().into_iter().any(looks_beyond_its_step)
}

/// True when a duration is computed from the query's own.
fn measures(duration: &Duration) -> bool {
    fn within(expr: &DurationExpr) -> bool {
        match expr {
            DurationExpr::Number(_) => false,
            DurationExpr::Query { op, .. } => *op != DurationOp::Step,
            DurationExpr::Unary { expr, .. } => within(expr),
            DurationExpr::Binary { lhs, rhs, .. } => within(lhs) || within(rhs),
        }
    }
    match duration {
        Duration::Literal(_) => false,
        Duration::Expr(expr) => within(expr),
    }
}
