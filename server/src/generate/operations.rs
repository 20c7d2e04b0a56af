//! Span metrics: calls, durations and sizes by service, span name, kind and status.

use std::collections::HashMap;

use kymo_engine::traces::Value;

use super::Fact;
use super::steps::{Entity, Exemplar, Family, Steps};

/// 2 ms and its doublings.
pub(super) const BOUNDS: [f64; 14] = [
    0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192, 16.384,
];

type Key = (String, String, i32, i32);

/// The entities of operations seen lately.
#[derive(Default)]
pub(super) struct Operations {
    entities: HashMap<Key, Entity>,
}

/// Entities that are remembered; more is counted all the same.
const REMEMBERED_MAX: usize = 100_000;

impl Operations {
    pub(super) fn add(&mut self, fact: &Fact<'_>, steps: &mut Steps) {
        let key = (
            fact.service.to_owned(),
            fact.name.to_owned(),
            fact.kind,
            fact.status,
        );
        if self.entities.len() >= REMEMBERED_MAX {
            self.entities.clear();
        }
        let entity = self.entities.entry(key).or_insert_with(|| entity(fact));
        let counts = steps.at(entity, fact.end);
        counts.calls += 1;
        counts.second += u64::from(fact.size);
        counts.server.observe(&BOUNDS, exemplar(fact));
    }
}

pub(super) fn exemplar(fact: &Fact<'_>) -> Exemplar {
    Exemplar {
        seconds: fact.duration as f64 / 1e9,
        trace_id: fact.trace_id,
        time_ms: fact.end.div_euclid(1_000_000),
    }
}

fn entity(fact: &Fact<'_>) -> Entity {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let labels = [
        pair("service", fact.service),
        pair("span_kind", kind(fact.kind)),
        pair("span_name", fact.name),
        pair("status_code", status(fact.status)),
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
