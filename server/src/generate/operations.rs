//! Span metrics: calls, durations and sizes by service, span name, kind and status.

use kymo_engine::traces::Value;

use super::Fact;
use super::steps::{Entity, Exemplar, Family, Steps};

/// 2 ms and its doublings.
pub(super) const BOUNDS: [f64; 14] = [
    0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192, 16.384,
];

/// Counts a span of an operation whose number is known.
pub(super) fn add(fact: &Fact<'_>, steps: &mut Steps) {
    let counts = steps.at(fact.shared.operation, fact.end);
    counts.calls += 1;
    counts.second += u64::from(fact.size);
    counts.server.observe(&BOUNDS, exemplar(fact));
}

pub(super) fn exemplar(fact: &Fact<'_>) -> Exemplar {
    Exemplar {
        seconds: fact.duration as f64 / 1e9,
        trace_id: fact.trace_id,
        time_ms: fact.end.div_euclid(1_000_000),
    }
}

/// The operation that spans of a service with a name, a kind and a status are.
pub(super) fn entity(service: &str, name: &str, kind_of: i32, status_of: i32) -> Entity {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let labels = [
        pair("service", service),
        pair("span_kind", kind(kind_of)),
        pair("span_name", name),
        pair("status_code", status(status_of)),
    ];
    Entity {
        family: Family::Operation,
        labels: labels
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .collect(),
    }
}

/// OTLP's name of a kind.
fn kind(n: i32) -> &'static str {
    match n {
        1 => "SPAN_KIND_INTERNAL",
        2 => "SPAN_KIND_SERVER",
        3 => "SPAN_KIND_CLIENT",
        4 => "SPAN_KIND_PRODUCER",
        5 => "SPAN_KIND_CONSUMER",
        _ => "SPAN_KIND_UNSPECIFIED",
    }
}

/// OTLP's name of a status.
fn status(n: i32) -> &'static str {
    match n {
        1 => "STATUS_CODE_OK",
        2 => "STATUS_CODE_ERROR",
        _ => "STATUS_CODE_UNSET",
    }
}

/// A value as a label.
pub(super) fn label_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.to_string()),
        Value::Int(n) => Some(n.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        _ => None,
    }
}
