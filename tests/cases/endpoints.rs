//! Endpoints beside queries and labels: search, features, description, notices, own metrics, and the checks of rules and
//! scrape pools that are not there.

use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

use kymo_proto::remote_write::RequestEncoder;
use kymo_tests::client::Answer;
use kymo_tests::server::TestServer;
use serde_json::{Value, json};
use tempfile::TempDir;

const NOW: i64 = 1_700_000_000_000;

fn start(sets: &[(&str, &str)]) -> (TempDir, TestServer) {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), sets);
    let mut request = RequestEncoder::default();
    for name in ["http_requests_total", "http_errors_total", "go_goroutines"] {
        request.series([("__name__", name), ("job", "api")], [(NOW, 1.0)]);
    }
    request.metadata(1, "http_requests_total", "Requests served.", "");
    assert_eq!(server.client.write(&request).status, 204);
    (dir, server)
}

fn lines(answer: &Answer) -> Vec<Value> {
    assert_eq!(
        answer.header("content-type"),
        "application/x-ndjson; charset=utf-8",
        "{}",
        answer.text()
    );
    answer
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn search_is_off_by_default_and_answers_lines_when_on() {
    let (_dir, server) = start(&[]);
    let (status, kind, text) = server.client.get("/api/v1/search/metric_names", &[]).error();
    assert_eq!(
        (status, kind.as_str(), text.as_str()),
        (500, "unavailable", "search API disabled")
    );
    let (_dir, server) = start(&[("features.search_api", "on")]);
    let times = [("start", "1699999000"), ("end", "1700001000")];
    let ask = |path: &str, params: &[(&str, &str)]| {
        let all = [&times[..], params].concat();
        server.client.get(&format!("/api/v1/search/{path}"), &all)
    };
    let found = lines(&ask(
        "metric_names",
        &[
            ("search[]", "http"),
            ("include_metadata", "true"),
            ("batch_size", "1"),
        ],
    ));
    assert_eq!(
        found,
        [
            json!({"results": [{"name": "http_errors_total"}]}),
            json!({"results": [{"name": "http_requests_total", "type": "counter", "help": "Requests served."}]}),
            json!({"status": "success", "has_more": false}),
        ]
    );
    let best = lines(&ask(
        "metric_names",
        &[
            ("search[]", "go_goroutines"),
            ("fuzz_alg", "jarowinkler"),
            ("fuzz_threshold", "40"),
            ("sort_by", "score"),
            ("include_score", "1"),
            ("limit", "1"),
        ],
    ));
    assert_eq!(
        best[0]["results"],
        json!([{"name": "go_goroutines", "score": 1.0}])
    );
    assert_eq!(best[1]["has_more"], true);
    assert_eq!(
        lines(&ask(
            "label_names",
            &[("search[]", "JO"), ("case_sensitive", "false")]
        ))[0]["results"][0]["name"],
        "job"
    );
    assert_eq!(
        lines(&ask(
            "label_values",
            &[("label", "job"), ("match[]", "go_goroutines")]
        ))[0]["results"][0]["name"],
        "api"
    );
    assert_eq!(
        lines(&ask("label_values", &[("label", "none")]))[0],
        json!({"results": []})
    );
}

#[test]
fn searches_that_make_no_sense_are_refused_in_prometheus_words() {
    let (_dir, server) = start(&[("features.search_api", "on")]);
    let ask =
        |path: &str, params: &[(&str, &str)]| server.client.get(&format!("/api/v1/search/{path}"), params);
    for (params, wanted) in [
        (
            &[("fuzz_threshold", "101")][..],
            "invalid fuzz_threshold \"101\": must be 0-100",
        ),
        (
            &[("fuzz_alg", "x")],
            "unsupported fuzz_alg \"x\": must be one of [subsequence jarowinkler]",
        ),
        (
            &[("sort_dir", "asc")],
            "sort_dir is only valid when sort_by is set",
        ),
        (
            &[("sort_by", "score")],
            "sort_by=score requires search[] to be set",
        ),
        (
            &[("sort_by", "x")],
            "invalid sort_by \"x\" for metric_names: must be \"alpha\" or \"score\"",
        ),
        (
            &[("limit", "-1")],
            "invalid limit \"-1\": must be non-negative integer",
        ),
        (
            &[("case_sensitive", "maybe")],
            "invalid case_sensitive \"maybe\": must be boolean",
        ),
    ] {
        let (status, _, text) = ask("metric_names", params).error();
        assert_eq!((status, text.as_str()), (400, wanted));
    }
    let (status, _, text) = ask("label_values", &[]).error();
    assert_eq!(
        (status, text.as_str()),
        (400, "missing required parameter \"label\"")
    );
}

#[test]
fn features_follow_the_settings() {
    let features = |sets: &[(&str, &str)]| start(sets).1.client.get("/api/v1/features", &[]).data();
    let plain = features(&[]);
    assert_eq!(plain["promql_functions"]["rate"], true);
    assert_eq!(plain["promql_functions"]["info"], false);
    assert_eq!(
        (&plain["promql"]["fill"], &plain["api"]["search"]),
        (&json!(false), &json!(false))
    );
    let all = features(&[
        ("features.promql_experimental_functions", "on"),
        ("features.promql_binop_fill_modifiers", "on"),
        ("features.search_api", "on"),
    ]);
    assert_eq!(all["promql_functions"]["info"], true);
    assert_eq!(
        (&all["promql"]["fill"], &all["api"]["search"]),
        (&json!(true), &json!(true))
    );
}

#[test]
fn the_api_describes_itself() {
    let (_dir, server) = start(&[]);
    let answer = server.client.get("/api/v1/openapi.yaml", &[]);
    assert_eq!(answer.header("content-type"), "application/yaml; charset=utf-8");
    assert!(
        answer.text().starts_with("openapi: \"3.1.0\"\ninfo:\n  title:"),
        "{}",
        answer.text()
    );
    let newer = server
        .client
        .get("/api/v1/openapi.yaml", &[("openapi_version", "3.2")]);
    assert!(newer.text().starts_with("openapi: \"3.2.0\"\n"));
    assert_eq!(
        server
            .client
            .get("/api/v1/openapi.yaml", &[("openapi_version", "2")])
            .status,
        400
    );
}

#[test]
fn own_metrics_are_answered_as_families() {
    let (_dir, server) = start(&[]);
    let params = [(
        "metric_name_pattern",
        "kymo_(ready|http_request_duration_seconds)",
    )];
    let families = server.client.get("/api/v1/status/self_metrics", &params).data();
    let names: Vec<_> = families
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["kymo_ready", "kymo_http_request_duration_seconds"]);
    assert_eq!(families[0]["metric"], json!([{"gauge": {"value": 1.0}}]));
    assert_eq!(
        (&families[0]["type"], &families[1]["type"]),
        (&json!("GAUGE"), &json!("HISTOGRAM"))
    );
    let buckets = families[1]["metric"][0]["histogram"]["bucket"]
        .as_array()
        .unwrap();
    assert_eq!(buckets.last().unwrap()["upperBound"], "Infinity");
    let wrong = server
        .client
        .get("/api/v1/status/self_metrics", &[("metric_name_pattern", "(")]);
    assert_eq!(wrong.status, 400);
}

