//! Traces through the whole life: what was written is read back field by field from head, blocks, merged blocks and after
//! restarts, however the spans of a trace were spread.

mod broken;
pub(crate) mod random;
mod scan;

use std::sync::Arc;

use proptest::prelude::*;

use super::model::Trace;
use super::{Applied, Batch};
use crate::node::{Node, NodeOptions};
use crate::storage::MemoryStorage;
use random::{Spread, assembled, batches, traces};

pub(crate) fn open(storage: &MemoryStorage) -> Arc<Node> {
    let mut options = NodeOptions {
        reserve_bytes: 4096,
        ..NodeOptions::default()
    };
    options.log.segment_bytes = 64 << 10;
    let (node, recovery) = Node::open(Arc::new(storage.clone()), options).unwrap();
    assert_eq!(recovery.undecodable_records, 0);
    node
}

pub(crate) fn write(node: &Node, batch: Batch) -> Applied {
    let ticket = node
        .tenant("t")
        .unwrap()
        .traces
        .append(node.log(), Arc::new(batch))
        .unwrap();
    node.log().commit();
    ticket.wait().unwrap()
}

fn read(node: &Node, id: &super::TraceId) -> Option<Trace> {
    node.tenant("t").unwrap().traces.snapshot().trace(id).unwrap()
}

fn check_all(node: &Node, expected: &[Trace], when: &str) {
    for trace in expected {
        let found = read(node, &trace.id);
        assert_eq!(found.as_ref().map(canonical), Some(canonical(trace)), "{when}");
    }
    assert_eq!(read(node, &[0xee; 16]), None, "{when}");
}

/// Doubles compare by their bits in the debug form of a NaN-free model; NaN payloads are checked by the codecs' tests.
fn canonical(trace: &Trace) -> String {
    format!("{trace:#?}")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_was_written_is_read_back(all in traces(12), spread in any::<Spread>()) {
        let storage = MemoryStorage::default();
        let node = open(&storage);
        let expected: Vec<Trace> = all.iter().map(assembled).collect();
        let parts = batches(&all, &spread);
        for (n, batch) in parts.iter().enumerate() {
            let spans = batch.len() as u32;
            prop_assert_eq!(write(&node, batch.clone()), Applied { spans, ..Applied::default() });
            if spread.flush_after(n) {
                node.flush().unwrap();
            }
        }
        check_all(&node, &expected, "as written");
        if let Some(first) = parts.first() {
            write(&node, first.clone());
            check_all(&node, &expected, "with a batch sent twice");
        }
        drop(node);
        let node = open(&storage);
        check_all(&node, &expected, "restarted");
        node.flush().unwrap();
        check_all(&node, &expected, "flushed");
        node.compact().unwrap();
        check_all(&node, &expected, "merged");
        prop_assert!(node.verify().is_empty());
        let spans: usize = expected.iter().map(|t| t.spans.len()).sum();
        let rows: u64 = node.tenant("t").unwrap().traces.blocks().iter().map(|b| b.rows).sum();
        prop_assert_eq!(rows, spans as u64, "each span is there once when merged");
        drop(node);
        check_all(&open(&storage), &expected, "merged and restarted");
    }
}
