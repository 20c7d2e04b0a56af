//! Remote write 2.0 at `POST /api/v1/write`: the cases of a receiver one by one - samples, histograms, exemplars, metadata,
//! mixtures, refusals - each with its status and its Written headers.

use kymo_proto::histogram::{Buckets, Count, Histogram, Span};
use kymo_proto::remote_write::Sample;
use kymo_proto::remote_write::v2::{Encoder, SeriesParts};
use kymo_tests::client::Answer;
use kymo_tests::server::TestServer;
use serde_json::json;
use tempfile::TempDir;

const NOW: i64 = 1_700_000_000_000;
const STALE: u64 = 0x7ff0_0000_0000_0002;

fn start() -> (TempDir, TestServer) {
    start_with(&[])
}

fn start_with(sets: &[(&str, &str)]) -> (TempDir, TestServer) {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), sets);
    (dir, server)
}

fn sample(timestamp: i64, value: f64) -> Sample {
    Sample {
        start: 0,
        timestamp,
        value,
    }
}

fn samples(all: &[Sample]) -> SeriesParts<'_> {
    SeriesParts {
        samples: all,
        ..SeriesParts::default()
    }
}

fn histograms(all: &[Histogram]) -> SeriesParts<'_> {
    SeriesParts {
        histograms: all,
        ..SeriesParts::default()
    }
}

/// A sound integer histogram of three buckets.
fn histogram(timestamp: i64) -> Histogram {
    Histogram {
        count: Count::Integer(9),
        sum: 12.5,
        schema: 1,
        zero_threshold: 0.001,
        zero_count: Count::Integer(1),
        positive: Buckets {
            spans: vec![Span {
                offset: -1,
                length: 3,
            }],
            deltas: vec![2, 1, 0],
            counts: Vec::new(),
        },
        timestamp,
        ..Histogram::default()
    }
}

/// A sound histogram of custom buckets.
fn custom(timestamp: i64) -> Histogram {
    Histogram {
        count: Count::Integer(3),
        sum: 4.0,
        schema: -53,
        custom_values: vec![1.0, 2.0],
        positive: Buckets {
            spans: vec![Span { offset: 0, length: 3 }],
            deltas: vec![1, 0, 0],
            counts: Vec::new(),
        },
        timestamp,
        ..Histogram::default()
    }
}

/// Samples, histograms and exemplars written, by the headers.
fn written(answer: &Answer) -> [String; 3] {
    ["samples", "histograms", "exemplars"]
        .map(|what| answer.header(&format!("x-prometheus-remote-write-{what}-written")))
}

#[track_caller]
fn expect(answer: &Answer, status: u16, counts: [u64; 3]) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(
        written(answer),
        counts.map(|n| n.to_string()),
        "{}",
        answer.text()
    );
}

#[test]
fn samples_are_stored_and_counted() {
    let (_dir, server) = start();
    let mut write = Encoder::default();
    write
        .series(
            [("__name__", "up"), ("job", "a")],
            samples(&[sample(NOW, 1.0), sample(NOW + 1000, f64::from_bits(STALE))]),
        )
        .series([("__name__", "up"), ("job", "b")], samples(&[sample(NOW, -0.0)]));
    expect(&server.client.write_v2(&write), 204, [3, 0, 0]);
    // What is there already was written, too.
    expect(&server.client.write_v2(&write), 204, [3, 0, 0]);
    let at = |seconds: &str| {
        let params = [("query", "up"), ("time", seconds)];
        server.client.get("/api/v1/query", &params).data()["result"].clone()
    };
    assert_eq!(at("1700000000").as_array().unwrap().len(), 2);
    assert_eq!(at("1700000001").as_array().unwrap().len(), 1, "one has ended");
}

#[test]
fn a_series_of_1_0_and_of_2_0_is_the_same_series() {
    let (_dir, server) = start();
    server
        .client
        .write_series(&[("__name__", "up"), ("job", "a")], &[(NOW, 1.0)]);
    let mut write = Encoder::default();
    write.series(
        [("job", "a"), ("__name__", "up")],
        samples(&[sample(NOW + 1000, 2.0)]),
    );
    expect(&server.client.write_v2(&write), 204, [1, 0, 0]);
    let params = [("query", "count_over_time(up[1m])"), ("time", "1700000001")];
    let result = server.client.get("/api/v1/query", &params).data();
    assert_eq!(result["result"].as_array().unwrap().len(), 1);
    assert_eq!(result["result"][0]["value"][1], "2");
}

