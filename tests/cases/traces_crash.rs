//! kill -9 while spans are written: the real binary is killed at different moments while four connections export; after each
//! restart every span that was acknowledged is there.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kymo_proto::otlp::json;
use kymo_tests::client::Client;
use kymo_tests::server::{Child, free_port};
use kymo_tests::traces::read_trace;
use serde_json::json;
use tempfile::TempDir;

const ROUNDS: u64 = 6;
const CONNECTIONS: u64 = 4;
const SPANS: u64 = 40;

/// The id of the trace that a request of a connection holds. Each fifth goes on with the trace before it.
fn trace_of(round: u64, connection: u64, number: u64) -> String {
    let number = number - u64::from(number % 5 == 4);
    format!("{:016x}{connection:08x}{number:08x}", round + 1)
}

/// An export of [`SPANS`] spans of one trace. What is in it follows from the numbers alone.
fn body(round: u64, connection: u64, number: u64) -> Vec<u8> {
    let spans: Vec<_> = (0..SPANS)
        .map(|n| {
            let at = 1_700_000_000_000_000_000 + number * 1_000_000 + n * 1000;
            json!({
                "traceId": trace_of(round, connection, number), "spanId": format!("{:016x}", number * SPANS + n + 1),
                "name": format!("n{}", n % 7), "startTimeUnixNano": at.to_string(), "endTimeUnixNano": (at + 500).to_string(),
                "attributes": [{"key": "user", "value": {"stringValue": format!("u{number}")}}, {"key": "n", "value": {"intValue": n}}],
            })
        })
        .collect();
    let request = json!({"resourceSpans": [{"resource": {"attributes": [
        {"key": "service.name", "value": {"stringValue": format!("s{connection}")}}]}, "scopeSpans": [{"spans": spans}]}]});
    json::trace_request(request.to_string().as_bytes()).unwrap()
}

/// Exports until told to stop or until no answer comes; gives the numbers of what was acknowledged.
fn write_until(client: &Client, stop: &AtomicBool, round: u64, connection: u64) -> Vec<u64> {
    let mut acked = Vec::new();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let headers = [("Content-Type", "application/x-protobuf")];
        let body = body(round, connection, number);
        match client.try_send("POST", "/v1/traces", &headers, &body) {
            Some(answer) if answer.status == 200 => acked.push(number),
            Some(answer) => assert_eq!(answer.status, 503, "{}", answer.text()),
            None => break,
        }
    }
    acked
}

#[test]
fn acknowledged_spans_survive_kill_9() {
    let dir = TempDir::new().unwrap();
    let port = free_port();
    // By round and connection.
    let mut acked: Vec<Vec<Vec<u64>>> = Vec::new();
    for round in 0..=ROUNDS {
        let mut child = Child::start(dir.path(), port, &[]);
        child.wait_ready();
        check(&child.client, &acked);
        if round == ROUNDS {
            break;
        }
        let stop = AtomicBool::new(false);
        acked.push(std::thread::scope(|scope| {
            let writers: Vec<_> = (0..CONNECTIONS)
                .map(|connection| {
                    let (client, stop) = (child.client.clone(), &stop);
                    scope.spawn(move || write_until(&client, stop, round, connection))
                })
                .collect();
            std::thread::park_timeout(Duration::from_millis(150 + 170 * round));
            if round % 2 == 1 {
                // A kill in the midst of a flush.
                let client = child.client.clone();
                scope.spawn(move || client.try_send("POST", "/api/v1/admin/flush", &[], b""));
                std::thread::park_timeout(Duration::from_millis(20));
            }
            child.kill();
            stop.store(true, Ordering::Relaxed);
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        }));
    }
    let requests: usize = acked.iter().flatten().map(Vec::len).sum();
    assert!(requests > 100, "{requests}");
}

fn check(client: &Client, acked: &[Vec<Vec<u64>>]) {
    for (round, connections) in acked.iter().enumerate() {
        for (connection, numbers) in connections.iter().enumerate() {
            for number in numbers {
                let id = trace_of(round as u64, connection as u64, *number);
                let found = read_trace(client, &id);
                let first = number * SPANS + 1;
                for span in first..first + SPANS {
                    let id = span.to_be_bytes();
                    assert!(
                        found.iter().any(|f| f.span.span_id == id),
                        "round {round}, span {span}"
                    );
                }
            }
        }
    }
}
