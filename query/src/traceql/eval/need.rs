//! What a query needs of a trace, in the engine's vocabulary, so that parts without it are not read. It may ask for less than
//! the query, never for more. Not for the answer: everything is tested again.

use std::sync::Arc;

use kymo_engine::traces::{AttributeScope, Field, Filter, TestOp, Value};

use super::super::ast::{
    Attribute, BinaryOp, Body, FieldExpr, Intrinsic, Kind, LogicOp, Metrics, Pipeline, Query, Scope,
    SpansetExpr, SpansetOp, Stage, Static, Status, UnaryOp,
};
use super::compiled::id_literal;
use super::refuse::may_refuse;

/// Most filters that the alternatives of an `||` are spread to.
const NEEDS_MAX: usize = 8;

/// What a trace must have to matter: each filter must hold for one of its spans.
pub fn need(query: &Query) -> Vec<Filter> {
    if may_refuse(query) {
        return Vec::new();
    }
    let needs = match &query.body {
        Body::Search(found) => pipeline(found),
        Body::Metrics(found) => metrics(found),
    };
    needs.into_iter().filter(|need| *need != Filter::Any).collect()
}

/// What a trace must have so that an expression can hold for one of its spans.
pub fn need_of(expr: &FieldExpr) -> Vec<Filter> {
    Some(field(expr))
        .into_iter()
        .filter(|need| *need != Filter::Any)
        .collect()
}

fn metrics(of: &Metrics) -> Vec<Filter> {
    match of {
        Metrics::Series(series) => {
            let mut needs = pipeline(&series.pipeline);
            if let Some(attribute) = series.function.attribute() {
                needs.push(exists(attribute));
            }
            needs
        }
        Metrics::Compare(compare) => pipeline(&compare.pipeline),
        Metrics::Rank { of, .. } | Metrics::Filter { of, .. } => metrics(of),
        // A number stands beside series, so it needs nothing that these do not.
        Metrics::Math { lhs, rhs, .. } => match (&**lhs, &**rhs) {
            (Metrics::Number(_), other) | (other, Metrics::Number(_)) => metrics(other),
            (lhs, rhs) => either(metrics(lhs), metrics(rhs)),
        },
        Metrics::Number(_) => Vec::new(),
    }
}

fn pipeline(of: &Pipeline) -> Vec<Filter> {
    let mut needs = Vec::new();
    for stage in &of.stages {
        match stage {
            Stage::Spansets(expr) => needs.extend(spansets(expr)),
            // Numbers can be compared where there is no span at all.
            Stage::Filter(filter) if has_pipeline(filter) => break,
            _ => {}
        }
    }
    needs
}

fn has_pipeline(filter: &super::super::ast::ScalarFilter) -> bool {
    use super::super::ast::Scalar;
    fn inner(scalar: &Scalar) -> bool {
        match scalar {
            Scalar::Pipeline { .. } => true,
            Scalar::Op { lhs, rhs, .. } => inner(lhs) || inner(rhs),
            _ => false,
        }
    }
    inner(&filter.lhs) || inner(&filter.rhs)
}

fn spansets(expr: &SpansetExpr) -> Vec<Filter> {
    match expr {
        SpansetExpr::Filter(None) => Vec::new(),
        SpansetExpr::Filter(Some(expr)) => vec![field(expr)],
        SpansetExpr::Pipeline(inner) => pipeline(inner),
        SpansetExpr::Op { op, lhs, rhs } => match op {
            SpansetOp::Or => either(spansets(lhs), spansets(rhs)),
            SpansetOp::NotRelated(_) => spansets(rhs),
            SpansetOp::And | SpansetOp::Related(_) | SpansetOp::Union(_) => {
                let mut needs = spansets(lhs);
                needs.extend(spansets(rhs));
                needs
            }
        },
    }
}

/// What holds when all of one or all of the other hold.
fn either(lhs: Vec<Filter>, rhs: Vec<Filter>) -> Vec<Filter> {
    if lhs.len() * rhs.len() > NEEDS_MAX {
        return Vec::new();
    }
    let with = |l: &Filter| {
        let l = l.clone();
        rhs.iter().map(move |r| any_of(vec![l.clone(), r.clone()]))
    };
    lhs.iter().flat_map(with).collect()
}

fn any_of(list: Vec<Filter>) -> Filter {
    if list.contains(&Filter::Any) {
        return Filter::Any;
    }
    Filter::Or(list)
}

