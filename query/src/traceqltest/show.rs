//! Answers as the lines that scripts expect. Not for comparing them.

use std::fmt::Write as _;
use std::sync::Arc;

use kymo_engine::traces::Value;

use super::words::short;
use crate::lex::{go_duration, string};
use crate::number;
use crate::traceql::answer::{FoundSpan, FoundTrace, MetricsAnswer, SearchAnswer};

/// Ids of spans, a line a trace.
pub(super) fn spans(answer: &SearchAnswer) -> Vec<String> {
    let line = |trace: &FoundTrace| {
        let sets = trace.spansets.iter().map(|set| {
            let ids: Vec<String> = set.spans.iter().map(|span| short(&span.id)).collect();
            ids.join(" ")
        });
        let sets: Vec<String> = sets.collect();
        format!("{}: {}", short(&trace.id), sets.join(" | "))
    };
    answer.traces.iter().map(line).collect()
}

/// Everything that is answered of traces.
pub(super) fn traces(answer: &SearchAnswer) -> Vec<String> {
    let mut lines = Vec::new();
    for trace in &answer.traces {
        let mut line = format!(
            "trace {} {}",
            short(&trace.id),
            times(trace.start, trace.duration)
        );
        let root = |text: &Option<Arc<str>>| text.as_ref().map_or("?".to_owned(), |t| bare(t));
        let name = trace
            .root_name
            .as_ref()
            .map_or("?".to_owned(), |n| string::quote(n));
        let _infallible = write!(line, " {} {name}", root(&trace.root_service));
        for service in &trace.services {
            let name = bare(&service.service);
            let _infallible = write!(line, " {name}={}/{}", service.spans, service.errors);
        }
        lines.push(line);
        for set in &trace.spansets {
            lines.push(format!("spanset {}{}", set.matched, pairs(&set.attributes)));
            lines.extend(set.spans.iter().map(span));
        }
    }
    lines
}

fn span(span: &FoundSpan) -> String {
    let name = span
        .name
        .as_ref()
        .map_or_else(String::new, |name| format!(" {}", string::quote(name)));
    format!(
        "span {} {}{name}{}",
        short(&span.id),
        times(span.start, span.duration),
        pairs(&span.attributes)
    )
}

fn times(start: i64, duration: i64) -> String {
    format!("{} {}", go_duration::format(start), go_duration::format(duration))
}

fn bare(text: &str) -> String {
    if text.is_empty() || text.contains([' ', '"']) {
        string::quote(text)
    } else {
        text.to_owned()
    }
}

fn pairs(list: &[(Arc<str>, Value)]) -> String {
    list.iter()
        .map(|(name, value)| format!(" {name}={}", shown(value)))
        .collect()
}

fn shown(value: &Value) -> String {
    match value {
        Value::Empty => "empty".to_owned(),
        Value::String(text) => string::quote(text),
        Value::Bool(b) => b.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Double(x) => number::format_json(*x),
        Value::Bytes(bytes) => format!(
            "0x{}",
            bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()
        ),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            format!("[{}]", items.join(", "))
        }
        Value::KvList(pairs) => format!("{pairs:?}"),
    }
}

/// A line a series, a value a step; below it its exemplars.
pub(super) fn series(answer: &MetricsAnswer, times: &[i64]) -> Vec<String> {
    let mut lines = Vec::new();
    for series in &answer.series {
        let labels: Vec<String> = series
            .labels
            .iter()
            .map(|(name, value)| format!("{name}={}", shown(value)))
            .collect();
        let mut line = format!("{{{}}}", labels.join(", "));
        for time in times {
            let sample = series.samples.iter().find(|(at, _)| at == time);
            let value = sample.map_or("_".to_owned(), |(_, value)| rounded(*value));
            let _infallible = write!(line, " {value}");
        }
        lines.push(line);
        for exemplar in &series.exemplars {
            let time = go_duration::format(exemplar.time * 1_000_000);
            lines.push(format!(
                "exemplar {time} {}{}",
                rounded(exemplar.value),
                pairs(&exemplar.labels)
            ));
        }
    }
    lines
}

/// Ten digits, so that scripts need not spell what division leaves.
fn rounded(value: f64) -> String {
    let short: f64 = format!("{value:.9e}").parse().unwrap_or(value);
    number::format_json(short)
}
