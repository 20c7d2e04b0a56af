//! Remote write 2.0: round trip, the short and the general path agree, symbols at any place, no panic on any bytes.

use proptest::prelude::*;

use super::*;
use crate::wire::{put_bytes, put_integer, put_varint};

type PlainSeries = (Vec<u32>, Vec<(i64, i64, u64)>, (u32, u32, u32));

fn encode(series: &[PlainSeries]) -> Vec<u8> {
    let mut encoder = Encoder::default();
    for (refs, samples, _) in series {
        let samples: Vec<Sample> = samples
            .iter()
            .map(|(start, timestamp, bits)| Sample {
                start: *start,
                timestamp: *timestamp,
                value: f64::from_bits(*bits),
            })
            .collect();
        let parts = SeriesParts {
            samples: &samples,
            metadata: Some((1, "help", "unit")),
            ..SeriesParts::default()
        };
        encoder.series_of_refs(refs, parts);
    }
    encoder.message()
}

/// Everything of a body, or its first error.
fn walk(body: &[u8], quick: bool) -> Result<Vec<String>> {
    let mut scan = Scan::open(body)?;
    let mut out = vec![format!("{:?}", scan.symbols)];
    loop {
        if quick {
            match scan.next_series()? {
                Some(series) => out.push(format!("{series:?}")),
                None => return Ok(out),
            }
        } else {
            let Some(metadata) = scan.general_series()? else {
                return Ok(out);
            };
            let series = Series {
                label_refs: &scan.label_refs,
                samples: &scan.samples,
                histograms: &scan.histograms,
                exemplars: &scan.exemplars,
                metadata,
            };
            out.push(format!("{series:?}"));
        }
    }
}

fn any_series() -> impl Strategy<Value = Vec<PlainSeries>> {
    let refs = proptest::collection::vec(any::<u32>(), 0..6);
    let samples = proptest::collection::vec((any::<i64>(), any::<i64>(), any::<u64>()), 0..4);
    proptest::collection::vec((refs, samples, Just((1, 0, 0))), 0..5)
}

#[test]
fn every_part_of_a_series_comes_back() {
    let histogram = Histogram {
        timestamp: 5,
        start: 4,
        schema: 3,
        ..Histogram::default()
    };
    let mut encoder = Encoder::default();
    encoder.series(
        [("__name__", "up")],
        SeriesParts {
            samples: &[Sample {
                start: 1,
                timestamp: 2,
                value: 3.0,
            }],
            histograms: std::slice::from_ref(&histogram),
            exemplars: &[(&[("trace_id", "abc")], 0.5, 7)],
            metadata: Some((2, "Whether it is up.", "bool")),
        },
    );
    let body = encoder.message();
    let mut scan = Scan::open(&body).unwrap();
    let symbols: Vec<&str> = scan
        .symbols
        .iter()
        .map(|s| std::str::from_utf8(s).unwrap())
        .collect();
    assert_eq!(
        symbols,
        [
            "",
            "__name__",
            "up",
            "trace_id",
            "abc",
            "Whether it is up.",
            "bool"
        ]
    );
    let series = scan.next_series().unwrap().unwrap();
    assert_eq!(series.label_refs, [1, 2]);
    assert_eq!((series.samples[0].start, series.samples[0].timestamp), (1, 2));
    assert_eq!(series.histograms, [histogram]);
    assert_eq!(series.exemplars[0].label_refs, [3, 4]);
    assert_eq!(
        (series.exemplars[0].value, series.exemplars[0].timestamp),
        (0.5, 7)
    );
    assert_eq!(
        series.metadata,
        Metadata {
            kind: 2,
            help_ref: 5,
            unit_ref: 6
        }
    );
    assert!(scan.next_series().unwrap().is_none());
}

#[test]
fn symbols_behind_the_series_and_numbers_one_by_one_are_read() {
    let mut series = Vec::new();
    for n in [1, 2] {
        put_integer(&mut series, 1, n);
    }
    put_varint(&mut series, 6 << 3);
    put_varint(&mut series, 77);
    let mut body = Vec::new();
    put_bytes(&mut body, 5, &series);
    for symbol in ["", "a", "b"] {
        put_bytes(&mut body, 4, symbol.as_bytes());
    }
    let mut scan = Scan::open(&body).unwrap();
    assert_eq!(scan.symbols.len(), 3);
    assert_eq!(scan.next_series().unwrap().unwrap().label_refs, [1, 2]);
}

proptest! {
    #[test]
    fn both_paths_agree(series in any_series()) {
        let body = encode(&series);
        let quick = walk(&body, true).unwrap();
        prop_assert_eq!(quick.len(), series.len() + 1);
        prop_assert_eq!(&quick, &walk(&body, false).unwrap());
        let mut scan = Scan::open(&body).unwrap();
        for (refs, samples, _) in &series {
            let got = scan.next_series().unwrap().unwrap();
            prop_assert_eq!(got.label_refs, &refs[..]);
            let got: Vec<_> = got.samples.iter().map(|s| (s.start, s.timestamp, s.value.to_bits())).collect();
            prop_assert_eq!(&got, samples);
        }
    }

    #[test]
    fn both_paths_agree_on_mutated_bytes(series in any_series(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut body = encode(&series);
        let at = at.index(body.len());
        body[at] = byte;
        prop_assert_eq!(walk(&body, true), walk(&body, false));
    }

    #[test]
    fn never_panics_on_random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = walk(&bytes, true);
    }
}
