//! Applying batches: spans are there once, however often they are sent.

use super::TracesHead;
use crate::traces::batch::{Applied, BatchBuilder, SpanFields, tests::sample};

#[test]
fn a_batch_sent_twice_is_there_once() {
    let head = TracesHead::default();
    let five = Applied {
        spans: 5,
        duplicates: 0,
    };
    assert_eq!(head.apply(&sample()), five);
    assert_eq!(
        head.apply(&sample()),
        Applied {
            spans: 0,
            duplicates: 5
        }
    );
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
        head.apply(&b.finish())
    };
    assert_eq!(
        send(),
        Applied {
            spans: 200,
            duplicates: 0
        }
    );
    assert_eq!(
        send(),
        Applied {
            spans: 0,
            duplicates: 200
        }
    );
}
