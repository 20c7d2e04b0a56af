//! Log lines over real sockets: Loki's push and OTLP in, Loki's API out, from the head and from blocks alike.

use kymo_proto::loki::PushEncoder;
use kymo_proto::snappy;
use kymo_tests::client::{Answer, Client};
use kymo_tests::server::TestServer;
use serde_json::{Value, json};

/// 2023-11-14T22:13:20Z in nanoseconds.
const T: i64 = 1_700_000_000_000_000_000;

const SECOND: i64 = 1_000_000_000;

fn push_json(client: &Client, body: &Value) -> Answer {
    let headers = [("Content-Type", "application/json")];
    client.send("POST", "/loki/api/v1/push", &headers, body.to_string().as_bytes())
}

/// Ten lines of two streams, one second apart.
fn filled(client: &Client) {
    let mut encoder = PushEncoder::default();
    for app in ["web", "db"] {
        let lines: Vec<String> = (0..5).map(|n| format!("level=info app={app} n={n}")).collect();
        let metadata = [("trace_id", "0af7651916cd43dd8448eb211c80319c")];
        let entries = lines
            .iter()
            .enumerate()
            .map(|(n, line)| (T + n as i64 * SECOND, line.as_bytes(), metadata.as_slice()));
        encoder.stream(&format!("{{app=\"{app}\", env=\"prod\"}}"), entries);
    }
    let headers = [("Content-Type", "application/x-protobuf")];
    let body = snappy::compress(&encoder.finish());
    let answer = client.send("POST", "/loki/api/v1/push", &headers, &body);
    assert_eq!((answer.status, answer.text().as_str()), (204, ""));
}

const RANGE: [(&str, &str); 2] = [("start", "1700000000"), ("end", "1700000060")];

