//! The main job on recorded input: the bodies a real Prometheus sent are written over HTTP, and the answers Prometheus
//! 3.14 gave over the same data are reproduced, from the head, from blocks, from merged blocks and after a restart.
//! Reads `../shared/data/recording` beside the repository; absent, it says so and passes.

use kymo_tests::client::Client;
use kymo_tests::compare::difference;
use kymo_tests::note;
use kymo_tests::recording::{Stored, answers, bodies};
use kymo_tests::server::TestServer;
use serde_json::Value;
use tempfile::TempDir;

const TOLERANCE: f64 = 1e-9;

/// Queries whose answer differs, with the first difference.
fn differing(client: &Client, stored: &[Stored]) -> Vec<String> {
    let number = |v: &Value| v.to_string();
    let mut out = Vec::new();
    for one in stored {
        let time = number(&one.instant["time"]);
        let instant = client.post("/api/v1/query", &[("query", &one.query), ("time", &time)]);
        let (start, end, step) = (
            number(&one.range["start"]),
            number(&one.range["end"]),
            number(&one.range["step"]),
        );
        let params = [
            ("query", one.query.as_str()),
            ("start", &start),
            ("end", &end),
            ("step", &step),
        ];
        let range = client.post("/api/v1/query_range", &params);
        for (kind, answer, wanted) in [("instant", instant, &one.instant), ("range", range, &one.range)] {
            if wanted.is_null() {
                continue;
            }
            let got = answer.json();
            if !wanted["error"].is_null() {
                if (&got["errorType"], &got["error"]) != (&wanted["error"], &wanted["message"]) {
                    out.push(format!(
                        "{} {kind} {}: {got} instead of {wanted}",
                        one.id, one.query
                    ));
                }
            } else if got["status"] != "success" {
                out.push(format!("{} {kind} {}: {}", one.id, one.query, answer.text()));
            } else if let Some(what) = difference(&got["data"], wanted, TOLERANCE) {
                let what: String = what.chars().take(300).collect();
                out.push(format!("{} {kind} {}: {what}", one.id, one.query));
            }
        }
    }
    out
}

fn check(when: &str, client: &Client, stored: &[Stored]) {
    let wrong = differing(client, stored);
    assert!(
        wrong.is_empty(),
        "{when}: {} of {} queries have other answers:\n{}",
        wrong.len(),
        stored.len(),
        wrong[..wrong.len().min(30)].join("\n")
    );
}

#[test]
fn the_stored_answers_of_prometheus_are_reproduced_in_every_layout() {
    let (Some(bodies), Some(stored)) = (bodies(), answers()) else {
        return;
    };
    assert_eq!(stored.len(), 881);
    let dir = TempDir::new().unwrap();
    let server = TestServer::start(dir.path());
    let half = bodies.len() / 2;
    for (i, body) in bodies.iter().enumerate() {
        let answer = server.client.try_write_body(body).unwrap();
        assert_eq!(answer.status, 204, "body {i}: {}", answer.text());
    }
    check("from the head", &server.client, &stored);
    assert_eq!(
        server.client.send("POST", "/api/v1/admin/flush", &[], b"").status,
        200
    );
    check("from blocks", &server.client, &stored);
    // Sent again, as senders do after a lost answer: nothing changes, and there is something to merge.
    for body in &bodies[half..] {
        assert_eq!(server.client.try_write_body(body).unwrap().status, 204);
    }
    assert_eq!(
        server.client.send("POST", "/api/v1/admin/flush", &[], b"").status,
        200
    );
    let compact = server
        .client
        .send("POST", "/api/v1/admin/compact?wait=true", &[], b"");
    assert_eq!(compact.status, 200, "{}", compact.text());
    check("from merged blocks", &server.client, &stored);
    server.stop();
    let server = TestServer::start(dir.path());
    check("after a restart", &server.client, &stored);
    let metadata = server.client.get("/api/v1/metadata", &[]).data();
    note(&format!(
        "{} metric families with metadata",
        metadata.as_object().unwrap().len()
    ));
    assert!(metadata.as_object().unwrap().len() > 100);
}
