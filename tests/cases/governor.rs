//! The query governor over real sockets: budgets of memory, the queue, killing, what survives a kill -9, slow and top
//! queries, and estimates before anything is read.

use std::process::Command;
use std::thread::{JoinHandle, scope, spawn};
use std::time::Duration;

use kymo_proto::remote_write::RequestEncoder;
use kymo_tests::client::{Answer, Client};
use kymo_tests::server::{Child, TestServer, free_port, kymo_binary};
use kymo_tests::wait::until;
use serde_json::{Value, json};
use tempfile::TempDir;

const NOW: i64 = 1_700_000_000_000;
const PATIENCE: Duration = Duration::from_secs(30);

/// Writes `series` series of a metric with `samples` samples each, 15 s apart.
fn fill(client: &Client, name: &str, series: usize, samples: i64) {
    for chunk in (0..series).collect::<Vec<_>>().chunks(2000) {
        let mut request = RequestEncoder::default();
        for i in chunk {
            let i = i.to_string();
            let labels = [("__name__", name), ("instance", i.as_str()), ("job", "load")];
            request.series(labels, (0..samples).map(|t| (NOW + t * 15_000, t as f64)));
        }
        assert_eq!(client.write(&request).status, 204);
    }
}

/// A query that takes far longer than any test: subqueries of thousands of steps, 16,384 times over.
fn endless() -> String {
    let mut query = "requests_total".to_owned();
    for _ in 0..14 {
        query = format!("max_over_time(({query} + {query})[1h:1s])");
    }
    query
}

fn start(sets: &[(&str, &str)]) -> (TempDir, TestServer) {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), sets);
    fill(&server.client, "requests_total", 2, 61);
    (dir, server)
}

fn run(client: &Client, query: String) -> JoinHandle<Answer> {
    let client = client.clone();
    spawn(move || client.post("/api/v1/query", &[("query", &query), ("time", "1700000900")]))
}

/// The active queries that are running, once there are `n`.
fn running(client: &Client, n: usize) -> Vec<Value> {
    until("the queries run", PATIENCE, || {
        let data = client.get("/api/v1/status/active_queries", &[]).data();
        let active = data["active"].as_array()?;
        let found: Vec<Value> = active
            .iter()
            .filter(|q| q["state"] == "running")
            .cloned()
            .collect();
        (found.len() == n).then_some(found)
    })
}

fn kill(client: &Client, id: &Value) -> Answer {
    let id = id.as_str().unwrap();
    client.post("/api/v1/status/active_queries/kill", &[("id", id)])
}

#[test]
fn a_query_over_its_own_budget_fails_alone_and_names_the_limit() {
    let (_dir, server) = start(&[("query.memory_max", "1MiB")]);
    let c = &server.client;
    fill(c, "many", 4000, 4);
    let params = [
        ("query", "many + 1"),
        ("start", "1700000000"),
        ("end", "1700003600"),
        ("step", "15"),
    ];
    let (status, kind, text) = c.post("/api/v1/query_range", &params).error();
    assert_eq!((status, kind.as_str()), (422, "execution"), "{text}");
    assert!(
        text.contains("more than the 1.0 MiB that one query may hold (query.memory_max)"),
        "{text}"
    );
    let small = c.get(
        "/api/v1/query",
        &[("query", "count(requests_total)"), ("time", "1700000030")],
    );
    assert_eq!(small.data()["result"][0]["value"][1], "2");
    let metrics = c.get("/metrics", &[]).text();
    assert!(
        metrics.contains("kymo_queries_total{outcome=\"over_limit\"} 1\n"),
        "{metrics}"
    );
    assert!(metrics.contains("\nkymo_query_memory_bytes 0\n"), "{metrics}");
}

#[test]
fn a_list_of_series_over_the_budget_fails_before_it_is_made() {
    let (_dir, server) = start(&[("query.memory_max", "1MiB")]);
    let c = &server.client;
    fill(c, "many", 6000, 1);
    let (status, kind, text) = c.get("/api/v1/series", &[("match[]", "many")]).error();
    assert_eq!((status, kind.as_str()), (422, "execution"), "{text}");
    assert!(text.contains("query.memory_max"), "{text}");
    assert_eq!(
        c.get("/api/v1/series", &[("match[]", "requests_total")]).status,
        200
    );
}