fn asked(client: &Client, path: &str, more: &[(&str, &str)]) -> Value {
    let params: Vec<_> = RANGE.iter().chain(more).copied().collect();
    let answer = client.get(path, &params);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

/// Asks everything that does not look at lines.
fn check_catalogue(client: &Client) {
    let get = |path: &str, more: &[(&str, &str)]| asked(client, path, more);
    let success = |data: Value| json!({"status": "success", "data": data});
    let names = success(json!(["app", "env", "service_name"]));
    assert_eq!(get("/loki/api/v1/labels", &[]), names);
    assert_eq!(get("/loki/api/v1/label", &[]), names);
    let values = "/loki/api/v1/label/app/values";
    assert_eq!(get(values, &[]), success(json!(["db", "web"])));
    assert_eq!(
        get(values, &[("query", "{app=~\"w.*\"}")]),
        success(json!(["web"]))
    );
    assert_eq!(
        get("/loki/api/v1/label/__stream_shard__/values", &[]),
        json!({"status": "success"})
    );
    let web = json!({"app": "web", "env": "prod", "service_name": "web"});
    let series = get("/loki/api/v1/series", &[("match[]", "{app=\"web\"}")]);
    assert_eq!(series, success(json!([web])));
    // Two pairs of metadata with each line.
    let metadata = "trace_id".len() + 32 + "detected_level".len() + "info".len();
    let bytes = 5 * ("level=info app=web n=0".len() + "level=info app=db n=0".len() + 2 * metadata);
    assert_eq!(
        get("/loki/api/v1/index/stats", &[("query", "{env=\"prod\"}")]),
        json!({"streams": 2, "chunks": 2, "bytes": bytes, "entries": 10})
    );
    let volume = get(
        "/loki/api/v1/index/volume",
        &[("query", "{app=~\".+\"}"), ("targetLabels", "app")],
    );
    let end = 1_700_000_060;
    assert_eq!(
        volume["data"]["result"],
        json!([
            {"metric": {"app": "web"}, "value": [end, "400"]},
            {"metric": {"app": "db"}, "value": [end, "395"]},
        ])
    );
    let of = [
        ("query", "{app=\"web\"}"),
        ("step", "2"),
        ("aggregateBy", "labels"),
        ("targetLabels", "env"),
    ];
    let points = get("/loki/api/v1/index/volume_range", &of);
    assert_eq!(points["data"]["resultType"], "matrix");
    assert_eq!(
        points["data"]["result"],
        json!([{"metric": {"env": ""}, "values": [[1_700_000_002, "160"], [1_700_000_004, "160"], [1_700_000_006, "80"]]}])
    );
    let detected = get("/loki/api/v1/detected_labels", &[("query", "")]);
    assert_eq!(
        detected["detectedLabels"][0],
        json!({"label": "app", "cardinality": 2})
    );
}

fn check_lines(client: &Client) {
    let query = [("query", "{app=\"web\"} |= \"n=\" | logfmt n"), ("limit", "2")];
    let found = asked(client, "/loki/api/v1/query_range", &query);
    assert_eq!(found["data"]["resultType"], "streams");
    let streams = found["data"]["result"].as_array().unwrap();
    assert_eq!(streams.len(), 2, "{found}");
    assert_eq!(
        streams[0],
        json!({"stream": {"app": "web", "detected_level": "info", "env": "prod", "n": "3", "service_name": "web",
                "trace_id": "0af7651916cd43dd8448eb211c80319c"},
            "values": [[(T + 3 * SECOND).to_string(), "level=info app=web n=3"]]})
    );
    assert_eq!(found["data"]["stats"]["summary"]["totalEntriesReturned"], 2);
    let params: Vec<_> = RANGE.iter().chain(&query).copied().collect();
    let encoded: Vec<_> = params
        .iter()
        .map(|(n, v)| {
            format!(
                "{n}={}",
                form_urlencoded::byte_serialize(v.as_bytes()).collect::<String>()
            )
        })
        .collect();
    let path = format!("/loki/api/v1/query_range?direction=forward&{}", encoded.join("&"));
    let headers = [("X-Loki-Response-Encoding-Flags", "categorize-labels")];
    let flagged = client.send("GET", &path, &headers, b"");
    let text = flagged.text();
    assert!(text.find("encodingFlags") < text.find("\"result\""), "{text}");
    assert_eq!(
        flagged.json()["data"]["result"],
        json!([{"stream": {"app": "web", "env": "prod", "service_name": "web"}, "values": [
            [T.to_string(), "level=info app=web n=0",
                {"structuredMetadata": {"detected_level": "info", "trace_id": "0af7651916cd43dd8448eb211c80319c"}, "parsed": {"n": "0"}}],
            [(T + SECOND).to_string(), "level=info app=web n=1",
                {"structuredMetadata": {"detected_level": "info", "trace_id": "0af7651916cd43dd8448eb211c80319c"}, "parsed": {"n": "1"}}],
        ]}])
    );
}

fn check_numbers(client: &Client) {
    let counted = asked(
        client,
        "/loki/api/v1/query_range",
        &[
            ("query", "sum by (app) (count_over_time({env=\"prod\"}[2s]))"),
            ("step", "30"),
        ],
    );
    assert_eq!(counted["data"]["resultType"], "matrix");
    assert_eq!(
        counted["data"]["result"],
        json!([
            {"metric": {"app": "db"}, "values": [[1_700_000_000, "1"]]},
            {"metric": {"app": "web"}, "values": [[1_700_000_000, "1"]]},
        ])
    );
    let at = [
        ("query", "sum(count_over_time({env=\"prod\"}[1m]))"),
        ("time", "1700000030"),
    ];
    let one = client.get("/loki/api/v1/query", &at).json();
    assert_eq!(
        one["data"]["result"],
        json!([{"metric": {}, "value": [1_700_000_030, "10"]}])
    );
}

#[test]
fn lines_are_found_at_once_and_after_they_are_in_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start_with(dir.path(), &[("loki.listen", "127.0.0.1:0")]);
    filled(&server.client);
    for client in [&server.client, server.loki.as_ref().unwrap()] {
        check_catalogue(client);
        check_lines(client);
        check_numbers(client);
    }
    server.client.send("POST", "/api/v1/admin/flush", &[], b"");
    check_catalogue(&server.client);
    check_lines(&server.client);
    check_numbers(&server.client);
}

#[test]
fn the_health_check_of_grafana_is_answered_even_by_an_empty_server() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start_with(dir.path(), &[("loki.listen", "127.0.0.1:0")]);
    let client = server.loki.as_ref().unwrap();
    let params = [
        ("query", "vector(1)+vector(1)"),
        ("direction", "backward"),
        ("time", "4000000000"),
    ];
    let answer = client.get("/loki/api/v1/query", &params).json();
    assert_eq!(answer["data"]["resultType"], "vector");
    assert_eq!(
        answer["data"]["result"],
        json!([{"metric": {}, "value": [4_000_000_000_i64, "2"]}])
    );
    assert_eq!(client.get("/ready", &[]).text(), "ready\n");
    assert_eq!(
        client.get("/loki/api/v1/status/buildinfo", &[]).json()["version"],
        "3.8.0"
    );
    assert_eq!(
        client.get("/loki/api/v1/labels", &[]).json(),
        json!({"status": "success"})
    );
    assert_eq!(
        client.get("/loki/api/v1/series", &[]).json(),
        json!({"status": "success", "data": []})
    );
    assert!(client.get("/config", &[]).text().contains("loki:"));
}