#[test]
fn histograms_of_every_kind_are_stored_and_counted() {
    let (_dir, server) = start();
    let float = Histogram {
        count: Count::Float(4.5),
        zero_count: Count::Float(0.0),
        positive: Buckets {
            spans: vec![Span { offset: 2, length: 2 }],
            deltas: Vec::new(),
            counts: vec![1.5, 3.0],
        },
        ..histogram(NOW)
    };
    let stale = Histogram {
        sum: f64::from_bits(STALE),
        timestamp: NOW + 1000,
        ..Histogram::default()
    };
    let fine = Histogram {
        schema: 12,
        ..histogram(NOW)
    };
    let gauge = Histogram {
        reset_hint: 3,
        start: NOW - 5,
        ..histogram(NOW)
    };
    let mut write = Encoder::default();
    write
        .series([("__name__", "plain")], histograms(&[histogram(NOW), stale]))
        .series([("__name__", "float")], histograms(&[float]))
        .series([("__name__", "fine")], histograms(&[fine]))
        .series([("__name__", "gauge")], histograms(&[gauge]))
        .series([("__name__", "custom")], histograms(&[custom(NOW)]));
    expect(&server.client.write_v2(&write), 204, [0, 6, 0]);
    expect(&server.client.write_v2(&write), 204, [0, 6, 0]);
}

#[test]
fn histograms_that_contradict_themselves_are_400_and_name_the_rule() {
    let (_dir, server) = start();
    let with = |change: &dyn Fn(&mut Histogram)| {
        let mut h = histogram(NOW);
        change(&mut h);
        h
    };
    let with_custom = |change: &dyn Fn(&mut Histogram)| {
        let mut h = custom(NOW);
        change(&mut h);
        h
    };
    let cases = [
        (with(&|h| h.count = Count::Integer(5)), "number of observations"),
        (with(&|h| h.schema = 53), "invalid schema"),
        (with(&|h| h.schema = -5), "invalid schema"),
        (with(&|h| h.positive.spans[0].length = 4), "number of buckets"),
        (with(&|h| h.positive.deltas[0] = -3), "negative"),
        (
            with(&|h| {
                h.positive.spans = vec![
                    Span { offset: 0, length: 1 },
                    Span {
                        offset: -1,
                        length: 2,
                    },
                ];
            }),
            "offset is negative",
        ),
        (with(&|h| h.custom_values = vec![1.0]), "custom bounds"),
        (with_custom(&|h| h.custom_values = vec![2.0, 1.0]), "increasing"),
        (
            with_custom(&|h| h.custom_values = vec![1.0, f64::INFINITY]),
            "finite",
        ),
        (with_custom(&|h| h.custom_values = vec![1.0, f64::NAN]), "custom"),
        (with_custom(&|h| h.custom_values = Vec::new()), "too few"),
        (
            with_custom(&|h| {
                h.zero_count = Count::Integer(1);
                h.count = Count::Integer(4);
            }),
            "zero count",
        ),
        (with_custom(&|h| h.negative = h.positive.clone()), "negative"),
    ];
    for (i, (bad, text)) in cases.iter().enumerate() {
        let mut write = Encoder::default();
        write.series([("__name__", "h")], histograms(std::slice::from_ref(bad)));
        let answer = server.client.write_v2(&write);
        expect(&answer, 400, [0, 0, 0]);
        assert!(answer.text().contains(text), "{i}: {text}: {}", answer.text());
    }
}

#[test]
fn exemplars_are_stored_with_their_series_and_too_long_ones_dropped() {
    let (_dir, server) = start();
    let long = "x".repeat(200);
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let mut write = Encoder::default();
    write.series(
        [("__name__", "e_total")],
        SeriesParts {
            samples: &[sample(NOW, 1.0)],
            exemplars: &[
                (&[("trace_id", trace)], 0.5, NOW),
                (&[("trace_id", &long)], 0.5, NOW),
            ],
            ..SeriesParts::default()
        },
    );
    expect(&server.client.write_v2(&write), 204, [1, 0, 1]);
    expect(&server.client.write_v2(&write), 204, [1, 0, 1]);
}

