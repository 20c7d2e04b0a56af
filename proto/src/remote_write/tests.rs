//! Remote write 1.0: round trip, unknown fields, wrong types, no panic on random and mutated bytes, and the bodies a real
//! Prometheus sent (`../shared/data/recording` beside the repository; absent, that test says so and passes).

use proptest::prelude::*;

use super::*;
use crate::error::Error;
use crate::wire::{put_bytes, put_integer};

type PlainSeries = (Vec<(String, String)>, Vec<(i64, u64)>);

fn encode(series: &[PlainSeries]) -> RequestEncoder {
    let mut encoder = RequestEncoder::default();
    for (labels, samples) in series {
        encoder.series(
            labels.iter().map(|(n, v)| (n.as_str(), v.as_str())),
            samples.iter().map(|(t, bits)| (*t, f64::from_bits(*bits))),
        );
    }
    encoder
}

fn plain(request: &WriteRequest<'_>) -> Vec<PlainSeries> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    request
        .series()
        .map(|s| {
            let labels = s.labels.iter().map(|l| (text(l.name), text(l.value))).collect();
            let samples = s
                .samples
                .iter()
                .map(|s| (s.timestamp, s.value.to_bits()))
                .collect();
            (labels, samples)
        })
        .collect()
}

#[test]
fn decodes_series_and_metadata() {
    let mut encoder = RequestEncoder::default();
    encoder
        .series(
            [("__name__", "up"), ("job", "node")],
            [(1000, 1.0), (-5, f64::NEG_INFINITY)],
        )
        .metadata(1, "http_requests", "Requests served.", "s");
    let request = WriteRequest::decode(encoder.message()).unwrap();
    assert_eq!(request.sample_count(), 2);
    let series = request.series().next().unwrap();
    assert_eq!(
        series.labels[1],
        Label {
            name: b"job",
            value: b"node"
        }
    );
    assert_eq!(
        (series.samples[1].timestamp, series.samples[1].value),
        (-5, f64::NEG_INFINITY)
    );
    assert_eq!(
        request.metadata,
        [Metadata {
            kind: 1,
            family: b"http_requests",
            help: b"Requests served.",
            unit: b"s"
        }]
    );
}

#[test]
fn unknown_fields_are_skipped_and_counted_kinds_are_counted() {
    let mut series = Vec::new();
    put_bytes(&mut series, 3, b"");
    put_bytes(&mut series, 4, b"");
    put_bytes(&mut series, 4, b"\x09whatever");
    put_integer(&mut series, 99, 7);
    let mut body = Vec::new();
    put_bytes(&mut body, 2, b"source");
    put_bytes(&mut body, 1, &series);
    let request = WriteRequest::decode(&body).unwrap();
    let series = request.series().next().unwrap();
    assert_eq!((series.exemplars, series.histograms), (1, 2));
    assert!(series.labels.is_empty() && series.samples.is_empty());
}

#[test]
fn a_field_of_another_type_is_an_error() {
    let mut body = Vec::new();
    put_integer(&mut body, 1, 5);
    assert_eq!(
        WriteRequest::decode(&body).unwrap_err(),
        Error::WireType {
            field: 1,
            found: 0,
            offset: 0
        }
    );
}

#[test]
fn the_recorded_bodies_of_a_real_sender_decode() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/data/recording/remote-write-part1.tar.zst"
    );
    let Ok(file) = std::fs::File::open(path) else {
        eprintln!("SKIPPED: {path} is absent");
        return;
    };
    let mut archive = tar::Archive::new(zstd::Decoder::new(file).unwrap());
    let (mut bodies, mut samples, mut metadata) = (0, 0, 0);
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.path().unwrap().extension().is_none_or(|e| e != "bin") {
            continue;
        }
        let mut body = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut body).unwrap();
        let message = snappy(&body);
        let request = WriteRequest::decode(&message).unwrap();
        bodies += 1;
        samples += request.sample_count();
        metadata += request.metadata.len();
    }
    assert!(
        bodies > 200 && samples > 100_000 && metadata > 0,
        "{bodies} {samples} {metadata}"
    );
}

fn snappy(body: &[u8]) -> Vec<u8> {
    crate::snappy::decompress(body, 32 << 20).unwrap()
}

fn any_series() -> impl Strategy<Value = Vec<PlainSeries>> {
    let labels = proptest::collection::vec((".{0,8}", ".{0,8}"), 0..5);
    let samples = proptest::collection::vec((any::<i64>(), any::<u64>()), 0..5);
    proptest::collection::vec((labels, samples), 0..6)
}

proptest! {
    #[test]
    fn round_trip(series in any_series()) {
        let encoder = encode(&series);
        let body = snappy(&encoder.compressed());
        prop_assert_eq!(plain(&WriteRequest::decode(&body).unwrap()), series);
    }

    #[test]
    fn never_panics_on_random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = WriteRequest::decode(&bytes);
    }

    #[test]
    fn never_panics_on_mutated_bytes(series in any_series(), at in any::<prop::sample::Index>(), byte: u8, cut: bool) {
        let mut body = encode(&series).message().to_vec();
        if !body.is_empty() {
            let at = at.index(body.len());
            body[at] = byte;
            if cut {
                body.truncate(at);
            }
        }
        if let Ok(request) = WriteRequest::decode(&body) {
            let _ = request.series().map(|s| s.samples.len()).sum::<usize>();
        }
    }
}
