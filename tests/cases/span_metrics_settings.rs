//! The settings of metrics made of spans: labels from attributes, resources as `traces_target_info`, policies, weights of
//! sampled spans, and what edges of the service graph are told by; counted anew, the same settings hold.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kymo_tests::client::Client;
use kymo_tests::server::TestServer;
use kymo_tests::wait::until;
use serde_json::{Value, json};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(30);

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn attributes(pairs: &[(&str, &str)]) -> Value {
    pairs
        .iter()
        .map(|(key, value)| json!({"key": key, "value": {"stringValue": value}}))
        .collect()
}

struct Sent {
    resource: &'static [(&'static str, &'static str)],
    name: &'static str,
    id: u8,
    parent: u8,
    kind: u8,
    attributes: Value,
    more: Value,
}

/// Spans of one trace, of 100 ms each, one beginning 150 ms behind the other.
fn send(client: &Client, end_s: u64, spans: &[Sent]) {
    let spans: Vec<Value> = spans
        .iter()
        .enumerate()
        .map(|(n, s)| {
            let start = end_s * 1_000_000_000 - 2_000_000_000 + n as u64 * 150_000_000;
            let mut span = json!({
                "traceId": format!("{:032x}", 77),
                "spanId": format!("{:016x}", s.id),
                "parentSpanId": if s.parent == 0 { String::new() } else { format!("{:016x}", s.parent) },
                "name": s.name,
                "kind": s.kind,
                "startTimeUnixNano": start.to_string(),
                "endTimeUnixNano": (start + 100_000_000).to_string(),
                "attributes": s.attributes,
            });
            for (key, value) in s.more.as_object().into_iter().flatten() {
                span[key] = value.clone();
            }
            json!({"resource": {"attributes": attributes(s.resource)}, "scopeSpans": [{"spans": [span]}]})
        })
        .collect();
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
    let one = |series: &Value| {
        let value = series["value"][1].as_str().unwrap().parse().unwrap();
        (series["metric"].to_string(), value)
    };
    data["result"].as_array().unwrap().iter().map(one).collect()
}

fn wait_for(client: &Client, query: &str, expected: &[(&str, f64)]) {
    let expected: BTreeMap<String, f64> = expected.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect();
    let mut seen = BTreeMap::new();
    until(&format!("{query}: {expected:?}"), LIMIT, || {
        seen = values(client, query);
        (seen == expected).then_some(())
    });
}

fn with<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[("span_metrics.step", "1s"), ("span_metrics.wait", "0s")], more].concat()
}

const CART: &[(&str, &str)] = &[
    ("service.name", "cart"),
    ("service.namespace", "shop"),
    ("service.instance.id", "cart-1"),
    ("region", "eu"),
    ("host.name", "h1"),
];

fn plain(name: &'static str, id: u8, parent: u8, kind: u8, attributes: Value) -> Sent {
    Sent {
        resource: CART,
        name,
        id,
        parent,
        kind,
        attributes,
        more: Value::Null,
    }
}

#[test]
fn attributes_become_labels_of_operations() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(
        dir.path(),
        &with(&[
            ("span_metrics.dimensions", "region,http.route,span.name"),
            (
                "span_metrics.dimension_mappings",
                r#"{"name":"place","source_labels":["region","zone","host.name"],"join":"/"}"#,
            ),
            (
                "span_metrics.intrinsic_dimensions",
                "span_name=false,status_message=true",
            ),
            ("span_metrics.enable_target_info", "on"),
            ("span_metrics.target_info_excluded_dimensions", "region"),
        ]),
    );
    let client = &server.client;
    let mut failed = plain(
        "b",
        2,
        1,
        1,
        attributes(&[("http.route", "/b"), ("region", "us"), ("span.name", "x")]),
    );
    failed.more = json!({"status": {"code": 2, "message": "boom"}});
    send(client, now_s() - 20, &[plain("a", 1, 0, 1, json!([])), failed]);
    let calls = [
        (
            r#"{"__name__":"traces_spanmetrics_calls_total","instance":"cart-1","job":"shop/cart","place":"eu/h1","region":"eu","service":"cart","span_kind":"SPAN_KIND_INTERNAL","status_code":"STATUS_CODE_UNSET"}"#,
            1.0,
        ),
        (
            r#"{"__name__":"traces_spanmetrics_calls_total","__span_name":"x","http_route":"/b","instance":"cart-1","job":"shop/cart","place":"eu/h1","region":"eu","service":"cart","span_kind":"SPAN_KIND_INTERNAL","status_code":"STATUS_CODE_ERROR","status_message":"boom"}"#,
            1.0,
        ),
    ];
    wait_for(client, "traces_spanmetrics_calls_total", &calls);
    let info = [(
        r#"{"__name__":"traces_target_info","host_name":"h1","instance":"cart-1","job":"shop/cart"}"#,
        1.0,
    )];
    wait_for(client, "traces_target_info", &info);
    let from = (now_s() - 60).to_string();
    let answer = client.post("/api/v1/admin/recompute/span-metrics", &[("from", &from)]);
    assert_eq!(answer.data()["spans"], 2);
    wait_for(client, "traces_spanmetrics_calls_total", &calls);
    wait_for(client, "traces_target_info", &info);
    server.stop();
}