/// Path, parameters, status and text.
type Wrong = (
    &'static str,
    &'static [(&'static str, &'static str)],
    u16,
    &'static str,
);

#[test]
fn wrong_questions_are_answered_in_the_words_of_loki() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start(dir.path());
    let range = "/loki/api/v1/query_range";
    let cases: [Wrong; 8] = [
        (
            range,
            &[("query", "{a=\"b\"")],
            400,
            "parse error at line 1, col 7: syntax error: unexpected $end, expecting } or ,",
        ),
        (
            "/loki/api/v1/query",
            &[("query", "{a=\"b\"}")],
            400,
            "log queries are not supported as an instant query type, please change your query to a range query type",
        ),
        (
            range,
            &[("query", "{a=\"b\"}"), ("limit", "0")],
            400,
            "limit must be a positive value",
        ),
        (
            range,
            &[("query", "{a=\"b\"}"), ("direction", "up")],
            400,
            "invalid direction 'up'",
        ),
        (
            range,
            &[("query", "{a=\"b\"}"), ("start", "2"), ("end", "1")],
            400,
            "end timestamp must not be before or equal to start time",
        ),
        (
            "/loki/api/v1/labels",
            &[("query", "{a=\"b\"} |= \"x\"")],
            400,
            "only label matchers are supported",
        ),
        (
            "/loki/api/v1/index/volume",
            &[("query", "{a=\"b\"}"), ("aggregateBy", "x")],
            400,
            "invalid aggregation option",
        ),
        (
            "/loki/api/v1/nothing",
            &[],
            404,
            "no such endpoint: GET /loki/api/v1/nothing",
        ),
    ];
    for (path, params, status, text) in cases {
        let answer = server.client.get(path, params);
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (status, text),
            "{path} {params:?}"
        );
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
}

#[test]
fn pushes_are_checked_entry_by_entry() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start_with(dir.path(), &[("logs.line_size", "8")]);
    let client = &server.client;
    let body = json!({"streams": [{"stream": {"a": "b"}, "values": [[T.to_string(), "good"], [T.to_string(), "far too long"]]}]});
    let answer = push_json(client, &body);
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (
            400,
            "max entry size '8' bytes exceeded for stream '{a=\"b\", service_name=\"unknown_service\"}' while adding an entry with length '12' bytes\n"
        )
    );
    assert_eq!(asked(client, "/loki/api/v1/index/stats", &[])["entries"], 1);
    let metrics = client.get("/metrics", &[]).text();
    assert!(metrics.contains("kymo_ingest_rejected_log_entries_total{reason=\"line_too_long\"} 1"));
    assert_eq!(push_json(client, &json!({"streams": []})).status, 422);
    let times_are_strings = json!({"streams": [{"stream": {"a": "b"}, "values": [[1, "x"]]}]});
    assert_eq!(push_json(client, &times_are_strings).status, 400);
    let post =
        |headers: &[(&str, &str)], body: &[u8]| client.send("POST", "/loki/api/v1/push", headers, body);
    assert_eq!(post(&[], b"x").text(), "mime: no media type\n");
    let coded = post(
        &[("Content-Type", "application/json"), ("Content-Encoding", "br")],
        b"x",
    );
    assert_eq!(
        (coded.status, coded.text().as_str()),
        (400, "Content-Encoding \"br\" not supported\n")
    );
}

#[test]
fn bodies_come_compressed() {
    use std::io::Write;
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start(dir.path());
    let body = |line: &str| {
        json!({"streams": [{"stream": {"a": "b"}, "values": [[T.to_string(), line]]}]}).to_string()
    };
    let fast = flate2::Compression::fast();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), fast);
    gzip.write_all(body("gzip").as_bytes()).unwrap();
    let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), fast);
    raw.write_all(body("raw").as_bytes()).unwrap();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), fast);
    zlib.write_all(body("zlib").as_bytes()).unwrap();
    let all = [
        ("gzip", gzip.finish().unwrap()),
        ("deflate", raw.finish().unwrap()),
        ("deflate", zlib.finish().unwrap()),
    ];
    for (coding, bytes) in all {
        let headers = [
            ("Content-Type", "application/json; charset=utf-8"),
            ("Content-Encoding", coding),
        ];
        assert_eq!(
            server
                .client
                .send("POST", "/loki/api/v1/push", &headers, &bytes)
                .status,
            204
        );
    }
    assert_eq!(
        asked(&server.client, "/loki/api/v1/index/stats", &[])["entries"],
        3
    );
}

const OTLP: &str = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
    "scopeLogs":[{"logRecords":[{"timeUnixNano":"1700000000000000000","severityText":"ERROR","body":{"stringValue":"boom"}}]}]}]}"#;

