//! Tests of histogram chunks: every histogram comes back, regular ones are small, nonsense is refused.

use proptest::prelude::*;

use super::*;
use crate::metrics::histogram::{CUSTOM_BUCKETS, Counts, Span};

/// Rows of one layout, sound or not, and sometimes one of another.
pub(in crate::metrics::histogram) fn any_rows() -> impl Strategy<Value = Vec<Histogram>> {
    let float = || {
        prop_oneof![
            any::<u64>().prop_map(f64::from_bits),
            (0u32..5000).prop_map(|n| f64::from(n) / 8.0)
        ]
    };
    let spans = || prop::collection::vec((-5i32..200, 0u32..4), 0..4);
    let number = prop_oneof![
        any::<u64>(),
        Just(u64::MAX),
        Just(u64::MAX - 1),
        0u64..9,
        0u64..5000
    ];
    let row = (float(), 0u64..4, prop::collection::vec(number, 20));
    let layout = (
        any::<bool>(),
        any::<bool>(),
        float(),
        spans(),
        spans(),
        0usize..9,
        0usize..9,
    );
    let rows = prop::collection::vec(row, 1..40);
    (layout, rows, prop::option::of(0usize..40)).prop_map(|(layout, rows, odd)| {
        let histogram = |(i, (sum, hint, numbers)): (usize, &(f64, u64, Vec<u64>))| {
            let (is_float, custom, zero_threshold, positive, negative, positive_len, negative_len) = &layout;
            let custom_values = if *custom {
                vec![1.0, *zero_threshold]
            } else {
                Vec::new()
            };
            let exponential = i32::from(odd == Some(i));
            Histogram {
                schema: if *custom { CUSTOM_BUCKETS } else { exponential },
                reset_hint: ResetHint::from_number(*hint),
                zero_threshold: *zero_threshold,
                sum: *sum,
                positive_spans: spans_of(positive),
                negative_spans: spans_of(negative),
                custom_values,
                counts: counts_of(
                    *is_float,
                    &numbers[..2 + positive_len + negative_len],
                    *positive_len,
                ),
            }
        };
        rows.iter().enumerate().map(histogram).collect()
    })
}

fn spans_of(all: &[(i32, u32)]) -> Vec<Span> {
    let span = |(offset, length): &(i32, u32)| Span {
        offset: *offset,
        length: *length,
    };
    all.iter().map(span).collect()
}

fn counts_of(float: bool, numbers: &[u64], positive_len: usize) -> Counts {
    let (positive, negative) = numbers[2..].split_at(positive_len);
    let floats = |all: &[u64]| all.iter().map(|n| f64::from_bits(*n)).collect();
    if float {
        Counts::Float {
            count: f64::from_bits(numbers[0]),
            zero: numbers[1] as f64,
            positive: floats(positive),
            negative: floats(negative),
        }
    } else {
        Counts::Integer {
            count: numbers[0],
            zero: numbers[1],
            positive: positive.to_vec(),
            negative: negative.to_vec(),
        }
    }
}

/// Rows as a latency histogram that is scraped has them.
pub(in crate::metrics::histogram) fn growing(rows: u64) -> Vec<Histogram> {
    let row = |i: u64| {
        let positive: Vec<u64> = (0..40u64)
            .map(|b| i * (b % 7) + ((i * b * 2_654_435_761) >> 30) % 3)
            .collect();
        Histogram {
            schema: 3,
            reset_hint: if i == 0 { ResetHint::Unknown } else { ResetHint::No },
            zero_threshold: 1e-128,
            sum: i as f64 * 12.625,
            positive_spans: vec![Span {
                offset: -5,
                length: 40,
            }],
            negative_spans: Vec::new(),
            custom_values: Vec::new(),
            counts: Counts::Integer {
                count: positive.iter().sum::<u64>() + 3,
                zero: 3,
                positive,
                negative: Vec::new(),
            },
        }
    };
    (0..rows).map(row).collect()
}

fn encoded(rows: &[Histogram], effort: Effort) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&rows.iter().collect::<Vec<_>>(), effort, &mut out);
    out
}

#[test]
fn a_latency_histogram_takes_a_few_bits_a_bucket() {
    let rows = growing(240);
    let bytes = encoded(&rows, Effort::Settled);
    assert_eq!(decode(&bytes, 240).unwrap(), rows);
    assert!(
        bytes.len() < 240 * 40 * 3 / 8,
        "{} bytes for 240 rows of 40 buckets",
        bytes.len()
    );
}

#[test]
fn few_bytes_never_become_many_numbers() {
    let mut bytes = vec![COLUMNS];
    let layout = Layout::of(&growing(1)[0]);
    layout.encode(&mut bytes);
    bytes.truncate(bytes.len() - 2);
    crate::coding::put_uvarint(&mut bytes, 30_000);
    bytes.push(0);
    bytes.resize(bytes.len() + 60_000, 3);
    assert_eq!(
        decode(&bytes, 1024).unwrap_err(),
        Malformed("numbers of a histogram chunk")
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_chunk_comes_back(rows in any_rows()) {
        for effort in [Effort::Young, Effort::Settled, Effort::Cold] {
            let bytes = encoded(&rows, effort);
            prop_assert_eq!(&decode(&bytes, rows.len()).unwrap(), &rows);
        }
    }

    #[test]
    fn nonsense_never_panics(mut bytes in prop::collection::vec(any::<u8>(), 1..200), count in 0usize..1025) {
        decode(&bytes, count).ok();
        bytes[0] = COLUMNS;
        decode(&bytes, count).ok();
    }

    #[test]
    fn damage_never_panics(rows in any_rows(), at in any::<prop::sample::Index>(), flip in 1u8..) {
        let mut bytes = encoded(&rows, Effort::Settled);
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        decode(&bytes, rows.len()).ok();
    }
}
