//! Applying batches: spans are there once, however often they are sent.

use super::TracesHead;
use crate::traces::batch::{Applied, BatchBuilder, SpanFields, tests::sample};

/// New spans and duplicates.
fn counts(applied: &Applied) -> (u32, u32) {
    assert_eq!(applied.duplicates as usize, applied.duplicate_rows.len());
    (applied.spans, applied.duplicates)
}

#[test]
fn a_batch_sent_twice_is_there_once() {
    let head = TracesHead::default();
    let five = (5, 0);
    assert_eq!(counts(&head.apply(&sample())), five);
    assert_eq!(counts(&head.apply(&sample())), (0, 5));
    assert_eq!(head.size().rows, 5);
    assert_eq!(head.size().groups, 3);
    assert_eq!(head.read().events.len(), 5);
}

#[test]
fn duplicates_are_found_in_long_traces() {
    let head = TracesHead::default();
    let send = || {
        let mut b = BatchBuilder::new();
        let (resource, scope) = (b.end_resource(0, ""), b.end_scope("", "", 0, ""));
        for i in 0..200u64 {
            b.end_span(&SpanFields {
                resource,
                scope,
                trace_id: [1; 16],
                span_id: (i + 1).to_le_bytes(),
                start: 5,
                ..SpanFields::default()
            });
        }
        counts(&head.apply(&b.finish()))
    };
    assert_eq!(send(), (200, 0));
    assert_eq!(send(), (0, 200));
}
