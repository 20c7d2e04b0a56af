//! A trace as JSON, in two forms: as protobuf's own mapping has it (ids in base64, enums by name; what Tempo answers), and as
//! OTLP/JSON has it (ids in hex, enums by number; what Jaeger's newer API answers).

use kymo_engine::traces::{Attribute, EntityRef, Event, Link, Resource, Scope, Span, Trace, Value};

use super::{ScopeGroup, grouped};
use crate::http::json::{Object, base64, double, hex, list, object, text};

/// How ids and enums are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Protobuf's own mapping.
    Protobuf,
    /// OTLP/JSON.
    Otlp,
}

const KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];

const STATUS_CODES: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

/// Writes the resources of a trace with their spans as a member of this name.
pub(crate) fn resource_spans(object: &mut Object<'_>, name: &str, trace: &Trace, form: Form) {
    push_resource_spans(object, name, std::slice::from_ref(trace), form);
}

/// Writes the resources of several traces.
pub(crate) fn push_resource_spans(object: &mut Object<'_>, name: &str, traces: &[Trace], form: Form) {
    let groups: Vec<_> = traces.iter().flat_map(grouped).collect();
    object.list(name, &groups, |out, group| {
        self::object(out, |o| {
            o.object("resource", |o| resource(o, group.resource));
            o.list("scopeSpans", &group.scopes, |out, scope| {
                self::object(out, |o| scope_spans(o, scope, form));
            });
            o.text("schemaUrl", &group.resource.schema_url);
        });
    });
}

fn resource(o: &mut Object<'_>, resource: &Resource) {
    attributes(o, &resource.attributes, resource.dropped_attributes);
    o.list("entityRefs", &resource.entity_refs, |out, entity| {
        object(out, |o| entity_ref(o, entity));
    });
}

fn entity_ref(o: &mut Object<'_>, entity: &EntityRef) {
    o.text("schemaUrl", &entity.schema_url);
    o.text("type", &entity.kind);
    o.texts("idKeys", &entity.id_keys);
    o.texts("descriptionKeys", &entity.description_keys);
}

fn scope_spans(o: &mut Object<'_>, group: &ScopeGroup<'_>, form: Form) {
    o.object("scope", |o| scope(o, group.scope));
    o.list("spans", &group.spans, |out, one| {
        object(out, |o| span(o, one, group.trace_id, form));
    });
    o.text("schemaUrl", &group.scope.schema_url);
}

fn scope(o: &mut Object<'_>, scope: &Scope) {
    o.text("name", &scope.name);
    o.text("version", &scope.version);
    attributes(o, &scope.attributes, scope.dropped_attributes);
}

fn span(o: &mut Object<'_>, span: &Span, trace_id: &[u8], form: Form) {
    id(o, "traceId", trace_id, form);
    id(o, "spanId", &span.id, form);
    o.text("traceState", &span.trace_state);
    if span.parent != [0; 8] {
        id(o, "parentSpanId", &span.parent, form);
    }
    o.number("flags", span.flags);
    o.text("name", &span.name);
    enumerated(o, "kind", span.kind, &KINDS, form);
    o.long("startTimeUnixNano", span.start);
    o.long("endTimeUnixNano", span.end);
    attributes(o, &span.attributes, span.dropped_attributes);
    o.list("events", &span.events, |out, one| object(out, |o| event(o, one)));
    o.number("droppedEventsCount", span.dropped_events);
    o.list("links", &span.links, |out, one| {
        object(out, |o| link(o, one, form));
    });
    o.number("droppedLinksCount", span.dropped_links);
    o.object("status", |o| {
        o.text("message", &span.status_message);
        enumerated(o, "code", span.status_code, &STATUS_CODES, form);
    });
}

fn event(o: &mut Object<'_>, event: &Event) {
    o.long("timeUnixNano", event.time);
    o.text("name", &event.name);
    attributes(o, &event.attributes, event.dropped_attributes);
}

fn link(o: &mut Object<'_>, link: &Link, form: Form) {
    id(o, "traceId", &link.trace_id, form);
    id(o, "spanId", &link.span_id, form);
    o.text("traceState", &link.trace_state);
    attributes(o, &link.attributes, link.dropped_attributes);
    o.number("flags", link.flags);
}

fn id(o: &mut Object<'_>, name: &str, bytes: &[u8], form: Form) {
    match form {
        Form::Protobuf => base64(o.name(name), bytes),
        Form::Otlp => text(o.name(name), &hex(bytes)),
    }
}

fn enumerated(o: &mut Object<'_>, name: &str, number: i32, names: &[&str], form: Form) {
    let known = usize::try_from(number).ok().and_then(|n| names.get(n));
    match (form, known) {
        (Form::Protobuf, Some(known)) if number != 0 => o.text(name, known),
        _ => o.number(name, number),
    }
}

fn attributes(o: &mut Object<'_>, attributes: &[Attribute], dropped: u32) {
    o.list("attributes", attributes, |out, attribute| {
        pair(out, &attribute.key, &attribute.value);
    });
    o.number("droppedAttributesCount", dropped);
}

/// Appends a `KeyValue`.
pub(crate) fn pair(out: &mut Vec<u8>, key: &str, value: &Value) {
    object(out, |o| {
        o.text("key", key);
        any_value(o.name("value"), value);
    });
}

/// Appends an `AnyValue`: the one that is set is there even at its default.
pub(crate) fn any_value(out: &mut Vec<u8>, value: &Value) {
    object(out, |o| match value {
        Value::Empty => {}
        Value::String(text) => o.text_even_empty("stringValue", text),
        Value::Bool(value) => {
            let text: &[u8] = if *value { b"true" } else { b"false" };
            o.name("boolValue").extend_from_slice(text);
        }
        Value::Int(value) => {
            let number = value.to_string();
            text(o.name("intValue"), &number);
        }
        Value::Double(value) => double(o.name("doubleValue"), *value),
        Value::Array(values) => o.object("arrayValue", |o| {
            list(o.name("values"), values.iter(), |out, value| {
                any_value(out, value)
            });
        }),
        Value::KvList(pairs) => o.object("kvlistValue", |o| {
            list(o.name("values"), pairs.iter(), |out, (key, value)| {
                pair(out, key, value);
            });
        }),
        Value::Bytes(bytes) => base64(o.name("bytesValue"), bytes),
    });
}
