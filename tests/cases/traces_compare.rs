//! Traces compared, pruned and told briefly, over real sockets: documents and refusals.

use kymo_tests::client::{Answer, Client};
use kymo_tests::server::TestServer;
use kymo_tests::shop::{self, MS, START, trace_id};
use serde_json::{Value, json};
use tempfile::TempDir;

fn start() -> (TempDir, TestServer) {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), &[("tempo.listen", "127.0.0.1:0")]);
    shop::send(&server.client, 3);
    (dir, server)
}

fn diff(client: &Client, path: &str, body: &Value) -> Answer {
    let headers = [("Content-Type", "application/json")];
    client.send("POST", path, &headers, body.to_string().as_bytes())
}

#[test]
fn two_traces_are_compared() {
    let (_dir, server) = start();
    let client = server.tempo.as_ref().unwrap();
    // Without the zeros it begins with, and with a range that is not needed.
    let base = json!({"traceId": trace_id(0).trim_start_matches('0'), "start": 1, "end": 2});
    let compare = json!({"traceID": trace_id(1)});
    let ask = |format: &str| {
        let body = json!({"base": base, "compare": compare, "format": format});
        let own = diff(client, "/api/v2/traces/diff", &body);
        let below = diff(&server.client, "/tempo/api/v2/traces/diff", &body);
        assert_eq!((own.status, own.text()), (200, below.text()));
        own.json()
    };
    let patch = ask("");
    assert_eq!(patch["version"], "trace-patch-v0");
    assert_eq!(patch["base"], json!({"traceId": trace_id(0), "spanCount": 4}));
    let changed: Vec<&str> = patch["modified"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["span"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(changed, ["GET /", "AddItem"]);
    assert_eq!(
        patch["modified"][1]["changes"],
        json!([{"op": "modify", "target": {"type": "field", "name": "status"}, "before": "unset", "after": "error"}])
    );
    let summary = ask("trace-summary-v0-native");
    assert_eq!(summary["signals"]["errors"], "increased");
    assert_eq!(summary["changedServices"], json!(["cart", "frontend"]));
    let both = ask("trace-summary-v0-composed");
    assert_eq!((&both["summary"], &both["patch"]), (&summary, &patch));
    server.stop();
}

#[test]
fn what_cannot_be_compared_is_refused_by_name() {
    let (_dir, server) = start();
    let client = server.tempo.as_ref().unwrap();
    let good = json!({"traceId": trace_id(0)});
    let refused = |body: Value| {
        let answer = diff(client, "/api/v2/traces/diff", &body);
        (answer.status, answer.text())
    };
    for (body, names) in [
        (json!({"compare": good}), "base.traceId"),
        (
            json!({"base": good, "compare": {"traceId": "xyz"}}),
            "compare.traceId",
        ),
        (
            json!({"base": {"traceId": "1", "start": 5}, "compare": good}),
            "base.start",
        ),
        (json!({"base": good, "compare": good, "format": "text"}), "format"),
        (json!({"base": good, "compare": good, "depth": 1}), "depth"),
        (json!("a text"), "body"),
    ] {
        let (status, text) = refused(body.clone());
        assert!(status == 400 && text.contains(names), "{body}: {status} {text}");
    }
    let missing = json!({"base": good, "compare": {"traceId": "77"}});
    assert_eq!(refused(missing), (404, "compare trace not found".to_owned()));
    assert_eq!(client.get("/api/v2/traces/diff", &[]).status, 405);
    assert_eq!(client.send("PUT", "/api/v2/traces/diff", &[], b"").status, 405);
    server.stop();
}

#[test]
fn a_trace_is_pruned_on_demand() {
    let (_dir, server) = start();
    let client = server.tempo.as_ref().unwrap();
    let span = |id: u64, parent: &str, name: &str| {
        json!({"traceId": trace_id(50), "spanId": format!("{id:016x}"), "parentSpanId": parent, "name": name,
            "startTimeUnixNano": (START + id * MS).to_string(), "endTimeUnixNano": (START + 2 * id * MS).to_string()})
    };
    let mut spans = vec![span(1, "", "root")];
    spans.extend((2..12).map(|id| span(id, "0000000000000001", "query")));
    let body = json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]});
    assert_eq!(diff(&server.client, "/v1/traces", &body).status, 200);
    let path = format!("/api/v2/traces/{}", trace_id(50));
    let spans = |params: &[(&str, &str)]| {
        let answer = client.get(&path, params).json();
        answer["trace"]["resourceSpans"][0]["scopeSpans"][0]["spans"]
            .as_array()
            .unwrap()
            .clone()
    };
    assert_eq!(spans(&[]).len(), 11);
    let pruned = spans(&[("span_pruning", "true")]);
    assert_eq!(pruned.len(), 2);
    let attributes = pruned[1]["attributes"].as_array().unwrap();
    for expected in [
        json!({"key": "aggregation.is_summary", "value": {"boolValue": true}}),
        json!({"key": "aggregation.span_count", "value": {"intValue": "10"}}),
        json!({"key": "aggregation.duration_max_ns", "value": {"intValue": (11 * MS).to_string()}}),
    ] {
        assert!(attributes.contains(&expected), "{attributes:?}");
    }
    assert_eq!(
        spans(&[("span_pruning", "true"), ("span_pruning_min_spans", "11")]).len(),
        11
    );
    let refused = client.get(
        &path,
        &[("span_pruning", "true"), ("span_pruning_min_spans", "few")],
    );
    assert_eq!(
        (refused.status, refused.text().as_str()),
        (400, "invalid span_pruning_min_spans: \"few\"")
    );
    server.stop();
}

