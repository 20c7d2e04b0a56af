//! Traces that come in pieces: span by span, out of order, over many blocks and the head. Every answer is the same as when
//! each trace was sent at once, in every layout on the way.

use kymo_tests::server::TestServer;
use kymo_tests::shop::{self, START, trace_id};
use serde_json::{Value, json};
use tempfile::TempDir;

const TRACES: u64 = 12;

const SEARCHES: [&str; 14] = [
    "{}",
    "{ status = error }",
    "{ name = \"GET /\" } >> { name = \"send\" }",
    "{ name = \"GET /\" } > { name = \"call\" }",
    "{ name = \"send\" } << { resource.service.name = \"frontend\" }",
    "{ resource.service.name = \"frontend\" } &>> { status = error }",
    "{ name = \"AddItem\" } !> { name = \"send\" }",
    "{ .http.status_code = 500 } && { event.exception.type = \"E\" }",
    "{} | count() > 3",
    "{} | by(resource.service.name) | avg(duration) > 50ms",
    "{ traceDuration >= 100ms && rootServiceName = \"frontend\" } | select(kind, link.why)",
    "{ nestedSetParent < 0 }",
    "{ span:childCount = 1 } | max(duration) > 70ms",
    "{ link:traceID != \"\" && instrumentation:version = \"2\" }",
];

const SERIES: [&str; 4] = [
    "{} | rate() by (resource.service.name)",
    "{ status = error } | count_over_time()",
    "{} | quantile_over_time(duration, 0.5, 0.9) by (name)",
    "{ name = \"GET /\" } >> { kind = producer } | avg_over_time(duration)",
];

/// All answers of a server, without what each took.
fn answers(server: &TestServer) -> Vec<Value> {
    let seconds = |n: u64| (START / 1_000_000_000 + n).to_string();
    let (start, end) = (seconds(0), seconds(TRACES + 1));
    let mut all = Vec::new();
    for query in SEARCHES {
        let answer = server
            .client
            .get("/tempo/api/search", &[("q", query), ("spss", "0")]);
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
        all.push(json!({"query": query, "answer": answer.json()["traces"]}));
    }
    for query in SERIES {
        let params = [
            ("q", query),
            ("start", start.as_str()),
            ("end", &end),
            ("step", "5s"),
        ];
        let answer = server.client.get("/tempo/api/metrics/query_range", &params);
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
        all.push(json!({"query": query, "answer": answer.json()["series"]}));
    }
    for path in [
        "/jaeger/api/services",
        "/tempo/api/v2/search/tag/span.user/values",
    ] {
        let answer = server.client.get(path, &[]).json();
        all.push(json!({"query": path, "answer": [answer["data"], answer["tagValues"]]}));
    }
    let end = (START / 1_000_000 + 1_000_000).to_string();
    let calls = server.client.get(
        "/jaeger/api/dependencies",
        &[("endTs", &end), ("lookback", "10000000")],
    );
    all.push(json!({"query": "dependencies", "answer": calls.json()["data"]}));
    for n in 0..TRACES {
        let trace = server
            .client
            .get(&format!("/tempo/api/traces/{}", trace_id(n)), &[])
            .json();
        all.push(json!({"query": n, "answer": spans_of(&trace)}));
    }
    all
}

/// The spans of an answer, each with its resource, by id: the order of resources may follow that of arrival.
fn spans_of(trace: &Value) -> Vec<String> {
    let mut all = Vec::new();
    for resource in trace["batches"].as_array().unwrap() {
        for span in resource["scopeSpans"][0]["spans"].as_array().unwrap() {
            all.push(format!("{span} of {}", resource["resource"]));
        }
    }
    all.sort();
    all
}

/// All spans of all traces, each in an export of its own.
fn pieces() -> Vec<Value> {
    let mut all = Vec::new();
    for n in 0..TRACES {
        for resource in shop::export(n)["resourceSpans"].as_array().unwrap() {
            for span in resource["scopeSpans"][0]["spans"].as_array().unwrap() {
                let mut piece = resource.clone();
                piece["scopeSpans"][0]["spans"] = json!([span]);
                all.push(json!({"resourceSpans": [piece]}));
            }
        }
    }
    all
}

fn check(server: &TestServer, wanted: &[Value], when: &str) {
    for (found, wanted) in answers(server).iter().zip(wanted) {
        assert_eq!(found, wanted, "{when}");
    }
}

#[test]
fn answers_do_not_depend_on_how_traces_came() {
    let (whole, parts) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let server = TestServer::start(whole.path());
    shop::send(&server.client, TRACES);
    let wanted = answers(&server);
    assert!(
        wanted.iter().filter(|a| a["answer"] != json!([])).count() > 25,
        "{wanted:?}"
    );
    server.client.post("/api/v1/admin/flush", &[]);
    check(&server, &wanted, "whole, in a block");
    let server = TestServer::start(parts.path());
    let pieces = pieces();
    // A stride that is prime to the number of pieces takes each once and tears every trace apart.
    for n in 0..pieces.len() {
        let piece = &pieces[n * 29 % pieces.len()];
        let headers = [("Content-Type", "application/json")];
        let answer = server
            .client
            .send("POST", "/v1/traces", &headers, piece.to_string().as_bytes());
        assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
        if n % 5 == 4 {
            server.client.post("/api/v1/admin/flush", &[]);
        }
    }
    check(&server, &wanted, "in blocks and the head");
    server.client.post("/api/v1/admin/flush", &[]);
    check(&server, &wanted, "in blocks");
    server.client.post("/api/v1/admin/compact", &[("wait", "true")]);
    check(&server, &wanted, "merged");
    server.stop();
    let server = TestServer::start(parts.path());
    check(&server, &wanted, "after a restart");
}
