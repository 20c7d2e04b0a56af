//! Answers have the fields of `tempopb`, and requests read back. Field numbers are those of the schema, spelled as bytes.

use proptest::prelude::*;

use super::*;
use crate::wire::put_bytes;

#[test]
fn a_search_has_the_fields_of_the_schema() {
    let set = SpanSet {
        spans: vec![Span {
            span_id: "a".to_owned(),
            name: "n".to_owned(),
            start_nanos: 1,
            duration_nanos: 2,
            attributes: vec![("k".to_owned(), Value::Bool(false))],
        }],
        matched: 5,
        attributes: vec![("l".to_owned(), Value::Int(0))],
    };
    let response = SearchResponse {
        traces: vec![TraceMetadata {
            trace_id: "t".to_owned(),
            root_service_name: "s".to_owned(),
            root_trace_name: "r".to_owned(),
            start_nanos: 3,
            duration_ms: 4,
            span_sets: vec![set],
            service_stats: vec![("s".to_owned(), ServiceStats { spans: 6, errors: 7 })],
        }],
        metrics: SearchMetrics {
            inspected_traces: 8,
            inspected_spans: 9,
            ..SearchMetrics::default()
        },
    };
    let span = b"\x0a\x01a\x12\x01n\x18\x01\x20\x02\x2a\x07\x0a\x01k\x12\x02\x10\x00";
    let mut set = Vec::new();
    put_bytes(&mut set, 1, span);
    set.extend_from_slice(b"\x10\x05\x1a\x07\x0a\x01l\x12\x02\x18\x00");
    let mut trace = b"\x0a\x01t\x12\x01s\x1a\x01r\x20\x03\x28\x04".to_vec();
    put_bytes(&mut trace, 6, &set);
    put_bytes(&mut trace, 7, &set);
    trace.extend_from_slice(b"\x42\x09\x0a\x01s\x12\x04\x08\x06\x10\x07");
    let mut wanted = Vec::new();
    put_bytes(&mut wanted, 1, &trace);
    wanted.extend_from_slice(b"\x12\x04\x08\x08\x38\x09");
    assert_eq!(response.encode(), wanted);
}

#[test]
fn series_have_the_fields_of_the_schema() {
    let labels = vec![("p".to_owned(), Value::Double(0.5))];
    let response = RangeResponse {
        series: vec![TimeSeries {
            labels: labels.clone(),
            samples: vec![(5, 0.0)],
            exemplars: vec![Exemplar {
                labels: vec![],
                value: 0.0,
                timestamp_ms: 6,
            }],
        }],
        metrics: SearchMetrics::default(),
        partial: Some("m".to_owned()),
    };
    let label = b"\x0a\x01p\x12\x09\x21\x00\x00\x00\x00\x00\x00\xe0\x3f";
    let mut series = Vec::new();
    put_bytes(&mut series, 1, label);
    series.extend_from_slice(b"\x12\x02\x10\x05\x22\x02\x18\x06");
    let mut wanted = Vec::new();
    put_bytes(&mut wanted, 1, &series);
    wanted.extend_from_slice(b"\x12\x00\x18\x01\x22\x01m");
    assert_eq!(response.encode(), wanted);
    let instant = InstantResponse {
        series: vec![(labels, 1.0)],
        ..InstantResponse::default()
    };
    let mut series = Vec::new();
    put_bytes(&mut series, 1, label);
    series.extend_from_slice(b"\x11\x00\x00\x00\x00\x00\x00\xf0\x3f");
    let mut wanted = Vec::new();
    put_bytes(&mut wanted, 1, &series);
    wanted.extend_from_slice(b"\x12\x00");
    assert_eq!(instant.encode(), wanted);
}

#[test]
fn requests_read_back() {
    let bytes = b"\x0a\x06\x0a\x01k\x12\x01v\x10\x01\x18\x02\x20\x03\x28\x04\x30\x05\x42\x02{}\x48\x06";
    let wanted = Search {
        tags: vec![("k".to_owned(), "v".to_owned())],
        min_duration_ms: 1,
        max_duration_ms: 2,
        limit: 3,
        start: 4,
        end: 5,
        query: "{}".to_owned(),
        spans_per_span_set: 6,
    };
    assert_eq!(Search::decode(bytes).unwrap(), wanted);
    let bytes = b"\x0a\x01q\x10\x01\x18\x02\x20\x03\x80\x01\x04\x88\x01\x05\x90\x01\x01";
    let range = QueryRange::decode(bytes).unwrap();
    assert_eq!(
        (
            range.start,
            range.end,
            range.step,
            range.exemplars,
            range.series_max
        ),
        (1, 2, 3, 4, 5)
    );
    let values = SearchTagValues::decode(b"\x0a\x01t\x12\x01q\x20\x01\x28\x02\x30\x03").unwrap();
    assert_eq!((values.start, values.end, values.values_max), (1, 2, 3));
    let tags = SearchTags::decode(b"\x0a\x01s\x12\x01q\x18\x01\x20\x02\x28\x03").unwrap();
    assert_eq!((tags.start, tags.end, tags.tags_per_scope_max), (1, 2, 3));
}

proptest! {
    #[test]
    fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = Search::decode(&bytes);
        let _ = SearchTags::decode(&bytes);
        let _ = SearchTagValues::decode(&bytes);
        let _ = QueryRange::decode(&bytes);
        let _ = QueryInstant::decode(&bytes);
    }
}
