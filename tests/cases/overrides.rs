//! `/api/overrides`: what a tenant sets for its metrics from spans is guarded by versions, applied at once and kept.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kymo_tests::client::{Answer, Client};
use kymo_tests::server::TestServer;
use kymo_tests::wait::until;
use serde_json::{Value, json};
use tempfile::TempDir;

const PATH: &str = "/tempo/api/overrides";
const SETTINGS: [(&str, &str); 3] = [
    ("span_metrics.step", "1s"),
    ("span_metrics.wait", "0s"),
    ("tenancy", "on"),
];

fn ask(client: &Client, method: &str, version: Option<&str>, body: &Value) -> Answer {
    let mut headers = vec![("X-Scope-OrgID", "a")];
    headers.extend(version.map(|version| ("If-Match", version)));
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    client.send(method, PATH, &headers, body.as_bytes())
}

fn with_dimensions(names: &[&str]) -> Value {
    json!({"metrics_generator": {"processor": {"span_metrics": {"dimensions": names}, "service_graphs": {}}}})
}

fn send(client: &Client, id: u64) {
    let end = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() * 1_000_000_000;
    let body = json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "s"}}]},
        "scopeSpans": [{"spans": [{
            "traceId": format!("{id:032x}"), "spanId": format!("{id:016x}"), "name": "n",
            "startTimeUnixNano": (end - 1).to_string(), "endTimeUnixNano": end.to_string(),
            "attributes": [{"key": "color", "value": {"stringValue": "red"}}],
        }]}],
    }]});
    let headers = [("Content-Type", "application/json"), ("X-Scope-OrgID", "a")];
    let answer = client.send("POST", "/v1/traces", &headers, body.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// The colors that calls are counted by, none as empty.
fn colors(client: &Client) -> Vec<String> {
    let path = "/api/v1/query?query=count%20by%20(color)%20(traces_spanmetrics_calls_total)";
    let data = client.send("GET", path, &[("X-Scope-OrgID", "a")], b"").data();
    let result = data["result"].as_array().unwrap();
    let mut found: Vec<String> = result
        .iter()
        .map(|series| series["metric"]["color"].as_str().unwrap_or("").to_owned())
        .collect();
    found.sort();
    found
}

fn wait_for(client: &Client, expected: &[&str]) {
    until(&format!("{expected:?}"), Duration::from_secs(30), || {
        (colors(client) == expected).then_some(())
    });
}

#[test]
fn versions_guard_what_is_set() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), &SETTINGS);
    let client = &server.client;
    let ask = |method: &str, version: Option<&str>, body: &Value| ask(client, method, version, body);
    assert_eq!(ask("GET", None, &Value::Null).status, 404);
    assert_eq!(client.send("GET", PATH, &[], b"").status, 401);
    let unsaid = ask("POST", None, &with_dimensions(&["color"]));
    assert_eq!(
        (unsaid.status, unsaid.text().as_str()),
        (428, "must specify If-Match header")
    );
    assert_eq!(ask("POST", Some("7"), &with_dimensions(&["color"])).status, 412);
    let first = ask("POST", Some("0"), &with_dimensions(&["color"]));
    assert_eq!((first.status, first.text().as_str()), (200, ""));
    let version = first.header("etag");
    let found = ask("GET", None, &Value::Null);
    assert_eq!(
        (found.header("etag"), found.json()),
        (version.clone(), with_dimensions(&["color"]))
    );
    let merged = |scope: &str| {
        let path = format!("{PATH}?scope={scope}");
        client.send("GET", &path, &[("X-Scope-OrgID", "a")], b"")
    };
    let whole = &merged("merged").json()["metrics_generator"];
    let spans = &whole["processor"]["span_metrics"];
    assert_eq!(
        (
            &whole["processors"],
            &spans["dimensions"],
            &spans["enable_instance_label"]
        ),
        (
            &json!(["service-graphs", "span-metrics"]),
            &json!(["color"]),
            &json!(true)
        )
    );
    assert_eq!(merged("all").status, 400);
    let other = client.send("GET", PATH, &[("X-Scope-OrgID", "b")], b"");
    assert_eq!(other.status, 404);
    let patched = ask(
        "PATCH",
        None,
        &json!({"metrics_generator": {"processor": {"span_metrics": {"enable_target_info": true}}}}),
    );
    assert_eq!(
        patched.json()["metrics_generator"]["processor"]["span_metrics"],
        json!({"dimensions": ["color"], "enable_target_info": true})
    );
    assert_eq!(ask("DELETE", Some(&version), &Value::Null).status, 412);
    let version = patched.header("etag");
    assert_eq!(ask("DELETE", Some(&version), &Value::Null).status, 200);
    assert_eq!(ask("GET", None, &Value::Null).status, 404);
    assert_eq!(ask("DELETE", Some("0"), &Value::Null).status, 404);
    server.stop();
}

#[test]
fn fields_without_anything_behind_them_are_refused_by_name() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), &SETTINGS);
    for (body, field) in [
        (json!({"forwarders": ["a"]}), "forwarders"),
        (
            json!({"metrics_generator": {"collection_interval": "1s"}}),
            "collection_interval",
        ),
        (
            json!({"metrics_generator": {"processors": ["local-blocks"]}}),
            "metrics_generator.processors",
        ),
        (
            json!({"metrics_generator": {"processor": {"service_graphs": {"histogram_buckets": [1, 1]}}}}),
            "service_graphs.histogram_buckets",
        ),
    ] {
        for method in ["POST", "PATCH"] {
            let refused = ask(&server.client, method, Some("0"), &body);
            assert!(
                refused.status == 400 && refused.text().contains(field),
                "{method} {body}: {} {}",
                refused.status,
                refused.text()
            );
        }
    }
    server.stop();
}

#[test]
fn what_is_set_counts_at_once_and_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), &SETTINGS);
    send(&server.client, 1);
    wait_for(&server.client, &[""]);
    let set = ask(&server.client, "POST", Some("0"), &with_dimensions(&["color"]));
    assert_eq!(set.status, 200);
    send(&server.client, 2);
    wait_for(&server.client, &["", "red"]);
    server.stop();
    let server = TestServer::start_with(dir.path(), &SETTINGS);
    let found = ask(&server.client, "GET", None, &Value::Null);
    assert_eq!(
        (found.header("etag"), found.json()),
        (set.header("etag"), with_dimensions(&["color"]))
    );
    // Counted anew, all spans are counted by what is set.
    let headers = [("X-Scope-OrgID", "a")];
    let answer = server.client.send(
        "POST",
        "/api/v1/admin/recompute/span-metrics?from=1",
        &headers,
        b"",
    );
    assert_eq!(answer.data()["spans"], 2);
    wait_for(&server.client, &["red"]);
    let off = json!({"metrics_generator": {"disable_collection": true}});
    assert_eq!(ask(&server.client, "PATCH", None, &off).status, 200);
    let before = count(&server.client);
    send(&server.client, 3);
    let answer = server.client.send("POST", "/api/v1/admin/flush", &[], b"");
    assert_eq!(answer.status, 200);
    assert_eq!(count(&server.client), before);
    server.stop();
}

/// Calls counted so far.
fn count(client: &Client) -> Value {
    let path = "/api/v1/query?query=sum(traces_spanmetrics_calls_total)";
    client.send("GET", path, &[("X-Scope-OrgID", "a")], b"").data()["result"][0]["value"][1].clone()
}
