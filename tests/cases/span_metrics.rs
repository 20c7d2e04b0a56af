//! Metrics made of spans: the series that Grafana's service-graph view asks for, with true numbers, at the time of the
//! spans; spans sent twice count once; what is counted anew from the stored spans is the same, late spans in their place.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kymo_tests::client::Client;
use kymo_tests::server::TestServer;
use kymo_tests::wait::until;
use serde_json::{Value, json};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(30);
const SETTINGS: [(&str, &str); 2] = [("span_metrics.step", "1s"), ("span_metrics.wait", "0s")];

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

struct Sent<'a> {
    service: &'a str,
    name: &'a str,
    trace: u8,
    id: u8,
    parent: u8,
    kind: u8,
    /// Seconds since 1970 of its end, and its length in milliseconds.
    end_s: u64,
    length_ms: u64,
    failed: bool,
    attributes: Value,
}

fn span(s: &Sent<'_>) -> Value {
    let end = s.end_s * 1_000_000_000;
    json!({
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": s.service}}]},
        "scopeSpans": [{"spans": [{
            "traceId": format!("{:032x}", s.trace),
            "spanId": format!("{:016x}", s.id),
            "parentSpanId": if s.parent == 0 { String::new() } else { format!("{:016x}", s.parent) },
            "name": s.name,
            "kind": s.kind,
            "startTimeUnixNano": (end - s.length_ms * 1_000_000).to_string(),
            "endTimeUnixNano": end.to_string(),
            "status": if s.failed { json!({"code": 2}) } else { json!({}) },
            "attributes": s.attributes,
        }]}],
    })
}

fn send(client: &Client, spans: &[Sent<'_>]) {
    let spans: Vec<Value> = spans.iter().map(span).collect();
    let body = serde_json::to_vec(&json!({"resourceSpans": spans})).unwrap();
    let answer = client.send(
        "POST",
        "/v1/traces",
        &[("Content-Type", "application/json")],
        &body,
    );
    assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
}

/// The value of each series of a query, by its labels.
fn values(client: &Client, query: &str) -> BTreeMap<String, f64> {
    let data = client.get("/api/v1/query", &[("query", query)]).data();
    let result = data["result"].as_array().unwrap();
    let one = |series: &Value| {
        let value = series["value"][1].as_str().unwrap().parse().unwrap();
        (series["metric"].to_string(), value)
    };
    result.iter().map(one).collect()
}

fn wait_for(client: &Client, query: &str, expected: &[(&str, f64)]) {
    let expected: BTreeMap<String, f64> = expected.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect();
    until(&format!("{query}: {expected:?}"), LIMIT, || {
        (values(client, query) == expected).then_some(())
    });
}

/// A request of a user to the shop: its frontend calls the cart, which asks a database; the second of two fails.
fn requests(end_s: u64) -> Vec<Sent<'static>> {
    let mut all = Vec::new();
    for trace in 1..=2u8 {
        let base = |service, name, id, parent, kind| Sent {
            service,
            name,
            trace,
            id,
            parent,
            kind,
            end_s,
            length_ms: 300,
            failed: trace == 2,
            attributes: json!([]),
        };
        all.push(base("frontend", "GET /", 1, 0, 2));
        all.push(base("frontend", "Cart/Get", 2, 1, 3));
        all.push(base("cart", "Cart/Get", 3, 2, 2));
        all.push(Sent {
            attributes: json!([
                {"key": "db.system", "value": {"stringValue": "redis"}},
                {"key": "server.address", "value": {"stringValue": "redis-0"}},
            ]),
            ..base("cart", "HGETALL", 4, 3, 3)
        });
    }
    all
}

