//! How a query is written: what parses again to the same tree. Not for how it was written.

use std::fmt::{self, Display, Formatter};

use super::ast::{
    Attribute, Body, Compare, FieldExpr, Function, Hint, Metrics, Pipeline, Query, Scalar, ScalarFilter,
    Series, SpansetExpr, Stage, Static,
};
use super::lexer::ends_name;
use crate::lex::{go_duration, string};
use crate::number;

mod pipeline;

impl Display for Static {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Static::Nil => f.write_str("nil"),
            Static::Int(i64::MIN) => f.write_str("minInt"),
            Static::Int(n) => write!(f, "{n}"),
            Static::Float(x) => float(*x, f),
            Static::String(text) => quoted(text, f),
            Static::Bool(b) => write!(f, "{b}"),
            Static::Duration(nanos) => f.write_str(&go_duration::format(*nanos)),
            Static::Status(status) => f.write_str(status.name()),
            Static::Kind(kind) => f.write_str(kind.name()),
        }
    }
}

/// A float that reads as one again.
fn float(x: f64, f: &mut Formatter<'_>) -> fmt::Result {
    let text = number::format_go(x);
    f.write_str(&text)?;
    if text.contains(['.', 'e', 'N', 'I']) {
        Ok(())
    } else {
        f.write_str(".0")
    }
}

fn quoted(text: &str, f: &mut Formatter<'_>) -> fmt::Result {
    if text.contains(['`', '\r']) {
        f.write_str(&string::quote(text))
    } else {
        write!(f, "`{text}`")
    }
}

impl Display for Attribute {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (scope, name, parent) = match self {
            Attribute::Intrinsic(intrinsic) => return f.write_str(intrinsic.text()),
            Attribute::Named { scope, name, parent } => (scope, name, parent),
        };
        match (parent, scope.prefix()) {
            (false, prefix) => f.write_str(prefix)?,
            (true, ".") => f.write_str("parent.")?,
            (true, prefix) => write!(f, "parent.{prefix}")?,
        }
        let special = |c: char| ends_name(c) || matches!(c, '"' | '\\');
        // A digit behind a lone point would make a number, a scope behind `parent.` a scope.
        let plain = !name.is_empty()
            && !name.starts_with(|c: char| c.is_numeric())
            && !parent
            && !name.contains(special);
        if plain {
            return f.write_str(name);
        }
        write!(f, "\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

impl Display for FieldExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            FieldExpr::Static(value) => value.fmt(f),
            FieldExpr::Attribute(attribute) => attribute.fmt(f),
            FieldExpr::Unary { op, expr } => {
                f.write_str(op.text())?;
                operand(expr, f)
            }
            FieldExpr::Exists { expr, absent } => {
                operand(expr, f)?;
                f.write_str(if *absent { " = nil" } else { " != nil" })
            }
            FieldExpr::Binary { op, lhs, rhs } => {
                operand(lhs, f)?;
                write!(f, " {} ", op.text())?;
                operand(rhs, f)
            }
            FieldExpr::Logic { op, operands } => {
                for (i, expr) in operands.iter().enumerate() {
                    if i > 0 {
                        write!(f, " {} ", op.text())?;
                    }
                    operand(expr, f)?;
                }
                Ok(())
            }
        }
    }
}

/// In parentheses unless it is one word.
fn operand(expr: &FieldExpr, f: &mut Formatter<'_>) -> fmt::Result {
    match expr {
        FieldExpr::Static(_) | FieldExpr::Attribute(_) => expr.fmt(f),
        _ => write!(f, "({expr})"),
    }
}

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.body {
            Body::Search(pipeline) => pipeline.fmt(f)?,
            Body::Metrics(metrics) => metrics.fmt(f)?,
        }
        if self.hints.is_empty() {
            return Ok(());
        }
        f.write_str(" with(")?;
        comma_separated(&self.hints, f)?;
        f.write_str(")")
    }
}

impl Display for Hint {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

fn comma_separated<T: Display>(list: &[T], f: &mut Formatter<'_>) -> fmt::Result {
    for (i, item) in list.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        item.fmt(f)?;
    }
    Ok(())
}
