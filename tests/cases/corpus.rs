//! The PromQL of real dashboards, rules and alerts over recorded input: every query is answered or refused, as an instant
//! and over a range, and none takes the server down.
//! Reads `../shared/queries/promql.jsonl` and `../shared/data/recording` beside the repository; absent, it says so and passes.

use kymo_tests::client::{Answer, Client};
use kymo_tests::recording::{answers, bodies};
use kymo_tests::server::TestServer;
use kymo_tests::{note, shared};
use serde_json::Value;
use tempfile::TempDir;

/// A query of the corpus and whether Prometheus accepts it: `yes`, `no`, or `prom3` and `disputed` for newer grammar.
struct Row {
    query: String,
    valid: String,
}

fn corpus() -> Option<Vec<Row>> {
    let text = std::fs::read_to_string(shared("queries/promql.jsonl")?).unwrap();
    let rows = text.lines().map(|line| {
        let row: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        Row {
            query: text("query"),
            valid: text("valid"),
        }
    });
    Some(rows.collect())
}

/// What is wrong with an answer: a query must succeed, or fail for a reason that lies in it.
fn wrong(row: &Row, answer: &Answer) -> Option<String> {
    let refused = answer.status == 400;
    let fine = match row.valid.as_str() {
        "yes" => matches!(answer.status, 200 | 422),
        "no" => refused,
        _ => refused || matches!(answer.status, 200 | 422),
    };
    let text: String = answer.text().chars().take(300).collect();
    (!fine).then(|| format!("{} ({}): {} {text}", row.query, row.valid, answer.status))
}

fn check(client: &Client, rows: &[Row], (start, time): (&str, &str)) -> (usize, Vec<String>) {
    let (mut results, mut faults) = (0, Vec::new());
    for row in rows {
        let query = row.query.as_str();
        let instant = client.post("/api/v1/query", &[("query", query), ("time", time)]);
        results += usize::from(instant.status == 200 && instant.text().contains("\"value\""));
        let range = [("query", query), ("start", start), ("end", time), ("step", "120")];
        let range = client.post("/api/v1/query_range", &range);
        // A text or the samples of a range selector are no answer over a range.
        let kind = range.status == 400 && range.text().contains("invalid expression type");
        faults.extend(wrong(row, &instant));
        faults.extend(wrong(row, &range).filter(|_| !kind));
    }
    (results, faults)
}

#[test]
fn every_query_of_the_corpus_is_answered_or_refused_over_recorded_input() {
    let (Some(rows), Some(bodies), Some(stored)) = (corpus(), bodies(), answers()) else {
        return;
    };
    let dir = TempDir::new().unwrap();
    let server = TestServer::start(dir.path());
    for body in &bodies {
        assert_eq!(server.client.try_write_body(body).unwrap().status, 204);
    }
    let time = stored[0].instant["time"].as_f64().unwrap();
    let (start, end) = ((time - 600.0).to_string(), time.to_string());
    let (results, faults) = check(&server.client, &rows, (&start, &end));
    note(&format!("{results} of {} queries have results", rows.len()));
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults[..faults.len().min(30)].join("\n")
    );
    assert!(results > 100, "{results}");
    server.stop();
}
