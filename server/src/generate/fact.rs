//! What metrics are made of: a span as it came or as it is stored, with what it shares with others, and how its attributes
//! are looked up.

use std::borrow::Cow;
use std::sync::Arc;

use kymo_engine::traces::{Resource, SpanId, TraceId, Value};

use super::steps::{Exemplar, Number};
use crate::config::generate::policy::{Place, Policies};

/// What spans of one operation share.
pub(crate) struct Shared<'a> {
    pub(super) resource: &'a Resource,
    /// Empty when the resource names none.
    pub(super) service: Cow<'a, str>,
    /// Number of the service among those of edges; spans without one are no side of a call.
    pub(super) service_number: Option<u32>,
    pub(super) name: &'a str,
    /// OTLP kind.
    pub(super) kind: i32,
    /// OTLP status code.
    pub(super) status: i32,
    /// Number of the operation among the entities, `None` when it or whether it counts depends on the span.
    pub(super) operation: Option<Number>,
    /// Number of the resource among the entities, where it has one and counts whatever the span.
    pub(super) target: Option<Number>,
    /// What the spans and their resource have of the attributes that are asked for.
    pub(super) keys: Vec<Arc<str>>,
}

/// What is derived from a span.
pub(crate) struct Fact<'a> {
    pub(super) shared: &'a Shared<'a>,
    pub(super) trace_id: TraceId,
    pub(super) id: SpanId,
    pub(super) parent: SpanId,
    /// Start in nanoseconds since 1970.
    pub(super) start: i64,
    /// End in nanoseconds since 1970.
    pub(super) end: i64,
    /// In nanoseconds, not negative.
    pub(super) duration: i64,
    /// Bytes of its message.
    pub(super) size: u32,
    /// Finds an attribute of the span.
    pub(super) attribute: &'a dyn Fn(&str) -> Option<Value>,
    /// Text of the status.
    pub(super) status_message: &'a dyn Fn() -> Arc<str>,
    /// W3C trace state.
    pub(super) trace_state: &'a dyn Fn() -> Arc<str>,
}

impl Fact<'_> {
    /// The value of an asked attribute as a label: the resource's, otherwise the span's.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        if !self.shared.keys.iter().any(|known| **known == *key) {
            return None;
        }
        let own = || (self.attribute)(key).as_ref().and_then(label_text);
        of_resource(self.shared.resource, key)
            .and_then(label_text)
            .or_else(own)
    }

    /// The span as an exemplar.
    pub(super) fn exemplar(&self) -> Exemplar {
        Exemplar {
            nanos: self.duration,
            trace_id: self.trace_id,
            time_ms: self.end.div_euclid(1_000_000),
        }
    }

    /// Whether policies let it count.
    pub(super) fn is_kept(&self, policies: &Policies) -> bool {
        policies.is_empty()
            || policies.keep(&|place| match place {
                Place::Kind => Some(Value::String(kind(self.shared.kind).into())),
                Place::Name => Some(Value::String(self.shared.name.into())),
                Place::Status => Some(Value::String(status(self.shared.status).into())),
                Place::Resource(key) => of_resource(self.shared.resource, key).cloned(),
                Place::Span(key) => (self.attribute)(key),
            })
    }

    /// How many spans it stands for, from its trace state when that is asked, or from an attribute with the part that was
    /// kept, the span's before the resource's.
    pub(super) fn weight(&self, key: &str, by_trace_state: bool) -> f64 {
        let stated = || super::rules::sampled(&(self.trace_state)());
        if let Some(weight) = by_trace_state.then(stated).flatten() {
            return weight;
        }
        let part = |value: Option<&Value>| match value {
            Some(Value::Double(part)) if *part > 0.0 && part.is_finite() => Some(1.0 / part),
            Some(Value::Int(part)) if *part > 0 => Some(1.0 / *part as f64),
            _ => None,
        };
        if key.is_empty() {
            return 1.0;
        }
        part((self.attribute)(key).as_ref())
            .or_else(|| part(of_resource(self.shared.resource, key)))
            .unwrap_or(1.0)
    }
}

/// An attribute of a resource.
pub(super) fn of_resource<'r>(resource: &'r Resource, key: &str) -> Option<&'r Value> {
    let mut found = resource.attributes.iter().filter(|a| *a.key == *key);
    found.next().map(|a| &a.value)
}

/// The value of an attribute of a resource that is a text.
pub(super) fn text_of<'r>(resource: &'r Resource, key: &str) -> Option<&'r str> {
    match of_resource(resource, key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// The service of a resource, empty without one.
pub(super) fn service_of(resource: &Resource) -> Cow<'_, str> {
    match of_resource(resource, "service.name") {
        Some(Value::String(name)) => Cow::Borrowed(name),
        other => other.and_then(label_text).unwrap_or_default().into(),
    }
}

/// A value as a label; lists, bytes and nested values are none.
pub(super) fn label_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.to_string()),
        Value::Int(n) => Some(n.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        Value::Double(n) => Some(n.to_string()),
        _ => None,
    }
}

/// OTLP's name of a kind.
pub(super) fn kind(n: i32) -> &'static str {
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
pub(super) fn status(n: i32) -> &'static str {
    match n {
        1 => "STATUS_CODE_OK",
        2 => "STATUS_CODE_ERROR",
        _ => "STATUS_CODE_UNSET",
    }
}
