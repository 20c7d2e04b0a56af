//! Prometheus' pretty form of an expression: what fits into 100 columns stays on one line, the rest is broken and indented.
//! Not for the canonical form on one line (see [`super::printer`]).

use super::ast::Expr;
use super::printer;

/// Longest expression that stays on one line, in bytes.
const WIDTH: usize = 100;

/// The expression in its pretty form.
pub fn pretty(expr: &Expr) -> String {
    at_level(expr, 0)
}

fn at_level(expr: &Expr, level: usize) -> String {
    let indent = "  ".repeat(level);
    let line = expr.to_string();
    let fits = line.len() <= WIDTH;
    match expr {
        Expr::Unary(unary) => {
            format!(
                "{indent}{}{}",
                unary.op.as_str(),
                at_level(&unary.expr, level).trim()
            )
        }
        // The subquery's own indent is that of its expression; on one line Prometheus gives it none.
        Expr::Subquery(subquery) if !fits => {
            format!(
                "{}{}",
                at_level(&subquery.expr, level),
                printer::subquery_suffix(subquery)
            )
        }
        Expr::Subquery(_) => line,
        Expr::Binary(binary) if !fits => format!(
            "{}\n{indent}{}\n{}",
            at_level(&binary.lhs, level + 1),
            printer::operator(binary),
            at_level(&binary.rhs, level + 1)
        ),
        Expr::Call(call) if !fits => {
            let args: Vec<String> = call.args.iter().map(|arg| at_level(arg, level + 1)).collect();
            format!("{indent}{}(\n{}\n{indent})", call.function.name, args.join(",\n"))
        }
        Expr::Aggregate(aggregate) if !fits => {
            let param = aggregate
                .param
                .as_ref()
                .map(|p| at_level(p, level + 1) + ",\n")
                .unwrap_or_default();
            let head = printer::aggregate_head(aggregate);
            format!(
                "{indent}{head}(\n{param}{}\n{indent})",
                at_level(&aggregate.expr, level + 1)
            )
        }
        Expr::Paren(paren) if !fits => format!("{indent}(\n{}\n{indent})", at_level(&paren.expr, level + 1)),
        _ => format!("{indent}{line}"),
    }
}
