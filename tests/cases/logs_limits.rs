//! Limits of questions about logs and of writing them, in Loki's words; off by default but for those that Loki has as well.

use kymo_tests::client::{Answer, Client, encode};
use kymo_tests::server::TestServer;
use serde_json::{Value, json};

/// 2023-11-14T22:13:20Z in nanoseconds.
const T: i64 = 1_700_000_000_000_000_000;

fn push(client: &Client, app: &str, lines: &[&str]) -> Answer {
    let values: Vec<Value> = lines
        .iter()
        .zip(0..)
        .map(|(line, n)| json!([(T + n).to_string(), line]))
        .collect();
    let body = json!({"streams": [{"stream": {"app": app}, "values": values}]});
    let headers = [("Content-Type", "application/json")];
    client.send("POST", "/loki/api/v1/push", &headers, body.to_string().as_bytes())
}

fn asked(client: &Client, more: &[(&str, &str)], headers: &[(&str, &str)]) -> (u16, String) {
    let range = [("start", "1700000000"), ("end", "1700007200")];
    let params: Vec<_> = more.iter().chain(&range).copied().collect();
    let path = format!("/loki/api/v1/query_range?{}", encode(&params));
    let answer = client.send("GET", &path, headers, b"");
    (answer.status, answer.text())
}

const LINES: (&str, &str) = ("query", "{app=~\".+\"}");
const COUNT: (&str, &str) = ("query", "count_over_time({app=~\".+\"}[2h])");

#[test]
fn questions_are_limited_by_the_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let sets = [
        ("logs.max_entries", "10"),
        ("logs.max_series", "2"),
        ("logs.max_query_length", "2h"),
        ("logs.max_query_range", "1h"),
        ("logs.max_query_bytes_read", "1KiB"),
    ];
    let server = TestServer::start_with(dir.path(), &sets);
    let client = &server.client;
    for app in ["a", "b", "c"] {
        assert_eq!(push(client, app, &["one", "two"]).status, 204);
    }
    let refused = |more: &[(&str, &str)]| {
        let (status, text) = asked(client, more, &[]);
        assert_eq!(status, 400, "{text}");
        text
    };
    assert_eq!(asked(client, &[LINES, ("limit", "10")], &[]).0, 200);
    assert_eq!(
        refused(&[LINES, ("limit", "11")]),
        "max entries limit per query exceeded, limit > max_entries_limit_per_query (11 > 10)"
    );
    assert_eq!(
        refused(&[LINES, ("end", "1700007201")]),
        "the query time range exceeds the limit (query length: 2h0m1s, limit: 2h0m0s)"
    );
    assert_eq!(refused(&[COUNT]), "[interval] value exceeds limit: [2h] > [1h]");
    let count = ("query", "count_over_time({app=~\".+\"}[1h])");
    assert!(refused(&[count]).starts_with("maximum number of series (2) reached for a single query"));
    let drilldown = [("X-Query-Tags", "Source=grafana-lokiexplore-app")];
    let (status, text) = asked(client, &[count], &drilldown);
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status, 200);
    assert_eq!(answer["data"]["result"].as_array().map(Vec::len), Some(2));
    let warning = "maximum number of series (2) reached for a single query; returning partial results";
    assert_eq!(answer["warnings"], json!([warning]));
    // On the way to one series there may be more.
    assert_eq!(
        asked(
            client,
            &[("query", "sum(count_over_time({app=~\".+\"}[1h]))")],
            &[]
        )
        .0,
        200
    );
    assert_eq!(push(client, "a", &["x".repeat(2_000).as_str()]).status, 204);
    let text = refused(&[LINES, ("limit", "5")]);
    assert!(
        text.starts_with("the query would read too many bytes (query: 2.2 kB, limit: 1.0 kB); "),
        "{text}"
    );
}

