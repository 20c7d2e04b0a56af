//! What comes beside floats and what takes samples away again, over a whole server: exemplars, metadata, deletions,
//! snapshots, cardinality, each in the head, in blocks, after a merge and after a restart.

use kymo_proto::histogram::{Buckets, Count, Histogram, Span};
use kymo_proto::remote_write::RequestEncoder;
use kymo_tests::client::Client;
use kymo_tests::server::TestServer;
use serde_json::{Value, json};
use tempfile::TempDir;

const NOW: i64 = 1_700_000_000_000;
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn settle(c: &Client) {
    c.post("/api/v1/admin/flush", &[]).data();
    c.post("/api/v1/admin/compact", &[("wait", "true")]).data();
}

/// Runs a check in the head, after a flush, after a merge and after a restart.
fn in_every_layout(dir: &TempDir, server: TestServer, check: impl Fn(&Client)) -> TestServer {
    check(&server.client);
    server.client.post("/api/v1/admin/flush", &[]).data();
    check(&server.client);
    settle(&server.client);
    check(&server.client);
    server.stop();
    let server = TestServer::start(dir.path());
    check(&server.client);
    server
}

#[test]
fn exemplars_and_metadata_are_kept_for_good() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start(dir.path());
    let mut request = RequestEncoder::default();
    for (i, job) in ["a", "b"].into_iter().enumerate() {
        let time = NOW + 1000 * i as i64;
        let labels = [("__name__", "request_seconds_bucket"), ("job", job), ("le", "1")];
        request.exemplar(labels, (time, 0.5), &[("trace_id", TRACE), ("user", "x y")]);
    }
    request.metadata(3, "request_seconds", "How long \"it\" takes.", "seconds");
    server.client.write(&request);
    let server = in_every_layout(&dir, server, |c| {
        let query = "histogram_quantile(0.9, rate(request_seconds_bucket{job=\"b\"}[5m])) > 1";
        let found = c.get(
            "/api/v1/query_exemplars",
            &[("query", query), ("start", "1700000000"), ("end", "1700000010")],
        );
        let wanted = json!([{
            "seriesLabels": {"__name__": "request_seconds_bucket", "job": "b", "le": "1"},
            "exemplars": [
                {"labels": {"trace_id": TRACE, "user": "x y"}, "value": "0.5", "timestamp": 1_700_000_001_i64}
            ],
        }]);
        assert_eq!(found.data(), wanted);
        let both = [(
            "query",
            "request_seconds_bucket + on() request_seconds_bucket{job=\"a\"}",
        )];
        assert_eq!(
            c.get("/api/v1/query_exemplars", &both)
                .data()
                .as_array()
                .unwrap()
                .len(),
            2
        );
        let past = [("query", "request_seconds_bucket"), ("end", "1699999999")];
        assert_eq!(c.get("/api/v1/query_exemplars", &past).data(), json!([]));
        let said = c.get("/api/v1/metadata", &[]).data();
        assert_eq!(
            said["request_seconds"],
            json!([{"type": "histogram", "help": "How long \"it\" takes.", "unit": "seconds"}])
        );
    });
    server.stop();
}

fn values(c: &Client) -> Value {
    c.get("/api/v1/label/job/values", &[]).data()
}

fn count(c: &Client, selector: &str) -> usize {
    let params = [("query", &*format!("{selector}[1h]")), ("time", "1700000600")];
    let result = &c.get("/api/v1/query", &params).data()["result"];
    let series = result.as_array().unwrap().iter();
    series.map(|s| s["values"].as_array().unwrap().len()).sum()
}

#[test]
fn deleted_series_are_invisible_at_once_and_gone_after_cleaning() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start(dir.path());
    let c = &server.client;
    for job in ["a", "b", "c"] {
        let samples: Vec<(i64, f64)> = (0..60).map(|i| (NOW + i * 10_000, i as f64)).collect();
        c.write_series(&[("__name__", "up"), ("job", job)], &samples);
    }
    let delete = |params: &[(&str, &str)]| {
        let answer = c.post("/api/v1/admin/tsdb/delete_series", params);
        assert_eq!((answer.status, answer.body.len()), (204, 0), "{}", answer.text());
    };
    delete(&[("match[]", "up{job=\"a\"}")]);
    delete(&[
        ("match[]", "up{job=\"b\"}"),
        ("start", "1700000000"),
        ("end", "1700000100"),
    ]);
    assert_eq!(values(c), json!(["b", "c"]));
    assert_eq!(
        c.get("/api/v1/series", &[("match[]", "{job=~\".+\"}")])
            .data()
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        (
            count(c, "up{job=\"a\"}"),
            count(c, "up{job=\"b\"}"),
            count(c, "up{job=\"c\"}")
        ),
        (0, 49, 60)
    );
    assert_eq!(c.post("/api/v1/admin/tsdb/delete_series", &[]).error().0, 400);
    assert_eq!(
        c.post("/api/v1/admin/tsdb/delete_series", &[("match[]", "{")])
            .error()
            .0,
        400
    );
    // What is written after a deletion stays, at a deleted time too.
    c.write_series(&[("__name__", "up"), ("job", "a")], &[(NOW, 7.0)]);
    let server = in_every_layout(&dir, server, |c| {
        assert_eq!(values(c), json!(["a", "b", "c"]));
        assert_eq!((count(c, "up{job=\"a\"}"), count(c, "up{job=\"b\"}")), (1, 49));
    });
    let cleaned = server
        .client
        .send("PUT", "/api/v1/admin/tsdb/clean_tombstones", &[], b"");
    assert_eq!(cleaned.status, 204);
    let blocks = server.client.get("/api/v1/admin/blocks", &[]).data();
    let samples: u64 = blocks["blocks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| b["samples"].as_u64().unwrap())
        .sum();
    assert_eq!(samples, 1 + 49 + 60);
    assert_eq!(count(&server.client, "up"), 110);
    server.stop();
}

