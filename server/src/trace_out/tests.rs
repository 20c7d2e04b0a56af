//! A trace with everything in it, in each form.

use std::sync::Arc;

use kymo_engine::traces::{Attribute, EntityRef, Event, Link, Resource, Scope, Span, Trace, Value};
use kymo_proto::otlp::traces::Request;
use serde_json::{Value as Json, json};

use super::json::{Form, resource_spans};
use super::protobuf::put_trace;
use crate::http::json::object;

fn attribute(key: &str, value: Value) -> Attribute {
    Attribute {
        key: key.into(),
        value,
    }
}

fn values() -> Vec<Attribute> {
    let pairs: Arc<[(Arc<str>, Value)]> =
        Arc::new([("a".into(), Value::Empty), ("a".into(), Value::Int(-1))]);
    vec![
        attribute("empty", Value::Empty),
        attribute("text", Value::String("\"<\u{e4}".into())),
        attribute("no text", Value::String("".into())),
        attribute("bool", Value::Bool(false)),
        attribute("int", Value::Int(i64::MIN)),
        attribute("double", Value::Double(-0.25)),
        attribute("nan", Value::Double(f64::NAN)),
        attribute("bytes", Value::Bytes(Arc::new([0, 255]))),
        attribute(
            "list",
            Value::Array(Arc::new([Value::String("x".into()), Value::Bool(true)])),
        ),
        attribute("map", Value::KvList(pairs)),
        attribute("no list", Value::Array(Arc::new([]))),
    ]
}

/// A trace of three spans, two resources and two scopes. The last span is of the first resource again.
fn trace() -> Trace {
    let resource = |name: &str| Resource {
        attributes: vec![attribute("service.name", Value::String(name.into()))],
        dropped_attributes: 1,
        schema_url: "https://r".into(),
        entity_refs: vec![EntityRef {
            schema_url: "https://e".into(),
            kind: "service".into(),
            id_keys: vec!["service.name".into()],
            description_keys: vec!["x".into(), "y".into()],
        }],
    };
    let scope = |name: &str| Scope {
        name: name.into(),
        version: "1".into(),
        schema_url: "https://s".into(),
        attributes: vec![attribute("k", Value::Int(1))],
        dropped_attributes: 2,
    };
    let full = Span {
        resource: 0,
        scope: 1,
        id: [1; 8],
        parent: [2; 8],
        trace_state: "a=b".into(),
        flags: 0x301,
        name: "full".into(),
        kind: 3,
        start: 1_700_000_000_000_000_001,
        end: 1_700_000_000_000_000_002,
        attributes: values(),
        dropped_attributes: 3,
        events: vec![Event {
            time: 5,
            name: "e".into(),
            attributes: values(),
            dropped_attributes: 4,
        }],
        dropped_events: 5,
        links: vec![Link {
            trace_id: [3; 16],
            span_id: [4; 8],
            trace_state: "c=d".into(),
            flags: 1,
            attributes: values(),
            dropped_attributes: 6,
        }],
        dropped_links: 7,
        status_code: 2,
        status_message: "no".into(),
    };
    let bare = Span {
        resource: 1,
        id: [5; 8],
        ..Span::default()
    };
    let again = Span {
        id: [6; 8],
        kind: 77,
        ..Span::default()
    };
    Trace {
        id: [9; 16],
        resources: vec![resource("one"), resource("two")],
        scopes: vec![scope("s"), scope("t")],
        spans: vec![full, bare, again],
    }
}

fn written(form: Form) -> Json {
    let mut out = Vec::new();
    object(&mut out, |o| resource_spans(o, "spans", &trace(), form));
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn json_is_protobufs_own() {
    let all = written(Form::Protobuf);
    let first = &all["spans"][0];
    assert_eq!(
        first["resource"],
        json!({
            "attributes": [{"key": "service.name", "value": {"stringValue": "one"}}],
            "droppedAttributesCount": 1,
            "entityRefs": [{"schemaUrl": "https://e", "type": "service", "idKeys": ["service.name"], "descriptionKeys": ["x", "y"]}],
        })
    );
    assert_eq!(first["schemaUrl"], "https://r");
    let scope = &first["scopeSpans"][0];
    assert_eq!(
        scope["scope"],
        json!({"name": "t", "version": "1", "attributes": [{"key": "k", "value": {"intValue": "1"}}], "droppedAttributesCount": 2})
    );
    let attributes = json!([
        {"key": "empty", "value": {}},
        {"key": "text", "value": {"stringValue": "\"<\u{e4}"}},
        {"key": "no text", "value": {"stringValue": ""}},
        {"key": "bool", "value": {"boolValue": false}},
        {"key": "int", "value": {"intValue": "-9223372036854775808"}},
        {"key": "double", "value": {"doubleValue": -0.25}},
        {"key": "nan", "value": {"doubleValue": "NaN"}},
        {"key": "bytes", "value": {"bytesValue": "AP8="}},
        {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "x"}, {"boolValue": true}]}}},
        {"key": "map", "value": {"kvlistValue": {"values": [{"key": "a", "value": {}}, {"key": "a", "value": {"intValue": "-1"}}]}}},
        {"key": "no list", "value": {"arrayValue": {"values": []}}},
    ]);
    assert_eq!(
        scope["spans"][0],
        json!({
            "traceId": "CQkJCQkJCQkJCQkJCQkJCQ==", "spanId": "AQEBAQEBAQE=", "parentSpanId": "AgICAgICAgI=",
            "traceState": "a=b", "flags": 769, "name": "full", "kind": "SPAN_KIND_CLIENT",
            "startTimeUnixNano": "1700000000000000001", "endTimeUnixNano": "1700000000000000002",
            "attributes": attributes, "droppedAttributesCount": 3,
            "events": [{"timeUnixNano": "5", "name": "e", "attributes": attributes, "droppedAttributesCount": 4}],
            "droppedEventsCount": 5,
            "links": [{"traceId": "AwMDAwMDAwMDAwMDAwMDAw==", "spanId": "BAQEBAQEBAQ=", "traceState": "c=d", "flags": 1,
                "attributes": attributes, "droppedAttributesCount": 6}],
            "droppedLinksCount": 7, "status": {"code": "STATUS_CODE_ERROR", "message": "no"},
        })
    );
    // The bare span of the other scope comes back to its resource, and a number without a name stays one.
    let again =
        json!({"traceId": "CQkJCQkJCQkJCQkJCQkJCQ==", "spanId": "BgYGBgYGBgY=", "kind": 77, "status": {}});
    assert_eq!(first["scopeSpans"][1]["spans"], json!([again]));
    assert_eq!(all["spans"].as_array().unwrap().len(), 2);
}

