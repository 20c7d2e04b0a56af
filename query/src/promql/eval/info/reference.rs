//! The time at which `info` looks at the info series: that of the series to enrich, where all of them have the same.

use crate::promql::ast::{Expr, ValueType};
use crate::promql::eval::plan::{self, Shift};
use crate::promql::eval::{EvalError, Query};

/// The shift that all selectors have of which the vector comes. Where they differ, or where a part of the
/// vector comes of no selector, it is the time of the step.
pub(in crate::promql::eval) fn reference(query: &Query, vector: &Expr) -> Result<Shift, EvalError> {
    let mut found = Vec::new();
    collect(query, vector, &mut found)?;
    let mut all = found.into_iter();
    let first = all.next().unwrap_or_else(Shift::none);
    Ok(if all.all(|other| other == first) {
        first
    } else {
        Shift::none()
    })
}

/// The shifts of all selectors that add to a vector, and none for what comes of no selector.
fn collect(query: &Query, expr: &Expr, out: &mut Vec<Shift>) -> Result<(), EvalError> {
    match expr {
        Expr::Vector(selector) => out.push(plan::shift(query, selector.at, &selector.offset)?.normal()),
        Expr::Matrix(matrix) => {
            let selector = &matrix.selector;
            out.push(plan::shift(query, selector.at, &selector.offset)?.normal());
        }
        Expr::Subquery(subquery) => {
            let outer = plan::shift(query, subquery.at, &subquery.offset)?;
            let mut inner = Vec::new();
            collect(query, &subquery.expr, &mut inner)?;
            out.extend(inner.into_iter().map(|shift| shift.within(outer).normal()));
        }
        Expr::Aggregate(aggregate) => collect(query, &aggregate.expr, out)?,
        Expr::Call(call) if call.function.name == "info" => collect(query, &call.args[0], out)?,
        other => {
            let before = out.len();
            for child in other.children().into_iter().filter(|c| is_vector(c)) {
                collect(query, child, out)?;
            }
            if out.len() == before {
                out.push(Shift::none());
            }
        }
    }
    Ok(())
}

fn is_vector(expr: &Expr) -> bool {
    matches!(expr.value_type(), ValueType::Vector | ValueType::Matrix)
}