#[test]
fn metadata_is_kept_under_the_name_of_the_family() {
    let (_dir, server) = start();
    let mut write = Encoder::default();
    let described = |metadata| SeriesParts {
        samples: &[Sample {
            start: 0,
            timestamp: NOW,
            value: 1.0,
        }],
        metadata: Some(metadata),
        ..SeriesParts::default()
    };
    write
        .series([("__name__", "jobs_total")], described((1, "Jobs.", "jobs")))
        .series(
            [("__name__", "jobs_total"), ("job", "b")],
            described((1, "Jobs.", "jobs")),
        )
        .series(
            [("__name__", "latency_seconds_bucket"), ("le", "1")],
            described((3, "Latency.", "s")),
        )
        .series(
            [("__name__", "latency_seconds_sum")],
            described((3, "Latency.", "s")),
        );
    expect(&server.client.write_v2(&write), 204, [4, 0, 0]);
    let wanted = json!({
        "jobs_total": [{"type": "counter", "help": "Jobs.", "unit": "jobs"}],
        "latency_seconds": [{"type": "histogram", "help": "Latency.", "unit": "s"}],
    });
    assert_eq!(server.client.get("/api/v1/metadata", &[]).data(), wanted);
}

#[test]
fn type_and_unit_are_labels_where_the_feature_is_on() {
    let write = |metadata| {
        let mut write = Encoder::default();
        let parts = SeriesParts {
            samples: &[sample(NOW, 1.0)],
            metadata,
            ..SeriesParts::default()
        };
        write.series([("__name__", "sent_total"), ("__type__", "gauge")], parts);
        write
    };
    let series = |server: &TestServer| {
        let found = server.client.get("/api/v1/series", &[("match[]", "sent_total")]);
        found.data()
    };
    let (_dir, server) = start_with(&[("features.type_and_unit_labels", "on")]);
    expect(
        &server.client.write_v2(&write(Some((1, "", "bytes")))),
        204,
        [1, 0, 0],
    );
    expect(
        &server.client.write_v2(&write(Some((2, "", "bytes")))),
        204,
        [1, 0, 0],
    );
    expect(&server.client.write_v2(&write(None)), 204, [1, 0, 0]);
    assert_eq!(
        series(&server),
        json!([
            {"__name__": "sent_total"},
            {"__name__": "sent_total", "__type__": "counter", "__unit__": "bytes"},
            {"__name__": "sent_total", "__type__": "gauge", "__unit__": "bytes"},
        ])
    );
    let params = [("query", "sent_total * 2"), ("time", "1700000000")];
    let (status, _, text) = server.client.get("/api/v1/query", &params).error();
    assert_eq!(
        (status, text.as_str()),
        (422, "vector cannot contain metrics with the same labelset")
    );
    let (_dir, server) = start();
    expect(
        &server.client.write_v2(&write(Some((1, "", "bytes")))),
        204,
        [1, 0, 0],
    );
    assert_eq!(
        series(&server),
        json!([{"__name__": "sent_total", "__type__": "gauge"}])
    );
}

#[test]
fn series_without_samples_and_histograms_are_400_and_the_others_stored() {
    let (_dir, server) = start();
    let cases = [
        SeriesParts::default(),
        SeriesParts {
            metadata: Some((1, "Help.", "")),
            ..SeriesParts::default()
        },
        SeriesParts {
            exemplars: &[(&[("trace_id", "abc")], 1.0, NOW)],
            ..SeriesParts::default()
        },
    ];
    for parts in cases {
        let mut write = Encoder::default();
        write
            .series([("__name__", "empty")], parts)
            .series([("__name__", "good")], samples(&[sample(NOW, 1.0)]));
        let answer = server.client.write_v2(&write);
        expect(&answer, 400, [1, 0, 0]);
        assert!(
            answer.text().contains("at least one sample or histogram"),
            "{}",
            answer.text()
        );
    }
    let names = server.client.get("/api/v1/label/__name__/values", &[]).data();
    assert_eq!(names, json!(["good"]));
}

#[test]
fn samples_and_histograms_in_one_series_are_400() {
    let (_dir, server) = start();
    let mut write = Encoder::default();
    write.series(
        [("__name__", "both")],
        SeriesParts {
            samples: &[sample(NOW, 1.0)],
            histograms: &[histogram(NOW)],
            ..SeriesParts::default()
        },
    );
    let answer = server.client.write_v2(&write);
    expect(&answer, 400, [0, 0, 0]);
    assert!(answer.text().contains("but not both"), "{}", answer.text());
}

