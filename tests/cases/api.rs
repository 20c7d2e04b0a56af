//! The Prometheus API apart from evaluation: envelope, parameters, methods, CORS, compression, status pages, and every
//! call Grafana's data source makes.

use std::io::Read;

use kymo_tests::server::TestServer;
use serde_json::{Value, json};
use tempfile::TempDir;

const NOW: i64 = 1_700_000_000_000;

fn start() -> (TempDir, TestServer) {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start(dir.path());
    for (name, job) in [("up", "a"), ("up", "b"), ("http.requests", "a")] {
        server
            .client
            .write_series(&[("__name__", name), ("job", job)], &[(NOW, 1.0)]);
    }
    (dir, server)
}

#[test]
fn label_endpoints_take_get_and_post_forms_matchers_and_limits() {
    let (_dir, server) = start();
    let c = &server.client;
    let grafana = [("start", "1699999000"), ("end", "1700001000"), ("limit", "40000")];
    for answer in [
        c.get("/api/v1/labels", &grafana),
        c.post("/api/v1/labels", &grafana),
    ] {
        assert_eq!(answer.data(), json!(["__name__", "job"]));
    }
    assert_eq!(
        c.get("/api/v1/label/job/values", &grafana).data(),
        json!(["a", "b"])
    );
    assert_eq!(
        c.get("/api/v1/label/U__job/values", &grafana).data(),
        json!(["a", "b"])
    );
    assert_eq!(c.get("/api/v1/label/absent/values", &[]).data(), json!([]));
    let matched = [("match[]", "{job=\"b\"}"), ("match[]", "{\"http.requests\"}")];
    let names = c.get("/api/v1/label/__name__/values", &matched).data();
    assert_eq!(names, json!(["http.requests", "up"]));
    let limited = c.get("/api/v1/label/job/values", &[("limit", "1")]).json();
    assert_eq!(limited["data"], json!(["a"]));
    assert_eq!(limited["warnings"], json!(["results truncated due to limit"]));
    assert_eq!(c.post("/api/v1/label/job/values", &[]).status, 405);
}

#[test]
fn series_needs_a_selector_that_selects() {
    let (_dir, server) = start();
    let c = &server.client;
    let wanted = json!([{"__name__": "up", "job": "a"}, {"__name__": "up", "job": "b"}]);
    assert_eq!(c.get("/api/v1/series", &[("match[]", "up")]).data(), wanted);
    assert_eq!(
        c.post("/api/v1/series", &[("match[]", "{__name__=~\"up\"}")])
            .data(),
        wanted
    );
    let error = |params: &[(&str, &str)]| c.get("/api/v1/series", params).error();
    assert_eq!(
        error(&[]),
        (
            400,
            "bad_data".to_owned(),
            "no match[] parameter provided".to_owned()
        )
    );
    let (status, _, text) = error(&[("match[]", "{job=~\".*\"}")]);
    assert_eq!(status, 400);
    assert!(
        text.contains("match[] must contain at least one non-empty matcher"),
        "{text}"
    );
    let (_, _, text) = error(&[("match[]", "up{")]);
    assert!(
        text.starts_with("invalid parameter \"match[]\": 1:4: parse error: "),
        "{text}"
    );
    let (_, _, text) = error(&[("match[]", "up"), ("start", "soon")]);
    assert_eq!(
        text,
        "invalid parameter \"start\": invalid time value for 'start': cannot parse \"soon\" to a valid timestamp"
    );
}

#[test]
fn times_restrict_series_to_data_that_may_be_there() {
    let (_dir, server) = start();
    let c = &server.client;
    assert_eq!(c.send("POST", "/api/v1/admin/flush", &[], b"").status, 200);
    let late = [("match[]", "up"), ("start", "1800000000")];
    assert_eq!(c.get("/api/v1/series", &late).data(), json!([]));
    let all = [("match[]", "up"), ("start", "-292273086-05-16T16:47:06Z")];
    assert_eq!(c.get("/api/v1/series", &all).data().as_array().unwrap().len(), 2);
}

#[test]
fn preflight_and_cors_headers() {
    let (_dir, server) = start();
    let c = &server.client;
    let origin = [("Origin", "https://grafana.example")];
    let preflight = c.send("OPTIONS", "/api/v1/query_range", &origin, b"");
    assert_eq!((preflight.status, preflight.body.len()), (204, 0));
    let answer = c.send("GET", "/api/v1/labels", &origin, b"");
    for answer in [&preflight, &answer] {
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(
            answer.header("access-control-allow-methods"),
            "GET, POST, OPTIONS"
        );
        assert_eq!(
            answer.header("access-control-allow-headers"),
            "Accept, Authorization, Content-Type, Origin"
        );
        assert_eq!(answer.header("access-control-expose-headers"), "Date");
        assert!(answer.header("vary").contains("Origin"));
    }
    let without = c.get("/api/v1/labels", &[]);
    assert!(without.header("vary").contains("Origin"));
    assert_eq!(without.header("access-control-allow-origin"), "");
    assert_eq!(without.header("content-type"), "application/json");
}