#[test]
fn what_stands_before_the_server_may_limit_questions_further() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start(dir.path());
    let client = &server.client;
    assert_eq!(push(client, "a", &["one"]).status, 204);
    let with = |limits: &str, more: &[(&str, &str)]| asked(client, more, &[("X-Loki-Query-Limits", limits)]);
    let cases = [
        (
            r#"{"maxEntriesLimitPerQuery":5}"#,
            "max entries limit per query exceeded, limit > max_entries_limit_per_query (100 > 5)",
        ),
        (
            r#"{"maxQueryLength":"1h30m"}"#,
            "the query time range exceeds the limit (query length: 2h0m0s, limit: 1h30m0s)",
        ),
        (
            r#"{"maxQueryLookback":"30d"}"#,
            "this data is no longer available, it is past now - max_query_lookback (30d)",
        ),
        (
            r#"{"requiredLabels":["namespace","app"]}"#,
            "stream selector is missing required matchers [namespace], labels present in the query were [app]",
        ),
        (
            r#"{"minimumLabelsNumber":2}"#,
            "stream selector has less label matchers than required: (present: [app], number_present: 1, required_number_label_matchers: 2)",
        ),
    ];
    for (limits, text) in cases {
        assert_eq!(with(limits, &[LINES]), (400, text.to_owned()), "{limits}");
    }
    assert_eq!(
        with(r#"{"maxQueryInterval":"1h"}"#, &[COUNT]).1,
        "[interval] value exceeds limit: [2h] > [1h]"
    );
    assert_eq!(with("{}", &[LINES]).0, 200);
    assert_eq!(with(r#"{"maxQueryLength":"soon"}"#, &[LINES]).0, 400);
    assert_eq!(with("no json", &[LINES]).0, 400);
    // The whole of what was asked counts, not the part of it.
    let context = r#"{"expr":"{}","from":"2023-11-01T00:00:00Z","to":"2023-11-02T00:00:00Z"}"#;
    let headers = [
        ("X-Loki-Query-Limits", r#"{"maxQueryLength":"3h"}"#),
        ("X-Loki-Query-Limits-Context", context),
    ];
    let unknown = [headers[0], ("X-Loki-Query-Limits-Context", "{\"from\": 5}")];
    assert_eq!(asked(client, &[LINES], &unknown).0, 200);
    assert_eq!(
        asked(client, &[LINES], &headers),
        (
            400,
            "the query time range exceeds the limit (query length: 24h0m0s, limit: 3h0m0s)".to_owned()
        )
    );
}

#[test]
fn writers_are_limited_where_the_configuration_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start_with(
        dir.path(),
        &[("logs.ingestion_rate", "1KiB"), ("logs.max_streams", "2")],
    );
    let client = &server.client;
    assert_eq!(push(client, "a", &["one"]).status, 204);
    let answer = push(client, "a", &["x".repeat(2_000).as_str()]);
    let bytes = 2_000 + "detected_level".len() + "unknown".len();
    assert_eq!(
        (answer.status, answer.header("Retry-After")),
        (429, "5".to_owned())
    );
    assert_eq!(
        answer.text(),
        format!(
            "ingestion rate limit exceeded for user default (limit: 1024 bytes/sec) while attempting to ingest '1' lines totaling '{bytes}' bytes, reduce log volume or contact your Loki administrator to see if the limit can be increased\n"
        )
    );
    assert_eq!(push(client, "b", &["one"]).status, 204);
    let answer = push(client, "c", &["one"]);
    assert_eq!(answer.status, 429);
    let text = answer.text();
    let begins = "maximum active stream limit exceeded when trying to create stream {app=\"c\", service_name=\"c\"}, reduce";
    assert!(
        text.starts_with(begins) && text.ends_with("user: 'default'\n"),
        "{text}"
    );
    assert_eq!(push(client, "b", &["two"]).status, 204);
    server.stop();
    let server = TestServer::start_with(dir.path(), &[("logs.stream_rate", "1KiB")]);
    let long = "y".repeat(600);
    let answer = push(&server.client, "a", &[&long, &long, "short"]);
    assert_eq!(answer.status, 429);
    let text = answer.text();
    let begins = "Per stream rate limit exceeded (limit: 1KiB/sec) while attempting to ingest for stream '{app=\"a\", service_name=\"a\"}'";
    assert!(text.starts_with(begins), "{text}");
    let (_, found) = asked(&server.client, &[("query", "{app=\"a\"} |= \"short\"")], &[]);
    assert!(found.contains("short"), "the others are stored: {found}");
    let metrics = server.client.get("/metrics", &[]).text();
    assert!(metrics.contains("kymo_ingest_rejected_log_entries_total{reason=\"per_stream_rate_limit\"} 1"));
}
