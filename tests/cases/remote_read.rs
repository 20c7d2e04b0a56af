//! Remote read over real sockets: samples and streamed chunks, limits and refusals, and beside a real Prometheus: one that
//! reads from Kymo, and one whose own chunks have the same bytes.

use kymo_proto::chunks::{decode_floats, decode_histograms};
use kymo_proto::histogram::{Buckets, Count, Histogram, Span};
use kymo_proto::remote_write::RequestEncoder;
use kymo_proto::snappy;
use kymo_proto::wire::{Reader, put_bytes, put_integer};
use kymo_tests::client::{Answer, Client};
use kymo_tests::note;
use kymo_tests::peer::prometheus;
use kymo_tests::server::TestServer;
use tempfile::TempDir;

const NOW: i64 = 1_700_000_000_000;

/// Matchers as number of the operator, name and value.
type Matchers<'a> = &'a [(u64, &'a str, &'a str)];

fn request(accepted: &[u8], start: i64, end: i64, matchers: Matchers<'_>) -> Vec<u8> {
    let (mut out, mut query) = (Vec::new(), Vec::new());
    put_integer(&mut query, 1, start.cast_unsigned());
    put_integer(&mut query, 2, end.cast_unsigned());
    for (op, name, value) in matchers {
        let mut matcher = Vec::new();
        put_integer(&mut matcher, 1, *op);
        put_bytes(&mut matcher, 2, name.as_bytes());
        put_bytes(&mut matcher, 3, value.as_bytes());
        put_bytes(&mut query, 3, &matcher);
    }
    put_bytes(&mut out, 1, &query);
    if !accepted.is_empty() {
        put_bytes(&mut out, 2, accepted);
    }
    snappy::compress(&out)
}

fn read(client: &Client, body: &[u8]) -> Answer {
    let headers = [
        ("Content-Type", "application/x-protobuf"),
        ("Content-Encoding", "snappy"),
        ("X-Prometheus-Remote-Read-Version", "0.1.0"),
    ];
    client.send("POST", "/api/v1/read", &headers, body)
}

/// The fields of a message as number and content; integers as varints were.
fn fields(message: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let mut reader = Reader::new(message);
    let mut out = Vec::new();
    while let Some(field) = reader.next_field().unwrap() {
        let content = match field.bytes() {
            Ok(bytes) => bytes.to_vec(),
            Err(_) => field.varint().unwrap().to_le_bytes().to_vec(),
        };
        out.push((field.number, content));
    }
    out
}

fn number(content: &[u8]) -> u64 {
    u64::from_le_bytes(content.try_into().unwrap())
}

fn label(message: &[u8]) -> (String, String) {
    let text = |field: u32| {
        let all = fields(message);
        let found = all.into_iter().find(|(n, _)| *n == field).unwrap();
        String::from_utf8(found.1).unwrap()
    };
    (text(1), text(2))
}

/// A chunk of a stream: the series' labels, the encoding's number and the data.
type Streamed = (Vec<(String, String)>, u64, Vec<u8>);

fn chunks(body: &[u8]) -> Vec<Streamed> {
    let mut out = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let mut len = 0_usize;
        let mut used = 0;
        loop {
            let byte = rest[used];
            len |= usize::from(byte & 0x7f) << (7 * used);
            used += 1;
            if byte < 0x80 {
                break;
            }
        }
        let (message, after) = rest[used + 4..].split_at(len);
        rest = after;
        for (_, series) in fields(message).iter().filter(|(n, _)| *n == 1) {
            let parts = fields(series);
            let labels: Vec<_> = parts
                .iter()
                .filter(|(n, _)| *n == 1)
                .map(|(_, l)| label(l))
                .collect();
            for (_, chunk) in parts.iter().filter(|(n, _)| *n == 2) {
                let chunk = fields(chunk);
                let field = |wanted: u32| &chunk.iter().find(|(n, _)| *n == wanted).unwrap().1;
                out.push((labels.clone(), number(field(3)), field(4).clone()));
            }
        }
    }
    out
}