#[test]
fn a_configured_origin_is_echoed_and_others_are_not() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), &[("web.cors_origin", "https://(a|b)\\.example")]);
    let allowed = |origin: &str| {
        let answer = server
            .client
            .send("GET", "/api/v1/labels", &[("Origin", origin)], b"");
        answer.header("access-control-allow-origin")
    };
    assert_eq!(allowed("https://a.example"), "https://a.example");
    assert_eq!(allowed("https://a.example.evil"), "");
}

#[test]
fn answers_are_compressed_in_the_first_accepted_coding() {
    let (_dir, server) = start();
    let c = &server.client;
    let raw = c.send(
        "GET",
        "/api/v1/status/flags",
        &[("Accept-Encoding", "identity")],
        b"",
    );
    assert_eq!(raw.header("content-encoding"), "");
    for (accepted, coding) in [
        ("gzip, deflate", "gzip"),
        ("deflate, gzip", "deflate"),
        ("gzip;q=0, deflate", "deflate"),
    ] {
        let answer = c.send(
            "GET",
            "/api/v1/status/flags",
            &[("Accept-Encoding", accepted)],
            b"",
        );
        assert_eq!(answer.header("content-encoding"), coding, "{accepted}");
        assert!(answer.header("vary").contains("Accept-Encoding"));
        let mut plain = Vec::new();
        match coding {
            "gzip" => flate2::read::GzDecoder::new(&answer.body[..]).read_to_end(&mut plain),
            _ => flate2::read::ZlibDecoder::new(&answer.body[..]).read_to_end(&mut plain),
        }
        .unwrap();
        assert_eq!(plain, raw.body);
    }
}

#[test]
fn status_pages_have_the_shapes_grafana_reads() {
    let (_dir, server) = start();
    let c = &server.client;
    let build = c.get("/api/v1/status/buildinfo", &[]).data();
    let keys: Vec<&String> = build.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "version",
            "revision",
            "branch",
            "buildUser",
            "buildDate",
            "goVersion"
        ]
    );
    let version: Vec<_> = build["version"].as_str().unwrap().split('.').collect();
    assert!(
        version.len() == 3 && version.iter().all(|n| n.parse::<u32>().is_ok()),
        "semver"
    );
    assert_eq!(version[0], "3");

    let runtime = c.get("/api/v1/status/runtimeinfo", &[]).data();
    for key in [
        "startTime",
        "CWD",
        "serverTime",
        "reloadConfigSuccess",
        "GOMAXPROCS",
        "storageRetention",
    ] {
        assert!(runtime.get(key).is_some(), "{key}");
    }
    let flags = c.get("/api/v1/status/flags", &[]).data();
    assert!(flags.as_object().unwrap().values().all(Value::is_string));
    assert_eq!(flags["query.lookback-delta"], "5m");
    let yaml = c.get("/api/v1/status/config", &[]).data();
    assert!(yaml["yaml"].as_str().unwrap().contains("retention:"));
    assert_eq!(
        c.get("/api/v1/status/walreplay", &[]).data(),
        json!({"min": 0, "max": 1, "current": 1})
    );
}

#[test]
fn tsdb_status_counts_series() {
    let (_dir, server) = start();
    let c = &server.client;
    let tsdb = c.get("/api/v1/status/tsdb", &[]).data();
    assert_eq!(
        (
            &tsdb["headStats"]["numSeries"],
            &tsdb["headStats"]["numLabelPairs"]
        ),
        (&json!(3), &json!(4))
    );
    assert_eq!(
        tsdb["seriesCountByMetricName"],
        json!([{"name": "up", "value": 2}, {"name": "http.requests", "value": 1}])
    );
    let one = c.get("/api/v1/status/tsdb", &[("limit", "1")]).data();
    assert_eq!(one["seriesCountByLabelValuePair"].as_array().unwrap().len(), 1);
    for limit in ["0", "-1", "x", "10001"] {
        assert_eq!(
            c.get("/api/v1/status/tsdb", &[("limit", limit)]).error().0,
            400,
            "{limit}"
        );
    }
    assert_eq!(
        c.get("/api/v1/status/tsdb/blocks", &[]).data(),
        json!({"blocks": []})
    );
}

#[test]
fn things_a_push_only_server_has_not_are_empty_but_well_formed() {
    let (_dir, server) = start();
    let c = &server.client;
    // Grafana sends the spellings of Prometheus and of Mimir at once.
    let rules = [
        ("type", "alert"),
        ("file[]", "x"),
        ("rule_group", "y"),
        ("exclude_alerts", "true"),
    ];
    assert_eq!(c.get("/api/v1/rules", &rules).data(), json!({"groups": []}));
    assert_eq!(c.get("/api/v1/alerts", &[]).data(), json!({"alerts": []}));
    assert_eq!(
        c.get("/api/v1/targets", &[("state", "active")]).data(),
        json!({"activeTargets": [], "droppedTargets": [], "droppedTargetCounts": {}})
    );
    let managers = c.get("/api/v1/alertmanagers", &[]).data();
    assert_eq!(
        managers,
        json!({"activeAlertmanagers": [], "droppedAlertmanagers": []})
    );
}

