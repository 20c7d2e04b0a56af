//! One id leads through log lines and traces: ids of traces in all spellings, ids of requests wherever they stand, values of
//! configured names; lines of errors are events of the spans that they name.

use std::process::Command;

use kymo_tests::client::Client;
use kymo_tests::server::{TestServer, kymo_binary};
use kymo_tests::shop::{self, START, trace_id};
use serde_json::{Value, json};
use tempfile::TempDir;

const REQUEST: &str = "6f1c2c1e-9d5b-4b0e-8a51-0c2f5f3a7b11";

fn push(client: &Client) {
    let at = |n: u64| (START + n).to_string();
    let (trace, span) = (trace_id(1), "0000000000000003");
    let dashed = format!(
        "{}-{}-{}-{}-{}",
        &trace[..8],
        &trace[8..12],
        &trace[12..16],
        &trace[16..20],
        &trace[20..]
    );
    let body = json!({"streams": [
        {"stream": {"app": "cart"}, "values": [
            [at(5), "no stock for add", {"trace_id": trace, "span_id": span, "detected_level": "error"}],
            [at(3), format!("{{\"level\":\"error\",\"trace\":\"{trace}\",\"span\":\"{span}\",\"user\":{{\"id\":42}}}}")],
            [at(4), format!("level=info traceparent=00-{trace}-{span}-01 user.id=7")],
            [at(6), format!("level=error error without a span, trace {dashed}")],
        ]},
        {"stream": {"app": "edge"}, "values": [
            [at(1), format!("request {REQUEST} begins")],
            [at(2), "asks", {"request_id": REQUEST, "trace_id": trace_id(2)}],
            [at(7), "{\"request_id\":\"r-1\"}"],
            [at(8), "request_id=r-12"],
        ]},
        {"stream": {"app": "edge", "user_id": "42"}, "values": [[at(9), "of a user"]]},
    ]});
    let headers = [("Content-Type", "application/json")];
    let answer = client.send("POST", "/loki/api/v1/push", &headers, body.to_string().as_bytes());
    assert_eq!(answer.status, 204, "{}", answer.text());
}

fn times(data: &Value) -> Vec<u64> {
    let time = |line: &Value| line["timeUnixNano"].as_str().unwrap().parse::<u64>().unwrap() - START;
    data["logs"].as_array().unwrap().iter().map(time).collect()
}

fn traces(data: &Value) -> Vec<&str> {
    let all = data["traces"].as_array().unwrap();
    all.iter()
        .map(|trace| trace["traceId"].as_str().unwrap())
        .collect()
}

#[test]
fn every_kind_of_id_leads_to_its_lines_and_traces() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start(dir.path());
    let client = &server.client;
    shop::send(client, 4);
    push(client);
    for flushed in [false, true] {
        if flushed {
            assert_eq!(client.post("/api/v1/admin/flush", &[]).status, 200);
        }
        let track = |id: &str| client.get(&format!("/api/v1/track/{id}"), &[]).data();
        let of_trace = track(&trace_id(1));
        assert_eq!(times(&of_trace), [3, 4, 5, 6], "flushed: {flushed}");
        assert_eq!(track("abc1")["logs"], of_trace["logs"]);
        assert_eq!(track(&trace_id(1).to_uppercase())["trace"], of_trace["trace"]);
        let dashed = "00000000-0000-0000-0000-00000000abc1";
        assert_eq!(track(dashed)["logs"], of_trace["logs"]);
        assert_eq!(track(dashed)["traceId"], trace_id(1));
        // Lines of errors are events of the span that they name.
        let spans = of_trace["trace"]["spans"].as_array().unwrap();
        let event = |span: &Value| {
            span["events"]
                .as_array()
                .into_iter()
                .flatten()
                .cloned()
                .collect::<Vec<_>>()
        };
        let named: Vec<&Value> = spans
            .iter()
            .filter(|span| span["spanId"] == "0000000000000003")
            .collect();
        let logged: Vec<Value> = event(named[0])
            .into_iter()
            .filter(|e| e["name"] == "log")
            .collect();
        assert_eq!(logged.len(), 2, "{logged:?}");
        assert_eq!(
            (&logged[1]["level"], &logged[1]["line"]),
            (&json!("error"), &json!("no stock for add"))
        );
        let others = spans.iter().filter(|span| span["spanId"] != "0000000000000003");
        assert!(others.flat_map(event).all(|e| e["name"] != "log"));
        // A UUID wherever it stands, and the traces that its lines name.
        let of_request = track(REQUEST);
        assert_eq!(times(&of_request), [1, 2]);
        assert_eq!(traces(&of_request), [trace_id(2)]);
        assert_eq!(of_request["traces"][0]["services"], of_trace["trace"]["services"].as_array().map_or(json!([]), |_| {
            json!([{"name": "cart", "spans": 2, "errors": 0}, {"name": "frontend", "spans": 2, "errors": 0}])
        }));
        // Values of configured names: in JSON, in pairs, as labels; nothing that only begins so.
        assert_eq!(times(&track("r-1")), [7]);
        assert_eq!(times(&track("7")), [4]);
        assert_eq!(times(&track("42")), [3, 9]);
        assert_eq!(client.get("/api/v1/track/r-2", &[]).error().0, 404);
    }
    let base = client.base().to_owned();
    let output = Command::new(kymo_binary())
        .args(["query", "track", "abc1", "--server", &base])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("! no stock for add"), "{text}");
    let output = Command::new(kymo_binary())
        .args(["query", "track", REQUEST, "--server", &base])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&trace_id(2)) && text.contains("begins"), "{text}");
}

#[test]
fn configured_names_lead_to_spans() {
    let dir = TempDir::new().unwrap();
    let sets = [("track.ids", "user,http.status_code")];
    let server = TestServer::start_with(dir.path(), &sets);
    shop::send(&server.client, 4);
    let track = |id: &str| server.client.get(&format!("/api/v1/track/{id}"), &[]).data();
    assert_eq!(traces(&track("u2")), [trace_id(2)]);
    assert_eq!(traces(&track("500")), [trace_id(1), trace_id(3)]);
    assert_eq!(server.client.get("/api/v1/track/u9", &[]).error().0, 404);
}