const EDGES: [(&str, f64); 3] = [
    (
        r#"{"client":"cart","connection_type":"database","server":"redis-0"}"#,
        2.0,
    ),
    (r#"{"client":"frontend","server":"cart"}"#, 2.0),
    (
        r#"{"client":"user","connection_type":"virtual_node","server":"frontend"}"#,
        2.0,
    ),
];

const BY_EDGE: &str = "sum by (client, server, connection_type)";

#[test]
fn rates_errors_and_durations_of_operations_and_calls() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), &SETTINGS);
    let client = &server.client;
    let spans = requests(now_s() - 20);
    send(client, &spans);
    send(client, &spans);
    wait_for(
        client,
        &format!("{BY_EDGE} (traces_service_graph_request_total)"),
        &EDGES,
    );
    let failed = EDGES.map(|(edge, _)| (edge, 1.0));
    wait_for(
        client,
        &format!("{BY_EDGE} (traces_service_graph_request_failed_total)"),
        &failed,
    );
    let calls = "sum by (service, span_name, span_kind) (traces_spanmetrics_calls_total)";
    let server_kind = "SPAN_KIND_SERVER";
    let rows = values(client, calls);
    assert_eq!(rows.len(), 4, "{rows:?}");
    assert!(rows.values().all(|n| *n == 2.0), "{rows:?}");
    // As Grafana's service-graph view asks.
    let top = format!(
        "topk(5, sum(increase(traces_spanmetrics_calls_total{{span_kind=\"{server_kind}\"}}[5m])) by (span_name))"
    );
    let found = values(client, &top);
    assert_eq!(found.len(), 2, "{found:?}");
    let p90 = "histogram_quantile(.9, sum(rate(traces_spanmetrics_latency_bucket{span_name=~\"Cart/Get\"}[5m])) by (le))";
    let p90 = values(client, p90).into_values().next().unwrap();
    assert!((0.256..=0.512).contains(&p90), "{p90}");
    let size = values(client, "sum(traces_spanmetrics_size_total)")
        .into_values()
        .next()
        .unwrap();
    assert!(
        (600.0..1_200.0).contains(&size),
        "eight spans of about a hundred bytes: {size}"
    );
    // The samples stand at the time of the spans, and exemplars lead to their traces.
    let exemplars = client
        .get(
            "/api/v1/query_exemplars",
            &[
                ("query", "traces_spanmetrics_latency_bucket{service=\"cart\"}"),
                ("start", &(now_s() - 60).to_string()),
                ("end", &now_s().to_string()),
            ],
        )
        .data();
    let text = exemplars.to_string();
    assert!(text.contains(&format!("{:032x}", 2)), "{text}");
    server.stop();
}

#[test]
fn spans_counted_anew_give_the_same_and_late_ones_their_place() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), &SETTINGS);
    let client = &server.client;
    let base = now_s() - 100;
    send(client, &requests(base + 50));
    wait_for(
        client,
        &format!("{BY_EDGE} (traces_service_graph_request_total offset 45s)"),
        &EDGES,
    );
    // Another request, of a time whose steps are written.
    let late: Vec<Sent<'_>> = requests(base)
        .into_iter()
        .map(|s| Sent {
            trace: s.trace + 4,
            ..s
        })
        .collect();
    send(client, &late);
    let doubled = EDGES.map(|(edge, n)| (edge, n * 2.0));
    let total = format!("{BY_EDGE} (traces_service_graph_request_total)");
    wait_for(client, &total, &doubled);
    let early = format!("{BY_EDGE} (traces_service_graph_request_total @ {}.0)", base + 10);
    assert_eq!(values(client, &early), BTreeMap::new());
    let answer = client.post(
        "/api/v1/admin/recompute/span-metrics",
        &[("from", &(base - 60).to_string())],
    );
    assert_eq!(answer.data()["spans"], 16);
    wait_for(client, &early, &EDGES);
    wait_for(client, &total, &doubled);
    let refused = client.post("/api/v1/admin/recompute/span-metrics", &[]);
    assert_eq!(refused.status, 400);
    server.stop();
}

#[test]
fn counting_goes_on_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), &SETTINGS);
    send(&server.client, &requests(now_s() - 20));
    server.stop();
    let server = TestServer::start_with(dir.path(), &SETTINGS);
    let client = &server.client;
    wait_for(
        client,
        &format!("{BY_EDGE} (traces_service_graph_request_total)"),
        &EDGES,
    );
    let more: Vec<Sent<'_>> = requests(now_s() - 5)
        .into_iter()
        .map(|s| Sent {
            trace: s.trace + 4,
            ..s
        })
        .collect();
    send(client, &more);
    let increase = format!("{BY_EDGE} (increase(traces_service_graph_request_total[10m])) > 3");
    until("both requests count", LIMIT, || {
        (values(client, &increase).len() == 3).then_some(())
    });
    server.stop();
}

/// All series of generated metrics with their samples, and their exemplars.
fn generated(client: &Client) -> (Vec<String>, Vec<String>) {
    let query = "{__name__=~\"traces_.*\"}";
    let series = client
        .get("/api/v1/query", &[("query", &*format!("{query}[10m]"))])
        .data();
    let (start, end) = ((now_s() - 600).to_string(), now_s().to_string());
    let times = [("query", query), ("start", &start), ("end", &end)];
    let exemplars = client.get("/api/v1/query_exemplars", &times).data();
    let sorted = |list: &Value| {
        let mut texts: Vec<String> = list.as_array().unwrap().iter().map(Value::to_string).collect();
        texts.sort();
        texts
    };
    (sorted(&series["result"]), sorted(&exemplars))
}