#[test]
fn functions_that_prometheus_has_switched_off_are_refused_in_its_words() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), &[("web.admin_api", "off")]);
    let c = &server.client;
    let delete = c.send("POST", "/api/v1/admin/tsdb/delete_series?match[]=up", &[], b"");
    let wanted = (500, "unavailable".to_owned(), "admin APIs disabled".to_owned());
    assert_eq!(delete.error(), wanted);
    assert_eq!(
        c.send("PUT", "/api/v1/admin/tsdb/snapshot", &[], b"").error(),
        wanted
    );
    let reload = c.send("POST", "/-/reload", &[], b"");
    assert_eq!(
        (reload.status, reload.text().as_str()),
        (403, "Lifecycle API is not enabled.\n")
    );
    assert_eq!(c.get("/-/quit", &[]).status, 405);
}

#[test]
fn unknown_paths_are_404_and_json_under_the_api() {
    let (_dir, server) = start();
    let (status, kind, _) = server.client.get("/api/v1/nonsense", &[]).error();
    assert_eq!((status, kind.as_str()), (404, "not_found"));
    assert_eq!(server.client.get("/nonsense", &[]).status, 404);
    // Grafana looks for a ruler under these and must not find one.
    assert_eq!(server.client.get("/config/v1/rules", &[]).status, 404);
}

#[test]
fn health_pages_answer_get_and_head() {
    let (_dir, server) = start();
    for (path, text) in [
        ("/-/healthy", "Prometheus Server is Healthy.\n"),
        ("/-/ready", "Prometheus Server is Ready.\n"),
    ] {
        assert_eq!(server.client.get(path, &[]).text(), text);
        let head = server.client.send("HEAD", path, &[], b"");
        assert_eq!((head.status, head.body.len()), (200, 0));
    }
    assert_eq!(server.client.get("/version", &[]).json()["version"], "3.14.0");
    let metrics = server.client.get("/metrics", &[]).text();
    for name in [
        "kymo_ingest_samples_total 3\n",
        "kymo_head_series{tenant=\"default\"} 3\n",
        "kymo_ready 1\n",
    ] {
        assert!(metrics.contains(name), "{name}{metrics}");
    }
}

#[test]
fn exemplars_of_any_time_are_an_empty_success() {
    let (_dir, server) = start();
    let c = &server.client;
    // Grafana's probe sends milliseconds where seconds are expected.
    let probe = [
        ("query", "test"),
        ("start", "1795261840000"),
        ("end", "1795265440000"),
    ];
    let answer = c.get("/api/v1/query_exemplars", &probe);
    assert_eq!(answer.text(), "{\"status\":\"success\",\"data\":[]}");
    assert_eq!(c.post("/api/v1/query_exemplars", &probe).data(), json!([]));
    let nothing = c.get("/api/v1/query_exemplars", &[("query", "1")]);
    assert_eq!((nothing.status, nothing.body.len()), (204, 0));
    let backwards = [("query", "up"), ("start", "2"), ("end", "1")];
    assert_eq!(c.get("/api/v1/query_exemplars", &backwards).error().0, 400);
}

#[test]
fn queries_are_formatted_and_parsed() {
    let (_dir, server) = start();
    let c = &server.client;
    let text = "sum by(job)(rate(http_requests_total{code=~\"5..\"}[5m]offset 1h))>bool 1";
    let formatted = c.get("/api/v1/format_query", &[("query", text)]).data();
    let again = c
        .post("/api/v1/format_query", &[("query", formatted.as_str().unwrap())])
        .data();
    assert_eq!(formatted, again);
    let tree = c.get("/api/v1/parse_query", &[("query", text)]).data();
    assert_eq!(
        (&tree["type"], &tree["op"], &tree["bool"]),
        (&json!("binaryExpr"), &json!(">"), &json!(true))
    );
    let sum = &tree["lhs"];
    assert_eq!(
        (&sum["type"], &sum["grouping"]),
        (&json!("aggregation"), &json!(["job"]))
    );
    let selector = &sum["expr"]["args"][0];
    assert_eq!(
        (&selector["type"], &selector["range"], &selector["offset"]),
        (&json!("matrixSelector"), &json!(300_000), &json!(3_600_000))
    );
    assert_eq!(
        selector["matchers"][0],
        json!({"name": "code", "value": "5..", "type": "=~"})
    );
    let (status, kind, error) = c.get("/api/v1/format_query", &[("query", "sum(")]).error();
    assert_eq!((status, kind.as_str()), (400, "bad_data"));
    assert!(
        error.starts_with("invalid parameter \"query\": 1:5: parse error: "),
        "{error}"
    );
}
