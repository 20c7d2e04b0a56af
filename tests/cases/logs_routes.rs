//! What else Loki's API has: statistics of answers, shards, rules, the legacy API, and status pages.

use kymo_tests::client::Client;
use kymo_tests::server::TestServer;
use serde_json::{Value, json};

/// 2023-11-14T22:13:20Z in nanoseconds.
const T: i64 = 1_700_000_000_000_000_000;

fn filled(client: &Client) {
    let values: Vec<Value> = (0..5)
        .map(|n| json!([(T + n * 1_000_000_000).to_string(), format!("line {n}")]))
        .collect();
    let body = json!({"streams": [{"stream": {"app": "web"}, "values": values}]});
    let headers = [("Content-Type", "application/json")];
    let answer = client.send("POST", "/loki/api/v1/push", &headers, body.to_string().as_bytes());
    assert_eq!(answer.status, 204, "{}", answer.text());
}

const RANGE: [(&str, &str); 2] = [("start", "1700000000"), ("end", "1700000060")];

fn asked(client: &Client, path: &str, more: &[(&str, &str)]) -> Value {
    let params: Vec<_> = RANGE.iter().chain(more).copied().collect();
    let answer = client.get(path, &params);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

/// Names of all members, nested ones with dots.
fn names(value: &Value, above: &str, out: &mut Vec<String>) {
    for (name, member) in value.as_object().unwrap() {
        let path = format!("{above}{name}");
        match member.is_object() {
            true => names(member, &format!("{path}."), out),
            false => out.push(path),
        }
    }
}

#[test]
fn statistics_have_every_field_and_true_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start(dir.path());
    filled(&server.client);
    let query = [("query", "{app=\"web\"} |~ \"[12]\"")];
    let answer = asked(&server.client, "/loki/api/v1/query_range", &query);
    let stats = &answer["data"]["stats"];
    let summary = &stats["summary"];
    assert_eq!(
        (&summary["totalLinesProcessed"], &summary["totalBytesProcessed"]),
        (&json!(5), &json!(30))
    );
    assert_eq!(
        (&summary["totalPostFilterLines"], &summary["totalEntriesReturned"]),
        (&json!(2), &json!(2))
    );
    assert!(summary["execTime"].as_f64().unwrap() > 0.0);
    assert_eq!(stats["querier"]["store"]["chunk"]["decompressedLines"], 5);
    let mut all = Vec::new();
    names(stats, "", &mut all);
    for name in [
        "summary.queueTime",
        "summary.splits",
        "querier.store.chunk.totalDuplicates",
        "querier.store.queryUsedV2Engine",
        "ingester.totalReached",
        "ingester.store.chunk.headChunkBytes",
        "cache.chunk.entriesFound",
        "cache.instantMetricResult.queryLengthServed",
        "index.usedBloomFilters",
    ] {
        assert!(all.iter().any(|one| one == name), "{name} is not in {all:?}");
    }
    let query = [("query", "count_over_time({app=\"web\"}[1m])"), ("step", "30")];
    let answer = asked(&server.client, "/loki/api/v1/query_range", &query);
    assert_eq!(answer["data"]["stats"]["summary"]["totalEntriesReturned"], 3);
}

#[test]
fn all_there_is_is_one_shard() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start(dir.path());
    filled(&server.client);
    let query = [("query", "{app=\"web\"}"), ("targetBytesPerShard", "600MB")];
    let answer = asked(&server.client, "/loki/api/v1/index/shards", &query);
    assert_eq!(answer["shards"].as_array().map(Vec::len), Some(1));
    let shard = &answer["shards"][0];
    assert_eq!(shard["bounds"], json!({"min": 0, "max": u64::MAX}));
    assert_eq!(
        (&shard["stats"]["streams"], &shard["stats"]["entries"]),
        (&json!(1), &json!(5))
    );
    let wrong = server.client.get(
        "/loki/api/v1/index/shards",
        &[("query", "{app=\"web\"} |= \"a\"")],
    );
    assert_eq!(
        (wrong.status, wrong.text().as_str()),
        (400, "only label matchers are supported")
    );
}

