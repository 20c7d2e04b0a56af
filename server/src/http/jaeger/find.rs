//! Searches of Jaeger's API as TraceQL: one span has the service, the operation, the duration and all tags, each tag in its own
//! attributes, those of its resource or scope, or those of one of its events or links.

use super::params::Search;
use super::trace::NO_SERVICE;
use crate::http::tempo::tags_query::quoted;

/// The scopes in which tags are looked for.
const SCOPES: [&str; 5] = ["span", "resource", "event", "link", "instrumentation"];

impl Search {
    /// The query; with a filter what must hold of the traces that are tested.
    pub(super) fn query(&self) -> String {
        if let Some(filter) = &self.filter {
            return filter.necessary();
        }
        let mut conditions = Vec::new();
        match self.service.as_str() {
            "" => {}
            NO_SERVICE => conditions.push("!(resource.service.name != nil)".to_owned()),
            service => conditions.push(format!("resource.service.name = {}", quoted(service))),
        }
        if !self.operation.is_empty() {
            conditions.push(format!("name = {}", quoted(&self.operation)));
        }
        for (op, bound) in [(">=", self.shortest), ("<=", self.longest)] {
            if let Some(nanos) = bound {
                conditions.push(format!("duration {op} {}ns", nanos.max(0)));
            }
        }
        conditions.extend(self.tags.iter().map(|(key, value)| tag(key, value)));
        format!("{{ {} }}", conditions.join(" && "))
    }

    /// The times in which traces are looked for, in nanoseconds since 1970.
    pub(super) fn times(&self) -> Option<(i64, i64)> {
        match (self.start, self.end) {
            (None, None) => None,
            (start, end) => Some((start.unwrap_or(0), end.unwrap_or(i64::MAX))),
        }
    }
}

/// The condition for a tag. What Jaeger shows as tags and OTLP keeps elsewhere is found there too.
fn tag(key: &str, value: &str) -> String {
    let mut any: Vec<String> = Vec::new();
    match (key, value) {
        ("error", "true") => any.push("status = error".to_owned()),
        ("otel.status_code" | "status.code", "ERROR" | "error") => any.push("status = error".to_owned()),
        ("otel.status_code" | "status.code", "OK" | "ok") => any.push("status = ok".to_owned()),
        ("span.kind", "internal" | "server" | "client" | "producer" | "consumer") => {
            any.push(format!("kind = {value}"));
        }
        ("otel.status_description", text) => any.push(format!("statusMessage = {}", quoted(text))),
        ("otel.scope.name", text) => any.push(format!("instrumentation:name = {}", quoted(text))),
        ("otel.scope.version", text) => any.push(format!("instrumentation:version = {}", quoted(text))),
        ("event", text) => any.push(format!("event:name = {}", quoted(text))),
        _ => {}
    }
    let key = key.replace('\\', "\\\\").replace('"', "\\\"");
    for scope in SCOPES {
        let name = format!("{scope}.\"{key}\"");
        any.push(format!("{name} = {}", quoted(value)));
        if let Some(literal) = literal(value) {
            any.push(format!("{name} = {literal}"));
        }
    }
    format!("({})", any.join(" || "))
}

/// A value as a number or truth value of TraceQL, where it is one.
pub(super) fn literal(value: &str) -> Option<String> {
    if matches!(value, "true" | "false") {
        return Some(value.to_owned());
    }
    let digits = value.strip_prefix('-').unwrap_or(value);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |text: &str| !text.is_empty() && text.len() <= 18 && text.bytes().all(|b| b.is_ascii_digit());
    let zero_first = whole.len() > 1 && whole.starts_with('0');
    (plain(whole) && plain(fraction) && !zero_first).then(|| value.to_owned())
}

#[cfg(test)]
mod tests;