fn histogram(time: i64, n: i64, float: bool) -> Histogram {
    let counts = [n, 2 * n, n + 3];
    let total = counts.iter().sum::<i64>() + n / 2;
    let count = |n: i64| match float {
        true => Count::Float(n as f64 * 1.25),
        false => Count::Integer(n.cast_unsigned()),
    };
    let side = || Buckets {
        spans: vec![
            Span {
                offset: -1,
                length: 2,
            },
            Span { offset: 3, length: 1 },
        ],
        deltas: if float {
            Vec::new()
        } else {
            vec![counts[0], counts[1] - counts[0], counts[2] - counts[1]]
        },
        counts: if float {
            counts.iter().map(|n| *n as f64 * 1.25).collect()
        } else {
            Vec::new()
        },
    };
    Histogram {
        count: count(total),
        zero_count: count(n / 2),
        sum: n as f64 * 3.7,
        schema: 2,
        zero_threshold: 2.0_f64.powi(-128),
        positive: side(),
        timestamp: time,
        ..Histogram::default()
    }
}

/// Floats of two kinds of series and both kinds of histograms, a second apart.
fn data(start: i64, samples: i64) -> RequestEncoder {
    let mut request = RequestEncoder::default();
    let times = move || (0..samples).map(move |i| start + i * 1000 + (i * i) % 7);
    for job in ["a", "b"] {
        request.series(
            [("__name__", "smooth"), ("job", job)],
            times().enumerate().map(|(i, t)| (t, i as f64)),
        );
    }
    let rough = times()
        .enumerate()
        .map(|(i, t)| (t, (i as f64 * 0.7).sin() * 1e6));
    request.series([("__name__", "rough"), ("job", "a")], rough);
    for (name, float) in [("whole", false), ("fractions", true)] {
        let all: Vec<_> = times()
            .enumerate()
            .map(|(i, t)| histogram(t, i as i64 * 3 + 1, float))
            .collect();
        request.histograms([("__name__", name), ("job", "a")], &all);
    }
    request
}

fn start(sets: &[(&str, &str)]) -> (TempDir, TestServer) {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), sets);
    let answer = server.client.write(&data(NOW, 300));
    assert_eq!(answer.status, 204, "{}", answer.text());
    (dir, server)
}

#[test]
fn samples_come_in_one_message_with_external_labels() {
    let (_dir, server) = start(&[("external_labels", "replica=r1")]);
    let matchers: Matchers<'_> = &[
        (2, "__name__", "smooth|whole"),
        (0, "replica", "r1"),
        (1, "job", "b"),
    ];
    let answer = read(
        &server.client,
        &request(&[], NOW + 10_000, NOW + 20_500, matchers),
    );
    assert_eq!(
        (answer.status, answer.header("content-encoding").as_str()),
        (200, "snappy")
    );
    assert_eq!(answer.header("content-type"), "application/x-protobuf");
    let message = snappy::decompress(&answer.body, 1 << 20).unwrap();
    let results = fields(&message);
    assert_eq!(results.len(), 1);
    let series: Vec<_> = fields(&results[0].1)
        .into_iter()
        .map(|(_, s)| fields(&s))
        .collect();
    let names: Vec<_> = series
        .iter()
        .map(|s| {
            s.iter()
                .filter(|(n, _)| *n == 1)
                .map(|(_, l)| label(l))
                .collect::<Vec<_>>()
        })
        .collect();
    let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
    let labels = |name| vec![pair("__name__", name), pair("job", "a"), pair("replica", "r1")];
    assert_eq!(names, [labels("smooth"), labels("whole")]);
    let count = |i: usize, field: u32| series[i].iter().filter(|(n, _)| *n == field).count();
    assert_eq!((count(0, 2), count(0, 4)), (11, 0));
    assert_eq!((count(1, 2), count(1, 4)), (0, 11));
    let sent = Histogram::decode(Reader::new(&series[1].iter().find(|(n, _)| *n == 4).unwrap().1)).unwrap();
    assert_eq!(sent.positive, histogram(0, 31, false).positive);
    let own: Matchers<'_> = &[(0, "__name__", "smooth"), (0, "replica", "other")];
    let none = read(&server.client, &request(&[], 0, i64::MAX, own));
    assert_eq!(snappy::decompress(&none.body, 100).unwrap(), [0x0a, 0]);
}