#[test]
fn there_are_no_rules() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start_with(dir.path(), &[("loki.listen", "127.0.0.1:0")]);
    for client in [&server.client, server.loki.as_ref().unwrap()] {
        let success = |data: Value| json!({"status": "success", "data": data, "errorType": "", "error": ""});
        let rules = client.get("/prometheus/api/v1/rules", &[("type", "alert")]);
        assert_eq!(
            (rules.status, rules.json()),
            (200, success(json!({"groups": []})))
        );
        let wrong = client.get("/prometheus/api/v1/rules", &[("type", "x")]);
        assert_eq!(
            (wrong.status, &wrong.json()["error"]),
            (400, &json!("not supported value \"x\""))
        );
        assert_eq!(
            client.get("/prometheus/api/v1/alerts", &[]).json(),
            success(json!({"alerts": []}))
        );
        for base in ["/loki/api/v1/rules", "/api/prom/rules"] {
            let answer = |method: &str, path: &str| {
                let answer = client.send(method, &format!("{base}{path}"), &[], b"");
                (answer.status, answer.text())
            };
            let is = |status: u16, text: &str| (status, text.to_owned());
            assert_eq!(answer("GET", ""), is(404, "no rule groups found"));
            assert_eq!(answer("GET", "/ns"), is(404, "no rule groups found"));
            assert_eq!(answer("GET", "/ns/group"), is(404, "group does not exist"));
            assert_eq!(answer("DELETE", "/ns"), is(404, "group namespace does not exist"));
            assert_eq!(answer("DELETE", "/ns/group"), is(404, "group does not exist"));
            assert_eq!(
                answer("POST", "/ns"),
                is(501, "rules over log lines are not supported")
            );
        }
    }
}

#[test]
fn the_first_api_is_answered_in_its_own_forms() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start(dir.path());
    let client = &server.client;
    filled(client);
    let query = [
        ("query", "{app=\"web\"}"),
        ("regexp", "[34]$"),
        ("direction", "forward"),
    ];
    let answer = asked(client, "/api/prom/query", &query);
    assert_eq!(
        answer["streams"],
        json!([{"labels": "{app=\"web\", detected_level=\"unknown\", service_name=\"web\"}", "entries": [
            {"ts": "2023-11-14T22:13:23Z", "line": "line 3"},
            {"ts": "2023-11-14T22:13:24Z", "line": "line 4"},
        ]}])
    );
    let wrong = client.get("/api/prom/query", &[("query", "rate({app=\"web\"}[1m])")]);
    assert_eq!(wrong.status, 400);
    assert_eq!(
        asked(client, "/api/prom/label", &[]),
        json!({"values": ["app", "service_name"]})
    );
    assert_eq!(
        asked(client, "/api/prom/label/app/values", &[]),
        json!({"values": ["web"]})
    );
    let series = asked(client, "/api/prom/series", &[("match", "{app=\"web\"}")]);
    assert_eq!(series["data"], json!([{"app": "web", "service_name": "web"}]));
}

#[test]
fn status_pages_are_there_or_say_why_not() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start_with(dir.path(), &[("loki.listen", "127.0.0.1:0")]);
    let client = server.loki.as_ref().unwrap();
    filled(client);
    let limits = client.get("/config/tenant/v1/limits", &[]);
    assert!(
        limits.status == 200 && limits.text().contains("max_entries: 5000\n"),
        "{}",
        limits.text()
    );
    assert!(
        client
            .get("/log_level", &[])
            .text()
            .contains("Current log level is ")
    );
    assert_eq!(
        client.send("POST", "/log_level?log_level=debug", &[], b"").status,
        501
    );
    assert_eq!(client.send("POST", "/flush", &[], b"").status, 204);
    for path in ["/ring", "/distributor/ring", "/memberlist"] {
        let answer = client.get(path, &[]);
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (404, "there are no rings: the server is one process")
        );
    }
    assert_eq!(client.get("/loki/api/v1/nowhere", &[]).status, 404);
}
