//! Random traces in a store: split over writes, in the head, in blocks and merged, with the pruning that queries ask for.

use std::sync::Arc;

use kymo_engine::log::LogOptions;
use kymo_engine::node::{Node, NodeOptions};
use kymo_engine::storage::MemoryStorage;
use kymo_engine::store::StoreOptions;
use kymo_engine::traces::batch::Part as Owner;
use kymo_engine::traces::{Attribute, BatchBuilder, Scan, ScanBy, Span, SpanFields, Trace};

use super::super::super::answer::MetricsAnswer;
use super::super::super::grid::Grid;
use super::super::super::options::{MetricsOptions, Part, SearchOptions};
use super::super::super::{EvalError, metrics_over, need, parse, search};
use super::reference::Found;
use crate::promql::eval::Budget;

/// A node in memory.
pub(super) fn node() -> Arc<Node> {
    let options = NodeOptions {
        log: LogOptions {
            segment_bytes: 1 << 20,
            spare_segments: 0,
            ..LogOptions::default()
        },
        store: StoreOptions::default(),
        traces: StoreOptions::for_traces(),
        logs: StoreOptions::for_logs(),
        cache_bytes: 1 << 20,
        reserve_bytes: 0,
        free_bytes_min: 0,
    };
    Node::open(Arc::new(MemoryStorage::new()), options).unwrap().0
}

/// Writes the spans whose place has this remainder by `of`.
pub(super) fn write(node: &Node, traces: &[Trace], batch: usize, of: usize) {
    let mut builder = BatchBuilder::new();
    for trace in traces {
        let spans = trace.spans.iter().enumerate();
        for (_, span) in spans.filter(|(place, _)| place % of == batch) {
            push(&mut builder, trace, span);
        }
    }
    if builder.span_count() == 0 {
        return;
    }
    let db = node.tenant("t").unwrap();
    let ticket = db.traces.append(node.log(), builder.finish().into()).unwrap();
    node.log().commit();
    ticket.wait().unwrap();
}

pub(super) fn searched(node: &Node, query: &str) -> Result<Vec<Found>, String> {
    let query = parse(query).unwrap();
    let snapshot = node.tenant("t").unwrap().traces.snapshot();
    let scan = Scan {
        need: need(&query),
        ..Scan::default()
    };
    let parts = snapshot.scan(&scan).unwrap();
    let parts: Vec<Part<'_>> = parts.iter().map(Part::of).collect();
    let options = SearchOptions {
        limit: 1_000,
        spans_per_spanset: 0,
        times: None,
    };
    let answer = search(&parts, &query, &options, &Budget::default());
    answer
        .map(|answer| super::spans(&answer))
        .map_err(|e| e.to_string())
}

pub(super) fn measured(node: &Node, query: &str, grid: Grid) -> Result<MetricsAnswer, EvalError> {
    let query = parse(query).unwrap();
    let snapshot = node.tenant("t").unwrap().traces.snapshot();
    let scan = Scan {
        times: Some(grid.times()),
        by: ScanBy::SpanStart,
        need: need(&query),
    };
    let parts = snapshot.scan(&scan).unwrap();
    let parts: Vec<Part<'_>> = parts.iter().map(Part::of).collect();
    let options = MetricsOptions {
        grid,
        exemplars: 3,
        max_series: 0,
        attribute_names: &|| Ok(Vec::new()),
    };
    metrics_over(&parts, &query, &options, &Budget::default())
}

fn attributes(builder: &mut BatchBuilder, owner: Owner, list: &[Attribute]) {
    for attribute in list {
        builder.attribute(owner, &attribute.key, attribute.value.borrowed());
    }
}

fn push(builder: &mut BatchBuilder, trace: &Trace, span: &Span) {
    let resource = &trace.resources[span.resource as usize];
    attributes(builder, Owner::Resource, &resource.attributes);
    let resource = builder.end_resource(0, "");
    let scope = &trace.scopes[span.scope as usize];
    attributes(builder, Owner::Scope, &scope.attributes);
    let scope = builder.end_scope(&scope.name, "", 0, "");
    for event in &span.events {
        attributes(builder, Owner::Event, &event.attributes);
        builder.end_event(event.time, &event.name, 0);
    }
    for link in &span.links {
        attributes(builder, Owner::Link, &link.attributes);
        builder.end_link(link.trace_id, link.span_id, "", 0, 0);
    }
    attributes(builder, Owner::Span, &span.attributes);
    builder.end_span(&SpanFields {
        resource,
        scope,
        trace_id: trace.id,
        span_id: span.id,
        parent: span.parent,
        name: &span.name,
        kind: span.kind,
        start: span.start,
        end: span.end,
        status_code: span.status_code,
        status_message: &span.status_message,
        ..SpanFields::default()
    });
}