#[test]
fn queries_share_the_budget_of_the_node_while_writes_go_on() {
    let (_dir, server) = start(&[("query.memory_total", "8MiB")]);
    let c = &server.client;
    fill(c, "many", 4000, 120);
    // A cross join: one of its sides alone is over the budget.
    let death = "many * on() group_left count(requests_total)";
    let params = [
        ("query", death),
        ("start", "1699999000"),
        ("end", "1700036400"),
        ("step", "5"),
    ];
    scope(|s| {
        let deaths: Vec<_> = (0..3)
            .map(|_| s.spawn(|| c.post("/api/v1/query_range", &params)))
            .collect();
        for i in 0..20 {
            fill(c, &format!("new_{i}"), 50, 1);
            let answer = c.get(
                "/api/v1/query",
                &[("query", "count(requests_total)"), ("time", "1700000030")],
            );
            let status = answer.status;
            // The little it needs may be taken for the moment, which it says.
            assert!(
                status == 200 || answer.text().contains("query.memory_total"),
                "{}",
                answer.text()
            );
        }
        for death in deaths {
            let (status, kind, text) = death.join().unwrap().error();
            assert_eq!((status, kind.as_str()), (422, "execution"), "{text}");
            assert!(text.contains("query.memory_total"), "{text}");
        }
    });
    let answer = c.get(
        "/api/v1/query",
        &[("query", "count(requests_total)"), ("time", "1700000030")],
    );
    assert_eq!(answer.data()["result"][0]["value"][1], "2");
    assert_eq!(
        c.get("/api/v1/status/active_queries", &[]).data()["memoryBytes"],
        0
    );
}

#[test]
fn a_killed_query_says_so_to_its_client_and_frees_its_slot() {
    let (_dir, server) = start(&[("query.concurrency", "1")]);
    let c = &server.client;
    let running_one = run(c, endless());
    let found = running(c, 1);
    assert_eq!(found[0]["query"], json!(endless()));
    assert_eq!(
        (&found[0]["kind"], &found[0]["tenant"]),
        (&json!("query"), &json!("default"))
    );
    assert!(
        found[0]["remoteAddr"].as_str().unwrap().starts_with("127.0.0.1:"),
        "{found:?}"
    );
    let queued = run(c, "1+1".to_owned());
    until("the second waits", PATIENCE, || {
        let data = c.get("/api/v1/status/active_queries", &[]).data();
        data["active"]
            .as_array()?
            .iter()
            .any(|q| q["state"] == "queued")
            .then_some(())
    });
    assert_eq!(kill(c, &found[0]["id"]).data()["killed"]["id"], found[0]["id"]);
    let (status, kind, text) = running_one.join().unwrap().error();
    assert_eq!((status, kind.as_str()), (499, "canceled"));
    assert!(text.contains("killed"), "{text}");
    assert_eq!(queued.join().unwrap().status, 200);
    let (status, kind, _) = kill(c, &json!("999999")).error();
    assert_eq!((status, kind.as_str()), (404, "not_found"));
    let (status, _, text) = kill(c, &json!("x")).error();
    assert_eq!(
        (status, text.as_str()),
        (
            400,
            "invalid parameter \"id\": cannot parse \"x\" to the id of a query"
        )
    );
}

#[test]
fn who_waits_too_long_or_finds_no_room_is_told_to_come_again() {
    let (_dir, server) = start(&[
        ("query.concurrency", "1"),
        ("query.queue_length", "1"),
        ("query.queue_timeout", "50ms"),
    ]);
    let c = &server.client;
    let endless = run(c, endless());
    let found = running(c, 1);
    let (status, kind, text) = c.get("/api/v1/query", &[("query", "1")]).error();
    assert_eq!(
        (status, kind.as_str(), text.as_str()),
        (503, "timeout", "query timed out in query queue")
    );
    // Evaluations that wait hold nobody up who only looks up labels.
    assert_eq!(c.get("/api/v1/labels", &[]).status, 200);
    kill(c, &found[0]["id"]);
    assert_eq!(endless.join().unwrap().status, 499);
}