#[test]
fn otlp_is_taken_at_its_own_path_and_at_that_of_loki() {
    let dir = tempfile::tempdir().unwrap();
    let sets = [
        ("otlp.http_listen", "127.0.0.1:0"),
        ("loki.listen", "127.0.0.1:0"),
        ("logs.line_size", "4"),
    ];
    let server = TestServer::start_with(dir.path(), &sets);
    let headers = [("Content-Type", "application/json")];
    let own = server.otlp_http.as_ref().unwrap();
    let answer = own.send("POST", "/v1/logs", &headers, OTLP.as_bytes());
    assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
    let long = OTLP.replace("boom", "a long line");
    let partial = own.send("POST", "/v1/logs", &headers, long.as_bytes()).json();
    assert_eq!(partial["partialSuccess"]["rejectedLogRecords"], "1");
    let loki = server.loki.as_ref().unwrap();
    let answer = loki.send(
        "POST",
        "/otlp/v1/logs",
        &headers,
        OTLP.replace("boom", "bang").as_bytes(),
    );
    assert_eq!((answer.status, answer.text().as_str()), (204, ""));
    assert_eq!(
        loki.send("POST", "/otlp/v1/logs", &headers, long.as_bytes())
            .status,
        400
    );
    let wrong = loki.send("POST", "/otlp/v1/logs", &[("Content-Type", "text/plain")], b"x");
    assert_eq!(wrong.status, 400);
    assert!(wrong.text().contains("content type: text/plain is not supported"));
    let found = asked(
        loki,
        "/loki/api/v1/query_range",
        &[("query", "{service_name=\"shop\"} | detected_level=\"error\"")],
    );
    let lines: Vec<_> = found["data"]["result"][0]["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v[1].clone())
        .collect();
    assert_eq!(lines, ["bang", "boom"]);
}

#[test]
fn fields_are_found_in_lines_and_metadata() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start(dir.path());
    let line = r#"{"status":200,"http":{"took":"3ms"},"service_name":"other"}"#;
    let values = [
        json!([T.to_string(), line, {"user": "u1"}]),
        json!([T.to_string(), "status=201 msg=\"a b\""]),
    ];
    let body = json!({"streams": [{"stream": {"service_name": "s"}, "values": values}]});
    assert_eq!(push_json(&server.client, &body).status, 204);
    let query = [("query", "{service_name=\"s\"}")];
    let found = asked(&server.client, "/loki/api/v1/detected_fields", &query);
    assert_eq!(found["limit"], 1000);
    let fields = found["fields"].as_array().unwrap();
    let of = |name: &str| {
        fields
            .iter()
            .find(|field| field["label"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(
        of("status"),
        json!({"label": "status", "type": "int", "cardinality": 2, "parsers": ["json", "logfmt"], "jsonPath": ["status"]})
    );
    assert_eq!(
        of("http_took"),
        json!({"label": "http_took", "type": "duration", "cardinality": 1, "parsers": ["json"], "jsonPath": ["http", "took"]})
    );
    assert_eq!(
        of("user"),
        json!({"label": "user", "type": "string", "cardinality": 1, "parsers": null})
    );
    assert_eq!(of("service_name_extracted")["cardinality"], 1);
    let values = asked(
        &server.client,
        "/loki/api/v1/detected_field/status/values",
        &query,
    );
    assert_eq!(values, json!({"values": ["200", "201"], "limit": 1000}));
}

#[test]
fn a_tracking_id_leads_to_its_lines() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start(dir.path());
    filled(&server.client);
    let other = json!({"streams": [{"stream": {"app": "other"}, "values": [
        [(T - SECOND).to_string(), "in the line: 0AF7651916CD43DD8448EB211C80319C"], [T.to_string(), "not this one"]]}]});
    assert_eq!(push_json(&server.client, &other).status, 204);
    let check = || {
        let found = server
            .client
            .get("/api/v1/track/0af7651916cd43dd8448eb211c80319c", &[])
            .data();
        let logs = found["logs"].as_array().unwrap().clone();
        assert_eq!((&found["trace"], logs.len()), (&Value::Null, 11));
        assert_eq!(logs[0]["line"], "in the line: 0AF7651916CD43DD8448EB211C80319C");
        assert_eq!(logs[1]["labels"]["app"], "db");
        assert_eq!(logs[1]["structuredMetadata"]["detected_level"], "info");
    };
    check();
    server.client.send("POST", "/api/v1/admin/flush", &[], b"");
    check();
    assert_eq!(
        server
            .client
            .get("/api/v1/track/1af7651916cd43dd8448eb211c80319c", &[])
            .status,
        404
    );
}
