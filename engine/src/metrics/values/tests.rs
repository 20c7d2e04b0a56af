//! Tests of value groups: every bit pattern and every real series comes back, and nonsense is refused.

use proptest::prelude::*;

use super::*;

const EFFORTS: [Effort; 3] = [Effort::Young, Effort::Settled, Effort::Cold];

fn encoded(chunks: &[Vec<f64>], effort: Effort) -> Vec<u8> {
    let slices: Vec<&[f64]> = chunks.iter().map(Vec::as_slice).collect();
    let mut out = Vec::new();
    encode_group(&slices, effort, &mut out);
    out
}

fn round_trip(chunks: &[Vec<f64>]) {
    for effort in EFFORTS {
        let bytes = encoded(chunks, effort);
        let mut group = Group::open(&bytes).unwrap();
        assert_eq!(group.chunk_count(), chunks.len());
        // Backwards, so that nothing depends on what was decoded before.
        for (i, values) in chunks.iter().enumerate().rev() {
            let mut back = vec![1.5];
            group.decode(i, &mut back).unwrap();
            let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&back[1..]), bits(values), "chunk {i} at {effort:?}");
            assert_eq!(group.sample_count(i), values.len());
        }
        assert!(group.decode(chunks.len(), &mut Vec::new()).is_err());
    }
}

#[test]
fn limits_come_back() {
    let odd = [
        0.0,
        -0.0,
        f64::NAN,
        -f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MIN,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        -5e-324,
        0.1 + 0.2,
        1e300,
        -1e-300,
        i64::MAX as f64,
        i64::MIN as f64,
        u64::MAX as f64,
        9_007_199_254_740_993.0,
        1e22,
        1e23,
        123_456_789_012_345_680.0,
        f64::from_bits(0x7ff0_0000_0000_0002),
        f64::from_bits(0x7ff8_0000_0000_0001),
        f64::from_bits(0xffff_ffff_ffff_ffff),
        1.0,
        0.1,
        1e-17,
        1e17,
    ];
    for value in odd {
        round_trip(&[vec![value]]);
        round_trip(&[
            vec![value; 300],
            vec![1.0, value, 2.0],
            vec![value, 0.5],
            vec![3.25, value],
        ]);
    }
    round_trip(&[odd.to_vec(), odd.iter().rev().copied().collect()]);
}

#[test]
fn sums_with_noise_come_back() {
    let sums = |by: f64| -> Vec<f64> {
        (0..1024)
            .scan(0.0, |sum, i| {
                *sum += by * f64::from(i % 7);
                Some(*sum)
            })
            .collect()
    };
    round_trip(&[sums(0.1), sums(0.01), sums(1e-9), sums(0.3)]);
}

#[test]
fn constants_and_scattered_nan_are_cheap() {
    let nan = f64::from_bits(0x7ff8_0000_0000_0001);
    let constant = vec![12.5; 1000];
    let with_nan: Vec<f64> = (0..1000).map(|i| if i % 97 == 5 { nan } else { 12.5 }).collect();
    for effort in EFFORTS {
        assert!(encoded(std::slice::from_ref(&constant), effort).len() < 12);
        assert!(encoded(std::slice::from_ref(&with_nan), effort).len() < 24);
    }
}

#[test]
fn series_that_move_together_share_what_they_say() {
    let base: Vec<f64> = (0..240)
        .map(|i| f64::from(i * i * 7919 % 1009) + f64::from(i * 500))
        .collect();
    let alike: Vec<Vec<f64>> = (0..8)
        .map(|k| base.iter().map(|v| v + f64::from(k)).collect())
        .collect();
    round_trip(&alike);
    let one = encoded(&alike[..1], Effort::Settled).len();
    let eight = encoded(&alike, Effort::Settled).len();
    assert!(eight < 3 * one, "{eight} for eight, {one} for one");
}

