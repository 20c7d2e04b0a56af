//! What acknowledged spans survive: a failure, a torn write or a power cut at any call to the storage; and flipped bits,
//! which are reported and never answered with.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::Error;
use crate::node::{Node, NodeOptions};
use crate::storage::{Crash, Fault, FaultKind, FaultyStorage, MemoryStorage, Storage};
use crate::traces::batch::{BatchBuilder, Part, SpanFields};
use crate::traces::model::Trace;
use crate::traces::scan::Scan;
use crate::traces::value::ValueRef;
use crate::traces::{Batch, TraceId};

fn options() -> NodeOptions {
    let mut options = NodeOptions {
        reserve_bytes: 0,
        free_bytes_min: 0,
        ..NodeOptions::default()
    };
    options.log.segment_bytes = 16 << 10;
    options
}

/// Spans of five traces; round after round they get more.
fn batch(round: u8) -> Batch {
    let mut b = BatchBuilder::new();
    b.attribute(Part::Resource, "service.name", ValueRef::String("shop"));
    let (resource, scope) = (b.end_resource(0, ""), b.end_scope("lib", "", 0, ""));
    for trace in 0..5u8 {
        let text = format!("{round} of {trace}");
        b.attribute(Part::Event, "round", ValueRef::Int(round.into()));
        b.end_event(i64::from(round), "event", 0);
        b.attribute(Part::Span, "text", ValueRef::String(&text));
        b.attribute(Part::Span, "n", ValueRef::Double(f64::from(round) / 3.0));
        b.end_span(&SpanFields {
            resource,
            scope,
            trace_id: [trace + 1; 16],
            span_id: [round + 1; 8],
            parent: [round; 8],
            name: "work",
            start: 1_000 * i64::from(round) + i64::from(trace),
            end: 1_000_000,
            ..SpanFields::default()
        });
    }
    b.finish()
}

fn append(node: &Node, round: u8) -> Result<(), Error> {
    let ticket = node
        .tenant("t")?
        .traces
        .append(node.log(), Arc::new(batch(round)))?;
    node.log().commit();
    ticket.wait().map(|_| ())
}

/// Writes, flushes and merges; which rounds were acknowledged.
fn life(storage: Arc<dyn Storage>) -> Vec<u8> {
    let Ok((node, _)) = Node::open(storage, options()) else {
        return Vec::new();
    };
    let mut acked = Vec::new();
    for round in 0..6u8 {
        if append(&node, round).is_ok() {
            acked.push(round);
        }
        if round % 2 == 1 {
            node.flush().ok();
        }
        if round == 4 {
            node.compact().ok();
        }
    }
    acked
}

fn check(storage: &MemoryStorage, acked: &[u8], context: &str) {
    let (node, _) = Node::open(Arc::new(storage.clone()), options()).unwrap();
    let Some(db) = node.existing_tenant("t") else {
        assert!(acked.is_empty(), "{context}");
        return;
    };
    let snapshot = db.traces.snapshot();
    for trace in 0..5u8 {
        let found = snapshot.trace(&[trace + 1; 16]).unwrap().unwrap_or_default();
        for round in acked {
            let span = found.spans.iter().find(|s| s.id == [round + 1; 8]);
            let span = span.unwrap_or_else(|| panic!("{context}: round {round} is missing"));
            assert_eq!(span.attributes.len() + span.events.len(), 3, "{context}");
        }
    }
    node.flush().unwrap();
    node.compact().unwrap();
    let found = db.traces.snapshot().trace(&[1; 16]).unwrap().unwrap_or_default();
    assert!(found.spans.len() >= acked.len(), "{context}, merged");
}

#[test]
fn acknowledged_spans_survive_any_failure() {
    let calls = {
        let storage = Arc::new(FaultyStorage::new(Arc::new(MemoryStorage::new()), None));
        assert_eq!(life(storage.clone()), [0, 1, 2, 3, 4, 5]);
        storage.calls()
    };
    for at in 0..calls {
        for kind in [FaultKind::Fail, FaultKind::Tear, FaultKind::PowerCut] {
            let memory = MemoryStorage::new();
            let fault = Fault { at, kind };
            let acked = life(Arc::new(FaultyStorage::new(
                Arc::new(memory.clone()),
                Some(fault),
            )));
            for crash in [Crash::DropUnsynced, Crash::Torn(at)] {
                let context = format!("{kind:?} at call {at}, {crash:?}");
                check(&memory.crash(crash), &acked, &context);
            }
        }
    }
}

/// All that a node answers, or the error that it reports.
fn answers(node: &Node) -> Result<BTreeMap<TraceId, Trace>, Error> {
    let snapshot = node.tenant("t")?.traces.snapshot();
    let mut all = BTreeMap::new();
    for part in snapshot.scan(&Scan::default())? {
        let Some(table) = part.load()? else { continue };
        for n in 0..table.traces()?.len() {
            let trace = table.trace(n)?.unwrap_or_default();
            assert_eq!(snapshot.trace(&trace.id)?.as_ref(), Some(&trace));
            all.insert(trace.id, trace);
        }
    }
    Ok(all)
}

#[test]
fn flipped_bits_are_reported_and_never_answered_with() {
    let memory = MemoryStorage::new();
    life(Arc::new(memory.clone()));
    let (node, _) = Node::open(Arc::new(memory.clone()), options()).unwrap();
    node.flush().unwrap();
    node.compact().unwrap();
    let right = answers(&node).unwrap();
    drop(node);
    let dir = "tenants/t/traces/blocks";
    let path = format!("{dir}/{}", memory.list(dir).unwrap()[0]);
    let bits = memory.open(&path).unwrap().len().unwrap() * 8;
    for bit in (0..bits).step_by(37) {
        let broken = memory.crash(Crash::KeepUnsynced);
        broken.flip_bit(&path, bit).unwrap();
        let (node, recovery) = match Node::open(Arc::new(broken), options()) {
            Err(Error::UnsupportedVersion { .. }) => continue,
            opened => opened.unwrap(),
        };
        if !recovery.lost_blocks.is_empty() {
            continue;
        }
        match answers(&node) {
            Ok(found) => assert!(found == right, "bit {bit}"),
            Err(e) => assert!(matches!(e, Error::Corrupt { .. }), "bit {bit}: {e}"),
        }
    }
}