#[test]
fn chunks_are_streamed_in_frames() {
    let (_dir, server) = start(&[("remote_read.frame_size", "1KiB")]);
    let all: Matchers<'_> = &[(2, "job", "a|b")];
    let answer = read(&server.client, &request(&[1], NOW, NOW + 1_000_000, all));
    let content_type = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";
    assert_eq!(
        (answer.status, answer.header("content-type").as_str()),
        (200, content_type)
    );
    let found = chunks(&answer.body);
    let mut smooth = Vec::new();
    for (labels, encoding, data) in &found {
        match encoding {
            1 if labels[0].1 == "smooth" && labels[1].1 == "b" => smooth.extend(decode_floats(data).unwrap()),
            1 => assert!(decode_floats(data).unwrap().len() <= 120),
            2 => assert!(decode_histograms(data, false).unwrap().len() <= 120),
            _ => assert!(decode_histograms(data, true).unwrap().len() <= 120),
        }
    }
    let wanted: Vec<_> = (0..300_i64)
        .map(|i| (NOW + i * 1000 + (i * i) % 7, i as f64))
        .collect();
    assert_eq!(smooth, wanted);
    let order: Vec<_> = found.iter().map(|(labels, ..)| labels.clone()).collect();
    assert!(order.is_sorted(), "{order:?}");
    let histograms: usize = found
        .iter()
        .filter(|(labels, ..)| labels[0].1 == "whole")
        .map(|(_, _, data)| decode_histograms(data, false).unwrap().len())
        .sum();
    assert_eq!(histograms, 300);
}

#[test]
fn what_cannot_be_answered_is_refused_in_plain_text() {
    let (_dir, server) = start(&[("remote_read.max_samples", "500")]);
    let c = &server.client;
    let all: Matchers<'_> = &[(2, "job", ".+")];
    let over = read(c, &request(&[], 0, i64::MAX, all));
    assert_eq!(
        (over.status, over.text().as_str()),
        (400, "exceeded sample limit (500)\n")
    );
    // Streams have no such limit.
    assert_eq!(read(c, &request(&[1, 0], 0, i64::MAX, all)).status, 200);
    let unknown = read(c, &request(&[9], 0, 1, all));
    assert_eq!(unknown.status, 400);
    assert!(
        unknown
            .text()
            .starts_with("server does not support any of the requested response types")
    );
    let pattern: Matchers<'_> = &[(2, "job", "(")];
    assert_eq!(read(c, &request(&[], 0, 1, pattern)).status, 400);
    for garbage in [&b"garbage"[..], &[0x05, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff]] {
        let answer = read(c, garbage);
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
    assert_eq!(c.get("/api/v1/read", &[]).status, 405);
}

#[test]
fn a_prometheus_reads_from_kymo() {
    let (_dir, server) = start(&[("external_labels", "cluster=eu")]);
    let config = format!(
        "global: {{external_labels: {{cluster: eu}}}}\nremote_read:\n- url: {}/api/v1/read\n  read_recent: true\n",
        server.client.base()
    );
    let peer = TempDir::new().unwrap();
    let Some((_program, theirs)) = prometheus(peer.path(), &config) else {
        return;
    };
    for query in [
        "smooth",
        "sum(rate(smooth[1m]))",
        "rough{job=\"a\"} * 2",
        "max_over_time(rough[2m])",
        "smooth[30s]",
    ] {
        // Between two samples: older versions count one at the far edge of a window.
        let params = [("query", query), ("time", "1700000200.5")];
        let (theirs, ours) = (
            theirs.post("/api/v1/query", &params).data(),
            server.client.post("/api/v1/query", &params).data(),
        );
        let difference = kymo_tests::compare::difference(&ours, &theirs, 1e-12);
        assert_eq!(difference, None, "{query}\n{ours}\n{theirs}");
        assert_ne!(theirs["result"].as_array().map(Vec::len), Some(0), "{query}");
    }
    note("a Prometheus read from Kymo and answered alike");
}

#[test]
fn chunks_have_the_bytes_of_a_prometheus() {
    let dir = TempDir::new().unwrap();
    let Some((_program, theirs)) = prometheus(dir.path(), "global: {}\n") else {
        return;
    };
    let server = TestServer::start(&dir.path().join("kymo"));
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    // Within one of Prometheus' ranges of two hours, so that it does not begin another chunk.
    let start = now.as_millis() as i64 / 7_200_000 * 7_200_000 - 6_600_000;
    for client in [&theirs, &server.client] {
        let answer = client.write(&data(start, 100));
        assert!(answer.status / 100 == 2, "{}", answer.text());
    }
    let all: Matchers<'_> = &[(2, "job", "a|b")];
    let body = request(&[1], start, start + 200_000, all);
    let (theirs, ours) = (
        chunks(&read(&theirs, &body).body),
        chunks(&read(&server.client, &body).body),
    );
    assert_eq!(theirs.len(), 5);
    for (theirs, ours) in theirs.iter().zip(&ours) {
        assert_eq!((&theirs.0, theirs.1), (&ours.0, ours.1));
        assert_eq!(theirs.2, ours.2, "{:?}", theirs.0);
    }
    note("chunks of floats and of both kinds of histograms have the bytes of Prometheus'");
}
