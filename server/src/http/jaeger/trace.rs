//! A trace in the JSON of Jaeger's older API: spans with tags, logs and references, and the processes that made them. The
//! translation of OTLP is the OpenTelemetry Collector's. Not for the envelope around it.

use kymo_engine::traces::{Attribute, Event, Link, Resource, Span, Trace, TraceId, Value};

use super::tags::{Tag, tag, value_text};
use crate::http::json::{Object, hex, list, object};

/// The service of a resource that does not name one.
pub(super) const NO_SERVICE: &str = "OTLPResourceNoServiceName";

/// The attribute that names the service.
const SERVICE_NAME: &str = "service.name";

/// An id in hex: of 8 bytes where the first 8 are zeros, as Jaeger writes it.
pub(super) fn trace_id_text(id: &TraceId) -> String {
    match id.split_at(8) {
        (high, low) if high == [0; 8] => hex(low),
        _ => hex(id),
    }
}

/// Appends a trace.
pub(super) fn push_trace(out: &mut Vec<u8>, trace: &Trace) {
    let id = trace_id_text(&trace.id);
    object(out, |o| {
        o.text("traceID", &id);
        list(o.name("spans"), &trace.spans, |out, span| {
            object(out, |o| push_span(o, trace, &id, span));
        });
        o.object("processes", |o| {
            for (i, resource) in trace.resources.iter().enumerate() {
                o.object(&process_id(i), |o| push_process(o, resource));
            }
        });
        o.name("warnings").extend_from_slice(b"null");
    });
}

fn process_id(resource: usize) -> String {
    format!("p{}", resource + 1)
}

fn push_process(o: &mut Object<'_>, resource: &Resource) {
    o.text_even_empty("serviceName", &service_of(resource));
    let tags = resource.attributes.iter().filter(|a| &*a.key != SERVICE_NAME);
    list(o.name("tags"), tags, push_attribute);
}

/// The name of the service of a resource.
pub(super) fn service_of(resource: &Resource) -> String {
    let named = resource.attributes.iter().find(|a| &*a.key == SERVICE_NAME);
    named.map_or_else(|| NO_SERVICE.to_owned(), |a| value_text(&a.value))
}

fn push_span(o: &mut Object<'_>, trace: &Trace, trace_id: &str, span: &Span) {
    o.text("traceID", trace_id);
    o.text("spanID", &hex(&span.id));
    o.text_even_empty("operationName", &span.name);
    list(
        o.name("references"),
        references(trace_id, span),
        |out, reference| {
            let (kind, trace_id, span_id) = reference;
            object(out, |o| {
                o.text("refType", kind);
                o.text("traceID", &trace_id);
                o.text("spanID", &span_id);
            });
        },
    );
    let micros = |nanos: i64| nanos.div_euclid(1000);
    o.integer("startTime", micros(span.start));
    o.integer("duration", micros(span.end.saturating_sub(span.start).max(0)));
    push_tags(o, trace, span);
    list(o.name("logs"), &span.events, push_log);
    o.text("processID", &process_id(span.resource as usize));
    o.name("warnings").extend_from_slice(b"null");
    o.integer("flags", i64::from(span.flags & 0xff));
}

/// A link that says so is to a parent.
fn kind_of(link: &Link) -> &'static str {
    let said = link.attributes.iter().find(|a| &*a.key == "opentracing.ref_type");
    match said.map(|a| &a.value) {
        Some(Value::String(kind)) if &**kind == "child_of" => "CHILD_OF",
        _ => "FOLLOWS_FROM",
    }
}

/// Kind, trace id and span id of what a span refers to.
fn references(trace_id: &str, span: &Span) -> Vec<(&'static str, String, String)> {
    let mut all = Vec::new();
    if span.parent != [0; 8] {
        all.push(("CHILD_OF", trace_id.to_owned(), hex(&span.parent)));
    }
    let links = span.links.iter();
    all.extend(links.map(|link| (kind_of(link), trace_id_text(&link.trace_id), hex(&link.span_id))));
    all
}

fn push_tags(o: &mut Object<'_>, trace: &Trace, span: &Span) {
    let scope = &trace.scopes[span.scope as usize];
    let kind = match span.kind {
        1 => "internal",
        2 => "server",
        3 => "client",
        4 => "producer",
        5 => "consumer",
        _ => "",
    };
    let status = match span.status_code {
        1 => "OK",
        2 => "ERROR",
        _ => "",
    };
    let texts = [
        ("otel.scope.name", &*scope.name),
        ("otel.scope.version", &*scope.version),
        ("span.kind", kind),
        ("otel.status_code", status),
        ("otel.status_description", &*span.status_message),
        ("w3c.tracestate", &*span.trace_state),
    ];
    let mut tags: Vec<(&str, Tag<'_>)> = Vec::with_capacity(span.attributes.len() + 7);
    tags.extend(span.attributes.iter().map(|a| (&*a.key, tag(&a.value))));
    let said = texts.into_iter().filter(|(_, value)| !value.is_empty());
    tags.extend(said.map(|(key, value)| (key, Tag::Text(value.into()))));
    if span.status_code == 2 && !span.attributes.iter().any(|a| &*a.key == "error") {
        tags.push(("error", Tag::Bool(true)));
    }
    list(o.name("tags"), tags, |out, (key, tag)| tag.push(out, key));
}

fn push_attribute(out: &mut Vec<u8>, attribute: &Attribute) {
    tag(&attribute.value).push(out, &attribute.key);
}

fn push_log(out: &mut Vec<u8>, event: &Event) {
    object(out, |o| {
        o.integer("timestamp", event.time.div_euclid(1000));
        let name = Some(("event", Tag::Text((&*event.name).into()))).filter(|_| !event.name.is_empty());
        let attributes = event.attributes.iter().map(|a| (&*a.key, tag(&a.value)));
        list(
            o.name("fields"),
            name.into_iter().chain(attributes),
            |out, (key, tag)| {
                tag.push(out, key);
            },
        );
    });
}
