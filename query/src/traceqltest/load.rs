//! Traces of a script: the lines below `load`. Not for queries.

use std::sync::Arc;

use kymo_engine::traces::{Attribute, Event, Link, Resource, Scope, Span, Trace, Value};

use super::words;

/// Adds what a line says to the traces.
pub(super) fn line(line: &str, traces: &mut Vec<Trace>) -> Result<(), String> {
    let list = words::split(line)?;
    let [first, rest @ ..] = &list[..] else {
        return Ok(());
    };
    match (first.as_str(), rest) {
        ("trace", [id]) => {
            traces.push(Trace {
                id: words::id(id)?,
                ..Trace::default()
            });
            Ok(())
        }
        ("span", [id, service, name, start, duration, pairs @ ..]) => {
            let trace = traces.last_mut().ok_or("a span before a trace")?;
            let start = words::nanos(start)?;
            let span = Span {
                id: words::id(id)?,
                name: words::text(name)?.into(),
                start,
                end: start + words::nanos(duration)?,
                ..Span::default()
            };
            self::span(trace, span, &words::text(service)?, pairs)
        }
        ("event", [name, time, pairs @ ..]) => {
            let span = last_span(traces)?;
            let time = span.start + words::nanos(time)?;
            span.events.push(Event {
                time,
                name: words::text(name)?.into(),
                attributes: attributes(pairs)?,
                ..Event::default()
            });
            Ok(())
        }
        ("link", [trace, id, pairs @ ..]) => {
            last_span(traces)?.links.push(Link {
                trace_id: words::id(trace)?,
                span_id: words::id(id)?,
                attributes: attributes(pairs)?,
                ..Link::default()
            });
            Ok(())
        }
        _ => Err(format!("cannot read {line:?}")),
    }
}

fn last_span(traces: &mut [Trace]) -> Result<&mut Span, String> {
    let span = traces.last_mut().and_then(|trace| trace.spans.last_mut());
    span.ok_or_else(|| "an event or a link before a span".to_owned())
}

/// Adds a span with its resource and scope, each shared with the spans that have the same.
fn span(trace: &mut Trace, mut span: Span, service: &str, pairs: &[String]) -> Result<(), String> {
    let (mut resource, mut scope) = (Resource::default(), Scope::default());
    if !service.is_empty() {
        resource
            .attributes
            .push(attribute("service.name", Value::String(service.into())));
    }
    for pair in pairs {
        let (key, value) = pair_of(pair)?;
        match key {
            "kind" => span.kind = number(value, &KINDS)?,
            "status" => span.status_code = number(value, &STATUSES)?,
            "message" => span.status_message = words::text(value)?.into(),
            "parent" => span.parent = words::id(value)?,
            "tracestate" => span.trace_state = words::text(value)?.into(),
            "scope" => scope.name = words::text(value)?.into(),
            "scopeversion" => scope.version = words::text(value)?.into(),
            key => {
                let value = self::value(value)?;
                if let Some(key) = key.strip_prefix("resource.") {
                    resource.attributes.push(attribute(key, value));
                } else if let Some(key) = key.strip_prefix("instrumentation.") {
                    scope.attributes.push(attribute(key, value));
                } else {
                    let key = key.strip_prefix("span.").unwrap_or(key);
                    span.attributes.push(attribute(key, value));
                }
            }
        }
    }
    span.resource = shared(&mut trace.resources, resource);
    span.scope = shared(&mut trace.scopes, scope);
    trace.spans.push(span);
    Ok(())
}

fn shared<T: PartialEq>(list: &mut Vec<T>, item: T) -> u32 {
    let known = list.iter().position(|known| *known == item);
    known.unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    }) as u32
}

const KINDS: [&str; 6] = [
    "unspecified",
    "internal",
    "server",
    "client",
    "producer",
    "consumer",
];
const STATUSES: [&str; 3] = ["unset", "ok", "error"];

/// The number of a word, or the number it spells.
fn number(word: &str, names: &[&str]) -> Result<i32, String> {
    match names.iter().position(|name| *name == word) {
        Some(number) => Ok(number as i32),
        None => word.parse().map_err(|_| format!("not one of {names:?}: {word}")),
    }
}

fn attribute(key: &str, value: Value) -> Attribute {
    Attribute {
        key: key.into(),
        value,
    }
}

fn attributes(pairs: &[String]) -> Result<Vec<Attribute>, String> {
    let attribute = |pair: &String| {
        let (key, value) = pair_of(pair)?;
        Ok(attribute(key, self::value(value)?))
    };
    pairs.iter().map(attribute).collect()
}

fn pair_of(pair: &str) -> Result<(&str, &str), String> {
    pair.split_once('=')
        .ok_or_else(|| format!("not a key and a value: {pair}"))
}

/// A value: a text in quotes, a number, a truth, a list in brackets, or bytes as `0x..`.
fn value(word: &str) -> Result<Value, String> {
    if word.starts_with(['"', '`']) {
        return Ok(Value::String(words::text(word)?.into()));
    }
    if let Some(inner) = word.strip_prefix('[').and_then(|w| w.strip_suffix(']')) {
        let items: Result<Vec<Value>, String> = words::split(&inner.replace(',', " "))?
            .iter()
            .map(|item| value(item))
            .collect();
        return Ok(Value::Array(items?.into()));
    }
    if let Some(hex) = word.strip_prefix("0x") {
        let bytes: Option<Vec<u8>> = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok())
            .collect();
        return bytes
            .map(|bytes| Value::Bytes(Arc::from(bytes)))
            .ok_or_else(|| format!("not bytes: {word}"));
    }
    Ok(match word {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "empty" => Value::Empty,
        word => match (word.parse(), word.parse()) {
            (Ok(n), _) => Value::Int(n),
            (_, Ok(x)) => Value::Double(x),
            _ => return Err(format!("not a value: {word}")),
        },
    })
}
