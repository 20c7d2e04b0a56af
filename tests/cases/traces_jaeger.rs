//! Jaeger's API over real sockets: services, operations, traces and dependencies of both generations, in the shapes that
//! Grafana's data source and Jaeger's own page read.

use kymo_tests::client::{Answer, encode};
use kymo_tests::server::TestServer;
use kymo_tests::shop::{self, MS, START, trace_id};
use serde_json::{Value, json};
use tempfile::TempDir;

fn start(traces: u64) -> (TempDir, TestServer) {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), &[("jaeger.listen", "127.0.0.1:0")]);
    shop::send(&server.client, traces);
    (dir, server)
}

fn get(server: &TestServer, path: &str, params: &[(&str, &str)]) -> Answer {
    let below = server.client.get(&format!("/jaeger{path}"), params);
    let own = server.jaeger.as_ref().unwrap().get(path, params);
    assert_eq!((below.status, below.text()), (own.status, own.text()), "{path}");
    own
}

fn envelope(data: &Value, total: usize) -> Value {
    json!({"data": data, "total": total, "limit": 0, "offset": 0, "errors": null})
}

/// The id of trace number `n` as Jaeger writes it.
fn id(n: u64) -> String {
    trace_id(n)[16..].to_owned()
}

#[test]
fn services_and_operations_are_listed_in_both_generations() {
    let (_dir, server) = start(2);
    for flushed in [false, true] {
        if flushed {
            server.client.post("/api/v1/admin/flush", &[]);
        }
        let services = json!(["cart", "frontend"]);
        assert_eq!(get(&server, "/api/services", &[]).json(), envelope(&services, 2));
        assert_eq!(
            get(&server, "/api/v3/services", &[]).json(),
            json!({"services": services})
        );
        let names = json!(["AddItem", "send"]);
        assert_eq!(
            get(&server, "/api/services/cart/operations", &[]).json(),
            envelope(&names, 2)
        );
        let kinds =
            json!([{"name": "AddItem", "spanKind": "server"}, {"name": "send", "spanKind": "producer"}]);
        assert_eq!(
            get(&server, "/api/operations", &[("service", "cart")]).json(),
            envelope(&kinds, 2)
        );
        let all = get(&server, "/api/v3/operations", &[("service", "cart")]).json();
        assert_eq!(all, json!({"operations": kinds}));
        let one = [("service", "cart"), ("spanKind", "server")];
        assert_eq!(
            get(&server, "/api/v3/operations", &one).json()["operations"],
            json!([kinds[0]])
        );
        assert_eq!(
            get(&server, "/api/services/none/operations", &[]).json(),
            envelope(&json!([]), 0)
        );
    }
}

fn spans_of(trace: &Value) -> Vec<&Value> {
    let mut spans: Vec<&Value> = trace["spans"].as_array().unwrap().iter().collect();
    spans.sort_by_key(|span| span["spanID"].as_str().unwrap());
    spans
}

#[test]
fn a_trace_is_translated_as_the_collector_does() {
    let (_dir, server) = start(2);
    let answer = get(&server, &format!("/api/traces/{}", trace_id(1)), &[]).json();
    let trace = &answer["data"][0];
    assert_eq!(answer, envelope(&json!([trace]), 0));
    assert_eq!(trace["traceID"], id(1));
    let spans = spans_of(trace);
    let begin = START / 1000 + 1_000_000;
    let at = |ms: u64| begin + ms * 1000;
    let process = spans[2]["processID"].as_str().unwrap();
    assert_eq!(
        spans[2],
        &json!({
            "traceID": id(1), "spanID": "0000000000000003", "operationName": "AddItem",
            "references": [{"refType": "CHILD_OF", "traceID": id(1), "spanID": "0000000000000002"}],
            "startTime": at(20), "duration": 60_000,
            "tags": [
                {"key": "otel.scope.name", "type": "string", "value": "lib"},
                {"key": "otel.scope.version", "type": "string", "value": "2"},
                {"key": "span.kind", "type": "string", "value": "server"},
                {"key": "otel.status_code", "type": "string", "value": "ERROR"},
                {"key": "otel.status_description", "type": "string", "value": "no stock"},
                {"key": "error", "type": "bool", "value": true}],
            "logs": [{"timestamp": at(30), "fields": [
                {"key": "event", "type": "string", "value": "exception"},
                {"key": "exception.type", "type": "string", "value": "E"}]}],
            "processID": process, "warnings": null, "flags": 0,
        })
    );
    assert_eq!(
        trace["processes"][process],
        json!({"serviceName": "cart", "tags": [{"key": "pod", "type": "int64", "value": 7}]})
    );
    let root = &spans[0]["tags"];
    assert_eq!(
        root[0],
        json!({"key": "http.status_code", "type": "int64", "value": 500})
    );
    assert_eq!(root[2], json!({"key": "ratio", "type": "float64", "value": 0.5}));
    assert_eq!(root[3], json!({"key": "cached", "type": "bool", "value": false}));
    let references = spans[3]["references"].as_array().unwrap();
    assert_eq!(
        references[1],
        json!({"refType": "FOLLOWS_FROM", "traceID": id(2), "spanID": "0000000000000001"})
    );
    for path in ["/api/traces/77", "/api/traces/77?start=1&end=2"] {
        let none = get(&server, path, &[]);
        let wanted = json!({"data": null, "total": 0, "limit": 0, "offset": 0, "errors": [{"code": 404, "msg": "trace not found"}]});
        assert_eq!((none.status, none.json()), (404, wanted));
    }
    assert_eq!(get(&server, "/api/traces/xyz", &[]).status, 400);
}

