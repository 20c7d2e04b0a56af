//! A trace as `repeated ResourceSpans resource_spans = 1`, which is at once OTLP's `TracesData` and Tempo's `Trace`.

use kymo_engine::traces::{Attribute, EntityRef, Event, Link, Resource, Scope, Span, Trace, Value};
use kymo_proto::wire::{put_bytes, put_fixed32, put_fixed64, put_integer, put_message, put_varint};

use super::{ScopeGroup, grouped};

/// Appends the message.
pub(crate) fn put_trace(out: &mut Vec<u8>, trace: &Trace) {
    for group in grouped(trace) {
        put_message(out, 1, |out| {
            put_message(out, 1, |out| put_resource(out, group.resource));
            for scope in &group.scopes {
                put_message(out, 2, |out| put_scope_spans(out, scope));
            }
            put_text(out, 3, &group.resource.schema_url);
        });
    }
}

/// Appends a string field, which is left out when empty.
pub(crate) fn put_text(out: &mut Vec<u8>, field: u32, text: &str) {
    if !text.is_empty() {
        put_bytes(out, field, text.as_bytes());
    }
}

fn put_resource(out: &mut Vec<u8>, resource: &Resource) {
    put_attributes(out, 1, &resource.attributes);
    put_integer(out, 2, resource.dropped_attributes.into());
    for entity in &resource.entity_refs {
        put_message(out, 3, |out| put_entity_ref(out, entity));
    }
}

fn put_entity_ref(out: &mut Vec<u8>, entity: &EntityRef) {
    put_text(out, 1, &entity.schema_url);
    put_text(out, 2, &entity.kind);
    for (field, keys) in [(3, &entity.id_keys), (4, &entity.description_keys)] {
        for key in keys {
            put_bytes(out, field, key.as_bytes());
        }
    }
}

fn put_scope_spans(out: &mut Vec<u8>, group: &ScopeGroup<'_>) {
    put_message(out, 1, |out| put_scope(out, group.scope));
    for span in &group.spans {
        put_message(out, 2, |out| put_span(out, span, group.trace_id));
    }
    put_text(out, 3, &group.scope.schema_url);
}

fn put_scope(out: &mut Vec<u8>, scope: &Scope) {
    put_text(out, 1, &scope.name);
    put_text(out, 2, &scope.version);
    put_attributes(out, 3, &scope.attributes);
    put_integer(out, 4, scope.dropped_attributes.into());
}

/// Bytes of a span's message.
pub(crate) fn span_size(span: &Span, trace_id: &[u8]) -> u32 {
    let mut out = Vec::new();
    put_span(&mut out, span, trace_id);
    out.len() as u32
}

fn put_span(out: &mut Vec<u8>, span: &Span, trace_id: &[u8]) {
    put_bytes(out, 1, trace_id);
    put_bytes(out, 2, &span.id);
    put_text(out, 3, &span.trace_state);
    if span.parent != [0; 8] {
        put_bytes(out, 4, &span.parent);
    }
    put_text(out, 5, &span.name);
    put_integer(out, 6, enum_bits(span.kind));
    put_fixed64(out, 7, span.start.cast_unsigned());
    put_fixed64(out, 8, span.end.cast_unsigned());
    put_attributes(out, 9, &span.attributes);
    put_integer(out, 10, span.dropped_attributes.into());
    for event in &span.events {
        put_message(out, 11, |out| put_event(out, event));
    }
    put_integer(out, 12, span.dropped_events.into());
    for link in &span.links {
        put_message(out, 13, |out| put_link(out, link));
    }
    put_integer(out, 14, span.dropped_links.into());
    put_message(out, 15, |out| {
        put_text(out, 2, &span.status_message);
        put_integer(out, 3, enum_bits(span.status_code));
    });
    if span.flags != 0 {
        put_fixed32(out, 16, span.flags);
    }
}

/// The varint of an enum, which is sign extended.
fn enum_bits(number: i32) -> u64 {
    i64::from(number).cast_unsigned()
}

fn put_event(out: &mut Vec<u8>, event: &Event) {
    put_fixed64(out, 1, event.time.cast_unsigned());
    put_text(out, 2, &event.name);
    put_attributes(out, 3, &event.attributes);
    put_integer(out, 4, event.dropped_attributes.into());
}

fn put_link(out: &mut Vec<u8>, link: &Link) {
    put_bytes(out, 1, &link.trace_id);
    put_bytes(out, 2, &link.span_id);
    put_text(out, 3, &link.trace_state);
    put_attributes(out, 4, &link.attributes);
    put_integer(out, 5, link.dropped_attributes.into());
    if link.flags != 0 {
        put_fixed32(out, 6, link.flags);
    }
}

fn put_attributes(out: &mut Vec<u8>, field: u32, attributes: &[Attribute]) {
    for attribute in attributes {
        put_message(out, field, |out| put_pair(out, &attribute.key, &attribute.value));
    }
}

/// Appends the fields of a `KeyValue`.
pub(crate) fn put_pair(out: &mut Vec<u8>, key: &str, value: &Value) {
    put_text(out, 1, key);
    put_message(out, 2, |out| put_value(out, value));
}

/// Appends the fields of an `AnyValue`: the one that is set is there even at its default.
fn put_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Empty => {}
        Value::String(text) => put_bytes(out, 1, text.as_bytes()),
        Value::Bool(value) => out.extend_from_slice(&[0x10, u8::from(*value)]),
        Value::Int(value) => {
            out.push(0x18);
            put_varint(out, value.cast_unsigned());
        }
        Value::Double(value) => put_fixed64(out, 4, value.to_bits()),
        Value::Array(values) => put_message(out, 5, |out| {
            for value in values.iter() {
                put_message(out, 1, |out| put_value(out, value));
            }
        }),
        Value::KvList(pairs) => put_message(out, 6, |out| {
            for (key, value) in pairs.iter() {
                put_message(out, 1, |out| put_pair(out, key, value));
            }
        }),
        Value::Bytes(bytes) => put_bytes(out, 7, bytes),
    }
}
