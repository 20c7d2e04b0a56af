//! What a query that parses must not ask: types that do not go together, limits out of range, what is not supported.
//! Not for grammar. Messages are Tempo's where Tempo has one.

use super::ast::{
    Aggregator, Attribute, BinaryOp, Body, Compare, FieldExpr, Function, Intrinsic, Metrics, Pipeline, Query,
    Scalar, Scope, Series, SpansetExpr, Stage, Static, Type, UnaryOp,
};
use super::error::ParseError;
use crate::lex::regex;

type Checked = Result<(), ParseError>;

/// Most labels of a series, and most where the function adds one of its own.
const BY_MAX: usize = 5;

/// Checks a query.
pub(super) fn check(query: &Query) -> Checked {
    match &query.body {
        Body::Search(found) => pipeline(found),
        Body::Metrics(found) => metrics(found),
    }
}

fn fault<T>(message: String) -> Result<T, ParseError> {
    Err(ParseError::Invalid(message))
}

fn pipeline(found: &Pipeline) -> Checked {
    found.stages.iter().try_for_each(stage)
}

fn stage(found: &Stage) -> Checked {
    match found {
        Stage::Spansets(expr) => spansets(expr),
        Stage::Coalesce => Ok(()),
        Stage::Select(attributes) => attributes.iter().try_for_each(attribute),
        Stage::Group(expr) => {
            field(expr)?;
            if expr.references_span() {
                return Ok(());
            }
            fault(format!(
                "grouping field expressions must reference the span: by({expr})"
            ))
        }
        Stage::Filter(filter) => {
            scalar(&filter.lhs)?;
            scalar(&filter.rhs)
        }
    }
}

fn spansets(found: &SpansetExpr) -> Checked {
    match found {
        SpansetExpr::Filter(None) => Ok(()),
        SpansetExpr::Filter(Some(expr)) => truth(expr),
        SpansetExpr::Op { lhs, rhs, .. } => {
            spansets(lhs)?;
            spansets(rhs)
        }
        SpansetExpr::Pipeline(inner) => pipeline(inner),
    }
}

/// An expression that says which spans to keep.
pub(super) fn truth(expr: &FieldExpr) -> Checked {
    field(expr)?;
    match expr.value_type() {
        Type::Bool | Type::Unknown => Ok(()),
        _ => fault(format!(
            "span filter field expressions must resolve to a boolean: {{ {expr} }}"
        )),
    }
}

fn scalar(found: &Scalar) -> Checked {
    match found {
        Scalar::Number(_) => Ok(()),
        Scalar::Aggregate { expr: None, .. } => Ok(()),
        Scalar::Aggregate { op, expr: Some(expr) } => aggregate(*op, expr),
        Scalar::Pipeline {
            pipeline: inner,
            scalar: of,
        } => {
            pipeline(inner)?;
            scalar(of)
        }
        Scalar::Op { lhs, rhs, .. } => {
            scalar(lhs)?;
            scalar(rhs)
        }
    }
}

fn aggregate(op: Aggregator, expr: &FieldExpr) -> Checked {
    field(expr)?;
    let shown = format!("{}({expr})", op.text());
    let value = expr.value_type();
    if value != Type::Unknown && !value.is_numeric() {
        return fault(format!(
            "aggregate field expressions must resolve to a number type: {shown}"
        ));
    }
    if !expr.references_span() {
        return fault(format!(
            "aggregate field expressions must reference the span: {shown}"
        ));
    }
    Ok(())
}

fn field(expr: &FieldExpr) -> Checked {
    match expr {
        FieldExpr::Static(_) => Ok(()),
        FieldExpr::Attribute(of) => attribute(of),
        FieldExpr::Exists { expr: of, absent } => {
            field(of)?;
            if *absent { nullable(of) } else { Ok(()) }
        }
        FieldExpr::Unary { op, expr: of } => {
            field(of)?;
            let value = of.value_type();
            let fits = match op {
                UnaryOp::Not => value == Type::Bool,
                UnaryOp::Negate => value.is_numeric(),
            };
            if fits || value == Type::Unknown {
                return Ok(());
            }
            fault(format!("illegal operation for the given type: {expr}"))
        }
        FieldExpr::Logic { operands, .. } => {
            let (mut before, mut chain) = (Type::Unknown, 0);
            for operand in operands {
                field(operand)?;
                let value = operand.value_type();
                if chain > 0 && !before.matches(value) {
                    return fault(format!("binary operations must operate on the same type: {expr}"));
                }
                (before, chain) = (if chain == 0 { value } else { Type::Bool }, chain + 1);
            }
            let fits = |operand: &FieldExpr| matches!(operand.value_type(), Type::Bool | Type::Unknown);
            if operands.iter().all(fits) {
                return Ok(());
            }
            fault(format!("illegal operation for the given types: {expr}"))
        }
        FieldExpr::Binary { op, lhs, rhs } => {
            field(lhs)?;
            field(rhs)?;
            let (lt, rt) = (lhs.value_type(), rhs.value_type());
            if !lt.matches(rt) {
                return fault(format!("binary operations must operate on the same type: {expr}"));
            }
            if !op.takes(lt) || !op.takes(rt) {
                return fault(format!("illegal operation for the given types: {expr}"));
            }
            let divides = matches!(op, BinaryOp::Div | BinaryOp::Mod);
            if divides && lt == Type::Int && matches!(**rhs, FieldExpr::Static(Static::Int(0))) {
                return fault("integer division by zero".to_owned());
            }
            if op.is_regex() { pattern(rhs) } else { Ok(()) }
        }
    }
}

