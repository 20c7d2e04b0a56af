//! One id leads to everything that names it: the tree of its trace and the exemplars that point to it, over HTTP and on the
//! command line, which also asks TraceQL.

use std::process::{Command, Output};

use kymo_tests::server::{TestServer, kymo_binary};
use kymo_tests::shop::{self, START, trace_id};
use serde_json::{Value, json};
use tempfile::TempDir;

fn kymo(args: &[&str]) -> Output {
    Command::new(kymo_binary()).args(args).output().unwrap()
}

fn stdout(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Sends a counter whose exemplar names a trace.
fn send_exemplar(server: &TestServer, id: &str) {
    let request = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "asked", "sum": {
        "aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [{
            "timeUnixNano": START.to_string(), "asInt": "5",
            "exemplars": [{"timeUnixNano": START.to_string(), "asInt": "2", "traceId": id, "spanId": "0000000000000001"}]}]}}]}]}]});
    let headers = [("Content-Type", "application/json")];
    let answer = server
        .client
        .send("POST", "/v1/metrics", &headers, request.to_string().as_bytes());
    assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
}

#[test]
fn an_id_leads_to_its_trace_and_to_exemplars() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start(dir.path());
    shop::send(&server.client, 2);
    send_exemplar(&server, &trace_id(1));
    send_exemplar(&server, &trace_id(9));
    for flushed in [false, true] {
        if flushed {
            server.client.post("/api/v1/admin/flush", &[]);
        }
        let data = server.client.get("/api/v1/track/abc1", &[]).data();
        assert_eq!(data["traceId"], trace_id(1));
        let trace = &data["trace"];
        assert_eq!(
            trace["services"],
            json!([{"name": "cart", "spans": 2, "errors": 1}, {"name": "frontend", "spans": 2, "errors": 0}])
        );
        let spans = trace["spans"].as_array().unwrap();
        let tree: Vec<(&Value, &Value)> = spans.iter().map(|s| (&s["depth"], &s["name"])).collect();
        let names = ["GET /", "call", "AddItem", "send"].map(Value::from);
        let depths = [0, 1, 2, 3].map(Value::from);
        assert_eq!(tree, depths.iter().zip(&names).collect::<Vec<_>>());
        assert_eq!(
            (&spans[2]["status"], &spans[2]["statusMessage"]),
            (&json!("error"), &json!("no stock"))
        );
        assert_eq!(data["exemplars"][0]["seriesLabels"]["__name__"], "asked_total");
        assert_eq!(
            data["exemplars"][0]["exemplars"][0]["labels"]["trace_id"],
            trace_id(1)
        );
        let none = server.client.get("/api/v1/track/abc0", &[]).data();
        assert_eq!(none["exemplars"], json!([]));
        let lost = server.client.get("/api/v1/track/abc9", &[]).data();
        assert_eq!(
            (&lost["trace"], lost["exemplars"].as_array().unwrap().len()),
            (&Value::Null, 1)
        );
        let (status, kind, text) = server.client.get("/api/v1/track/ff", &[]).error();
        assert_eq!((status, kind.as_str()), (404, "not_found"));
        assert!(text.ends_with("00ff"), "{text}");
        assert_eq!(server.client.get("/api/v1/track/xy", &[]).error().0, 404);
        assert_eq!(server.client.get("/api/v1/track/%20", &[]).error().0, 400);
    }
}

/// A block of spans somewhere below a directory.
fn block_of_spans(dir: &std::path::Path) -> Option<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .find_map(|path| match path.is_dir() {
            true => block_of_spans(&path),
            false => path.to_str()?.contains("traces/blocks").then_some(path),
        })
}

#[test]
fn the_command_line_asks_a_server_or_a_directory() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start(dir.path());
    shop::send(&server.client, 3);
    send_exemplar(&server, &trace_id(1));
    let base = server.client.base().to_owned();
    let ask = |target: [&str; 2]| {
        let tracked = stdout(&kymo(&[&["query", "track", "abc1"], &target[..]].concat()));
        assert!(
            tracked.contains("    AddItem") && tracked.contains("asked_total{}"),
            "{tracked}"
        );
        let found = stdout(&kymo(
            &[&["query", "traceql", "{ status = error }"], &target[..]].concat(),
        ));
        assert!(
            found.contains(&trace_id(1)) && !found.contains(&trace_id(2)),
            "{found}"
        );
        let query = [
            "query",
            "traceql",
            "{} | count_over_time() by (resource.service.name)",
            "--instant",
            "--start",
            "1699999999",
            "--end",
            "1700000100",
        ];
        let series = stdout(&kymo(&[&query[..], &target].concat()));
        assert!(series.contains("{resource.service.name=cart}"), "{series}");
        let query = [
            "query",
            "traceql",
            "{ name = \"GET /\" }",
            "--json",
            "--limit",
            "1",
        ];
        let answer: Value = serde_json::from_str(&stdout(&kymo(&[&query[..], &target].concat()))).unwrap();
        assert_eq!(answer["traces"].as_array().unwrap().len(), 1);
        let bad = kymo(&[&["query", "traceql", "{ name > 3 }"], &target[..]].concat());
        assert_eq!(bad.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&bad.stderr).contains("invalid TraceQL query"));
    };
    ask(["--server", &base]);
    let status = stdout(&kymo(&["admin", "status", "--server", &base]));
    assert!(status.contains("headSpans"), "{status}");
    server.client.post("/api/v1/admin/flush", &[]);
    let blocks = stdout(&kymo(&["admin", "blocks", "--server", &base]));
    assert!(blocks.contains("traces"), "{blocks}");
    let verified = stdout(&kymo(&["admin", "verify", "--server", &base]));
    assert!(verified.contains(" blocks checked"), "{verified}");
    server.stop();
    let block = block_of_spans(dir.path()).unwrap();
    let inspected = stdout(&kymo(&["inspect", "block", block.to_str().unwrap()]));
    assert!(
        inspected.contains(" 12 spans of 3 traces, 2023-11-14T22:13:20"),
        "{inspected}"
    );
    assert!(
        inspected.contains("directory") && inspected.contains("all checksums hold"),
        "{inspected}"
    );
    ask(["--data", dir.path().to_str().unwrap()]);
}
