//! Tests of the rules of native histograms, of joining buckets and of the row encoding.

use proptest::prelude::*;

use super::*;
use crate::coding::Reader;

fn integer(spans: &[(i32, u32)], buckets: &[u64], zero: u64) -> Histogram {
    Histogram {
        schema: 3,
        reset_hint: ResetHint::Unknown,
        zero_threshold: 1e-128,
        sum: 12.5,
        positive_spans: spans
            .iter()
            .map(|(offset, length)| Span {
                offset: *offset,
                length: *length,
            })
            .collect(),
        negative_spans: Vec::new(),
        custom_values: Vec::new(),
        counts: Counts::Integer {
            count: buckets.iter().sum::<u64>() + zero,
            zero,
            positive: buckets.to_vec(),
            negative: Vec::new(),
        },
    }
}

fn custom(bounds: &[f64], buckets: &[u64]) -> Histogram {
    Histogram {
        schema: CUSTOM_BUCKETS,
        zero_threshold: 0.0,
        custom_values: bounds.to_vec(),
        ..integer(&[(0, buckets.len() as u32)], buckets, 0)
    }
}

#[test]
fn each_rule_refuses_by_its_own_text() {
    let refusal = |h: &Histogram| h.validate().unwrap_err().to_string();
    assert_eq!(integer(&[(-2, 1), (1, 2)], &[1, 2, 3], 4).validate(), Ok(()));
    assert!(refusal(&integer(&[(0, 2)], &[1], 0)).contains("spans need 2 buckets, have 1 buckets"));
    assert!(refusal(&integer(&[(0, 1), (-1, 1)], &[1, 1], 0)).contains("whose offset is negative"));
    let mut wrong = integer(&[(0, 1)], &[5], 0);
    wrong.counts = Counts::Integer {
        count: 4,
        zero: 0,
        positive: vec![5],
        negative: Vec::new(),
    };
    assert!(refusal(&wrong).contains("should equal the number of observations"));
    wrong.sum = f64::NAN;
    assert!(refusal(&wrong).contains("should be at least"));
    wrong.schema = 9;
    assert!(refusal(&wrong).contains("invalid schema"));
    let negative = Counts::Float {
        count: 1.0,
        zero: 0.0,
        positive: vec![-1.0],
        negative: Vec::new(),
    };
    let negative = Histogram {
        counts: negative,
        ..integer(&[(0, 1)], &[1], 0)
    };
    assert!(refusal(&negative).contains("observation count of -1"));
}

#[test]
fn custom_bounds_ascend_and_have_neither_zero_nor_negative_buckets() {
    assert_eq!(custom(&[1.0, 2.0], &[1, 2, 3]).validate(), Ok(()));
    let refusal = |h: &Histogram| h.validate().unwrap_err().to_string();
    assert!(refusal(&custom(&[2.0, 2.0], &[1])).contains("strictly increasing"));
    assert!(refusal(&custom(&[1.0, f64::NAN], &[1])).contains("strictly increasing"));
    assert!(refusal(&custom(&[f64::NAN], &[1])).contains("must be finite"));
    assert!(refusal(&custom(&[1.0, f64::INFINITY], &[1])).contains("must be finite"));
    assert!(refusal(&custom(&[1.0], &[1, 1, 1])).contains("insufficient to cover total span length of 3"));
    let zero = Histogram {
        zero_threshold: 0.1,
        ..custom(&[1.0], &[1])
    };
    assert!(refusal(&zero).contains("zero threshold"));
}

#[test]
fn a_step_down_joins_buckets_by_the_ceiling_of_half_their_index() {
    // Buckets -2, -1, 0, 1, 2, 5 of schema 3 are -1, 0, 0, 1, 1, 3 of schema 2.
    let mut h = integer(&[(-2, 5), (2, 1)], &[1, 2, 4, 8, 16, 32], 0);
    h.reduce_resolution(2);
    assert_eq!(h.schema, 2);
    assert_eq!(
        h.positive_spans,
        [
            Span {
                offset: -1,
                length: 3
            },
            Span { offset: 1, length: 1 }
        ]
    );
    let Counts::Integer { positive, .. } = &h.counts else {
        panic!("{h:?}")
    };
    assert_eq!(positive, &[1, 6, 24, 32]);
    assert_eq!(h.validate(), Ok(()));
}

proptest! {
    #[test]
    fn a_row_reads_back_to_the_bit(h in any_histogram()) {
        let mut bytes = Vec::new();
        row::encode(&h, &mut bytes);
        let mut r = Reader::new(&bytes);
        let back = row::decode(&mut r).unwrap();
        prop_assert_eq!(r.remaining(), 0);
        prop_assert!(back.same_bits(&h));
    }

    #[test]
    fn random_bytes_are_no_row_or_a_row_but_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = row::decode(&mut Reader::new(&bytes));
    }

    #[test]
    fn joining_in_one_step_or_two_is_the_same(h in any_histogram()) {
        let (mut at_once, mut twice) = (h.clone(), h);
        at_once.reduce_resolution(-2);
        twice.reduce_resolution(1);
        twice.reduce_resolution(-2);
        prop_assert_eq!(at_once.positive_spans, twice.positive_spans);
        prop_assert_eq!(at_once.schema, twice.schema);
    }
}

/// Any histogram that a decoder could hand over, sound or not.
fn any_histogram() -> impl Strategy<Value = Histogram> {
    let float = any::<u64>().prop_map(f64::from_bits);
    let side = prop::collection::vec((-5i32..200, 0u32..6), 0..4);
    let counts = prop_oneof![
        (any::<u64>(), any::<u64>()).prop_map(|(count, zero)| Counts::Integer {
            count,
            zero,
            positive: Vec::new(),
            negative: Vec::new()
        }),
        (float.clone(), float.clone()).prop_map(|(count, zero)| Counts::Float {
            count,
            zero,
            positive: Vec::new(),
            negative: Vec::new()
        }),
    ];
    (
        -53i32..10,
        0u64..4,
        float.clone(),
        float.clone(),
        side.clone(),
        side,
        any::<u64>(),
        counts,
    )
        .prop_map(
            |(schema, hint, zero_threshold, sum, positive, negative, seed, mut counts)| {
                let spans = |side: Vec<(i32, u32)>| -> Vec<Span> {
                    side.into_iter()
                        .map(|(offset, length)| Span { offset, length })
                        .collect()
                };
                let (positive_spans, negative_spans) = (spans(positive), spans(negative));
                let len = |spans: &[Span]| spans.iter().map(|s| s.length as usize).sum::<usize>();
                let mut state = seed;
                let mut bits = || {
                    state = state
                        .wrapping_mul(6364136223846793005)
                        .wrapping_add(1442695040888963407);
                    state
                };
                match &mut counts {
                    Counts::Integer {
                        positive, negative, ..
                    } => {
                        positive.extend((0..len(&positive_spans)).map(|_| bits()));
                        negative.extend((0..len(&negative_spans)).map(|_| bits() >> 40));
                    }
                    Counts::Float {
                        positive, negative, ..
                    } => {
                        positive.extend((0..len(&positive_spans)).map(|_| f64::from_bits(bits())));
                        negative.extend((0..len(&negative_spans)).map(|_| f64::from_bits(bits())));
                    }
                }
                Histogram {
                    schema,
                    reset_hint: ResetHint::from_number(hint),
                    zero_threshold,
                    sum,
                    positive_spans,
                    negative_spans,
                    custom_values: Vec::new(),
                    counts,
                }
            },
        )
}