#[test]
fn a_full_queue_answers_at_once() {
    let (_dir, server) = start(&[("query.concurrency", "1"), ("query.queue_length", "0")]);
    let c = &server.client;
    let endless = run(c, endless());
    let found = running(c, 1);
    let answer = c.get("/api/v1/query", &[("query", "1")]);
    assert_eq!((answer.status, answer.header("retry-after").as_str()), (503, "1"));
    let (_, kind, text) = answer.error();
    assert_eq!(kind, "unavailable");
    assert!(text.contains("query.queue_length"), "{text}");
    kill(c, &found[0]["id"]);
    assert_eq!(endless.join().unwrap().status, 499);
}

#[test]
fn what_ran_when_the_process_was_killed_is_named_by_the_next() {
    let dir = TempDir::new().unwrap();
    let port = free_port();
    let mut child = Child::start(dir.path(), port, &[]);
    child.wait_ready();
    fill(&child.client, "requests_total", 2, 61);
    let client = child.client.clone();
    let lost = spawn(move || {
        let body = kymo_tests::client::encode(&[("query", &endless()), ("time", "1700000900")]);
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        client.try_send("POST", "/api/v1/query", &headers, body.as_bytes())
    });
    running(&child.client, 1);
    // The slot is written right after the query begins; its bytes are in the file when the list shows samples being read.
    until("the journal names it", PATIENCE, || {
        let bytes = std::fs::read(dir.path().join("queries.active")).ok()?;
        bytes.windows(13).any(|w| w == b"max_over_time").then_some(())
    });
    child.kill();
    assert!(lost.join().unwrap().is_none());
    let again = Child::start(dir.path(), port, &[]);
    again.wait_ready();
    let data = again.client.get("/api/v1/status/active_queries", &[]).data();
    let unfinished = data["unfinished"].as_array().unwrap();
    assert_eq!(unfinished.len(), 1, "{data}");
    let text = unfinished[0]["query"].as_str().unwrap();
    assert!(endless().starts_with(text) && text.len() > 100, "{text}");
    assert_eq!(data["active"], json!([]));
}

#[test]
fn slow_queries_are_logged_as_prometheus_logs_queries() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("queries.log");
    let path = file.to_str().unwrap().to_owned();
    let (_data, server) = start(&[("query.log_slow", "0s"), ("query.log_file", &path)]);
    let c = &server.client;
    let params = [
        ("query", "rate(requests_total[1m])"),
        ("start", "1700000300"),
        ("end", "1700000600"),
        ("step", "60"),
    ];
    assert_eq!(c.get("/api/v1/query_range", &params).status, 200);
    assert_eq!(
        c.get(
            "/api/v1/query",
            &[("query", "a * on(x) b + requests_total"), ("timeout", "0")]
        )
        .status,
        503
    );
    let lines: Vec<Value> = std::fs::read_to_string(&file)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let first = lines
        .iter()
        .find(|l| l["params"]["query"] == "rate(requests_total[1m])")
        .unwrap();
    assert_eq!(first["params"]["start"], "2023-11-14T22:18:20Z");
    assert_eq!(first["params"]["step"], 60.0);
    assert_eq!(first["outcome"], "success");
    assert!(
        first["stats"]["samples"]["samplesRead"].as_u64().unwrap() > 20,
        "{first}"
    );
    assert!(first["stats"]["timings"]["execTotalTime"].as_f64().unwrap() > 0.0);
    let second = lines.iter().find(|l| l["outcome"] == "timeout").unwrap();
    assert_eq!(second["error"], "query timed out in expression evaluation");
}

