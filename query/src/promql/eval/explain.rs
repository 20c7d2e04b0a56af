//! What a query will read and what it did read, for people. Not for machines: the text may change.

use std::fmt::Write as _;

use kymo_engine::metrics::{Estimate, Selection};

use super::plan::Planned;
use super::{EvalError, Query, Source, plan};
use crate::promql::ast::Expr;

/// What a selector of a query will read, told from the indexes before anything is read.
#[derive(Debug, Clone)]
pub struct Cost {
    /// The series and times.
    pub selection: Selection,
    /// How much it is about.
    pub estimate: Estimate,
}

/// What the selectors of a query will read, in the order of the text.
///
/// # Errors
/// The source's errors, and durations that are none.
pub fn costs(query: &Query, source: &dyn Source) -> Result<Vec<Cost>, EvalError> {
    let planned = planned(query)?;
    planned.into_iter().map(|one| cost(source, &one)).collect()
}

/// The plan of a query as an indented tree, and under every selector what it will read: series, samples and time range.
///
/// # Errors
/// The source's errors, and durations that are none.
pub fn explain(query: &Query, source: &dyn Source) -> Result<String, EvalError> {
    let grid = query.grid();
    let mut notes = Vec::new();
    let (mut series, mut samples) = (0, 0);
    for one in planned(query)? {
        let found = cost(source, &one)?;
        let (from, to) = (found.selection.min_time, found.selection.max_time);
        let note = format!("reads {from}..={to} ms: {}", in_words(&found.estimate));
        notes.push((one.node, note));
        series += found.estimate.series;
        samples += found.estimate.samples;
    }
    let mut out = format!("{} steps from {} to {} ms\n", grid.len, grid.start, grid.last());
    describe(&query.expr, 0, &notes, &mut out);
    // Writing to a string cannot fail.
    let _infallible = writeln!(
        out,
        "cost: {series} series x {} samples each",
        samples / series.max(1)
    );
    Ok(out)
}

fn planned(query: &Query) -> Result<Vec<Planned>, EvalError> {
    let mut planned = Vec::new();
    plan::plan(query, &query.expr, query.grid(), &mut planned)?;
    Ok(planned)
}

fn cost(source: &dyn Source, planned: &Planned) -> Result<Cost, EvalError> {
    let selection = planned.selection.clone();
    let estimate = match source.estimate(&selection, true)? {
        Some(estimate) => estimate,
        None => {
            let found = source.select(std::slice::from_ref(&selection))?;
            let series = found.first().map_or(0, Vec::len) as u64;
            Estimate {
                series,
                series_max: series,
                ..Estimate::default()
            }
        }
    };
    Ok(Cost { selection, estimate })
}

fn in_words(estimate: &Estimate) -> String {
    let Estimate {
        series,
        series_max,
        samples,
        ..
    } = estimate;
    if series == series_max {
        format!("{series} series, {samples} samples")
    } else {
        format!("{series} to {series_max} series, {samples} samples")
    }
}

fn describe(expr: &Expr, level: usize, notes: &[(usize, String)], out: &mut String) {
    let invariant = if !matches!(expr, Expr::Number(_) | Expr::String(_)) && plan::is_step_invariant(expr) {
        " (once for all steps)"
    } else {
        ""
    };
    let (kind, node) = match expr {
        Expr::Number(_) | Expr::String(_) => ("literal", None),
        Expr::Paren(paren) => return describe(&paren.expr, level, notes, out),
        Expr::Unary(_) => ("sign", None),
        Expr::Binary(_) => ("operator", None),
        Expr::Call(call) if call.function.name == "info" => ("function", Some(call.args.as_ptr() as usize)),
        Expr::Call(_) => ("function", None),
        Expr::Aggregate(_) => ("aggregation", None),
        Expr::Vector(selector) => ("selector", Some(plan::node_id(selector))),
        Expr::Matrix(matrix) => ("range selector", Some(plan::node_id(&matrix.selector))),
        Expr::Subquery(_) => ("subquery", None),
    };
    let indent = "  ".repeat(level);
    // Writing to a string cannot fail.
    let _infallible = writeln!(out, "{indent}{kind}: {expr}{invariant}");
    for (_, note) in notes.iter().filter(|(id, _)| Some(*id) == node) {
        let _infallible = writeln!(out, "{indent}  {note}");
    }
    for child in expr.children() {
        describe(child, level + 1, notes, out);
    }
}
