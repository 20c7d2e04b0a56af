//! Prints a syntax tree in Prometheus' canonical form on one line; what is printed parses to the same tree.
//! Not for line breaks (see [`super::format`]).

use std::fmt::{self, Display, Formatter, Write as _};

use kymo_engine::labels::{Labels, METRIC_NAME};
use kymo_engine::metrics::{MatchOp, Matcher};

use super::ast::{
    AggregateExpr, At, BinaryExpr, Cardinality, Duration, DurationExpr, DurationOp, Expr, MatrixSelector,
    NumberLiteral, SubqueryExpr, VectorMatching, VectorSelector,
};
use crate::lex::{duration, string};
use crate::number::{format_go, format_plain};

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Number(number) => number.fmt(f),
            Expr::String(text) => f.write_str(&string::quote(&text.value)),
            Expr::Paren(paren) => write!(f, "({})", paren.expr),
            Expr::Unary(unary) => write!(f, "{}{}", unary.op.as_str(), unary.expr),
            Expr::Binary(binary) => write!(f, "{} {} {}", binary.lhs, operator(binary), binary.rhs),
            Expr::Call(call) => {
                write!(f, "{}(", call.function.name)?;
                for (i, arg) in call.args.iter().enumerate() {
                    write!(f, "{}{arg}", if i == 0 { "" } else { ", " })?;
                }
                f.write_char(')')
            }
            Expr::Aggregate(aggregate) => {
                f.write_str(&aggregate_head(aggregate))?;
                match &aggregate.param {
                    Some(param) => write!(f, "({param}, {})", aggregate.expr),
                    None => write!(f, "({})", aggregate.expr),
                }
            }
            Expr::Vector(selector) => {
                write!(f, "{}{}", bare_selector(selector), selector_modifiers(selector))
            }
            Expr::Matrix(matrix) => matrix.fmt(f),
            Expr::Subquery(subquery) => write!(f, "{}{}", subquery.expr, subquery_suffix(subquery)),
        }
    }
}

impl Display for NumberLiteral {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let millis = self.value * 1000.0;
        if self.duration && millis.fract() == 0.0 && millis.abs() < i64::MAX as f64 {
            return f.write_str(&duration::format(millis as i64));
        }
        f.write_str(&format_plain(self.value))
    }
}

impl Display for MatrixSelector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let selector = &self.selector;
        write!(
            f,
            "{}[{}]{}",
            bare_selector(selector),
            shown(&self.range),
            selector_modifiers(selector)
        )
    }
}

impl Display for DurationExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let wrapped = match self {
            DurationExpr::Number(_) => false,
            DurationExpr::Query { wrapped, .. }
            | DurationExpr::Unary { wrapped, .. }
            | DurationExpr::Binary { wrapped, .. } => *wrapped,
        };
        if wrapped {
            f.write_char('(')?;
        }
        match self {
            DurationExpr::Number(number) => number.fmt(f)?,
            DurationExpr::Query { op, .. } => write!(f, "{}()", op.as_str())?,
            DurationExpr::Unary { op, expr, .. } => write!(f, "{}{expr}", op.as_str())?,
            DurationExpr::Binary { op, lhs, rhs, .. }
                if matches!(op, DurationOp::MinOf | DurationOp::MaxOf) =>
            {
                write!(f, "{}({lhs}, {rhs})", op.as_str())?;
            }
            DurationExpr::Binary { op, lhs, rhs, .. } => match &**lhs {
                // Unparenthesised, the sign would take in the power.
                DurationExpr::Number(n) if n.value < 0.0 => write!(f, "({lhs}) {} {rhs}", op.as_str())?,
                _ => write!(f, "{lhs} {} {rhs}", op.as_str())?,
            },
        }
        if wrapped { f.write_char(')') } else { Ok(()) }
    }
}

fn shown(value: &Duration) -> String {
    match value {
        Duration::Literal(millis) => duration::format(*millis),
        Duration::Expr(expr) => expr.to_string(),
    }
}

/// ` @ <time>` and ` offset <duration>`, as far as they are set.
fn modifiers(at: Option<At>, offset: &Duration) -> String {
    let mut out = match at {
        Some(At::Timestamp(millis)) => {
            let magnitude = millis.unsigned_abs();
            let sign = if millis < 0 { "-" } else { "" };
            format!(" @ {sign}{}.{:03}", magnitude / 1000, magnitude % 1000)
        }
        Some(At::Start) => " @ start()".to_owned(),
        Some(At::End) => " @ end()".to_owned(),
        None => String::new(),
    };
    if !offset.is_zero() {
        out.push_str(" offset ");
        out.push_str(&match offset {
            // Only a call, a sign before it or parentheses may follow `offset` as a whole.
            Duration::Expr(expr) if !stands_after_offset(expr) => format!("({expr})"),
            _ => shown(offset),
        });
    }
    out
}