#[test]
fn language_models_are_told_briefly() {
    let (_dir, server) = start();
    let client = server.tempo.as_ref().unwrap();
    let accept = [("Accept", "application/vnd.grafana.llm")];
    let get = |path: &str| client.send("GET", path, &accept, b"");
    let answer = get(&format!("/api/v2/traces/{}", trace_id(1)));
    assert_eq!(answer.header("content-type"), "application/vnd.grafana.llm+json");
    let trace = &answer.json()["trace"];
    assert_eq!(
        (&trace["traceId"], &trace["durationMs"]),
        (&json!(trace_id(1)), &json!(100))
    );
    assert_eq!(
        trace["resources"][1],
        json!({"attributes": {"service.name": "cart", "pod": 7}})
    );
    let spans = trace["spans"].as_array().unwrap();
    let tree: Vec<(i64, &str)> = spans
        .iter()
        .map(|s| (s["depth"].as_i64().unwrap(), s["name"].as_str().unwrap()))
        .collect();
    assert_eq!(tree, [(0, "GET /"), (1, "call"), (2, "AddItem"), (3, "send")]);
    assert_eq!(
        spans[2],
        json!({"depth": 2, "resource": 1, "name": "AddItem", "spanId": "0000000000000003", "parentSpanId": "0000000000000002",
            "kind": "server", "startMs": 20, "durationMs": 60, "status": "error", "statusMessage": "no stock",
            "events": [{"name": "exception", "timeMs": 30, "attributes": {"exception.type": "E"}}]})
    );
    assert_eq!(
        spans[0]["attributes"],
        json!({"http.status_code": 500, "user": "u1", "ratio": 0.5, "cached": false})
    );
    let values = get("/api/v2/search/tag/resource.service.name/values");
    assert_eq!(values.header("content-type"), "application/vnd.grafana.llm+json");
    assert_eq!(
        values.json(),
        json!({"tagValues": {"string": ["cart", "frontend"]}})
    );
    // Elsewhere, and for who takes JSON as well, it is JSON.
    let v1 = get(&format!("/api/traces/{}", trace_id(1)));
    assert_eq!(v1.header("content-type"), "application/json");
    server.stop();
}
