//! The spans of a trace in the order of a tree that is read from the top: each before its children, those by start.

use std::collections::BTreeMap;

use kymo_engine::traces::{ORPHAN, Resource, Span, Trace, Value};

/// OTLP's number of the status "error".
const ERROR: i32 = 2;

/// A span and its place.
pub(super) struct Node<'t> {
    pub(super) span: &'t Span,
    pub(super) service: &'t str,
    /// Spans above it.
    pub(super) depth: usize,
    /// Its parent was not received.
    pub(super) orphan: bool,
}

/// The spans of a trace as a tree. `parents` has the row of each one's parent, or no row.
pub(super) fn nodes<'t>(trace: &'t Trace, parents: &[u32]) -> Vec<Node<'t>> {
    let count = trace.spans.len();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut tops = Vec::new();
    for (row, parent) in parents.iter().enumerate() {
        match children.get_mut(*parent as usize) {
            Some(siblings) => siblings.push(row),
            None => tops.push(row),
        }
    }
    let mut out = Vec::with_capacity(count);
    let mut seen = vec![false; count];
    walk(trace, parents, &children, tops, &mut seen, &mut out);
    // Spans that are each other's ancestors hang from nothing.
    for row in 0..count {
        walk(trace, parents, &children, vec![row], &mut seen, &mut out);
    }
    out
}

fn walk<'t>(
    trace: &'t Trace,
    parents: &[u32],
    children: &[Vec<usize>],
    tops: Vec<usize>,
    seen: &mut [bool],
    out: &mut Vec<Node<'t>>,
) {
    let mut waiting: Vec<(usize, usize)> = tops.into_iter().rev().map(|row| (row, 0)).collect();
    while let Some((row, depth)) = waiting.pop() {
        if std::mem::replace(&mut seen[row], true) {
            continue;
        }
        let span = &trace.spans[row];
        out.push(Node {
            span,
            service: service_of(&trace.resources[span.resource as usize]),
            depth,
            orphan: parents[row] == ORPHAN,
        });
        waiting.extend(children[row].iter().rev().map(|child| (*child, depth + 1)));
    }
}

/// Spans and errors of each service.
pub(super) fn services(trace: &Trace) -> BTreeMap<&str, (i64, i64)> {
    let mut all: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for span in &trace.spans {
        let counts = all
            .entry(service_of(&trace.resources[span.resource as usize]))
            .or_default();
        counts.0 += 1;
        counts.1 += i64::from(span.status_code == ERROR);
    }
    all
}

fn service_of(resource: &Resource) -> &str {
    let named = resource.attributes.iter().find(|a| &*a.key == "service.name");
    match named.map(|a| &a.value) {
        Some(Value::String(name)) => name,
        _ => "",
    }
}

#[cfg(test)]
mod tests;
