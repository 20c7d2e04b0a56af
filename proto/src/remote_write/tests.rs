//! Remote write 1.0: round trip, unknown fields, wrong types, no panic on random and mutated bytes, and the bodies a real
//! Prometheus sent (`../shared/data/recording` beside the repository; absent, that test says so and passes).

use proptest::prelude::*;

use super::*;
use crate::error::{Error, Result};
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

fn plain(body: &[u8]) -> Vec<PlainSeries> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut scan = Scan::new(body);
    let mut out = Vec::new();
    while let Some(s) = scan.next_series().unwrap() {
        let labels = Labels::new(&s.labels).map(Result::unwrap);
        let labels = labels.map(|l| (text(l.name), text(l.value))).collect();
        let samples = s
            .samples
            .iter()
            .map(|s| (s.timestamp, s.value.to_bits()))
            .collect();
        out.push((labels, samples));
    }
    out
}

/// Everything of a body by the scan or by the general rules alone, or its first error.
fn walk(body: &[u8], quick: bool) -> Result<Vec<String>> {
    let mut scan = Scan::new(body);
    let mut out = Vec::new();
    loop {
        if quick {
            let Some(series) = scan.next_series()? else { break };
            out.push(format!("{series:?}"));
        } else {
            let Some(labels) = scan.general_series()? else {
                break;
            };
            let series = Series {
                labels,
                samples: &scan.samples,
                exemplars: &scan.exemplars,
                histograms: &scan.histograms,
            };
            out.push(format!("{series:?}"));
        }
    }
    out.push(format!("{:?}", scan.metadata));
    Ok(out)
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
    let mut scan = Scan::new(encoder.message());
    let series = scan.next_series().unwrap().unwrap();
    let job = Labels::new(&series.labels).nth(1).unwrap().unwrap();
    assert_eq!((job.name, job.value), (&b"job"[..], &b"node"[..]));
    assert_eq!(series.samples.len(), 2);
    assert_eq!(
        (series.samples[1].timestamp, series.samples[1].value),
        (-5, f64::NEG_INFINITY)
    );
    assert!(scan.next_series().unwrap().is_none());
    assert_eq!(
        scan.metadata,
        [Metadata {
            kind: 1,
            family: b"http_requests",
            help: b"Requests served.",
            unit: b"s"
        }]
    );
}

#[test]
fn exemplars_and_histograms_come_whole_and_unknown_fields_are_skipped() {
    let histogram = Histogram {
        schema: -53,
        custom_values: vec![1.0, 2.0],
        timestamp: 9,
        ..Histogram::default()
    };
    let mut encoder = RequestEncoder::default();
    encoder
        .exemplar([("__name__", "a")], (5, 1.5), &[("trace_id", "t")])
        .histograms([("__name__", "h")], std::slice::from_ref(&histogram));
    let mut body = Vec::new();
    put_bytes(&mut body, 2, b"source");
    body.extend_from_slice(encoder.message());
    let mut scan = Scan::new(&body);
    let series = scan.next_series().unwrap().unwrap();
    let exemplar = &series.exemplars[0];
    assert_eq!((exemplar.value, exemplar.timestamp), (1.5, 5));
    assert_eq!(exemplar.labels[0].value, b"t");
    assert_eq!(scan.next_series().unwrap().unwrap().histograms, [histogram]);
}

#[test]
fn labels_among_other_fields_are_collected() {
    let mut encoder = RequestEncoder::default();
    encoder.series([("__name__", "up"), ("job", "a")], []);
    let labels = &encoder.message()[2..];
    let cut = 2 + usize::from(labels[1]);
    let mut series = labels[..cut].to_vec();
    put_integer(&mut series, 99, 7);
    series.extend_from_slice(&labels[cut..]);
    let mut body = Vec::new();
    put_bytes(&mut body, 1, &series);
    let mut scan = Scan::new(&body);
    assert_eq!(scan.next_series().unwrap().unwrap().labels, labels);
}

#[test]
fn a_field_of_another_type_is_an_error() {
    let mut body = Vec::new();
    put_integer(&mut body, 1, 5);
    assert_eq!(
        walk(&body, true).unwrap_err(),
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
        assert_eq!(walk(&message, true), walk(&message, false));
        let mut scan = Scan::new(&message);
        while let Some(series) = scan.next_series().unwrap() {
            samples += series.samples.len();
            assert!(Labels::new(&series.labels).all(|label| label.is_ok()));
        }
        bodies += 1;
        metadata += scan.metadata.len();
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
        prop_assert_eq!(plain(&body), series);
        prop_assert_eq!(walk(&body, true), walk(&body, false));
    }

    #[test]
    fn never_panics_on_random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = walk(&bytes, true);
        for label in Labels::new(&bytes) {
            if label.is_err() {
                break;
            }
        }
    }

    #[test]
    fn both_paths_agree_on_mutated_bytes(series in any_series(), at in any::<prop::sample::Index>(), byte: u8, cut: bool) {
        let mut body = encode(&series).message().to_vec();
        if !body.is_empty() {
            let at = at.index(body.len());
            body[at] = byte;
            if cut {
                body.truncate(at);
            }
        }
        prop_assert_eq!(walk(&body, true), walk(&body, false));
    }
}