fn all_of(list: Vec<Filter>) -> Filter {
    let mut list: Vec<Filter> = list.into_iter().filter(|f| *f != Filter::Any).collect();
    match list.len() {
        0 => Filter::Any,
        1 => list.remove(0),
        _ => Filter::And(list),
    }
}

fn field(expr: &FieldExpr) -> Filter {
    match expr {
        FieldExpr::Static(Static::Bool(true)) => Filter::Any,
        FieldExpr::Static(_) => Filter::Or(Vec::new()),
        FieldExpr::Attribute(attribute) => test(attribute, &TestOp::Eq, Some(&Static::Bool(true))),
        FieldExpr::Unary {
            op: UnaryOp::Not,
            expr,
        } => match &**expr {
            FieldExpr::Attribute(attribute) => test(attribute, &TestOp::Eq, Some(&Static::Bool(false))),
            _ => Filter::Any,
        },
        FieldExpr::Exists { expr, absent: false } => match &**expr {
            FieldExpr::Attribute(attribute) => exists(attribute),
            _ => Filter::Any,
        },
        FieldExpr::Logic { op, operands } => {
            let list = operands.iter().map(field).collect();
            match op {
                LogicOp::And => all_of(list),
                LogicOp::Or => any_of(list),
            }
        }
        FieldExpr::Binary { op, lhs, rhs } => match (&**lhs, &**rhs) {
            (FieldExpr::Attribute(attribute), FieldExpr::Static(value)) => {
                compared(attribute, *op, value, false)
            }
            (FieldExpr::Static(value), FieldExpr::Attribute(attribute)) => {
                compared(attribute, *op, value, true)
            }
            _ => Filter::Any,
        },
        FieldExpr::Unary { .. } | FieldExpr::Exists { .. } => Filter::Any,
    }
}

fn compared(attribute: &Attribute, op: BinaryOp, value: &Static, flipped: bool) -> Filter {
    if let (Attribute::Intrinsic(Intrinsic::TraceId), BinaryOp::Equal, Static::String(text)) =
        (attribute, op, value)
    {
        return trace(text);
    }
    let op = match (op, flipped) {
        (BinaryOp::Equal, _) => TestOp::Eq,
        (BinaryOp::Less, false) | (BinaryOp::Greater, true) => TestOp::Lt,
        (BinaryOp::LessEqual, false) | (BinaryOp::GreaterEqual, true) => TestOp::Le,
        (BinaryOp::Greater, false) | (BinaryOp::Less, true) => TestOp::Gt,
        (BinaryOp::GreaterEqual, false) | (BinaryOp::LessEqual, true) => TestOp::Ge,
        (BinaryOp::NotEqual | BinaryOp::NotRegex, _) => return exists(attribute),
        (BinaryOp::Regex, false) => match value {
            Static::String(pattern) => TestOp::Regex(pattern.clone()),
            _ => return Filter::Any,
        },
        _ => return Filter::Any,
    };
    test(attribute, &op, Some(value))
}

/// Of the trace with an id as it is written; no other text is the id of a trace.
fn trace(text: &str) -> Filter {
    let text = id_literal(Intrinsic::TraceId, text);
    let is_id = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let id = u128::from_str_radix(&text, 16).ok().filter(|_| is_id);
    Filter::Trace(id.map(u128::to_be_bytes).into_iter().collect())
}

fn exists(attribute: &Attribute) -> Filter {
    match attribute {
        Attribute::Named { .. } => test(attribute, &TestOp::Exists, None),
        Attribute::Intrinsic(
            Intrinsic::EventName
            | Intrinsic::EventTimeSinceStart
            | Intrinsic::LinkTraceId
            | Intrinsic::LinkSpanId,
        ) => test(attribute, &TestOp::Exists, None),
        // Every span has the others, whether or not there is a column of them.
        Attribute::Intrinsic(_) => Filter::Any,
    }
}

