//! `query` and `query_range`: shapes, parameters, statuses and texts of the contract. What PromQL means is tested where it
//! is evaluated.

use kymo_tests::server::TestServer;
use kymo_tests::wait::until;
use serde_json::json;
use std::io::Write;
use std::time::Duration;
use tempfile::TempDir;

const NOW: i64 = 1_700_000_000_000;

fn start() -> (TempDir, TestServer) {
    start_with(&[])
}

fn start_with(sets: &[(&str, &str)]) -> (TempDir, TestServer) {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), sets);
    for (job, factor) in [("b", 2.0), ("a", 1.0)] {
        let samples: Vec<_> = (0..61).map(|i| (NOW + i * 15_000, i as f64 * factor)).collect();
        server
            .client
            .write_series(&[("__name__", "requests_total"), ("job", job)], &samples);
    }
    (dir, server)
}

#[test]
fn grafanas_save_and_test_succeeds() {
    let (_dir, server) = start();
    let params = [("query", "1+1"), ("time", "4")];
    let wanted = "{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[4,\"2\"]}}";
    assert_eq!(server.client.post("/api/v1/query", &params).text(), wanted);
    assert_eq!(server.client.get("/api/v1/query", &params).text(), wanted);
}

#[test]
fn results_have_the_bytes_of_prometheus() {
    let (_dir, server) = start();
    let get = |query: &str| {
        let text = server
            .client
            .get("/api/v1/query", &[("query", query), ("time", "1700000030.250")])
            .text();
        text.strip_prefix("{\"status\":\"success\",\"data\":")
            .unwrap_or_else(|| panic!("{text}"))
            .to_owned()
    };
    assert_eq!(
        get("sum(requests_total)"),
        r#"{"resultType":"vector","result":[{"metric":{},"value":[1700000030.250,"6"]}]}}"#
    );
    assert_eq!(
        get("\"text\""),
        r#"{"resultType":"string","result":[1700000030.250,"text"]}}"#
    );
    assert_eq!(get("absent_metric"), r#"{"resultType":"vector","result":[]}}"#);
    assert_eq!(
        get("1/0"),
        r#"{"resultType":"scalar","result":[1700000030.250,"+Inf"]}}"#
    );
    assert_eq!(
        get("requests_total{job=\"a\"}[30s]"),
        concat!(
            r#"{"resultType":"matrix","result":[{"metric":{"__name__":"requests_total","job":"a"},"#,
            r#""values":[[1700000015,"1"],[1700000030,"2"]]}]}}"#
        )
    );
}

#[test]
fn range_queries_give_sorted_matrices() {
    let (_dir, server) = start();
    let params = [
        ("query", "rate(requests_total[1m])"),
        ("start", "1700000300"),
        ("end", "2023-11-14T22:23:20Z"),
        ("step", "1m"),
    ];
    let data = server.client.post("/api/v1/query_range", &params).data();
    assert_eq!(data["resultType"], "matrix");
    let jobs: Vec<_> = data["result"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| &s["metric"]["job"])
        .collect();
    assert_eq!(jobs, ["a", "b"]);
    let values = data["result"][0]["values"].as_array().unwrap();
    assert_eq!(values.len(), 6);
    let rate: f64 = values[0][1].as_str().unwrap().parse().unwrap();
    assert!((rate - 1.0 / 15.0).abs() < 1e-9, "{rate}");
}

#[test]
fn wrong_parameters_have_prometheus_texts() {
    let (_dir, server) = start();
    let range = |pairs: &[(&str, &str)]| {
        let mut params = vec![("query", "up"), ("start", "0"), ("end", "100"), ("step", "10")];
        for (name, value) in pairs {
            params.retain(|(n, _)| n != name);
            params.push((name, value));
        }
        server.client.get("/api/v1/query_range", &params).error()
    };
    let bad = |text: &str| (400, "bad_data".to_owned(), text.to_owned());
    assert_eq!(
        range(&[("end", "-1")]),
        bad("invalid parameter \"end\": end timestamp must not be before start time")
    );
    assert_eq!(
        range(&[("step", "0")]),
        bad(
            "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer"
        )
    );
    assert_eq!(
        range(&[("end", "11001"), ("step", "1")]),
        bad(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"
        )
    );
    assert_eq!(
        range(&[("start", "x")]),
        bad("invalid parameter \"start\": cannot parse \"x\" to a valid timestamp")
    );
    assert_eq!(
        range(&[("step", "x")]),
        bad("invalid parameter \"step\": cannot parse \"x\" to a valid duration")
    );
    assert_eq!(
        range(&[("limit", "-1")]),
        bad("invalid parameter \"limit\": limit must be non-negative")
    );
    assert_eq!(
        range(&[("query", "up[5m]")]),
        bad(
            "invalid parameter \"query\": invalid expression type \"range vector\" for range query, must be Scalar or instant Vector"
        )
    );
    let (status, kind, text) = server.client.get("/api/v1/query", &[("query", "up{")]).error();
    assert_eq!((status, kind.as_str()), (400, "bad_data"));
    assert!(
        text.starts_with("invalid parameter \"query\": 1:4: parse error: "),
        "{text}"
    );
    let (status, ..) = server
        .client
        .get("/api/v1/query", &[("query", "up"), ("timeout", "x")])
        .error();
    assert_eq!(status, 400);
}

#[test]
fn execution_errors_are_422_and_say_why() {
    let (_dir, server) = start_with(&[("query.max_samples", "50")]);
    let at = ("time", "1700000900");
    let (status, kind, text) = server
        .client
        .get(
            "/api/v1/query",
            &[("query", "sum_over_time(requests_total[1h])"), at],
        )
        .error();
    assert_eq!((status, kind.as_str()), (422, "execution"));
    assert_eq!(
        text,
        "query processing would load too many samples into memory in query execution"
    );
    let many = "requests_total * on() requests_total";
    let (status, _, text) = server.client.get("/api/v1/query", &[("query", many), at]).error();
    assert_eq!(status, 422);
    assert!(text.contains("many-to-many matching not allowed"), "{text}");
}

#[test]
fn limit_truncates_and_says_so() {
    let (_dir, server) = start();
    let params = [
        ("query", "requests_total"),
        ("time", "1700000000"),
        ("limit", "1"),
    ];
    let json = server.client.get("/api/v1/query", &params).json();
    assert_eq!(json["data"]["result"].as_array().unwrap().len(), 1);
    assert_eq!(json["warnings"], json!(["results truncated due to limit"]));
    let range = [
        ("query", "requests_total"),
        ("start", "1700000000"),
        ("end", "1700000100"),
        ("step", "10"),
        ("limit", "2"),
    ];
    let json = server.client.get("/api/v1/query_range", &range).json();
    assert_eq!(
        (
            json["data"]["result"].as_array().unwrap().len(),
            json.get("warnings")
        ),
        (2, None)
    );
}

#[test]
fn stats_explain_lookback_and_annotations() {
    let (_dir, server) = start();
    let ask = |extra: &[(&str, &str)]| {
        let mut params = vec![("query", "sum(rate(requests_total[5m]))"), ("time", "1700000300")];
        params.extend_from_slice(extra);
        server.client.get("/api/v1/query", &params).json()
    };
    assert_eq!(ask(&[])["data"].get("stats"), None);
    let stats = ask(&[("stats", "true")]);
    let samples = &stats["data"]["stats"]["samples"];
    assert!(
        samples["totalQueryableSamples"].as_u64().unwrap() >= 40,
        "{stats}"
    );
    assert!(stats["data"]["stats"]["timings"]["evalTotalTime"].is_number());
    assert!(ask(&[("stats", "yes")])["warnings"].is_array());
    assert!(
        !ask(&[("explain", "1")])["data"]["explain"]
            .as_array()
            .unwrap()
            .is_empty()
    );

    // The last sample is at 900 s; 60 s later it is within five minutes but not within 30 s.
    let late = |lookback: &str| {
        let params = [
            ("query", "requests_total"),
            ("time", "1700000960"),
            ("lookback_delta", lookback),
        ];
        server.client.get("/api/v1/query", &params).data()["result"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((late(""), late("30s"), late("61")), (2, 0, 2));

    let gauge = [(
        "query",
        "rate(requests_total[5m]) + on(job) rate({__name__=\"requests_total\"}[5m])",
    )];
    assert_eq!(
        server.client.get("/api/v1/query", &gauge).json()["status"],
        "success"
    );
    server
        .client
        .write_series(&[("__name__", "temperature")], &[(NOW, 1.0), (NOW + 1000, 2.0)]);
    let info = [("query", "rate(temperature[5m])"), ("time", "1700000060")];
    let infos = server.client.get("/api/v1/query", &info).json()["infos"].clone();
    assert_eq!(
        infos,
        json!([
            "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"temperature\" (1:6)"
        ])
    );
}

/// A query that takes far longer than the tests wait: subqueries of thousands of steps, 16,384 times over.
fn endless() -> String {
    let mut query = "requests_total".to_owned();
    for _ in 0..14 {
        query = format!("max_over_time(({query} + {query})[1h:1s])");
    }
    query
}

#[test]
fn a_timeout_is_503_and_names_itself() {
    let (_dir, server) = start();
    let params = [
        ("query", endless()),
        ("time", "1700000900".to_owned()),
        ("timeout", "50ms".to_owned()),
    ];
    let params: Vec<_> = params.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let (status, kind, text) = server.client.post("/api/v1/query", &params).error();
    assert_eq!((status, kind.as_str()), (503, "timeout"), "{text}");
    assert!(text.contains("query timed out"), "{text}");
}

#[test]
fn a_client_that_goes_away_frees_its_slot() {
    let (_dir, server) = start_with(&[("query.concurrency", "1")]);
    let address = server.client.base().strip_prefix("http://").unwrap().to_owned();
    let form = kymo_tests::client::encode(&[("query", &endless()), ("time", "1700000900")]);
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST /api/v1/query HTTP/1.1\r\nHost: kymo\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    )
    .unwrap();
    let active = || {
        let metrics = server.client.get("/metrics", &[]).text();
        metrics.contains("\nkymo_queries_active 1\n")
    };
    until("the query runs", Duration::from_secs(20), || {
        active().then_some(())
    });
    drop(stream);
    // The only slot is free again long before the query's own timeout of two minutes.
    let answer = server
        .client
        .get("/api/v1/query", &[("query", "1"), ("timeout", "30s")]);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn experimental_functions_are_accepted_when_switched_on() {
    let ask = |sets: &[(&str, &str)]| {
        let (_dir, server) = start_with(sets);
        let params = [("query", "limitk(1, requests_total)"), ("time", "1700000030")];
        server.client.get("/api/v1/query", &params).json()
    };
    let refused = ask(&[]);
    assert_eq!(refused["errorType"], "bad_data", "{refused}");
    let accepted = ask(&[("features.promql_experimental_functions", "on")]);
    assert_eq!(
        accepted["data"]["result"].as_array().unwrap().len(),
        1,
        "{accepted}"
    );
}

#[test]
fn deep_nesting_is_evaluated_or_refused_and_never_harms_the_server() {
    let (_dir, server) = start();
    for depth in [100, 490, 600, 20_000] {
        for (open, close) in [
            ("(", ")"),
            ("abs(", ")"),
            ("-(", ")"),
            ("sum(", ")"),
            ("1+(", ")"),
            ("max_over_time((", ")[5m:1m])"),
        ] {
            let query = format!("{}requests_total{}", open.repeat(depth), close.repeat(depth));
            let params = [
                ("query", query.as_str()),
                ("time", "1700000030"),
                ("timeout", "1s"),
            ];
            let status = server.client.post("/api/v1/query", &params).status;
            assert!([200, 400, 422, 503].contains(&status), "{open} {depth}: {status}");
        }
    }
    assert_eq!(server.client.get("/-/ready", &[]).status, 200);
}
