//! No bytes of a sender make the server panic: mutated requests of every dialect are read, and every series is spelled.

use kymo_engine::metrics::LabelBuffer;
use kymo_proto::histogram::{Buckets, Count, Histogram, Span};
use kymo_proto::otlp::json;
use kymo_proto::remote_write::v2::{Encoder, SeriesParts};
use kymo_proto::remote_write::{RequestEncoder, Sample};
use proptest::prelude::*;
use serde_json::json;

use super::metrics::{Incoming, Rules, spelled};
use super::otlp::{self, Context, Texts};
use super::{Stated, remote_write, remote_write_v2};
use crate::config::Config;

const NOW: i64 = 1_700_000_000_000;

fn histogram() -> Histogram {
    Histogram {
        count: Count::Integer(3),
        sum: 1.0,
        schema: 10,
        positive: Buckets {
            spans: vec![Span {
                offset: -3,
                length: 2,
            }],
            deltas: vec![1, 1],
            counts: Vec::new(),
        },
        timestamp: NOW,
        ..Histogram::default()
    }
}

fn v1() -> Vec<u8> {
    let mut encoder = RequestEncoder::default();
    encoder
        .series([("__name__", "up"), ("job", "a")], [(NOW, 1.0), (NOW + 1, 2.0)])
        .histograms([("__name__", "h")], &[histogram()])
        .exemplar([("__name__", "e")], (NOW, 1.0), &[("trace_id", "abc")])
        .metadata(1, "up", "Help.", "s");
    encoder.message().to_vec()
}

fn v2() -> Vec<u8> {
    let mut encoder = Encoder::default();
    let samples = [Sample {
        start: NOW - 5,
        timestamp: NOW,
        value: 1.0,
    }];
    let parts = SeriesParts {
        samples: &samples,
        exemplars: &[(&[("trace_id", "abc")], 1.0, NOW)],
        metadata: Some((1, "Help.", "s")),
        ..SeriesParts::default()
    };
    let histograms = [histogram()];
    encoder.series([("__name__", "up"), ("job", "a")], parts).series(
        [("__name__", "h")],
        SeriesParts {
            histograms: &histograms,
            ..SeriesParts::default()
        },
    );
    encoder.message()
}

fn otlp() -> Vec<u8> {
    let time = "1700000000000000000";
    let attributes = json!([
        {"key": "a.b", "value": {"stringValue": "x"}},
        {"key": "list", "value": {"arrayValue": {"values": [{"intValue": 1}, {"kvlistValue": {"values": []}}]}}}
    ]);
    let request = json!({"resourceMetrics": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "s"}}, {"key": "h", "value": {"intValue": 1}}]},
        "scopeMetrics": [{"scope": {"name": "l", "attributes": attributes}, "metrics": [
            {"name": "g", "unit": "By/s", "gauge": {"dataPoints": [{"timeUnixNano": time, "asInt": 1, "attributes": attributes}]}},
            {"name": "h", "histogram": {"aggregationTemporality": 2, "dataPoints": [
                {"timeUnixNano": time, "count": 3, "sum": 1, "bucketCounts": [1, 2], "explicitBounds": [1],
                 "exemplars": [{"timeUnixNano": time, "asDouble": 0.5, "traceId": "0af7651916cd43dd8448eb211c80319c"}]}]}},
            {"name": "e", "exponentialHistogram": {"aggregationTemporality": 1, "dataPoints": [
                {"timeUnixNano": time, "count": 3, "scale": 12, "positive": {"offset": 5, "bucketCounts": [1, 0, 0, 0, 2]}}]}},
            {"name": "s", "summary": {"dataPoints": [
                {"timeUnixNano": time, "count": 3, "quantileValues": [{"quantile": 0.5, "value": 1}]}]}}
        ]}]
    }]});
    json::metrics_request(request.to_string().as_bytes()).unwrap()
}

/// Spells every series and gives how many there are.
fn spell_all(incoming: &dyn Incoming) -> usize {
    let count = incoming.batch().series_count();
    for series in 0..count as u32 {
        spelled(incoming, series);
        incoming.labels(series, &mut LabelBuffer::default());
    }
    let _ = incoming.take_rejects().text(0);
    count
}

/// Reads a body as each dialect in turn; gives the numbers of series.
fn read_as_all(body: &[u8], nhcb: bool) -> [Option<usize>; 3] {
    let config = Config::default();
    let mut settings = config.otlp;
    settings.histograms_to_nhcb = nhcb;
    let rules = Rules::at(NOW, config.limits, 0);
    let (texts, stated) = (Texts::default(), Stated::default());
    let context = Context {
        rules,
        type_and_unit: false,
        moved: &[],
        settings: &settings,
        lookback_ms: 300_000,
        texts: &texts,
        stated: &stated,
        tenant_hash: 0,
        now_ms: NOW,
    };
    [
        remote_write::Request::read(body, rules, &[])
            .ok()
            .map(|r| spell_all(&r)),
        remote_write_v2::Request::read(body, context)
            .ok()
            .map(|r| spell_all(&r)),
        otlp::Request::read(body, context).ok().map(|r| spell_all(&r)),
    ]
}

#[test]
fn each_dialect_reads_its_own() {
    assert_eq!(read_as_all(&v1(), false)[0], Some(3));
    assert_eq!(read_as_all(&v2(), false)[1], Some(2));
    // A gauge, four of a histogram, one exponential, three of a summary, and what is known of scope and resource.
    assert_eq!(read_as_all(&otlp(), false)[2], Some(11));
    assert_eq!(read_as_all(&otlp(), true)[2], Some(8));
}

proptest! {
    #[test]
    fn no_mutation_panics(
        which in 0..3usize, nhcb: bool,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut body = [v1, v2, otlp][which]();
        for (at, byte) in changes {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let _ = read_as_all(&body, nhcb);
    }

    #[test]
    fn no_bytes_panic(body in proptest::collection::vec(any::<u8>(), 0..256)) {
        let _ = read_as_all(&body, false);
    }
}
