//! Records of spans come back from their bytes, and bytes that are no record are refused.

use proptest::prelude::*;

use super::{Batch, BatchBuilder, Part, SpanFields};
use crate::traces::value::{Value, ValueRef};

/// A batch of a few spans with everything a span can have.
pub(in crate::traces) fn sample() -> Batch {
    let mut b = BatchBuilder::new();
    b.attribute(Part::Resource, "service.name", ValueRef::String("shop"));
    let resource = b.end_resource(1, "http://schema");
    let scope = b.end_scope("lib", "1", 0, "");
    for i in 0..5u8 {
        let list = Value::Array([Value::Int(1), Value::Empty].into());
        b.attribute(Part::Event, "e", ValueRef::Bool(true));
        b.end_event(100 + i64::from(i), "took", 0);
        b.attribute(Part::Link, "l", ValueRef::Double(f64::NAN));
        b.end_link([i; 16], [9; 8], "a=b", 257, 3);
        b.attribute(Part::Span, "http.status_code", ValueRef::Int(200 + i64::from(i)));
        b.attribute(Part::Span, "list", ValueRef::Nested(&list));
        b.attribute(Part::Span, "empty", ValueRef::Empty);
        b.attribute(Part::Span, "bytes", ValueRef::Bytes(&[i, 0]));
        b.end_span(&SpanFields {
            resource,
            scope,
            trace_id: [i / 2 + 1; 16],
            span_id: [i + 1; 8],
            parent: [i; 8],
            name: "GET /",
            start: 1_000 + i64::from(i),
            end: 1_000,
            status_code: 2,
            status_message: "broken",
            dropped_events: u32::from(i),
            ..SpanFields::default()
        });
    }
    b.finish()
}

#[test]
fn a_record_comes_back() {
    let batch = sample();
    let bytes = batch.encode();
    let back = Batch::decode(&bytes).expect("decodes");
    assert_eq!(back.encode(), bytes);
    assert_eq!(
        (back.spans, back.events, back.links),
        (batch.spans, batch.events, batch.links)
    );
    assert_eq!(back.traces, batch.traces);
}

#[test]
fn a_record_that_ends_early_is_refused() {
    let bytes = sample().encode();
    for len in 0..bytes.len() {
        assert!(
            Batch::decode(&bytes[..len]).is_err(),
            "{len} of {} bytes",
            bytes.len()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes_never_panic(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = sample().encode();
        let at = at.index(bytes.len());
        bytes[at] = to;
        if let Ok(batch) = Batch::decode(&bytes) {
            batch.encode();
        }
    }
}