#[test]
fn a_snapshot_serves_as_a_data_directory() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start(dir.path());
    let c = &server.client;
    c.write_series(&[("__name__", "up"), ("job", "a")], &[(NOW, 1.0)]);
    let name = c.post("/api/v1/admin/tsdb/snapshot", &[]).data()["name"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(name.len() > 20 && name.as_bytes()[8] == b'T', "{name}");
    c.write_series(&[("__name__", "up"), ("job", "b")], &[(NOW, 1.0)]);
    assert_eq!(
        c.post("/api/v1/admin/tsdb/snapshot", &[("skip_head", "perhaps")])
            .error()
            .0,
        400
    );
    let copy = TestServer::start(&dir.path().join("snapshots").join(&name));
    assert_eq!(values(&copy.client), json!(["a"]));
    copy.stop();
    server.stop();
}

#[test]
fn cardinality_is_counted_by_match_and_time() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start(dir.path());
    let day = 86_400_000;
    for (i, job) in ["a", "b", "c"].into_iter().enumerate() {
        let labels = [("__name__", "up"), ("job", job)];
        server
            .client
            .write_series(&labels, &[(NOW - day * i as i64, 1.0)]);
    }
    let server = in_every_layout(&dir, server, |c| {
        let series = |params: &[(&str, &str)]| {
            let data = c.get("/api/v1/status/tsdb", params).data();
            (
                data["headStats"]["numSeries"].as_u64().unwrap(),
                data["seriesCountByMetricName"].clone(),
            )
        };
        assert_eq!(series(&[]), (3, json!([{"name": "up", "value": 3}])));
        assert_eq!(series(&[("match[]", "{job=\"b\"}")]).0, 1);
        assert_eq!(
            series(&[("match[]", "{job=\"b\"}"), ("match[]", "{job=\"c\"}")]).0,
            2
        );
    });
    let recent = [("start", "1699990000"), ("end", "1700000000")];
    let data = server.client.get("/api/v1/status/tsdb", &recent).data();
    assert_eq!(data["headStats"]["numSeries"], 1);
    assert_eq!(
        server.client.get("/api/v1/label/job/values", &recent).data(),
        json!(["a"])
    );
    server.stop();
}

#[test]
fn retention_can_be_applied_by_hand() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start(dir.path());
    let c = &server.client;
    let now_ms = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_millis() as i64;
    for (job, age_days) in [("old", 5), ("new", 1)] {
        c.write_series(
            &[("__name__", "up"), ("job", job)],
            &[(now_ms - age_days * 86_400_000, 1.0)],
        );
    }
    c.post("/api/v1/admin/flush", &[]).data();
    let drop =
        |params: &[(&str, &str)]| c.post("/api/v1/admin/retention", params).data()["droppedBlocks"].clone();
    assert_eq!(drop(&[]), 0, "within the settings");
    assert_eq!(drop(&[("older_than", "3d")]), 1);
    assert_eq!(values(c), json!(["new"]));
    assert_eq!(
        c.post("/api/v1/admin/retention", &[("older_than", "soon")])
            .error()
            .0,
        400
    );
    server.stop();
}

#[test]
fn native_histograms_are_answered_from_every_layout() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start(dir.path());
    let histogram = Histogram {
        count: Count::Integer(3),
        zero_count: Count::Integer(1),
        sum: 2.5,
        schema: 0,
        positive: Buckets {
            spans: vec![Span { offset: 0, length: 1 }],
            deltas: vec![2],
            counts: Vec::new(),
        },
        timestamp: NOW,
        ..Histogram::default()
    };
    let mut request = RequestEncoder::default();
    request.histograms([("__name__", "latency_seconds"), ("job", "a")], &[histogram]);
    request.series([("__name__", "up"), ("job", "a")], [(NOW, 1.0)]);
    server.client.write(&request);
    let server = in_every_layout(&dir, server, |c| {
        let at = ("time", "1700000000");
        let answer = c.get("/api/v1/query", &[("query", "latency_seconds"), at]);
        assert_eq!(
            answer.data()["result"][0]["histogram"],
            json!([1_700_000_000, {"count": "3", "sum": "2.5", "buckets": [[3, "-0", "0", "1"], [0, "0.5", "1", "2"]]}])
        );
        let range = [
            ("query", "latency_seconds"),
            ("start", "1700000000"),
            ("end", "1700000060"),
            ("step", "60"),
        ];
        let answer = c.get("/api/v1/query_range", &range).data();
        let series = &answer["result"][0];
        assert_eq!(series["histograms"].as_array().map(Vec::len), Some(2), "{series}");
        assert_eq!(series.get("values"), None);
        let up = c.get("/api/v1/query", &[("query", "up"), at]).data();
        assert_eq!(up["result"][0]["value"][1], "1");
        let names = c.get("/api/v1/label/__name__/values", &[]).data();
        assert_eq!(names, json!(["latency_seconds", "up"]));
    });
    server.stop();
}
