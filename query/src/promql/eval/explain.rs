//! What a query will read and what it did read, for people. Not for machines: the text may change.

use std::fmt::Write as _;

use kymo_engine::metrics::Samples;

use super::{EvalError, Query, Source, plan};
use crate::promql::ast::Expr;

/// The plan of a query as an indented tree, and under every selector what was found for it: series, samples and time range.
///
/// # Errors
/// The source's errors, and durations that are none.
pub fn explain(query: &Query, source: &dyn Source) -> Result<String, EvalError> {
    let grid = query.grid();
    let mut planned = Vec::new();
    plan::plan(query, &query.expr, grid, &mut planned)?;
    let selections: Vec<_> = planned.iter().map(|p| p.selection.clone()).collect();
    let found = if selections.is_empty() {
        Vec::new()
    } else {
        source.select(&selections)?
    };
    let mut notes = Vec::new();
    for (planned, series) in planned.iter().zip(found) {
        let (from, to) = (planned.selection.min_time, planned.selection.max_time);
        let mut samples = Samples::default();
        let mut total = 0;
        for one in &series {
            samples.clear();
            one.read(from, to, &mut samples)?;
            total += samples.len();
        }
        let note = format!("reads {from}..={to} ms: {} series, {total} samples", series.len());
        notes.push((planned.node, note));
    }
    let mut out = format!("{} steps from {} to {} ms\n", grid.len, grid.start, grid.last());
    describe(&query.expr, 0, &notes, &mut out);
    Ok(out)
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
