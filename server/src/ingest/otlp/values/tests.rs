//! The text of values of every type, as Go's `Value.AsString` gives it.

use kymo_proto::otlp::{KeyValues, json};

use super::*;

/// The text of a value given as OTLP/JSON.
fn of(json_value: &str) -> Result<String, ValueFault> {
    let request = format!(
        r#"{{"resourceMetrics":[{{"resource":{{"attributes":[{{"key":"k","value":{json_value}}}]}}}}]}}"#
    );
    let body = json::metrics_request(request.as_bytes()).unwrap();
    let mut request = kymo_proto::otlp::metrics::Request::new(&body);
    let resource = request.next_resource().unwrap().unwrap();
    let mut attributes = KeyValues::new(&resource.attributes);
    text(attributes.next_value().unwrap().unwrap().value)
}

#[test]
fn every_type_has_its_text() {
    for (value, wanted) in [
        (r#"{"stringValue":"a b"}"#, "a b"),
        (r#"{"boolValue":true}"#, "true"),
        (r#"{"intValue":"-9223372036854775808"}"#, "-9223372036854775808"),
        (r#"{"doubleValue":1}"#, "1"),
        (r#"{"doubleValue":0.1}"#, "0.1"),
        (r#"{"doubleValue":1e21}"#, "1e+21"),
        (r#"{"doubleValue":1.5e-7}"#, "1.5e-7"),
        (r#"{"doubleValue":1.5e-12}"#, "1.5e-12"),
        (r#"{"doubleValue":"NaN"}"#, "json: unsupported value: NaN"),
        (r#"{"doubleValue":"-Infinity"}"#, "json: unsupported value: -Inf"),
        (r#"{"bytesValue":"AQI="}"#, "AQI="),
        (r#"{}"#, ""),
        (
            r#"{"arrayValue":{"values":[{"stringValue":"a<\"b"},{"intValue":1},{"boolValue":false},{}]}}"#,
            r#"["a\u003c\"b",1,false,null]"#,
        ),
        (
            r#"{"kvlistValue":{"values":[{"key":"z","value":{"doubleValue":2.5}},{"key":"a","value":{"bytesValue":"AQI="}}]}}"#,
            r#"{"a":"AQI=","z":2.5}"#,
        ),
        (r#"{"arrayValue":{"values":[{"doubleValue":"NaN"}]}}"#, ""),
    ] {
        assert_eq!(of(value).unwrap(), wanted, "{value}");
    }
}

#[test]
fn values_nested_too_deep_are_refused() {
    // Built inside out, because JSON parsers have a limit of their own.
    let mut value = vec![0x0a, 0x01, b'x'];
    for _ in 0..10_000 {
        let mut array = Vec::new();
        kymo_proto::wire::put_bytes(&mut array, 1, &value);
        value.clear();
        kymo_proto::wire::put_bytes(&mut value, 5, &array);
    }
    let mut pair = Vec::new();
    kymo_proto::wire::put_bytes(&mut pair, 2, &value);
    let mut region = Vec::new();
    kymo_proto::wire::put_bytes(&mut region, 1, &pair);
    let value = KeyValues::new(&region).next_value().unwrap().unwrap().value;
    let (reason, text) = text(value).unwrap_err();
    assert_eq!(reason, Reason::InvalidPoint);
    assert!(text.contains("nested deeper"), "{text}");
}