#[test]
fn top_queries_add_up_what_queries_cost() {
    let (_dir, server) = start(&[]);
    let c = &server.client;
    for _ in 0..3 {
        c.get("/api/v1/query", &[("query", "1+1")]);
    }
    let params = [
        ("query", "requests_total"),
        ("start", "1700000000"),
        ("end", "1700000900"),
        ("step", "15"),
    ];
    c.get("/api/v1/query_range", &params);
    let top = c
        .get(
            "/api/v1/status/top_queries",
            &[("topN", "1"), ("maxLifetime", "1m")],
        )
        .data();
    assert_eq!(
        (&top["topByCount"][0]["query"], &top["topByCount"][0]["count"]),
        (&json!("1+1"), &json!(3))
    );
    let most = &top["topBySamplesRead"][0];
    assert_eq!(
        (&most["query"], &most["timeRangeSeconds"]),
        (&json!("requests_total"), &json!(900))
    );
    assert_eq!(most["samplesRead"], 122);
    assert!(most["peakMemoryBytes"].as_u64().unwrap() > 1000, "{most}");
    let (status, _, text) = c.get("/api/v1/status/top_queries", &[("topN", "x")]).error();
    assert_eq!(
        (status, text.as_str()),
        (400, "invalid parameter \"topN\": cannot parse \"x\" to a number")
    );
}

#[test]
fn queries_are_listed_and_ended_from_the_command_line() {
    // Building it may take longer than a query may.
    let binary = kymo_binary();
    let (_dir, server) = start(&[]);
    let kymo = |args: &[&str]| {
        let out = Command::new(&binary)
            .args(["admin", "--server", server.client.base()])
            .args(args)
            .output()
            .unwrap();
        let text = [out.stdout, out.stderr].concat();
        (out.status.success(), String::from_utf8(text).unwrap())
    };
    let endless = run(&server.client, endless());
    let id = running(&server.client, 1)[0]["id"].as_str().unwrap().to_owned();
    let (_, listed) = kymo(&["queries"]);
    assert!(
        listed.contains("max_over_time") && listed.contains("running"),
        "{listed}"
    );
    let (done, unknown) = kymo(&["kill", "424242"]);
    assert!(
        !done && unknown.contains("not_found: no query 424242 is active"),
        "{unknown}"
    );
    let (done, killed) = kymo(&["kill", &id]);
    assert!(done && killed.starts_with("killed: max_over_time"), "{killed}");
    assert_eq!(endless.join().unwrap().status, 499);
    assert!(kymo(&["top-queries"]).1.contains("by samples read"));
}

#[test]
fn what_a_query_reads_is_estimated_without_reading() {
    let (_dir, server) = start(&[]);
    let c = &server.client;
    let params = [
        (
            "query",
            "sum(rate(requests_total[5m])) / count(requests_total{instance=\"1\"})",
        ),
        ("start", "1700000300"),
        ("end", "1700000900"),
        ("step", "60"),
        ("explain", "only"),
    ];
    let data = c.get("/api/v1/query_range", &params).data();
    let costs = data["costs"].as_array().unwrap();
    let series: Vec<_> = costs.iter().map(|c| c["series"].as_u64().unwrap()).collect();
    assert_eq!(series, [2, 1], "{data}");
    assert_eq!(costs[0]["samples"], 122);
    let last = data["explain"].as_array().unwrap().last().unwrap();
    assert_eq!(last, "cost: 3 series x 61 samples each");
    assert_eq!(data.get("result"), None);
}

#[test]
fn samples_that_are_certainly_too_many_fail_before_they_are_read() {
    let (_dir, server) = start(&[("query.max_samples", "100")]);
    let c = &server.client;
    fill(c, "dense", 10, 240);
    let params = [("query", "dense[2h]"), ("time", "1700006000")];
    let (status, kind, text) = c.get("/api/v1/query", &params).error();
    assert_eq!((status, kind.as_str()), (422, "execution"));
    assert_eq!(
        text,
        "query processing would load too many samples into memory in query execution"
    );
    let top = c.get("/api/v1/status/top_queries", &[]).data();
    let row = &top["topByCount"][0];
    assert_eq!(
        (&row["query"], &row["samplesRead"]),
        (&json!("dense[2h]"), &json!(0))
    );
}