/// Numbers of the traces that a search of the older API finds.
fn searched(server: &TestServer, params: &[(&str, &str)]) -> Vec<u64> {
    let answer = get(server, "/api/traces", params);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let data = answer.json();
    let all = data["data"].as_array().unwrap();
    let number =
        |trace: &Value| u64::from_str_radix(trace["traceID"].as_str().unwrap(), 16).unwrap() - 0xabc0;
    all.iter().map(number).collect()
}

#[test]
fn searches_find_tags_wherever_they_are() {
    let (_dir, server) = start(4);
    for flushed in [false, true] {
        if flushed {
            server.client.post("/api/v1/admin/flush", &[]);
        }
        let with =
            |params: &[(&str, &str)]| searched(&server, &[&[("service", "frontend")], params].concat());
        assert_eq!(with(&[]), [3, 2, 1, 0]);
        assert_eq!(with(&[("limit", "2")]), [3, 2]);
        assert_eq!(with(&[("operation", "GET /")]), [3, 2, 1, 0]);
        assert_eq!(
            with(&[("operation", "AddItem")]),
            [0; 0],
            "it is another service's"
        );
        assert_eq!(with(&[("tags", r#"{"http.status_code":"500"}"#)]), [3, 1]);
        assert_eq!(with(&[("tags", r#"{"user":"u2","pod":"7"}"#)]), [2]);
        assert_eq!(
            with(&[("tag", "user:u2"), ("tag", "user:u3")]),
            [0; 0],
            "one span has all tags"
        );
        assert_eq!(with(&[("minDuration", "101ms")]), [0; 0]);
        assert_eq!(
            with(&[("minDuration", "100ms"), ("maxDuration", "100ms")]),
            [3, 2, 1, 0]
        );
        let micros = |n: u64| (START / 1000 + n * 1_000_000).to_string();
        let millis = |n: u64| (START / 1_000_000 + n * 1000).to_string();
        assert_eq!(with(&[("start", &micros(1)), ("end", &micros(2))]), [2, 1]);
        assert_eq!(with(&[("start", &millis(1)), ("end", &millis(2))]), [2, 1]);
        let cart = |tags: &str| searched(&server, &[("service", "cart"), ("tags", tags)]);
        assert_eq!(cart(r#"{"error":"true"}"#), [3, 1]);
        assert_eq!(cart(r#"{"exception.type":"E"}"#), [3, 1], "an event's");
        assert_eq!(
            cart(r#"{"why":"next","span.kind":"producer"}"#),
            [3, 2, 1, 0],
            "a link's"
        );
        let ids = [
            ("traceID", id(0)),
            ("traceID", id(2)),
            ("traceID", "77".to_owned()),
        ];
        let ids: Vec<(&str, &str)> = ids.iter().map(|(k, v)| (*k, v.as_str())).collect();
        assert_eq!(searched(&server, &ids), [0, 2]);
    }
    let bad = get(&server, "/api/traces", &[("operation", "x")]);
    assert_eq!(bad.status, 400);
    assert_eq!(
        bad.json()["errors"],
        json!([{"code": 400, "msg": "parameter 'service' is required"}])
    );
}

#[test]
fn dependencies_count_calls_between_services() {
    let (_dir, server) = start(3);
    let end = (START / MS + 10_000).to_string();
    for flushed in [false, true] {
        if flushed {
            server.client.post("/api/v1/admin/flush", &[]);
        }
        let counted = |lookback: &str| {
            get(
                &server,
                "/api/dependencies",
                &[("endTs", &end), ("lookback", lookback)],
            )
            .json()
        };
        let calls = json!([{"parent": "frontend", "child": "cart", "callCount": 3}]);
        assert_eq!(counted("60000"), envelope(&calls, 0));
        assert_eq!(
            counted("8500")["data"][0]["callCount"],
            1,
            "of the last trace only"
        );
        assert_eq!(counted("10")["data"], json!([]));
        let times = [
            ("startTime", "2023-11-14T22:13:20Z"),
            ("endTime", "2023-11-14T22:14:20Z"),
        ];
        let third = get(&server, "/api/v3/dependencies", &times).json();
        assert_eq!(
            third,
            json!({"dependencies": [{"parent": "frontend", "child": "cart", "callCount": "3"}]})
        );
    }
}

#[test]
fn the_third_api_speaks_otlp_json() {
    let (_dir, server) = start(2);
    let trace = get(&server, &format!("/api/v3/traces/{}", trace_id(0)), &[]).json();
    let resources = trace["result"]["resourceSpans"].as_array().unwrap();
    assert_eq!(resources.len(), 2);
    let root = &resources[0]["scopeSpans"][0]["spans"][0];
    assert_eq!(
        (&root["traceId"], &root["kind"]),
        (&json!(trace_id(0)), &json!(2))
    );
    let query = [
        ("query.serviceName", "cart"),
        ("query.startTimeMin", "2023-11-14T22:13:20Z"),
        ("query.startTimeMax", "2023-11-14T22:13:30.5Z"),
        ("query.attributes", r#"{"error":"true"}"#),
        ("query.searchDepth", "5"),
    ];
    let found = get(&server, "/api/v3/traces", &query).json();
    assert_eq!(found["result"]["resourceSpans"].as_array().unwrap().len(), 2);
    let summaries = get(&server, "/api/v3/trace-summaries", &query).json();
    let begin = START + 1000 * MS;
    assert_eq!(
        summaries,
        json!({"summaries": [{
            "traceId": trace_id(1), "rootServiceName": "frontend", "rootOperationName": "GET /",
            "minStartTimeUnixNano": begin.to_string(), "maxEndTimeUnixNano": (begin + 100 * MS).to_string(),
            "spanCount": 4, "errorSpanCount": 1,
            "services": [{"name": "cart", "spanCount": 2, "errorSpanCount": 1}, {"name": "frontend", "spanCount": 2}],
        }]})
    );
    let none = get(&server, "/api/v3/traces/77", &[]);
    assert_eq!(
        (none.status, none.json()),
        (
            404,
            json!({"error": {"httpCode": 404, "message": "No traces found"}})
        )
    );
    assert_eq!(get(&server, "/api/v3/traces", &[]).status, 400);
    assert!(encode(&query).contains("query.serviceName=cart"));
    assert_eq!(get(&server, "/nowhere", &[]).status, 404);
}

#[test]
fn the_third_api_takes_structured_filters() {
    let (_dir, server) = start(40);
    for flushed in [false, true] {
        if flushed {
            assert_eq!(server.client.post("/api/v1/admin/flush", &[]).status, 200);
        }
        let ask = |filter: &Value, more: &[(&str, &str)]| {
            let filter = filter.to_string();
            let times = [
                ("query.startTimeMin", "2023-11-14T22:13:00Z"),
                ("query.startTimeMax", "2023-11-14T22:20:00Z"),
                ("query.filter", filter.as_str()),
            ];
            get(&server, "/api/v3/trace-summaries", &[&times, more].concat())
        };
        let found = |filter: &Value, more: &[(&str, &str)]| {
            let answer = ask(filter, more);
            assert_eq!(answer.status, 200, "{}", answer.text());
            let all = answer.json();
            let ids = all["summaries"].as_array().unwrap().iter();
            ids.map(|s| s["traceId"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        let code = |op: &str, value: &str| {
            json!({"call": {"op": op, "args": [
                {"attr": {"key": "http.status_code", "level": "span"}}, {"scalar": {"value": value}}]}})
        };
        let user = json!({"call": {"op": "in", "args": [
            {"attr": {"key": "user"}}, {"list": {"values": ["u3", "u4", "u5"]}}]}});
        let both = json!({"op": "and", "args": [code("gte", "500"), user]});
        assert_eq!(found(&both, &[]), [trace_id(5), trace_id(3)]);
        let ok = json!({"op": "and", "args": [code("lt", "500"), user]});
        assert_eq!(found(&ok, &[]), [trace_id(4)]);
        let not = json!({"op": "and", "args": [
            {"call": {"op": "exists", "args": [{"attr": {"key": "user"}}]}},
            {"call": {"op": "not", "args": [code("eq", "200")]}}]});
        assert_eq!(found(&not, &[]).len(), 20);
        assert_eq!(
            found(&not, &[("query.searchDepth", "2")]),
            [trace_id(39), trace_id(37)]
        );
        let event = json!({"op": "some", "args": [{"nested": {"level": "event"}}, {"call": {"op": "and", "args": [
            {"call": {"op": "eq", "args": [{"field": {"level": "event", "name": "name"}}, {"scalar": {"value": "exception"}}]}},
            {"call": {"op": "eq", "args": [{"field": {"level": "event", "name": "timeSinceStart"}}, {"scalar": {"value": "10ms"}}]}}]}}]});
        assert_eq!(found(&event, &[]).len(), 20);
        let refused = ask(&both, &[("query.serviceName", "cart")]);
        assert_eq!(refused.status, 400);
        assert!(
            refused
                .text()
                .contains("query.filter does not go with query.serviceName")
        );
        let refused = ask(&json!({"op": "xor", "args": []}), &[]);
        assert!(
            refused.status == 400 && refused.text().contains("xor"),
            "{}",
            refused.text()
        );
    }
}