fn stands_after_offset(expr: &DurationExpr) -> bool {
    match expr {
        DurationExpr::Number(_) | DurationExpr::Query { .. } => true,
        DurationExpr::Unary { wrapped, expr, .. } => *wrapped || stands_after_offset(expr),
        DurationExpr::Binary { op, wrapped, .. } => {
            *wrapped || matches!(op, DurationOp::MinOf | DurationOp::MaxOf)
        }
    }
}

fn selector_modifiers(selector: &VectorSelector) -> String {
    let extended = match (selector.anchored, selector.smoothed) {
        (true, _) => " anchored",
        (_, true) => " smoothed",
        _ => "",
    };
    format!("{extended}{}", modifiers(selector.at, &selector.offset))
}

fn bare_selector(selector: &VectorSelector) -> String {
    let mut conditions: Vec<String> = selector
        .matchers
        .iter()
        .filter(|m| selector.name.is_empty() || !is_name(m, &selector.name))
        .map(matcher)
        .collect();
    if conditions.is_empty() {
        return if selector.name.is_empty() {
            "{}".to_owned()
        } else {
            selector.name.clone()
        };
    }
    conditions.sort();
    format!("{}{{{}}}", selector.name, conditions.join(","))
}

fn is_name(matcher: &Matcher, name: &str) -> bool {
    matcher.name() == METRIC_NAME && matcher.op() == MatchOp::Equal && matcher.value() == name
}

fn matcher(matcher: &Matcher) -> String {
    format!(
        "{}{}{}",
        label(matcher.name()),
        matcher.op().as_str(),
        string::quote(matcher.value())
    )
}

/// A label's name, quoted when it is none of the classic ones.
pub fn label(name: &str) -> String {
    let mut bytes = name.bytes();
    let classic = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if classic {
        name.to_owned()
    } else {
        string::quote(name)
    }
}

/// A label set as messages show it, in Go's quotes.
pub fn label_set(labels: &Labels) -> String {
    let pairs = labels
        .iter()
        .map(|(name, value)| format!("{}={}", label(name), string::quote(value)));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
}

fn labels(names: &[String]) -> String {
    names
        .iter()
        .map(|name| label(name))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The operator with `bool` and its matching.
pub(super) fn operator(binary: &BinaryExpr) -> String {
    let mut out = binary.op.as_str().to_owned();
    if binary.return_bool {
        out.push_str(" bool");
    }
    if let Some(m) = &binary.matching {
        matching(m, &mut out);
    }
    out
}

fn matching(m: &VectorMatching, out: &mut String) {
    let group = match m.card {
        Cardinality::ManyToOne => Some("group_left"),
        Cardinality::OneToMany => Some("group_right"),
        Cardinality::OneToOne | Cardinality::ManyToMany => None,
    };
    let mut part = |text: String| {
        out.push(' ');
        out.push_str(&text);
    };
    if m.on || !m.labels.is_empty() || group.is_some() {
        part(format!(
            "{} ({})",
            if m.on { "on" } else { "ignoring" },
            labels(&m.labels)
        ));
    }
    if let Some(group) = group {
        part(format!("{group} ({})", labels(&m.include)));
    }
    match (m.fill_left, m.fill_right) {
        (Some(l), Some(r)) if l.to_bits() == r.to_bits() => part(format!("fill ({})", format_go(l))),
        (left, right) => {
            if let Some(value) = left {
                part(format!("fill_left ({})", format_go(value)));
            }
            if let Some(value) = right {
                part(format!("fill_right ({})", format_go(value)));
            }
        }
    }
}

/// The aggregator with its grouping; a blank separates the grouping from the parenthesis that follows.
pub(super) fn aggregate_head(aggregate: &AggregateExpr) -> String {
    let name = aggregate.op.as_str();
    match (aggregate.without, aggregate.grouping.is_empty()) {
        (true, _) => format!("{name} without ({}) ", labels(&aggregate.grouping)),
        (false, false) => format!("{name} by ({}) ", labels(&aggregate.grouping)),
        (false, true) => name.to_owned(),
    }
}

pub(super) fn subquery_suffix(subquery: &SubqueryExpr) -> String {
    let step = subquery.step.as_ref().map(shown).unwrap_or_default();
    format!(
        "[{}:{step}]{}",
        shown(&subquery.range),
        modifiers(subquery.at, &subquery.offset)
    )
}