#[test]
fn policies_parts_and_weights() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(
        dir.path(),
        &with(&[
            (
                "span_metrics.processors",
                "span-metrics-count,span-metrics-latency",
            ),
            ("span_metrics.histogram_buckets", "0.05,0.2"),
            // As many as there are operations that count.
            ("span_metrics.max_groups", "2"),
            ("span_metrics.span_multiplier_key", "ratio"),
            ("span_metrics.enable_tracestate_span_multiplier", "on"),
            (
                "span_metrics.filter_policies",
                r#"[{"include":{"match_type":"regex","attributes":[{"key":"resource.region","value":"^e"}]},
                     "exclude":{"match_type":"strict","attributes":[{"key":"kind","value":"SPAN_KIND_INTERNAL"}]}}]"#,
            ),
        ]),
    );
    let client = &server.client;
    let mut sampled = plain("sampled", 2, 1, 2, json!([]));
    sampled.more = json!({"traceState": "ot=th:8"});
    let ratio = json!([{"key": "ratio", "value": {"doubleValue": 0.1}}]);
    let spans = [
        plain("left out", 1, 0, 1, json!([])),
        sampled,
        plain("tenth", 3, 1, 2, ratio),
    ];
    send(client, now_s() - 20, &spans);
    wait_for(
        client,
        "sum by (span_name) (traces_spanmetrics_calls_total)",
        &[
            (r#"{"span_name":"sampled"}"#, 2.0),
            (r#"{"span_name":"tenth"}"#, 10.0),
        ],
    );
    let buckets = values(client, "sum by (le) (traces_spanmetrics_latency_bucket)");
    let expected = [
        (r#"{"le":"+Inf"}"#, 12.0),
        (r#"{"le":"0.05"}"#, 0.0),
        (r#"{"le":"0.2"}"#, 12.0),
    ];
    assert_eq!(buckets, expected.map(|(k, v)| (k.to_owned(), v)).into());
    let other = values(
        client,
        r#"count({__name__=~"traces_spanmetrics_size_total|traces_service_graph_.+"})"#,
    );
    assert_eq!(other, BTreeMap::new());
    server.stop();
}

#[test]
fn edges_have_dimensions_virtual_nodes_and_time_on_the_queue() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(
        dir.path(),
        &with(&[
            ("service_graph.dimensions", "region,queue"),
            ("service_graph.enable_client_server_prefix", "on"),
            ("service_graph.enable_messaging_system_latency_histogram", "on"),
            ("service_graph.enable_virtual_node_label", "on"),
            ("service_graph.peer_attributes", "peer.host"),
            ("service_graph.database_name_attributes", "store"),
            (
                "service_graph.filter_policies",
                r#"{"exclude":{"match_type":"strict","attributes":[{"key":"name","value":"secret"}]}}"#,
            ),
        ]),
    );
    let client = &server.client;
    const MAIL: &[(&str, &str)] = &[("service.name", "mail"), ("region", "us")];
    let mail = |name, id, parent, kind| Sent {
        resource: MAIL,
        ..plain(name, id, parent, kind, json!([]))
    };
    let spans = [
        plain("GET /", 1, 0, 2, json!([])),
        plain("send", 2, 1, 4, attributes(&[("queue", "orders")])),
        mail("receive", 3, 2, 5),
        plain("ask", 4, 1, 3, attributes(&[("store", "redis")])),
        plain("call", 5, 1, 3, attributes(&[("peer.host", "bank")])),
        plain("secret", 6, 1, 3, attributes(&[("peer.host", "spy")])),
        mail("secret's other side", 7, 6, 2),
    ];
    send(client, now_s() - 20, &spans);
    let edges = [
        (
            r#"{"client":"cart","client_queue":"orders","client_region":"eu","connection_type":"messaging_system","server":"mail","server_region":"us"}"#,
            1.0,
        ),
        (
            r#"{"client":"cart","client_region":"eu","connection_type":"database","server":"redis"}"#,
            1.0,
        ),
        (
            r#"{"client":"cart","client_region":"eu","connection_type":"virtual_node","server":"bank","virtual_node":"server"}"#,
            1.0,
        ),
        (
            r#"{"client":"user","connection_type":"virtual_node","server":"cart","server_region":"eu","virtual_node":"client"}"#,
            1.0,
        ),
    ];
    let total = "sum without (__name__) (traces_service_graph_request_total)";
    wait_for(client, total, &edges);
    // The consumer began 50 ms after the producer ended.
    let queued = values(
        client,
        "sum(traces_service_graph_request_messaging_system_seconds_sum)",
    );
    let queued = queued.into_values().next().unwrap();
    assert!((queued - 0.05).abs() < 1e-9, "{queued}");
    let counts = values(
        client,
        "traces_service_graph_request_messaging_system_seconds_count",
    );
    assert_eq!(counts.len(), 1, "{counts:?}");
    let from = (now_s() - 60).to_string();
    let answer = client.post("/api/v1/admin/recompute/span-metrics", &[("from", &from)]);
    assert_eq!(answer.data()["spans"], 7);
    wait_for(client, total, &edges);
    server.stop();
}
