//! A trace told briefly, for language models: its spans in the order of its tree with their depth, attributes flat, times as
//! milliseconds, and each resource once. Tempo calls its own such form unstable; so is this one.

use kymo_engine::traces::{Attribute, Event, Link, Span, Table, Trace, Value};

use crate::http::json::{Object, base64, double, hex, list, object, text};

/// The type of such an answer.
pub(crate) const CONTENT_TYPE: &str = "application/vnd.grafana.llm+json";

/// Writes the members of a trace.
pub(crate) fn trace(o: &mut Object<'_>, trace: &Trace) {
    if trace.spans.is_empty() {
        return;
    }
    let start = trace
        .spans
        .iter()
        .map(|span| span.start)
        .min()
        .unwrap_or_default();
    let end = trace.spans.iter().map(|span| span.end).max().unwrap_or_default();
    o.text("traceId", &hex(&trace.id));
    o.long("startTimeUnixNano", start);
    millis(o, "durationMs", end.saturating_sub(start));
    o.list("resources", &trace.resources, |out, resource| {
        object(out, |o| attributes(o, &resource.attributes));
    });
    let order = tree_order(trace);
    o.list("spans", &order, |out, (row, depth)| {
        object(out, |o| span(o, &trace.spans[*row], *depth, start));
    });
}

/// Rows of spans, each before those below it, with their depths.
fn tree_order(trace: &Trace) -> Vec<(usize, i64)> {
    let table = Table::of_traces(vec![trace.clone()]);
    // A trace in memory has parents; should it not, the order is that of time.
    let parents = table.parents().unwrap_or_default();
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); trace.spans.len() + 1];
    for row in 0..trace.spans.len() {
        let parent = parents.get(row).map_or(usize::MAX, |p| *p as usize);
        below[parent.min(trace.spans.len())].push(row);
    }
    let mut order = Vec::with_capacity(trace.spans.len());
    let roots = below[trace.spans.len()].iter().rev();
    let mut open: Vec<(usize, i64)> = roots.map(|row| (*row, 0)).collect();
    while let Some((row, depth)) = open.pop() {
        order.push((row, depth));
        open.extend(below[row].iter().rev().map(|child| (*child, depth + 1)));
    }
    order
}

const KINDS: [&str; 6] = [
    "unspecified",
    "internal",
    "server",
    "client",
    "producer",
    "consumer",
];

fn span(o: &mut Object<'_>, span: &Span, depth: i64, start: i64) {
    o.integer("depth", depth);
    o.integer("resource", span.resource.into());
    o.text("name", &span.name);
    o.text("spanId", &hex(&span.id));
    if span.parent != [0; 8] {
        o.text("parentSpanId", &hex(&span.parent));
    }
    let kind = usize::try_from(span.kind).ok().and_then(|n| KINDS.get(n));
    o.text("kind", kind.copied().unwrap_or(KINDS[0]));
    millis(o, "startMs", span.start.saturating_sub(start));
    millis(o, "durationMs", span.end.saturating_sub(span.start));
    match span.status_code {
        1 => o.text("status", "ok"),
        2 => o.text("status", "error"),
        _ => {}
    }
    o.text("statusMessage", &span.status_message);
    attributes(o, &span.attributes);
    o.list("events", &span.events, |out, one| {
        object(out, |o| event(o, one, start))
    });
    o.list("links", &span.links, |out, one| object(out, |o| link(o, one)));
}

fn event(o: &mut Object<'_>, event: &Event, start: i64) {
    o.text("name", &event.name);
    millis(o, "timeMs", event.time.saturating_sub(start));
    attributes(o, &event.attributes);
}

fn link(o: &mut Object<'_>, link: &Link) {
    o.text("traceId", &hex(&link.trace_id));
    o.text("spanId", &hex(&link.span_id));
    attributes(o, &link.attributes);
}

fn attributes(o: &mut Object<'_>, attributes: &[Attribute]) {
    if attributes.is_empty() {
        return;
    }
    o.object("attributes", |o| {
        for (n, attribute) in attributes.iter().enumerate() {
            // Of one name the first counts.
            if attributes[..n].iter().all(|before| before.key != attribute.key) {
                value(o.any_name(&attribute.key), &attribute.value);
            }
        }
    });
}

/// Appends a value as JSON has it.
fn value(out: &mut Vec<u8>, stored: &Value) {
    match stored {
        Value::Empty => out.extend_from_slice(b"null"),
        Value::String(value) => text(out, value),
        Value::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::Int(value) => out.extend_from_slice(itoa::Buffer::new().format(*value).as_bytes()),
        Value::Double(value) => double(out, *value),
        Value::Bytes(bytes) => base64(out, bytes),
        Value::Array(values) => list(out, values.iter(), value),
        Value::KvList(pairs) => object(out, |o| {
            for (name, stored) in pairs.iter() {
                value(o.any_name(name), stored);
            }
        }),
    }
}

fn millis(o: &mut Object<'_>, name: &str, nanos: i64) {
    double(o.name(name), nanos as f64 / 1e6);
}
