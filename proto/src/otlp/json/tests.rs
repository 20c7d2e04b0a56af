//! OTLP/JSON: the forms the specification names, and that the binary form of what `opentelemetry-proto` writes as JSON
//! is what it writes as protobuf.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
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

proptest! {
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