/// A test of whatever columns an attribute may come from.
fn test(attribute: &Attribute, op: &TestOp, value: Option<&Static>) -> Filter {
    let values = match value {
        _ if matches!(op, TestOp::Regex(_)) => Vec::new(),
        None => Vec::new(),
        Some(value) => match wanted(attribute, value) {
            Some(value) => vec![value],
            None => return Filter::Any,
        },
    };
    let on = |field: Field| Filter::Test {
        field,
        op: op.clone(),
        values: values.clone(),
    };
    let fields = fields(attribute);
    let may_be_empty = matches!(
        attribute,
        Attribute::Intrinsic(
            Intrinsic::StatusMessage | Intrinsic::InstrumentationName | Intrinsic::InstrumentationVersion
        )
    );
    let empty_matters = may_be_empty
        && match op {
            TestOp::Eq => values == [Value::String("".into())],
            TestOp::Exists | TestOp::Gt | TestOp::Ge => false,
            _ => values.is_empty() || matches!(values[..], [Value::String(_)]),
        };
    match fields.len() {
        0 => Filter::Any,
        // An empty text may be no value of its column.
        _ if empty_matters => Filter::Any,
        1 => fields.into_iter().map(on).next().unwrap_or(Filter::Any),
        _ => Filter::Or(fields.into_iter().map(on).collect()),
    }
}

/// A literal as columns hold it; `None` where columns do not tell.
fn wanted(attribute: &Attribute, value: &Static) -> Option<Value> {
    Some(match (attribute, value) {
        (
            Attribute::Intrinsic(id @ (Intrinsic::LinkTraceId | Intrinsic::LinkSpanId)),
            Static::String(text),
        ) => {
            let text = id_literal(*id, text);
            let pair = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
            let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(pair).collect();
            Value::Bytes(bytes?.into())
        }
        (_, Static::String(text)) => Value::String(text.clone()),
        (_, Static::Int(n) | Static::Duration(n)) => Value::Int(*n),
        (_, Static::Float(x)) => Value::Double(*x),
        (_, Static::Bool(b)) => Value::Bool(*b),
        (Attribute::Intrinsic(Intrinsic::Status), Static::Status(status)) => match status {
            Status::Ok => Value::Int(1),
            Status::Error => Value::Int(2),
            // Codes that OTLP does not know are taken for it as well.
            Status::Unset => return None,
        },
        (Attribute::Intrinsic(Intrinsic::Kind), Static::Kind(kind)) => match kind {
            Kind::Internal => Value::Int(1),
            Kind::Server => Value::Int(2),
            Kind::Client => Value::Int(3),
            Kind::Producer => Value::Int(4),
            Kind::Consumer => Value::Int(5),
            Kind::Unspecified => return None,
        },
        _ => return None,
    })
}

/// The columns that an attribute may come from.
fn fields(attribute: &Attribute) -> Vec<Field> {
    let (scope, name) = match attribute {
        Attribute::Named { parent: true, .. } => return Vec::new(),
        Attribute::Named { scope, name, .. } => (*scope, name),
        Attribute::Intrinsic(intrinsic) => return intrinsic_field(*intrinsic).into_iter().collect(),
    };
    let scopes: &[AttributeScope] = match scope {
        Scope::Any => &[
            AttributeScope::Span,
            AttributeScope::Resource,
            AttributeScope::Event,
            AttributeScope::Link,
            AttributeScope::Instrumentation,
        ],
        Scope::Resource => &[AttributeScope::Resource],
        Scope::Span => &[AttributeScope::Span],
        Scope::Event => &[AttributeScope::Event],
        Scope::Link => &[AttributeScope::Link],
        Scope::Instrumentation => &[AttributeScope::Instrumentation],
    };
    let key: Arc<str> = Arc::from(name.as_str());
    let field = |scope: &AttributeScope| Field::Attribute {
        scope: *scope,
        key: key.clone(),
    };
    scopes.iter().map(field).collect()
}

fn intrinsic_field(intrinsic: Intrinsic) -> Option<Field> {
    Some(match intrinsic {
        Intrinsic::Duration => Field::Duration,
        // The root is a span as well.
        Intrinsic::Name | Intrinsic::TraceRootName => Field::Name,
        Intrinsic::TraceRootService => Field::Attribute {
            scope: AttributeScope::Resource,
            key: Arc::from("service.name"),
        },
        Intrinsic::Status => Field::Status,
        Intrinsic::StatusMessage => Field::StatusMessage,
        Intrinsic::Kind => Field::Kind,
        Intrinsic::EventName => Field::EventName,
        Intrinsic::EventTimeSinceStart => Field::EventTime,
        Intrinsic::LinkTraceId => Field::LinkTraceId,
        Intrinsic::LinkSpanId => Field::LinkSpanId,
        Intrinsic::InstrumentationName => Field::ScopeName,
        Intrinsic::InstrumentationVersion => Field::ScopeVersion,
        _ => return None,
    })
}
