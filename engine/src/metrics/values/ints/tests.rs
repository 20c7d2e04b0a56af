//! Tests of integer columns: every column comes back, small ones are small, nonsense is refused.

use proptest::prelude::*;

use super::*;

fn bytes(values: &[i64], effort: Effort) -> Vec<u8> {
    let mut out = Vec::new();
    encode(values, effort, &mut out);
    let (mut r, mut back) = (Reader::new(&out), vec![7]);
    decode(&mut r, values.len(), &mut back).unwrap();
    assert_eq!((&back[1..], r.remaining()), (values, 0), "{effort:?}");
    out
}

fn round_trip(values: &[i64]) {
    for effort in [Effort::Young, Effort::Settled, Effort::Cold] {
        bytes(values, effort);
    }
}

#[test]
fn limits_come_back() {
    for values in [
        vec![],
        vec![i64::MIN],
        vec![i64::MIN, i64::MAX],
        vec![i64::MIN, i64::MAX, i64::MIN],
        vec![0, i64::MIN, 0, i64::MIN, 0],
        vec![i64::MAX, i64::MAX - 1, -1, 0, 1],
    ] {
        round_trip(&values);
    }
}

#[test]
fn regular_columns_take_few_bytes() {
    let steady: Vec<i64> = (0..1000).map(|i| 5_000_000 + i * 4096).collect();
    assert!(bytes(&steady, Effort::Young).len() < 16);
    let rare: Vec<i64> = (0..1000).map(|i| i / 300 * 7).collect();
    assert!(bytes(&rare, Effort::Settled).len() < 20);
    let bits: Vec<i64> = (0..1000i64).map(|i| ((i * i * 7919) >> 7) & 1).collect();
    assert!(bytes(&bits, Effort::Settled).len() < 145, "a bit each");
}

#[test]
fn finer_classes_pay_where_values_crowd_together() {
    // Sums of two throws: likeliest in the middle.
    let values: Vec<i64> = (0..1000i64)
        .map(|i| (i * 7919) % 1009 + (i * i * 104_729) % 1013)
        .collect();
    let (settled, cold) = (bytes(&values, Effort::Settled), bytes(&values, Effort::Cold));
    assert_eq!(cold[0] >> CODING_SHIFT, CODING_FINE);
    assert!(cold.len() < settled.len(), "{} and {}", cold.len(), settled.len());
}

fn column() -> impl Strategy<Value = Vec<i64>> {
    let number = prop_oneof![
        any::<i64>(),
        -3i64..3,
        Just(i64::MIN),
        Just(i64::MAX),
        (0u32..64, any::<i64>()).prop_map(|(shift, n)| n >> shift),
        (0i64..50).prop_map(|n| n * 4096),
    ];
    prop_oneof![
        prop::collection::vec(number, 0..60),
        (0u32..64, prop::collection::vec(any::<i64>(), 0..700))
            .prop_map(|(shift, all)| all.iter().map(|n| n >> shift).collect()),
        (0u32..40, prop::collection::vec(0i64..1 << 20, 0..700)).prop_map(|(shift, all)| {
            let mut sum = 0i64;
            all.iter()
                .map(|n| {
                    sum = sum.wrapping_add(n << shift);
                    sum
                })
                .collect()
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_column_comes_back(values in column()) {
        round_trip(&values);
    }

    #[test]
    fn nonsense_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..120), count in 0usize..1100) {
        let mut out = Vec::new();
        if decode(&mut Reader::new(&bytes), count, &mut out).is_ok() {
            prop_assert_eq!(out.len(), count);
        }
    }

    #[test]
    fn nonsense_in_each_coding_never_panics(
        coding in 0u8..5, rest in prop::collection::vec(prop_oneof![0u8..8, any::<u8>()], 0..60), count in 1usize..300,
    ) {
        let mut bytes = vec![coding << CODING_SHIFT];
        bytes.extend_from_slice(&rest);
        decode(&mut Reader::new(&bytes), count, &mut Vec::new()).ok();
    }

    #[test]
    fn steep_columns_come_back(seed in any::<u64>(), shift in 0u32..60, count in 2usize..1000) {
        let mut state = seed | 1;
        let values: Vec<i64> = (0..count).map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let magnitude = (state >> 5) >> (state & 15) >> shift;
            if state & 16 == 0 { magnitude as i64 } else { -(magnitude as i64) }
        }).collect();
        round_trip(&values);
    }

    #[test]
    fn damage_never_panics(values in column(), at in any::<prop::sample::Index>(), flip in 1u8..) {
        for effort in [Effort::Young, Effort::Settled, Effort::Cold] {
            let mut out = Vec::new();
            encode(&values, effort, &mut out);
            if !out.is_empty() {
                let at = at.index(out.len());
                out[at] ^= flip;
                decode(&mut Reader::new(&out), values.len(), &mut Vec::new()).ok();
            }
        }
    }
}
