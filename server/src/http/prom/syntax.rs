//! `format_query` and `parse_query`: what a query's text means, without evaluating it.
//! The tree's shape is that of Prometheus' `translate_ast.go`.

use std::sync::Arc;

use axum::extract::State;
use kymo_query::promql::ast::{At, Duration, DurationExpr, VectorMatching, VectorSelector};
use kymo_query::promql::{Expr, ParseOptions, format as formatting, parse as parse_text};
use serde_json::{Map, Value, json};

use kymo_engine::metrics::Matcher;

use crate::app::App;
use crate::config::Features;
use crate::go_float::push_value;
use crate::http::answer::{Answer, ApiError, Reply};
use crate::http::params::Params;

/// `/api/v1/format_query`.
pub(crate) async fn format(State(app): State<Arc<App>>, params: Params) -> Reply {
    Answer::json(&formatting::pretty(&parsed(&app, &params)?))
}

/// `/api/v1/parse_query`.
pub(crate) async fn parse(State(app): State<Arc<App>>, params: Params) -> Reply {
    Answer::json(&tree(&parsed(&app, &params)?))
}

/// The expression of the `query` parameter.
pub(crate) fn parsed(app: &App, params: &Params) -> Result<Expr, ApiError> {
    parse_text(params.first("query"), &parse_options(app.config.features))
        .map_err(|e| ApiError::parameter("query", e))
}

/// What the configuration accepts beyond the stable language.
pub(crate) fn parse_options(features: Features) -> ParseOptions {
    ParseOptions {
        experimental_functions: features.promql_experimental_functions,
        extended_range_selectors: features.promql_extended_range_selectors,
        fill_modifiers: features.promql_binop_fill_modifiers,
    }
}

fn tree(expr: &Expr) -> Value {
    match expr {
        Expr::Number(n) => json!({"type": "numberLiteral", "val": plain_float(n.value)}),
        Expr::String(s) => json!({"type": "stringLiteral", "val": s.value}),
        Expr::Paren(p) => json!({"type": "parenExpr", "expr": tree(&p.expr)}),
        Expr::Unary(u) => json!({"type": "unaryExpr", "op": u.op.as_str(), "expr": tree(&u.expr)}),
        Expr::Binary(b) => json!({
            "type": "binaryExpr", "op": b.op.as_str(), "lhs": tree(&b.lhs), "rhs": tree(&b.rhs),
            "matching": b.matching.as_ref().map(matching), "bool": b.return_bool,
        }),
        Expr::Call(c) => json!({
            "type": "call",
            "func": {
                "name": c.function.name,
                "argTypes": c.function.args.iter().map(|t| t.name()).collect::<Vec<_>>(),
                "variadic": c.function.variadic,
                "returnType": c.function.returns.name(),
            },
            "args": c.args.iter().map(tree).collect::<Vec<_>>(),
        }),
        Expr::Aggregate(a) => json!({
            "type": "aggregation", "op": a.op.as_str(), "expr": tree(&a.expr),
            "param": a.param.as_ref().map(tree), "grouping": a.grouping, "without": a.without,
        }),
        Expr::Vector(v) => Value::Object(selector("vectorSelector", v)),
        Expr::Matrix(m) => {
            let mut node = selector("matrixSelector", &m.selector);
            put_duration(&mut node, "range", &m.range);
            Value::Object(node)
        }
        Expr::Subquery(s) => {
            let mut node = Map::new();
            node.insert("type".to_owned(), json!("subquery"));
            node.insert("expr".to_owned(), tree(&s.expr));
            put_duration(&mut node, "range", &s.range);
            put_duration(&mut node, "offset", &s.offset);
            put_duration(&mut node, "step", s.step.as_ref().unwrap_or(&Duration::ZERO));
            put_at(&mut node, s.at);
            Value::Object(node)
        }
    }
}

fn matching(m: &VectorMatching) -> Value {
    json!({
        "card": m.card.name(), "labels": m.labels, "on": m.on, "include": m.include,
        "fillValues": {"lhs": m.fill_left, "rhs": m.fill_right},
    })
}

fn selector(kind: &str, v: &VectorSelector) -> Map<String, Value> {
    let mut node = Map::new();
    node.insert("type".to_owned(), json!(kind));
    node.insert("name".to_owned(), json!(v.name));
    put_duration(&mut node, "offset", &v.offset);
    node.insert("matchers".to_owned(), v.matchers.iter().map(matcher).collect());
    put_at(&mut node, v.at);
    node.insert("anchored".to_owned(), json!(v.anchored));
    node.insert("smoothed".to_owned(), json!(v.smoothed));
    node
}

fn matcher(m: &Matcher) -> Value {
    json!({"name": m.name(), "value": m.value(), "type": m.op().as_str()})
}

/// A length in milliseconds, or 0 and the expression beside it.
fn put_duration(node: &mut Map<String, Value>, name: &str, duration: &Duration) {
    match duration {
        Duration::Literal(millis) => drop(node.insert(name.to_owned(), json!(millis))),
        Duration::Expr(expr) => {
            node.insert(name.to_owned(), json!(0));
            node.insert(format!("{name}Expr"), duration_tree(expr));
        }
    }
}

fn duration_tree(expr: &DurationExpr) -> Value {
    match expr {
        DurationExpr::Number(n) => json!({"type": "numberLiteral", "val": plain_float(n.value)}),
        DurationExpr::Query { op, wrapped, .. } => {
            json!({"type": "durationExpr", "op": op.as_str(), "lhs": null, "rhs": null, "wrapped": wrapped})
        }
        DurationExpr::Unary {
            op, expr, wrapped, ..
        } => json!({
            "type": "durationExpr", "op": op.as_str(), "lhs": null, "rhs": duration_tree(expr), "wrapped": wrapped,
        }),
        DurationExpr::Binary {
            op,
            lhs,
            rhs,
            wrapped,
            ..
        } => json!({
            "type": "durationExpr", "op": op.as_str(), "lhs": duration_tree(lhs), "rhs": duration_tree(rhs),
            "wrapped": wrapped,
        }),
    }
}

fn put_at(node: &mut Map<String, Value>, at: Option<At>) {
    let (timestamp, bound) = match at {
        None => (Value::Null, Value::Null),
        Some(At::Timestamp(millis)) => (json!(millis), Value::Null),
        Some(At::Start) => (Value::Null, json!("start")),
        Some(At::End) => (Value::Null, json!("end")),
    };
    node.insert("timestamp".to_owned(), timestamp);
    node.insert("startOrEnd".to_owned(), bound);
}

/// Go's `'f'` format with shortest digits.
fn plain_float(value: f64) -> String {
    if value.is_finite() {
        return value.to_string();
    }
    let mut out = String::new();
    push_value(&mut out, value);
    out
}
