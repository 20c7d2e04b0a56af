//! A small shop: traces of three services that tests of the trace APIs ask for.

use serde_json::{Value, json};

use crate::client::Client;

/// Start of the first trace, nanoseconds since 1970.
pub const START: u64 = 1_700_000_000_000_000_000;

/// Nanoseconds of a millisecond.
pub const MS: u64 = 1_000_000;

/// Id of the trace number `n` in hex.
pub fn trace_id(n: u64) -> String {
    format!("{:032x}", 0xabc0 + n)
}

fn attribute(key: &str, value: Value) -> Value {
    json!({"key": key, "value": value})
}

fn resource(service: &str, spans: Vec<Value>) -> Value {
    json!({
        "resource": {"attributes": [attribute("service.name", json!({"stringValue": service})), attribute("pod", json!({"intValue": "7"}))]},
        "scopeSpans": [{"scope": {"name": "lib", "version": "2"}, "spans": spans}],
    })
}

/// An export of trace number `n`, which starts `n` seconds after [`START`]: `frontend` is asked, asks `cart`, which asks a
/// queue; odd ones fail with the status 500.
pub fn export(n: u64) -> Value {
    let at = START + n * 1000 * MS;
    let fails = n % 2 == 1;
    let span = |id: u64, parent: u64, name: &str, kind: u8, from: u64, to: u64| {
        json!({"traceId": trace_id(n), "spanId": format!("{id:016x}"),
            "parentSpanId": if parent == 0 { String::new() } else { format!("{parent:016x}") },
            "name": name, "kind": kind,
            "startTimeUnixNano": (at + from * MS).to_string(), "endTimeUnixNano": (at + to * MS).to_string()})
    };
    let mut root = span(1, 0, "GET /", 2, 0, 100);
    let code = if fails { "500" } else { "200" };
    root["attributes"] = json!([
        attribute("http.status_code", json!({"intValue": code})),
        attribute("user", json!({"stringValue": format!("u{n}")})),
        attribute("ratio", json!({"doubleValue": 0.5})),
        attribute("cached", json!({"boolValue": !fails})),
    ]);
    let call = span(2, 1, "call", 3, 10, 90);
    let mut cart = span(3, 2, "AddItem", 2, 20, 80);
    if fails {
        cart["status"] = json!({"code": 2, "message": "no stock"});
        cart["events"] = json!([{"timeUnixNano": (at + 30 * MS).to_string(), "name": "exception",
            "attributes": [attribute("exception.type", json!({"stringValue": "E"}))]}]);
    }
    let mut queue = span(4, 3, "send", 4, 30, 40);
    queue["links"] = json!([{"traceId": trace_id(n + 1), "spanId": "0000000000000001",
        "attributes": [attribute("why", json!({"stringValue": "next"}))]}]);
    json!({"resourceSpans": [
        resource("frontend", vec![root, call]),
        resource("cart", vec![cart, queue]),
    ]})
}

/// Sends the traces number `0..n`.
///
/// # Panics
/// When one is not taken.
pub fn send(client: &Client, n: u64) {
    for n in 0..n {
        let headers = [("Content-Type", "application/json")];
        let body = export(n).to_string();
        let answer = client.send("POST", "/v1/traces", &headers, body.as_bytes());
        assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
    }
}
