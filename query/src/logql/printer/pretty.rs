//! A query over several lines: what is longer than a line is cut at its stages, arguments and operators.

use super::metric::{offset, texts};
use super::{nanoseconds, selector};
use crate::logql::ast::{Binary, Expr, LogExpr, LogRange, Metric, RangeAggregation, VectorAggregation};
use crate::number;

/// Characters that stand in one line.
const WIDTH: usize = 100;

/// A query as Loki's `format_query` lays it out.
pub fn pretty(expr: &Expr) -> String {
    match expr {
        Expr::Log(log) => log_expr(log, 0),
        Expr::Metric(of) => metric(of, 0),
    }
}

fn indent(level: usize) -> String {
    "  ".repeat(level)
}

/// The text in one line, if it has room there.
fn in_one_line(text: String, level: usize) -> Option<String> {
    (text.chars().count() <= WIDTH).then(|| format!("{}{text}", indent(level)))
}

fn log_expr(log: &LogExpr, level: usize) -> String {
    in_one_line(log.to_string(), level).unwrap_or_else(|| {
        let mut lines = Vec::new();
        if !log.anywhere {
            lines.push(format!("{}{}", indent(level), selector(&log.selector)));
        }
        let stages = log.stages.iter().map(ToString::to_string);
        let stages = stages.chain(log.tail.iter().map(ToString::to_string));
        lines.extend(stages.map(|stage| format!("{}{stage}", indent(level + 1))));
        lines.join("\n")
    })
}

fn log_range(range: &LogRange, level: usize) -> String {
    let mut text = log_expr(&range.log, level);
    if let Some(unwrap) = &range.unwrap {
        text.push_str(&format!("\n{}{unwrap}", indent(level + 1)));
    }
    format!("{text} [{}]{}", nanoseconds(range.range), offset(range))
}

fn metric(of: &Metric, level: usize) -> String {
    in_one_line(of.to_string(), level).unwrap_or_else(|| match of {
        Metric::Range(range) => range_aggregation(range, level),
        Metric::Vector(vector) => vector_aggregation(vector, level),
        Metric::Binary(of) => binary(of, level),
        Metric::LabelReplace(of) => {
            let mut arguments = vec![metric(&of.inner, level + 1)];
            let rest = texts(&of.replacement).into_iter();
            arguments.extend(rest.map(|text| format!("{}{text}", indent(level + 1))));
            call("label_replace(", &arguments, level)
        }
        Metric::Number(_) | Metric::VectorOf(_) => format!("{}{of}", indent(level)),
    })
}

/// A function with an argument a line.
fn call(head: &str, arguments: &[String], level: usize) -> String {
    let space = indent(level);
    format!("{space}{head}\n{}\n{space})", arguments.join(",\n"))
}

fn range_aggregation(of: &RangeAggregation, level: usize) -> String {
    let param = of
        .param
        .map(|param| format!("{}{}", indent(level + 1), number::format_plain(param)));
    let arguments: Vec<String> = param
        .into_iter()
        .chain([log_range(&of.range, level + 1)])
        .collect();
    let text = call(&format!("{}(", of.op.as_str()), &arguments, level);
    match &of.grouping {
        Some(grouping) => format!("{text} {grouping}"),
        None => text,
    }
}

fn vector_aggregation(of: &VectorAggregation, level: usize) -> String {
    let count = of
        .op
        .takes_count()
        .then(|| format!("{}{}", indent(level + 1), of.param));
    let arguments: Vec<String> = count.into_iter().chain([metric(&of.inner, level + 1)]).collect();
    call(&of.head(), &arguments, level)
}

fn binary(of: &Binary, level: usize) -> String {
    let side = |side: &Metric| match side {
        Metric::Binary(_) => {
            let space = indent(level + 1);
            format!("{space}(\n{}\n{space})", metric(side, level + 2))
        }
        _ => metric(side, level + 1),
    };
    format!(
        "{}\n{}{}\n{}",
        side(&of.left),
        indent(level),
        of.operator(),
        side(&of.right)
    )
}
