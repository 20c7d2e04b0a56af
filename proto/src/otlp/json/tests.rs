//! OTLP/JSON: the forms the specification names, and that the binary form of what `opentelemetry-proto` writes as JSON
//! is what it writes as protobuf.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::otlp::metrics::tests::{Dice, rebuilt};

fn decode(text: &str) -> ExportMetricsServiceRequest {
    let bytes = metrics_request(text.as_bytes()).unwrap();
    ExportMetricsServiceRequest::decode(&bytes[..]).unwrap()
}

fn point(fields: &str) -> String {
    format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"m","gauge":{{"dataPoints":[{{{fields}}}]}}}}]}}]}}]}}"#
    )
}

#[test]
fn integers_come_as_strings_or_numbers() {
    let a = decode(&point(r#""asInt":"-5","timeUnixNano":"1700000000000000000""#));
    let b = decode(&point(r#""asInt":-5,"timeUnixNano":1700000000000000000"#));
    let c = decode(&point(r#""asInt":-5.0,"timeUnixNano":1.7e18"#));
    assert_eq!(a, b);
    assert_eq!(a, c);
}

#[test]
fn ids_are_hex_bytes_are_base64_and_doubles_have_names() {
    let request = decode(&point(
        r#""asDouble":"NaN","unknownName":{"x":[1]},"exemplars":[{"asDouble":"-Infinity","traceId":"5B8efff798038103d269b633813fc60c",
        "spanId":"eee19b7ec3c1b174","filteredAttributes":[{"key":"k","value":{"bytesValue":"AQI="}}]}]"#,
    ));
    let text = format!("{request:?}");
    assert!(
        text.contains("AsDouble(NaN)") && text.contains("AsDouble(-inf)"),
        "{text}"
    );
    assert!(text.contains("BytesValue([1, 2])"), "{text}");
    assert!(text.contains("trace_id: [91, 142, 255"), "{text}");
}

#[test]
fn base64_has_either_alphabet_and_needs_no_padding() {
    for (base64, bytes) in [
        ("+/8=", "[251, 255]"),
        ("+/8", "[251, 255]"),
        ("-_8=", "[251, 255]"),
        ("-_8", "[251, 255]"),
        ("", "[]"),
    ] {
        let text = point(&format!(
            r#""exemplars":[{{"filteredAttributes":[{{"key":"k","value":{{"bytesValue":"{base64}"}}}}]}}]"#
        ));
        let text = format!("{:?}", decode(&text));
        assert!(text.contains(&format!("BytesValue({bytes})")), "{base64}: {text}");
    }
}

#[test]
fn enums_are_numbers_or_names() {
    for value in ["1", "\"AGGREGATION_TEMPORALITY_DELTA\""] {
        let text = format!(
            r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"sum":{{"aggregationTemporality":{value},"isMonotonic":true}}}}]}}]}}]}}"#
        );
        assert!(format!("{:?}", decode(&text)).contains("aggregation_temporality: Delta"));
    }
}

#[test]
fn what_is_wrong_is_named() {
    let wrong = |text: &str| metrics_request(text.as_bytes()).unwrap_err().to_string();
    assert!(wrong("{").starts_with("not JSON"));
    assert_eq!(wrong("[]"), "the request is not an object");
    assert_eq!(
        wrong(r#"{"resourceMetrics":{}}"#),
        "resourceMetrics is not an array"
    );
    assert_eq!(wrong(&point(r#""asInt":"x""#)), "asInt is not an integer");
    assert_eq!(wrong(&point(r#""asDouble":true"#)), "asDouble is not a number");
}

#[test]
fn ids_of_spans_are_hex_of_any_case_and_enums_numbers() {
    let text = r#"{"resourceSpans":[{"unknown":1,"scopeSpans":[{"spans":[{"traceId":"5B8EFFF798038103D269B633813FC60C",
        "spanId":"eee19b7ec3c1b174","parentSpanId":"","kind":2,"startTimeUnixNano":"1544712660000000000",
        "endTimeUnixNano":1544712661000000000,"flags":257,"status":{"code":2,"message":"no"},
        "attributes":[{"key":"n","value":{"intValue":"7"}},{"key":"m","value":{"intValue":8}}]}]}]}]}"#;
    let bytes = trace_request(text.as_bytes()).unwrap();
    let mut request = crate::otlp::traces::Request::new(&bytes);
    let mut resource = request.next_resource().unwrap().unwrap();
    let span = resource
        .next_scope()
        .unwrap()
        .unwrap()
        .next_span()
        .unwrap()
        .unwrap();
    assert_eq!(span.trace_id[..2], [0x5b, 0x8e]);
    assert_eq!((span.span_id.len(), span.parent_span_id.len()), (8, 0));
    assert_eq!(
        (span.start, span.end),
        (1_544_712_660_000_000_000, 1_544_712_661_000_000_000)
    );
    assert_eq!((span.kind, span.status_code, span.flags), (2, 2, 257));
    assert_eq!(span.status_message, b"no");
}

proptest! {
    #[test]
    fn logs_as_json_and_as_protobuf_are_the_same_request(seed: u64) {
        let request = Dice(seed).logs();
        let bytes = logs_request(&serde_json::to_vec(&request).unwrap()).unwrap();
        prop_assert_eq!(&crate::otlp::logs::tests::rebuilt(&bytes).unwrap(), &request);
    }

    #[test]
    fn traces_as_json_and_as_protobuf_are_the_same_request(seed: u64) {
        let request = Dice(seed).traces();
        let bytes = trace_request(&serde_json::to_vec(&request).unwrap()).unwrap();
        prop_assert_eq!(&crate::otlp::traces::tests::rebuilt(&bytes).unwrap(), &request);
        prop_assert_eq!(ExportTraceServiceRequest::decode(&bytes[..]).unwrap(), request);
    }

    #[test]
    fn json_and_protobuf_are_the_same_request(seed: u64) {
        let request = Dice(seed).request();
        let text = serde_json::to_vec(&request).unwrap();
        let bytes = metrics_request(&text).unwrap();
        let decoded = ExportMetricsServiceRequest::decode(&bytes[..]).unwrap();
        prop_assert_eq!(&rebuilt(&bytes).unwrap(), &rebuilt(&request.encode_to_vec()).unwrap());
        prop_assert_eq!(decoded, request);
    }

    #[test]
    fn never_panics(text in ".{0,200}") {
        let _ = metrics_request(text.as_bytes());
        let _ = metrics_request(point(&text).as_bytes());
    }
}

#[test]
fn defaults_are_left_out_as_in_the_binary_form() {
    let span = |more: &str| {
        let span = format!(r#"{{"spanId":"eee19b7ec3c1b174"{more}}}"#);
        let text = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{span}]}}]}}]}}"#);
        trace_request(text.as_bytes()).unwrap()
    };
    let more = r#","traceState":"","parentSpanId":"","name":"","kind":0,"startTimeUnixNano":"0","droppedLinksCount":0,"flags":0,"attributes":[],
        "events":[]"#;
    assert_eq!(span(more), span(""));
    // Where one of several is chosen its default is a value.
    let with = |value: &str| span(&format!(r#","attributes":[{{"key":"","value":{value}}}]"#));
    let all = [
        "{}",
        r#"{"stringValue":""}"#,
        r#"{"intValue":0}"#,
        r#"{"boolValue":false}"#,
        r#"{"doubleValue":0}"#,
    ];
    let all = all.map(with);
    assert!(all.iter().enumerate().all(|(n, one)| !all[n + 1..].contains(one)));
}