/// The right side of a match.
fn pattern(expr: &FieldExpr) -> Checked {
    let FieldExpr::Static(Static::String(text)) = expr else {
        return fault(format!("invalid type for =~ or !~: {expr}"));
    };
    match regex::check(text) {
        Ok(()) => Ok(()),
        Err(_) => fault(format!("invalid regex: {expr}")),
    }
}

/// What `= nil` may ask.
fn nullable(expr: &FieldExpr) -> Checked {
    match expr {
        FieldExpr::Attribute(Attribute::Intrinsic(intrinsic)) => {
            let name = intrinsic.text();
            fault(format!(
                "{name}=nil is not valid because intrinsics cannot be nil"
            ))
        }
        FieldExpr::Attribute(Attribute::Named {
            scope: Scope::Resource,
            name,
            parent: false,
        }) if name == "service.name" => fault(
            "resource.service.name=nil is not valid because resource.service.name cannot be nil".to_owned(),
        ),
        _ => Ok(()),
    }
}

/// An attribute that may stand in a query.
pub(super) fn attribute(found: &Attribute) -> Checked {
    match found {
        Attribute::Named { parent: true, .. } | Attribute::Intrinsic(Intrinsic::Parent) => {
            fault("parent not yet supported".to_owned())
        }
        _ => Ok(()),
    }
}

fn metrics(found: &Metrics) -> Checked {
    match found {
        Metrics::Series(of) => series(of),
        Metrics::Compare(of) => compare(of),
        Metrics::Rank { of, limit, .. } => {
            metrics(of)?;
            not_compare(of)?;
            if *limit > 0 {
                return Ok(());
            }
            fault("limit must be greater than 0".to_owned())
        }
        Metrics::Filter { of, .. } => {
            metrics(of)?;
            not_compare(of)
        }
        Metrics::Math { lhs, rhs, .. } => {
            metrics(lhs)?;
            metrics(rhs)?;
            not_compare(lhs)?;
            not_compare(rhs)
        }
        Metrics::Number(_) => Ok(()),
    }
}

fn not_compare(of: &Metrics) -> Checked {
    match of {
        Metrics::Compare(_) => fault("`compare()` cannot be used with second stage functions".to_owned()),
        _ => Ok(()),
    }
}

fn series(of: &Series) -> Checked {
    pipeline(&of.pipeline)?;
    of.by
        .iter()
        .chain(of.function.attribute())
        .try_for_each(attribute)?;
    let labels_max = match &of.function {
        Function::Avg(_) | Function::Quantile(..) | Function::Histogram(_) => BY_MAX - 1,
        _ => BY_MAX,
    };
    if of.by.len() > labels_max {
        let count = of.by.len();
        return fault(format!("metrics group by {count} values not yet supported"));
    }
    if let Function::Quantile(_, quantiles) = &of.function
        && let Some(q) = quantiles.iter().find(|q| !(0.0..=1.0).contains(*q))
    {
        return fault(format!("quantile must be between 0 and 1: {q}"));
    }
    Ok(())
}

fn compare(of: &Compare) -> Checked {
    pipeline(&of.pipeline)?;
    if let Some(selection) = &of.selection {
        truth(selection)?;
    }
    if !(1..=1000).contains(&of.top) {
        return fault("compare() top number of values must be an integer between 1 and 1000".to_owned());
    }
    match of.window {
        Some((start, end)) if start >= end => {
            fault("compare() start of its window must be before its end".to_owned())
        }
        _ => Ok(()),
    }
}