#[test]
fn otlp_json_has_hex_and_numbers() {
    let all = written(Form::Otlp);
    let span = &all["spans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(span["traceId"], "09".repeat(16));
    assert_eq!(span["parentSpanId"], "02".repeat(8));
    assert_eq!(span["kind"], 3);
    assert_eq!(span["status"], json!({"code": 2, "message": "no"}));
    assert_eq!(span["links"][0]["spanId"], "04".repeat(8));
}

#[test]
fn protobuf_reads_back() {
    let mut body = Vec::new();
    put_trace(&mut body, &trace());
    // The same through the JSON of OTLP, which has a translation of its own to protobuf.
    let mut text = Vec::new();
    object(&mut text, |o| {
        resource_spans(o, "resourceSpans", &trace(), Form::Otlp)
    });
    let translated = kymo_proto::otlp::json::trace_request(&text).unwrap();
    assert_eq!(walk(&body), walk(&translated));
    assert_eq!(walk(&body).len(), 5);
}

/// All spans with everything that belongs to them, as text.
fn walk(body: &[u8]) -> Vec<String> {
    let mut out = Vec::new();
    let mut request = Request::new(body);
    while let Some(mut resource) = request.next_resource().unwrap() {
        out.push(format!(
            "{:?} {:?}",
            attributes(resource.resource.attributes.clone()),
            resource.resource.entity_refs
        ));
        while let Some(mut scope) = resource.next_scope().unwrap() {
            let about = (scope.schema_url, scope.scope.name, scope.scope.dropped_attributes);
            while let Some(span) = scope.next_span().unwrap() {
                let (mut events, mut links) = (span.events.clone(), span.links.clone());
                let mut text = format!(
                    "{about:?} {:?} {:?} {:?} {:?} {} {:?} {} {} {} {:?} {:?} {:?}",
                    span.trace_id,
                    span.span_id,
                    span.parent_span_id,
                    span.trace_state,
                    span.flags,
                    span.name,
                    span.kind,
                    span.start,
                    span.end,
                    attributes(span.attributes.clone()),
                    (span.dropped_attributes, span.dropped_events, span.dropped_links),
                    (span.status_code, span.status_message),
                );
                while let Some(e) = events.next_event().unwrap() {
                    text += &format!(
                        " {} {:?} {:?} {}",
                        e.time,
                        e.name,
                        attributes(e.attributes),
                        e.dropped_attributes
                    );
                }
                while let Some(l) = links.next_link().unwrap() {
                    text += &format!(
                        " {:?} {:?} {:?} {} {:?} {}",
                        l.trace_id,
                        l.span_id,
                        l.trace_state,
                        l.flags,
                        attributes(l.attributes),
                        l.dropped_attributes
                    );
                }
                out.push(text);
            }
        }
    }
    out
}

fn attributes(mut all: kymo_proto::otlp::KeyValues<'_>) -> String {
    let mut out = String::new();
    while let Some(found) = all.next_value().unwrap() {
        out += &format!("{:?}={} ", found.key, value(found.value));
    }
    out
}

fn value(value: kymo_proto::otlp::AnyValue<'_>) -> String {
    use kymo_proto::otlp::AnyValue;
    match value {
        AnyValue::Array(mut items) => {
            let mut out = String::from("[");
            while let Some(item) = items.next_value().unwrap() {
                out += &self::value(item);
            }
            out
        }
        AnyValue::Map(pairs) => attributes(pairs),
        plain => format!("{plain:?}"),
    }
}
