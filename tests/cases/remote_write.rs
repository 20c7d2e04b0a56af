//! `POST /api/v1/write`: each status and text of the contract, partial writes, and what the label endpoints then know.

use kymo_proto::histogram::{Count, Histogram};
use kymo_proto::remote_write::RequestEncoder;
use kymo_tests::server::TestServer;
use serde_json::json;
use tempfile::TempDir;

const NOW: i64 = 1_700_000_000_000;

fn start() -> (TempDir, TestServer) {
    start_with(&[])
}

fn start_with(sets: &[(&str, &str)]) -> (TempDir, TestServer) {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), sets);
    (dir, server)
}

type Series<'a> = (&'a [(&'a str, &'a str)], &'a [(i64, f64)]);

fn request(series: &[Series<'_>]) -> RequestEncoder {
    let mut request = RequestEncoder::default();
    for (labels, samples) in series {
        request.series(labels.iter().copied(), samples.iter().copied());
    }
    request
}

#[test]
fn a_good_write_is_204_without_a_body_or_written_headers() {
    let (_dir, server) = start();
    let answer = server
        .client
        .write(&request(&[(&[("__name__", "up"), ("job", "a")], &[(NOW, 1.0)])]));
    assert_eq!((answer.status, answer.body.len()), (204, 0), "{}", answer.text());
    let written = answer
        .headers
        .keys()
        .any(|name| name.as_str().contains("written"));
    assert!(!written);
    assert_eq!(
        server.client.get("/api/v1/labels", &[]).data(),
        json!(["__name__", "job"])
    );
}

#[test]
fn content_types_and_encodings_are_told_apart() {
    let (_dir, server) = start();
    let body = request(&[(&[("__name__", "up")], &[(NOW, 1.0)])]).compressed();
    let cases: [(&[(&str, &str)], u16); 10] = [
        (&[], 204),
        (
            &[
                ("Content-Type", "application/x-protobuf"),
                ("Content-Encoding", "snappy"),
            ],
            204,
        ),
        (
            &[(
                "Content-Type",
                "application/x-protobuf;proto=prometheus.WriteRequest",
            )],
            204,
        ),
        (
            &[(
                "Content-Type",
                "application/x-protobuf; proto=prometheus.WriteRequest",
            )],
            204,
        ),
        (&[("Content-Encoding", "Snappy")], 204),
        (&[("Content-Encoding", "gzip")], 415),
        (&[("Content-Encoding", "zstd")], 415),
        (&[("Content-Type", "application/json")], 415),
        (
            &[(
                "Content-Type",
                "application/x-protobuf;proto=io.prometheus.write.v2.Request",
            )],
            // Read as a message of 2.0 the body has no series.
            204,
        ),
        (
            &[("Content-Type", "application/x-protobuf;proto=other.Message")],
            415,
        ),
    ];
    for (headers, status) in cases {
        let answer = server.client.send("POST", "/api/v1/write", headers, &body);
        assert_eq!(answer.status, status, "{headers:?}: {}", answer.text());
        assert_eq!(answer.text().is_empty(), status == 204, "a refusal says why");
    }
    assert_eq!(server.client.get("/api/v1/write", &[]).status, 405);
}

#[test]
fn broken_bodies_are_400_with_the_reason() {
    let (_dir, server) = start();
    let protobuf = kymo_proto::snappy::compress(&[0x0a, 0x7f, 1, 2]);
    for (body, reason) in [
        (&b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"[..], "snappy"),
        (&b"\x10\x00abc"[..], "snappy"),
        (&protobuf[..], "protobuf message ends inside a field"),
    ] {
        let answer = server.client.try_write_body(body).unwrap();
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains(reason), "{}", answer.text());
    }
}

#[test]
fn a_declared_size_over_the_limit_is_413() {
    let (_dir, server) = start_with(&[("limits.body_size", "1KiB")]);
    // Declares 1 GiB in five bytes: refused by the declaration alone.
    let answer = server
        .client
        .try_write_body(&[0x80, 0x80, 0x80, 0x80, 0x04])
        .unwrap();
    assert_eq!(answer.status, 413, "{}", answer.text());
    let incompressible: Vec<u8> = (0..4000u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let answer = server.client.try_write_body(&incompressible).unwrap();
    assert_eq!(answer.status, 413, "{}", answer.text());
}

#[test]
fn good_samples_survive_beside_bad_ones() {
    let (_dir, server) = start();
    let future = 32_503_680_000_000; // the year 3000
    let answer = server.client.write(&request(&[
        (&[("__name__", "good")], &[(NOW, 1.0)]),
        (&[("job", "nameless")], &[(NOW, 1.0)]),
        (&[("__name__", "ahead")], &[(future, 1.0), (NOW, 2.0)]),
        (&[("__name__", "twice"), ("a", "1"), ("a", "2")], &[(NOW, 1.0)]),
    ]));
    let text = answer.text();
    assert_eq!(answer.status, 400);
    assert!(text.starts_with("3 refused, 2 stored:"), "{text}");
    for part in [
        "without a metric name",
        "out of bounds",
        "label name is not unique",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let names = server.client.get("/api/v1/label/__name__/values", &[]).data();
    assert_eq!(names, json!(["ahead", "good"]));
    let metrics = server.client.get("/metrics", &[]).text();
    for reason in ["too_far_in_future", "missing_metric_name", "duplicate_label_name"] {
        let line = format!("kymo_ingest_rejected_samples_total{{reason=\"{reason}\"}} 1\n");
        assert!(metrics.contains(&line), "{line}{metrics}");
    }
}

#[test]
fn resending_is_harmless_and_a_conflict_is_named() {
    let (_dir, server) = start();
    let series: &[(&str, &str)] = &[("__name__", "up"), ("job", "a")];
    let first = request(&[(series, &[(NOW, 1.0), (NOW + 1000, f64::NAN)])]);
    for _ in 0..3 {
        assert_eq!(server.client.write(&first).status, 204);
    }
    let answer = server
        .client
        .write(&request(&[(series, &[(NOW, 2.0), (NOW + 2000, 3.0)])]));
    assert_eq!(answer.status, 400);
    let text = answer.text();
    assert!(text.contains("duplicate sample for timestamp"), "{text}");
    assert!(text.contains("up{job=\"a\"} at 1700000000000 ms"), "{text}");
    assert!(text.starts_with("1 refused, 1 stored:"), "{text}");
}

#[test]
fn data_older_than_the_retention_is_out_of_bounds() {
    let (_dir, server) = start_with(&[("retention.time", "1d")]);
    let answer = server
        .client
        .write(&request(&[(&[("__name__", "old")], &[(NOW, 1.0)])]));
    assert_eq!(answer.status, 400);
    assert!(
        answer.text().contains("out of bounds: too old sample"),
        "{}",
        answer.text()
    );
}

#[test]
fn the_limit_of_active_series_refuses_new_series_only() {
    let (_dir, server) = start_with(&[("limits.active_series", "2")]);
    let names = ["a", "b", "c"];
    let series: Vec<[(&str, &str); 1]> = names.iter().map(|n| [("__name__", *n)]).collect();
    let mut all = RequestEncoder::default();
    for labels in &series {
        all.series(labels.iter().copied(), [(NOW, 1.0)]);
    }
    let answer = server.client.write(&all);
    assert_eq!(answer.status, 400);
    assert!(
        answer.text().contains("limit of active series"),
        "{}",
        answer.text()
    );
    let known = request(&[(&series[0], &[(NOW + 1, 1.0)])]);
    assert_eq!(server.client.write(&known).status, 204);
}

#[test]
fn too_many_bytes_in_work_are_503_with_retry_after() {
    let (_dir, server) = start_with(&[("limits.in_flight", "1MiB")]);
    let mut body = RequestEncoder::default();
    let value = "x".repeat(60_000);
    for i in 0..30 {
        let i = i.to_string();
        body.series([("__name__", "big"), ("i", &i), ("v", &value)], [(NOW, 1.0)]);
    }
    let answer = server.client.write(&body);
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(!answer.header("retry-after").is_empty());
}

#[test]
fn metadata_is_kept() {
    let (_dir, server) = start();
    let mut with_metadata = RequestEncoder::default();
    with_metadata.metadata(1, "http_requests_total", "Requests.", "requests");
    assert_eq!(server.client.write(&with_metadata).status, 204);
    let wanted =
        json!({"http_requests_total": [{"type": "counter", "help": "Requests.", "unit": "requests"}]});
    assert_eq!(server.client.get("/api/v1/metadata", &[]).data(), wanted);
    let none = server.client.get("/api/v1/metadata", &[("metric", "other")]);
    assert_eq!(none.data(), json!({}));
}

#[test]
fn histograms_and_exemplars_of_1_0_are_stored_beside_samples() {
    let (_dir, server) = start();
    let good = Histogram {
        count: Count::Integer(0),
        timestamp: NOW,
        ..Histogram::default()
    };
    let bad = Histogram {
        count: Count::Integer(5),
        timestamp: NOW + 1,
        ..Histogram::default()
    };
    let mut write = RequestEncoder::default();
    write.histograms([("__name__", "h")], &[good, bad]).exemplar(
        [("__name__", "e_total")],
        (NOW, 1.0),
        &[("trace_id", "abc")],
    );
    let answer = server.client.write(&write);
    assert_eq!(answer.status, 400);
    let text = answer.text();
    assert!(text.starts_with("1 refused, 2 stored:"), "{text}");
    assert!(text.contains("observations found in buckets"), "{text}");
    let metrics = server.client.get("/metrics", &[]).text();
    for line in [
        "kymo_ingest_histograms_total 1\n",
        "kymo_ingest_exemplars_total 1\n",
    ] {
        assert!(metrics.contains(line), "{line}{metrics}");
    }
}

#[test]
fn labels_that_are_no_message_refuse_the_whole_write() {
    let (_dir, server) = start();
    let mut write = request(&[(&[("__name__", "up")], &[(NOW, 1.0)])])
        .message()
        .to_vec();
    // A label of two bytes that say its name has 127.
    let mut series = Vec::new();
    kymo_proto::wire::put_bytes(&mut series, 1, &[0x0a, 0x7f]);
    kymo_proto::wire::put_bytes(&mut series, 2, &[0x10, 0x01]);
    kymo_proto::wire::put_bytes(&mut write, 1, &series);
    let answer = server
        .client
        .try_write_body(&kymo_proto::snappy::compress(&write))
        .unwrap();
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(server.client.get("/api/v1/labels", &[]).data(), json!([]));
}

#[test]
fn tenants_see_their_own_data_only() {
    let (_dir, server) = start_with(&[("tenancy", "on")]);
    let body = request(&[(&[("__name__", "up")], &[(NOW, 1.0)])]).compressed();
    let send = |tenant: &str| {
        let headers = [("X-Scope-OrgID", tenant)];
        let headers = if tenant.is_empty() {
            &headers[..0]
        } else {
            &headers[..]
        };
        server.client.send("POST", "/api/v1/write", headers, &body).status
    };
    assert_eq!(send(""), 401);
    assert_eq!(send("../etc"), 400);
    assert_eq!(send("team-a|team-b"), 400);
    let both = [("X-Scope-OrgID", "team-a|team-b")];
    let answer = server.client.send("GET", "/loki/api/v1/labels", &both, b"");
    assert_eq!(answer.text(), "multiple org IDs present");
    assert_eq!(send("team-a"), 204);
    let names = |tenant: &str| {
        let headers = [("X-Scope-OrgID", tenant)];
        server.client.send("GET", "/api/v1/labels", &headers, b"").data()
    };
    assert_eq!(names("team-a"), json!(["__name__"]));
    assert_eq!(names("team-b"), json!([]));
    assert_eq!(server.client.get("/api/v1/labels", &[]).error().0, 401);
}