#[test]
fn what_is_counted_anew_has_the_same_bits_in_whatever_order_spans_came() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), &SETTINGS);
    let client = &server.client;
    let end_s = now_s() - 20;
    // The traces that are first by id come last, and sums of their durations depend on the order of adding.
    let mut spans = Vec::new();
    for (trace, length_ms) in [(9, 300), (8, 200), (7, 100), (6, 700), (5, 110)] {
        let base = |service, id, parent, kind| Sent {
            service,
            name: "n",
            trace,
            id,
            parent,
            kind,
            end_s,
            length_ms,
            failed: false,
            attributes: json!([]),
        };
        spans.push(base("a", 1, 0, 2));
        spans.push(base("a", 2, 1, 3));
        spans.push(base("b", 3, 2, 2));
        spans.push(Sent {
            attributes: json!([{"key": "peer.service", "value": {"stringValue": "queue"}}]),
            ..base("b", 4, 3, 4)
        });
    }
    send(client, &spans);
    let edges = [
        (r#"{"client":"a","server":"b"}"#, 5.0),
        (
            r#"{"client":"b","connection_type":"virtual_node","server":"queue"}"#,
            5.0,
        ),
        (
            r#"{"client":"user","connection_type":"virtual_node","server":"a"}"#,
            5.0,
        ),
    ];
    let total = format!("{BY_EDGE} (traces_service_graph_request_total)");
    wait_for(client, &total, &edges);
    let before = generated(client);
    let from = (end_s - 60).to_string();
    let answer = client.post("/api/v1/admin/recompute/span-metrics", &[("from", &from)]);
    assert_eq!(answer.data()["spans"], 20);
    let after = generated(client);
    let others = |a: &[String], b: &[String]| a.iter().find(|text| !b.contains(text)).cloned();
    assert_eq!(others(&before.0, &after.0), None);
    assert_eq!(others(&after.0, &before.0), None);
    assert_eq!(after.1, before.1);
    server.stop();
}

#[test]
fn a_call_of_which_one_side_ended_before_is_counted_once() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), &SETTINGS);
    let client = &server.client;
    let end_s = now_s() - 20;
    let side = |service, id, parent, kind, end_s| Sent {
        service,
        name: "n",
        trace: 3,
        id,
        parent,
        kind,
        end_s,
        length_ms: 100,
        failed: false,
        attributes: json!([{"key": "peer.service", "value": {"stringValue": "b"}}]),
    };
    send(
        client,
        &[side("a", 1, 9, 3, end_s + 5), side("b", 2, 1, 2, end_s)],
    );
    let total = format!("{BY_EDGE} (traces_service_graph_request_total)");
    let edge = [(r#"{"client":"a","server":"b"}"#, 1.0)];
    wait_for(client, &total, &edge);
    let from = (end_s + 2).to_string();
    let answer = client.post("/api/v1/admin/recompute/span-metrics", &[("from", &from)]);
    assert_eq!(answer.data()["spans"], 1);
    assert_eq!(values(client, &total).len(), 1);
    wait_for(client, &total, &edge);
    server.stop();
}

#[test]
fn spans_without_a_service_count_as_operations_alone() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), &SETTINGS);
    let end = (now_s() - 20) * 1_000_000_000;
    let body = json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": "0000000000000000000000000000000a", "spanId": "000000000000000b", "name": "lost", "kind": 2,
        "startTimeUnixNano": (end - 1_000_000).to_string(), "endTimeUnixNano": end.to_string(),
    }]}]}]});
    let json_type = [("Content-Type", "application/json")];
    let answer = server.client.send(
        "POST",
        "/v1/traces",
        &json_type,
        &serde_json::to_vec(&body).unwrap(),
    );
    assert_eq!(answer.status, 200);
    let calls = r#"{"__name__":"traces_spanmetrics_calls_total","span_kind":"SPAN_KIND_SERVER","span_name":"lost","status_code":"STATUS_CODE_UNSET"}"#;
    wait_for(&server.client, "traces_spanmetrics_calls_total", &[(calls, 1.0)]);
    assert!(values(&server.client, "traces_service_graph_request_total").is_empty());
    server.stop();
}