#[test]
fn a_write_of_everything_counts_everything() {
    let (_dir, server) = start();
    let mut write = Encoder::default();
    write
        .series(
            [("__name__", "c_total")],
            SeriesParts {
                samples: &[sample(NOW, 1.0), sample(NOW + 1, 2.0)],
                exemplars: &[(&[("trace_id", "abc")], 1.0, NOW)],
                metadata: Some((1, "A counter.", "")),
                ..SeriesParts::default()
            },
        )
        .series(
            [("__name__", "h")],
            SeriesParts {
                histograms: &[histogram(NOW)],
                exemplars: &[(&[("trace_id", "def")], 1.0, NOW)],
                ..SeriesParts::default()
            },
        )
        .series([("job", "nameless")], samples(&[sample(NOW, 1.0)]))
        .series(
            [("__name__", "n")],
            histograms(&[custom(NOW), histogram(NOW + 1)]),
        );
    let answer = server.client.write_v2(&write);
    expect(&answer, 400, [2, 3, 2]);
    let text = answer.text();
    assert!(text.starts_with("1 refused, 5 stored:"), "{text}");
    assert!(text.contains("without a metric name"), "{text}");
}

#[test]
fn labels_that_break_a_rule_are_400() {
    let (_dir, server) = start();
    let one = [sample(NOW, 1.0)];
    let cases: [(&[(&str, &str)], &str); 4] = [
        (&[("job", "a")], "without a metric name"),
        (&[("__name__", "")], "without a metric name"),
        (&[("__name__", "a"), ("", "x")], "empty name"),
        (&[("__name__", "a"), ("b", "1"), ("b", "2")], "not unique"),
    ];
    for (labels, text) in cases {
        let mut write = Encoder::default();
        write.series(labels.iter().copied(), samples(&one));
        let answer = server.client.write_v2(&write);
        expect(&answer, 400, [0, 0, 0]);
        assert!(answer.text().contains(text), "{text}: {}", answer.text());
    }
}

#[test]
fn numbers_outside_the_table_and_odd_numbers_are_400() {
    let (_dir, server) = start();
    let one = [sample(NOW, 1.0)];
    for (refs, text) in [
        (&[1, 2, 3][..], "invalid labelRefs length 3"),
        (&[1, 999][..], "outside of the symbols table"),
        (&[u32::MAX, 1][..], "outside of the symbols table"),
    ] {
        let mut write = Encoder::default();
        write
            .series([("__name__", "good")], samples(&one))
            .series_of_refs(refs, samples(&one));
        let answer = server.client.write_v2(&write);
        expect(&answer, 400, [1, 0, 0]);
        assert!(answer.text().contains(text), "{text}: {}", answer.text());
    }
}

#[test]
fn exemplars_and_metadata_with_numbers_outside_the_table_are_400_and_their_samples_stored() {
    let (_dir, server) = start();
    let series = |part: fn(&mut Vec<u8>)| {
        let mut series = Vec::new();
        kymo_proto::wire::put_packed(&mut series, 1, [1, 2]);
        kymo_proto::wire::put_bytes(&mut series, 2, &[0x10, 0x01]);
        part(&mut series);
        let mut body = Vec::new();
        for symbol in ["", "__name__", "up"] {
            kymo_proto::wire::put_bytes(&mut body, 4, symbol.as_bytes());
        }
        kymo_proto::wire::put_bytes(&mut body, 5, &series);
        kymo_proto::snappy::compress(&body)
    };
    // An exemplar with the labels 1 and 9, and metadata whose help is number 9.
    let exemplar = series(|out| kymo_proto::wire::put_bytes(out, 4, &[0x0a, 2, 1, 9, 0x18, 1]));
    let metadata = series(|out| kymo_proto::wire::put_bytes(out, 5, &[0x08, 1, 0x18, 9]));
    for (body, what) in [(exemplar, "exemplar"), (metadata, "metadata")] {
        let answer = send(&server, &body, &[]);
        expect(&answer, 400, [1, 0, 0]);
        let text = answer.text();
        assert!(
            text.contains(what) && text.contains("outside of the symbols table"),
            "{text}"
        );
    }
}

#[test]
fn a_table_that_does_not_begin_with_the_empty_string_is_400() {
    let (_dir, server) = start();
    let mut series = Vec::new();
    kymo_proto::wire::put_packed(&mut series, 1, [0, 1]);
    kymo_proto::wire::put_bytes(&mut series, 2, &[0x10, 0x01]);
    let mut body = Vec::new();
    for symbol in ["__name__", "up"] {
        kymo_proto::wire::put_bytes(&mut body, 4, symbol.as_bytes());
    }
    kymo_proto::wire::put_bytes(&mut body, 5, &series);
    let answer = send(&server, &kymo_proto::snappy::compress(&body), &[]);
    expect(&answer, 400, [0, 0, 0]);
    assert!(answer.text().contains("empty string"), "{}", answer.text());
}