#[test]
fn rules_and_scrape_pools_check_what_is_asked() {
    let (_dir, server) = start(&[]);
    let c = &server.client;
    let grafana = [
        ("type", "alert"),
        ("rule_name[]", "x"),
        ("exclude_alerts", "true"),
        ("group_limit", "5"),
    ];
    assert_eq!(c.get("/api/v1/rules", &grafana).data(), json!({"groups": []}));
    for (name, value, text) in [
        (
            "type",
            "x",
            "invalid parameter \"type\": not supported value \"x\"",
        ),
        (
            "group_limit",
            "0",
            "invalid parameter \"group_limit\": group_limit needs to be greater than 0",
        ),
        (
            "group_next_token",
            "a",
            "invalid parameter \"group_next_token\": group_limit needs to be present in order to paginate over the groups",
        ),
    ] {
        let (status, kind, got) = c.get("/api/v1/rules", &[(name, value)]).error();
        assert_eq!((status, kind.as_str(), got.as_str()), (400, "bad_data", text));
    }
    assert_eq!(c.get("/api/v1/alerts", &[]).data(), json!({"alerts": []}));
    assert_eq!(c.get("/api/v1/scrape_pools/config", &[]).status, 400);
    let (status, kind, _) = c
        .get("/api/v1/targets/relabel_steps", &[("scrapePool", "x")])
        .error();
    assert_eq!((status, kind.as_str()), (404, "not_found"));
}

#[test]
fn steps_have_their_own_statistics_where_the_feature_is_on() {
    let ask = |sets: &[(&str, &str)], stats: &str| {
        let (_dir, server) = start(sets);
        let params = [
            ("query", "http_requests_total"),
            ("start", "1700000000"),
            ("end", "1700000060"),
            ("step", "60"),
            ("stats", stats),
        ];
        server.client.get("/api/v1/query_range", &params).data()["stats"]["samples"].take()
    };
    let on = [("features.promql_per_step_stats", "on")];
    assert_eq!(ask(&[], "all").get("totalQueryableSamplesPerStep"), None);
    assert_eq!(ask(&on, "true").get("totalQueryableSamplesPerStep"), None);
    let per_step = ask(&on, "all")["totalQueryableSamplesPerStep"].take();
    assert_eq!(per_step, json!([[1_700_000_000.0, 1], [1_700_000_060.0, 1]]));
}

#[test]
fn notices_are_listed_and_followed() {
    let (_dir, server) = start(&[]);
    assert_eq!(server.client.get("/api/v1/notifications", &[]).data(), json!([]));
    let address = server.client.base().strip_prefix("http://").unwrap().to_owned();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    std::io::Write::write_all(
        &mut stream,
        b"GET /api/v1/notifications/live HTTP/1.1\r\nHost: kymo\r\n\r\n",
    )
    .unwrap();
    let mut head = [0; 15];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    // The stop is told, and then the stream ends.
    let stopping = std::thread::spawn(move || server.stop());
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("text/event-stream"), "{rest}");
    assert!(
        rest.contains("data: {\"text\":\"The server is stopping.\""),
        "{rest}"
    );
    stopping.join().unwrap();
}