/// Chunks of the series of an OpenMetrics text: value is the last but one word.
fn text_chunks(text: &str) -> Vec<Vec<f64>> {
    let mut series: Vec<(&str, Vec<f64>)> = Vec::new();
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        let mut words = line.rsplitn(3, ' ');
        let (_, value, key) = (words.next(), words.next().unwrap(), words.next().unwrap());
        if series.last().is_none_or(|(last, _)| *last != key) {
            series.push((key, Vec::new()));
        }
        series.last_mut().unwrap().1.push(value.parse().unwrap());
    }
    let chunks = series.iter().flat_map(|(_, values)| values.chunks(SAMPLES_MAX));
    chunks.map(<[f64]>::to_vec).collect()
}

/// Reads `../shared/data` of the repository; skips loudly without it.
#[test]
fn real_series_come_back() {
    for name in [
        "nab/nab.om.txt.zst",
        "nezha-onlineboutique/metrics-2022-08-22.om.txt.zst",
    ] {
        let path = format!("{}/../../shared/data/{name}", env!("CARGO_MANIFEST_DIR"));
        let Ok(file) = crate_file(&path) else {
            eprintln!("SKIPPED: {path} is absent");
            continue;
        };
        let text = String::from_utf8(zstd::decode_all(file.as_slice()).unwrap()).unwrap();
        for group in text_chunks(&text).chunks(8) {
            round_trip(group);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the data of tests is not the store's")]
fn crate_file(path: &str) -> std::io::Result<Vec<u8>> {
    std::fs::read(path)
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        (any::<i64>(), 0i32..20).prop_map(|(n, e)| (n >> (n & 63)) as f64 / 10f64.powi(e)),
        (0i64..1000).prop_map(|n| n as f64),
        (0i64..100_000, 1i64..100).prop_map(|(a, b)| a as f64 * 0.1 + b as f64 * 0.01),
        prop::sample::select(vec![
            0.0,
            -0.0,
            f64::NAN,
            f64::INFINITY,
            5e-324,
            f64::from_bits(0x7ff0_0000_0000_0002)
        ]),
    ]
}

fn chunk_of_values() -> impl Strategy<Value = Vec<f64>> {
    prop_oneof![
        prop::collection::vec(value(), 1..40),
        prop::collection::vec(any::<u64>().prop_map(f64::from_bits), 1..300),
        (0i32..12, prop::collection::vec((-500i64..500, 0u8..50), 1..300)).prop_map(|(e, all)| {
            let mut sum = 0i64;
            let step = |(n, odd): &(i64, u8)| {
                sum += n;
                if *odd == 0 {
                    f64::NAN
                } else {
                    sum as f64 / 10f64.powi(e)
                }
            };
            all.iter().map(step).collect()
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_group_comes_back(chunks in prop::collection::vec(chunk_of_values(), 1..6)) {
        round_trip(&chunks);
    }

    #[test]
    fn chunks_of_one_length_come_back(rows in prop::collection::vec((any::<u16>(), 0u8..40, -9i64..9), 2..200), e in 0i32..9) {
        let chunk = |k: i64| rows.iter().map(|(a, odd, b)| match (*odd, k % 2) {
            (0, 0) | (1, 1) => f64::NAN,
            _ => (i64::from(*a) + k * b) as f64 / 10f64.powi(e),
        }).collect::<Vec<f64>>();
        round_trip(&(0..9).map(chunk).collect::<Vec<_>>());
    }

    #[test]
    fn nonsense_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(mut group) = Group::open(&bytes) {
            for i in 0..group.chunk_count() {
                let mut out = Vec::new();
                group.decode(i, &mut out).ok();
                prop_assert!(out.len() <= SAMPLES_MAX * 2);
            }
        }
    }

    #[test]
    fn damage_never_panics(
        chunks in prop::collection::vec(chunk_of_values(), 1..5), at in any::<prop::sample::Index>(), flip in 1u8..,
    ) {
        for effort in [Effort::Young, Effort::Settled] {
            let mut bytes = encoded(&chunks, effort);
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            if let Ok(mut group) = Group::open(&bytes) {
                (0..group.chunk_count()).for_each(|i| {
                    group.decode(i, &mut Vec::new()).ok();
                });
            }
        }
    }
}