fn send(server: &TestServer, body: &[u8], headers: &[(&str, &str)]) -> Answer {
    let v2 = (
        "Content-Type",
        "application/x-protobuf;proto=io.prometheus.write.v2.Request",
    );
    let headers: Vec<_> = std::iter::once(v2).chain(headers.iter().copied()).collect();
    server.client.send("POST", "/api/v1/write", &headers, body)
}

#[test]
fn broken_bodies_are_400_with_written_headers_of_zero() {
    let (_dir, server) = start();
    let protobuf = kymo_proto::snappy::compress(&[0x2a, 0x7f, 1, 2]);
    for (body, text) in [
        (&b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"[..], "snappy"),
        (&protobuf[..], "protobuf message ends inside a field"),
    ] {
        let answer = send(&server, body, &[]);
        expect(&answer, 400, [0, 0, 0]);
        assert!(answer.text().contains(text), "{}", answer.text());
    }
}

#[test]
fn the_version_header_is_not_looked_at_and_encodings_are() {
    let (_dir, server) = start();
    let mut write = Encoder::default();
    write.series([("__name__", "up")], samples(&[sample(NOW, 1.0)]));
    let body = write.compressed();
    let version = |v| send(&server, &body, &[("X-Prometheus-Remote-Write-Version", v)]);
    for text in ["0.1.0", "2.0.0", "17", "?"] {
        expect(&version(text), 204, [1, 0, 0]);
    }
    for coding in ["gzip", "zstd"] {
        let answer = send(&server, &body, &[("Content-Encoding", coding)]);
        assert_eq!(answer.status, 415);
        assert!(answer.text().contains("only snappy"), "{}", answer.text());
    }
}

#[test]
fn messages_that_the_configuration_does_not_accept_are_415() {
    let (_dir, server) = start_with(&[("remote_write.accepted_messages", "prometheus.WriteRequest")]);
    let mut write = Encoder::default();
    write.series([("__name__", "up")], samples(&[sample(NOW, 1.0)]));
    let answer = server.client.write_v2(&write);
    assert_eq!(answer.status, 415);
    assert!(
        answer.text().contains("only accepts prometheus.WriteRequest"),
        "{}",
        answer.text()
    );
    server.client.write_series(&[("__name__", "up")], &[(NOW, 1.0)]);
}

#[test]
fn conflicts_are_named_and_the_rest_is_written() {
    let (_dir, server) = start();
    let mut first = Encoder::default();
    first
        .series([("__name__", "up"), ("job", "a")], samples(&[sample(NOW, 1.0)]))
        .series([("__name__", "h")], histograms(&[histogram(NOW)]));
    expect(&server.client.write_v2(&first), 204, [1, 1, 0]);
    let other = Histogram {
        sum: 13.5,
        ..histogram(NOW)
    };
    let mut second = Encoder::default();
    second
        .series(
            [("__name__", "up"), ("job", "a")],
            samples(&[sample(NOW, 2.0), sample(NOW + 1, 3.0)]),
        )
        .series([("__name__", "h")], histograms(&[other]));
    let answer = server.client.write_v2(&second);
    expect(&answer, 400, [1, 0, 0]);
    let text = answer.text();
    assert!(text.contains("duplicate sample for timestamp"), "{text}");
    assert!(
        text.contains("up{job=\"a\"} at 1700000000000 ms has another value than 2"),
        "{text}"
    );
    assert!(
        text.contains("h{} at 1700000000000 ms has another sum than 13.5"),
        "{text}"
    );
}

#[test]
fn times_out_of_bounds_are_refused_one_by_one() {
    let (_dir, server) = start();
    let future = 32_503_680_000_000;
    let mut write = Encoder::default();
    write
        .series(
            [("__name__", "up")],
            samples(&[sample(future, 1.0), sample(NOW, 2.0)]),
        )
        .series(
            [("__name__", "h")],
            histograms(&[histogram(future), histogram(NOW)]),
        );
    let answer = server.client.write_v2(&write);
    expect(&answer, 400, [1, 1, 0]);
    assert!(answer.text().contains("out of bounds"), "{}", answer.text());
}
