//! The summary of what differs between two traces: which way latency, work, errors and structure went, how far the
//! comparison can be trusted, and by service.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kymo_engine::traces::Span;
use serde_json::{Value, json};

use super::matching::Matching;
use super::patch::{counts, is_modified, warnings};
use super::side::{Identity, Side, duration, status};

pub(super) const VERSION: &str = "trace-summary-v0-native";

/// Figures of one trace.
struct Figures {
    errors: i64,
    /// From the first start to the last end, in nanoseconds.
    latency: i64,
    /// Of all spans together, in nanoseconds.
    work: i64,
}

/// What changed in a service.
#[derive(Default)]
struct Rollup {
    work: i64,
    modified: u64,
    added: u64,
    removed: u64,
    new_errors: u64,
    resolved_errors: u64,
}

pub(super) fn document(base: &Side, compare: &Side, matching: &Matching) -> Value {
    let (before, after) = (figures(base), figures(compare));
    let (services, moved) = rollups(base, compare, matching);
    let overlap = overlap(base, compare);
    let matched = matching.pairs().count();
    let (fields, attributes) = counts(base, compare, matching);
    let sum = |count: fn(&Rollup) -> u64| services.values().map(count).sum::<u64>();
    let spans = (base.nodes.len(), compare.nodes.len());
    let changed: BTreeSet<&str> = services.keys().copied().chain(moved.iter().copied()).collect();
    let mut document = json!({
        "version": VERSION,
        "base": meta(base, &before),
        "compare": meta(compare, &after),
        "signals": {
            "traceLatency": direction(millis(after.latency) - millis(before.latency)),
            "sumSpanDuration": direction(millis(after.work) - millis(before.work)),
            "errors": direction(after.errors - before.errors),
            "spanCount": direction(spans.1 as i64 - spans.0 as i64),
            "structure": if overlap == 1.0 { "unchanged" } else { "changed" },
        },
        "trust": {
            "matchedSpanRatio": ratio(matched, spans.0.max(spans.1)),
            "structureOverlap": overlap,
        },
        "stats": {
            "traceLatencyDeltaMs": millis(after.latency) - millis(before.latency),
            "sumSpanDurationDeltaMs": millis(after.work) - millis(before.work),
            "spanCountDelta": spans.1 as i64 - spans.0 as i64,
            "errorSpanDelta": after.errors - before.errors,
            "matchedSpans": matched,
            "modifiedSpans": sum(|r| r.modified),
            "addedSpans": sum(|r| r.added),
            "removedSpans": sum(|r| r.removed),
            "fieldChanges": fields,
            "attributeChanges": attributes,
        },
        "changedServices": changed,
        "services": services.iter().map(|(name, rollup)| rollup.document(name)).collect::<Vec<_>>(),
    });
    let warnings = warnings(base, compare);
    if !warnings.is_empty() {
        document["warnings"] = Value::from(warnings);
    }
    document
}

impl Rollup {
    fn document(&self, name: &str) -> Value {
        json!({
            "name": name,
            "sumSpanDurationDeltaMs": millis(self.work),
            "modified": self.modified,
            "added": self.added,
            "removed": self.removed,
            "newErrors": self.new_errors,
            "resolvedErrors": self.resolved_errors,
        })
    }
}

fn meta(side: &Side, figures: &Figures) -> Value {
    let root = side.nodes.iter().find(|node| node.path == [0]);
    json!({
        "traceId": side.id(),
        "rootService": root.map_or("", |node| node.identity.service.as_str()),
        "rootName": root.map_or("", |node| node.identity.name.as_str()),
        "spanCount": side.nodes.len(),
        "errorSpanCount": figures.errors,
        "durationMs": millis(figures.latency),
        "sumSpanDurationMs": millis(figures.work),
    })
}

fn figures(side: &Side) -> Figures {
    let spans = &side.trace.spans;
    let sound = || spans.iter().filter(|span| span.end >= span.start);
    let start = sound().map(|span| span.start).min().unwrap_or(0);
    let end = sound().map(|span| span.end).max().unwrap_or(0);
    Figures {
        errors: spans.iter().filter(|span| is_error(span)).count() as i64,
        latency: end.saturating_sub(start),
        work: spans
            .iter()
            .fold(0, |sum: i64, span| sum.saturating_add(duration(span))),
    }
}

/// Services that changed, and those with spans whose caller is another operation than before.
fn rollups<'s>(
    base: &'s Side,
    compare: &'s Side,
    matching: &Matching,
) -> (BTreeMap<&'s str, Rollup>, Vec<&'s str>) {
    let mut services: BTreeMap<&str, Rollup> = BTreeMap::new();
    let mut moved = Vec::new();
    for (row, base_row) in matching.pairs() {
        let (before, after) = (&base.trace.spans[base_row], &compare.trace.spans[row]);
        let service = compare.nodes[row].identity.service.as_str();
        if base.above(base_row) != compare.above(row) {
            moved.push(service);
        }
        if is_modified(before, after) {
            let rollup = services.entry(service).or_default();
            rollup.modified += 1;
            rollup.new_errors += u64::from(!is_error(before) && is_error(after));
            rollup.resolved_errors += u64::from(is_error(before) && !is_error(after));
        }
    }
    for row in (0..compare.nodes.len()).filter(|row| matching.base_of[*row].is_none()) {
        let rollup = services.entry(&compare.nodes[row].identity.service).or_default();
        rollup.added += 1;
        rollup.new_errors += u64::from(is_error(&compare.trace.spans[row]));
    }
    for row in (0..base.nodes.len()).filter(|row| matching.compare_of[*row].is_none()) {
        let rollup = services.entry(&base.nodes[row].identity.service).or_default();
        rollup.removed += 1;
        rollup.resolved_errors += u64::from(is_error(&base.trace.spans[row]));
    }
    for (side, sign) in [(base, -1), (compare, 1)] {
        for (node, span) in side.nodes.iter().zip(&side.trace.spans) {
            if let Some(rollup) = services.get_mut(node.identity.service.as_str()) {
                rollup.work = rollup.work.saturating_add(duration(span).saturating_mul(sign));
            }
        }
    }
    (services, moved)
}

/// The part of callers and callees that both traces have.
fn overlap(base: &Side, compare: &Side) -> f64 {
    let calls = |side: &Side| {
        let mut calls: HashMap<(Option<Identity>, Identity), usize> = HashMap::new();
        for (row, node) in side.nodes.iter().enumerate() {
            *calls
                .entry((side.above(row).cloned(), node.identity.clone()))
                .or_default() += 1;
        }
        calls
    };
    let (before, after) = (calls(base), calls(compare));
    let shared = before
        .iter()
        .map(|(call, n)| after.get(call).map_or(0, |m| *n.min(m)));
    ratio(shared.sum(), base.nodes.len().max(compare.nodes.len()))
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        1.0
    } else {
        part as f64 / whole as f64
    }
}

fn direction(delta: i64) -> &'static str {
    match delta.signum() {
        1 => "increased",
        -1 => "decreased",
        _ => "unchanged",
    }
}

fn is_error(span: &Span) -> bool {
    status(span) == "error"
}

fn millis(nanos: i64) -> i64 {
    nanos / 1_000_000
}
