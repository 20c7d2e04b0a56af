//! Kept answers are those that an evaluation gives, whatever is written, deleted, flushed or merged in between. A query that
//! asks for statistics is always evaluated, so both can be compared on one server.

use std::cell::Cell;

use kymo_proto::remote_write::RequestEncoder;
use kymo_tests::client::Client;
use kymo_tests::server::TestServer;
use proptest::prelude::*;
use serde_json::Value as Json;
use tempfile::TempDir;

const START: i64 = 1_700_000_040_000;

const QUERIES: [&str; 12] = [
    "m_total",
    "sum(rate(m_total[1m]))",
    "sum by (job) (increase(m_total[2m])) > 1",
    "max_over_time(sum(m_total)[90s:20s])",
    "m_total offset -45s",
    "rate(m_total[1m] offset 1m) / on (job) group_left count by (job) (m_total)",
    "m_total - m_total @ 1700000100",
    "m_total @ end()",
    "topk(1, m_total)",
    "absent(m_total{job=\"b\"})",
    "time() - start()",
    "quantile_over_time(2, m_total[1m])",
];

#[derive(Debug, Clone)]
enum Step {
    /// Job, seconds, value.
    Write(u8, i64, u8),
    /// Which query, first step and number of steps of 15 s, moved by so many seconds.
    Ask(usize, i64, i64, i64),
    Delete(i64, i64),
    Settle,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ask = (
        0..QUERIES.len(),
        0i64..8,
        4i64..14,
        prop_oneof![5 => Just(0i64), 1 => 0i64..15],
    );
    let step = prop_oneof![
        6 => (0u8..2, 0i64..400, any::<u8>()).prop_map(|(job, at, value)| Step::Write(job, at, value)),
        12 => ask.prop_map(|(query, first, len, moved)| Step::Ask(query, first, len, moved)),
        1 => (0i64..300, 0i64..100).prop_map(|(from, len)| Step::Delete(from, from + len)),
        1 => Just(Step::Settle),
    ];
    proptest::collection::vec(step, 20..60)
}

fn ask(c: &Client, query: &str, (start, end): (i64, i64), evaluated: bool) -> (Json, Json) {
    let seconds = |ms: i64| format!("{}.{:03}", ms / 1000, ms % 1000);
    let (start, end) = (seconds(start), seconds(end));
    let mut params = vec![("query", query), ("start", &start), ("end", &end), ("step", "15")];
    if evaluated {
        params.push(("stats", "true"));
    }
    let answer = c.get("/api/v1/query_range", &params).json();
    assert_eq!(answer["status"], "success", "{query}: {answer}");
    (answer["data"]["result"].clone(), answer["warnings"].clone())
}

fn run(c: &Client, step: &Step) {
    match step {
        Step::Write(job, at, value) => {
            let mut request = RequestEncoder::default();
            let job = if *job == 0 { "a" } else { "b" };
            let sample = (START + at * 1000, f64::from(*value));
            request.series([("__name__", "m_total"), ("job", job)], [sample]);
            c.write(&request);
        }
        Step::Ask(query, first, len, moved) => {
            let start = START + first * 15_000 + moved * 1000;
            let end = start + len * 15_000;
            let query = QUERIES[*query];
            let given = ask(c, query, (start, end), false);
            assert_eq!(
                given,
                ask(c, query, (start, end), true),
                "{query} from {start} to {end}"
            );
            assert_eq!(given, ask(c, query, (start, end), false), "{query} again");
        }
        Step::Delete(from, to) => {
            let (from, to) = ((START / 1000 + from).to_string(), (START / 1000 + to).to_string());
            let params = [
                ("match[]", "m_total"),
                ("start", from.as_str()),
                ("end", to.as_str()),
            ];
            let answer = c.post("/api/v1/admin/tsdb/delete_series", &params);
            assert_eq!(answer.status, 204);
        }
        Step::Settle => {
            c.post("/api/v1/admin/flush", &[]).data();
            c.post("/api/v1/admin/compact", &[("wait", "true")]).data();
        }
    }
}

fn counted(c: &Client, how: &str) -> f64 {
    let wanted = format!("kymo_queries_remembered_total{{part=\"{how}\"}} ");
    let text = c.get("/metrics", &[]).text();
    let line = text.lines().find_map(|line| line.strip_prefix(&wanted));
    line.unwrap_or("0").parse().unwrap()
}

#[test]
fn what_is_given_again_is_what_an_evaluation_gives() {
    let config = ProptestConfig {
        cases: 40,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let (whole, partly) = (Cell::new(0.0), Cell::new(0.0));
    let done = runner.run(&steps(), |steps| {
        let dir = TempDir::new().unwrap();
        let server = TestServer::start_with(dir.path(), &[("web.admin_api", "true"), ("features.promql_experimental_functions", "true")]);
        let asked = std::panic::AssertUnwindSafe(|| steps.iter().for_each(|step| run(&server.client, step)));
        let ended = std::panic::catch_unwind(asked);
        whole.set(f64::max(whole.get(), counted(&server.client, "whole")));
        partly.set(f64::max(partly.get(), counted(&server.client, "partly")));
        server.stop();
        ended.map_err(|_| TestCaseError::fail("an answer differs"))
    });
    done.unwrap();
    assert!(
        whole.get() > 0.0 && partly.get() > 0.0,
        "{whole:?} whole, {partly:?} partly"
    );
}

#[test]
fn nothing_is_kept_when_it_is_switched_off() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), &[("query.remember", "0")]);
    let c = &server.client;
    run(c, &Step::Write(0, 10, 1));
    run(c, &Step::Ask(0, 0, 4, 0));
    assert_eq!(counted(c, "whole"), 0.0);
    server.stop();
}
