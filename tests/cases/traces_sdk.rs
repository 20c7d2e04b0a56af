//! Spans of real clients: the SDK of OpenTelemetry for Python exporting over both transports, and two days of a shop's traces
//! (`../shared/data/nezha-onlineboutique`). Where either cannot be had the test says so and passes.

use std::io::{BufRead, BufReader};

use kymo_proto::otlp::json;
use kymo_tests::server::TestServer;
use kymo_tests::traces::{Traces, add_spans, check_traces, read_trace};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use tempfile::TempDir;

use super::otlp_sdk::{python, script};

#[test]
fn the_sdk_exports_spans_over_both_transports() {
    let Some(python) = python() else { return };
    let dir = TempDir::new().unwrap();
    let listeners = [
        ("otlp.grpc_listen", "127.0.0.1:0"),
        ("otlp.http_listen", "127.0.0.1:0"),
    ];
    let server = TestServer::start_with(dir.path(), &listeners);
    let http = format!("{}/v1/traces", server.otlp_http.as_ref().unwrap().base());
    let grpc = format!("http://{}", server.otlp_grpc.unwrap());
    for (transport, endpoint) in [("http", &http), ("grpc", &grpc)] {
        for compression in ["none", "gzip"] {
            let service = format!("{transport}-{compression}");
            let output = script(
                &python,
                "otlp_sdk_traces.py",
                &[transport, endpoint, compression, &service],
            );
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success() && errors.is_empty(),
                "{service}: {errors}"
            );
            let id = String::from_utf8(output.stdout).unwrap();
            check(&server, id.trim(), &service);
        }
    }
}

/// Holds the second trace of the script against what the script says.
fn check(server: &TestServer, id: &str, service: &str) {
    let found = read_trace(&server.client, id);
    assert_eq!(found.len(), 1, "{service}");
    let span = &found[0].span;
    assert_eq!((span.name.as_str(), span.kind), ("second", 2));
    let start = 1_700_000_000_123_456_789;
    assert_eq!(
        (span.start_time_unix_nano, span.end_time_unix_nano),
        (start, start + 1_000_001)
    );
    let value = |key: &str| {
        let attribute = span.attributes.iter().find(|a| a.key == key);
        attribute.and_then(|a| a.value.clone()).and_then(|v| v.value)
    };
    assert_eq!(value("text"), Some(Value::StringValue("\u{e4}".to_owned())));
    assert_eq!(value("int"), Some(Value::IntValue(-3)));
    assert_eq!(value("double"), Some(Value::DoubleValue(0.25)));
    assert_eq!(value("bool"), Some(Value::BoolValue(true)));
    let Some(Value::ArrayValue(list)) = value("numbers") else {
        panic!("{span:?}");
    };
    assert_eq!(list.values[1].value, Some(Value::IntValue(2)));
    let status = span.status.as_ref().unwrap();
    assert_eq!((status.code, status.message.as_str()), (2, "failed"));
    assert_eq!(
        (span.events[0].name.as_str(), span.events[0].time_unix_nano),
        ("cache miss", start + 7)
    );
    assert_eq!(span.links[0].attributes[0].key, "why");
    let first = span.links[0]
        .trace_id
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect::<String>();
    assert_eq!(read_trace(&server.client, &first)[0].span.name, "first");
    for part in [service, "z1", "team", "https://s", "telemetry.sdk.language"] {
        assert!(found[0].context.contains(part), "{part}: {}", found[0].context);
    }
    let query =
        format!("{{ resource.service.name = \"{service}\" && span.numbers = 2 && event.key = \"k\" }}");
    let searched = server.client.get("/tempo/api/search", &[("q", &query)]).json();
    assert_eq!(searched["traces"].as_array().unwrap().len(), 1, "{searched}");
}

#[test]
fn a_days_traces_of_a_shop_are_found_again() {
    let Some(path) = kymo_tests::shared("data/nezha-onlineboutique/traces-2022-08-22.otlp.jsonl.zst") else {
        return;
    };
    let dir = TempDir::new().unwrap();
    let server = TestServer::start(dir.path());
    let lines = BufReader::new(zstd::Decoder::new(std::fs::File::open(path).unwrap()).unwrap()).lines();
    let mut sent = Traces::new();
    for (n, line) in lines.enumerate() {
        let line = line.unwrap();
        let headers = [("Content-Type", "application/json")];
        let answer = server
            .client
            .send("POST", "/v1/traces", &headers, line.as_bytes());
        assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
        add_spans(&mut sent, &json::trace_request(line.as_bytes()).unwrap());
        if n % 100 == 99 {
            server.client.post("/api/v1/admin/flush", &[]);
        }
    }
    let spans: usize = sent.values().map(Vec::len).sum();
    assert!(spans > 150_000, "{spans}");
    let some: Traces = sent
        .iter()
        .step_by(17)
        .map(|(id, spans)| (id.clone(), spans.clone()))
        .collect();
    check_traces(&server.client, &some, "over blocks and the head");
    assert_eq!(counted(&server), spans);
    server.client.post("/api/v1/admin/flush", &[]);
    server.client.post("/api/v1/admin/compact", &[("wait", "true")]);
    check_traces(&server.client, &some, "after merges");
    assert_eq!(counted(&server), spans);
    server.stop();
    let server = TestServer::start(dir.path());
    check_traces(&server.client, &some, "after a restart");
    let services = server.client.get("/jaeger/api/services", &[]).json();
    assert_eq!(services["total"], 10, "{services}");
}

/// All spans, by a query.
fn counted(server: &TestServer) -> usize {
    let params = [
        ("q", "{} | count_over_time()"),
        ("start", "2022-08-21T00:00:00Z"),
        ("end", "2022-08-25T00:00:00Z"),
    ];
    let answer = server.client.get("/tempo/api/metrics/query", &params).json();
    answer["series"][0]["value"].as_f64().unwrap() as usize
}
