//! Chunks: what is encoded decodes to itself to the bit, known bytes are those of Prometheus, damage is refused.

use proptest::prelude::*;

use super::bits::{BitReader, BitWriter};
use super::*;
use crate::histogram::{Buckets, Span};

fn floats(chunks: &[Chunk]) -> Vec<(i64, u64)> {
    let all = chunks
        .iter()
        .flat_map(|chunk| decode_floats(&chunk.data).unwrap());
    all.map(|(time, value)| (time, value.to_bits())).collect()
}

#[test]
fn a_chunk_has_the_bytes_of_the_format() {
    let chunk = &encode_floats(&[1000, 2000, 3000], &[1.0, 1.0, 2.0])[0];
    // Count; time 1000 as zigzag varint; 1.0; step 1000 as varint; then bits: value unchanged 0; step unchanged 0; value
    // changed 1, new window 1, leading 1 (00001), width 11 (001011), the bits 0x7ff.
    let wanted = [
        0,
        3,
        0xd0,
        0x0f,
        0x3f,
        0xf0,
        0,
        0,
        0,
        0,
        0,
        0,
        0xe8,
        0x07,
        0b0011_0000,
        0b1001_0111,
        0b1111_1111,
        0b1100_0000,
    ];
    assert_eq!(chunk.data, wanted);
    assert_eq!((chunk.min_time, chunk.max_time), (1000, 3000));
}

#[test]
fn varbits_have_the_widths_of_the_format() {
    for (n, bits) in [
        (0, 1),
        (1, 5),
        (4, 5),
        (-3, 5),
        (5, 9),
        (-4, 9),
        (32, 9),
        (33, 13),
        (256, 13),
        (257, 17),
        (2049, 24),
        (131_073, 32),
        (16_777_217, 64),
        (i64::MIN, 72),
    ] {
        let mut out = BitWriter::default();
        varbit::put_signed(&mut out, n);
        let bytes = out.into_bytes();
        assert_eq!(bytes.len(), (bits as usize).div_ceil(8), "{n}");
        let mut input = BitReader::new(&bytes);
        assert_eq!(varbit::read_signed(&mut input).unwrap(), n);
    }
}

fn whole(time: i64, counts: [i64; 3], hint: u64) -> Histogram {
    Histogram {
        count: Count::Integer(counts.iter().sum::<i64>().cast_unsigned()),
        zero_count: Count::Integer(0),
        sum: counts[0] as f64 * 1.5,
        schema: 3,
        zero_threshold: 2.0_f64.powi(-128),
        positive: Buckets {
            spans: vec![
                Span {
                    offset: -2,
                    length: 2,
                },
                Span { offset: 5, length: 1 },
            ],
            deltas: vec![counts[0], counts[1] - counts[0], counts[2] - counts[1]],
            counts: Vec::new(),
        },
        reset_hint: hint,
        timestamp: time,
        ..Histogram::default()
    }
}

#[test]
fn resets_gauges_stale_samples_and_new_buckets_begin_chunks() {
    let mut stale = whole(5000, [0; 3], 0);
    stale.sum = f64::from_bits(0x7ff0_0000_0000_0002);
    let mut wider = whole(8000, [9, 9, 9], 0);
    wider.positive.spans[1].offset = 6;
    let all = [
        whole(1000, [1, 2, 3], 0),
        whole(2000, [2, 2, 4], 0),
        whole(3000, [1, 2, 4], 0),
        whole(4000, [5, 5, 5], 3),
        stale,
        whole(6000, [6, 6, 6], 0),
        whole(7000, [7, 7, 7], 2),
        wider,
    ];
    let chunks = encode_histograms(&all);
    let times: Vec<_> = chunks.iter().map(|c| (c.min_time, c.max_time)).collect();
    assert_eq!(
        times,
        [
            (1000, 2000),
            (3000, 3000),
            (4000, 4000),
            (5000, 5000),
            (6000, 7000),
            (8000, 8000)
        ]
    );
    let headers: Vec<_> = chunks.iter().map(|c| c.data[2] >> 6).collect();
    assert_eq!(headers, [0, 0b10, 0b11, 0, 0, 0]);
    let back: Vec<_> = chunks
        .iter()
        .flat_map(|c| decode_histograms(&c.data, false).unwrap())
        .collect();
    assert_eq!(back.len(), 8);
    assert_eq!(
        back[1],
        Histogram {
            reset_hint: 2,
            ..all[1].clone()
        }
    );
    assert_eq!(back[4].sum.to_bits(), 0x7ff0_0000_0000_0002);
    assert_eq!(back[7].positive, all[7].positive);
}

#[test]
fn chunks_hold_at_most_120_samples() {
    let times: Vec<i64> = (0..250).collect();
    let chunks = encode_floats(&times, &vec![1.0; 250]);
    assert_eq!(chunks.len(), 3);
    let all: Vec<_> = (0..250).map(|t| whole(t, [t; 3], 0)).collect();
    assert_eq!(encode_histograms(&all).len(), 3);
}

prop_compose! {
    fn histogram()(
        float in any::<bool>(),
        schema in prop_oneof![-4..9_i32, Just(-53)],
        threshold in prop_oneof![Just(0.0), Just(0.5), Just(2.0_f64.powi(-243)), Just(1024.0), Just(2048.0), 0.0..1.0],
        spans in proptest::collection::vec((any::<i32>(), 0_u32..4), 0..4),
        bounds in proptest::collection::vec(prop_oneof![0.0..1e6, (0..10_000_000).prop_map(|n| f64::from(n) / 1000.0), any::<f64>()], 0..4),
        seed in any::<u64>(),
        rows in 1_usize..5,
    ) -> Vec<Histogram> {
        let spans: Vec<Span> = spans.into_iter().map(|(offset, length)| Span { offset, length }).collect();
        let buckets: usize = spans.iter().map(|s| s.length as usize).sum();
        let mut state = seed;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> (state >> 59)
        };
        (0..rows).map(|i| {
            let count = |n: u64| if float { Count::Float(f64::from_bits(n)) } else { Count::Integer(n) };
            let mut side = || Buckets {
                spans: spans.clone(),
                deltas: (0..if float { 0 } else { buckets }).map(|_| random().cast_signed()).collect(),
                counts: (0..if float { buckets } else { 0 }).map(|_| f64::from_bits(random())).collect(),
            };
            let (positive, negative) = (side(), side());
            Histogram {
                count: count(random()),
                zero_count: count(random()),
                sum: f64::from_bits(random()),
                schema,
                zero_threshold: threshold,
                positive,
                negative,
                reset_hint: 3,
                timestamp: (random() >> 2).cast_signed() * if i % 2 == 0 { 1 } else { -1 },
                custom_values: if schema == -53 { bounds.clone() } else { Vec::new() },
                start: 0,
            }
        }).collect()
    }
}

/// Equality to the bit: the debug form of floats loses nothing but the payload of NaNs.
fn bits(h: &Histogram) -> String {
    let number = |c: Count| match c {
        Count::Float(n) => n.to_bits(),
        Count::Integer(n) => n,
        Count::Absent => 0,
    };
    let all = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    format!(
        "{} {} {} {:?} {:?} {:?} {:?} {:?} {:?}",
        h.timestamp,
        number(h.count),
        number(h.zero_count),
        (
            h.sum.to_bits(),
            h.schema,
            h.zero_threshold.to_bits(),
            h.reset_hint
        ),
        (&h.positive.spans, &h.positive.deltas, all(&h.positive.counts)),
        (&h.negative.spans, &h.negative.deltas, all(&h.negative.counts)),
        all(&h.custom_values),
        h.start,
        0
    )
}

proptest! {
    #[test]
    fn floats_come_back_to_the_bit(
        samples in proptest::collection::vec((any::<i64>(), prop_oneof![any::<f64>(), Just(f64::from_bits(0x7ff0_0000_0000_0002)), (0..50).prop_map(f64::from)]), 1..300),
        regular in any::<bool>(),
    ) {
        let mut times: Vec<i64> = samples.iter().map(|s| s.0).collect();
        if regular {
            times = (0..samples.len() as i64).map(|i| 1_700_000_000_000 + i * 15_000 + (samples[i as usize].0 & 7)).collect();
        }
        let values: Vec<f64> = samples.iter().map(|s| s.1).collect();
        let wanted: Vec<_> = times.iter().copied().zip(values.iter().map(|v| v.to_bits())).collect();
        prop_assert_eq!(floats(&encode_floats(&times, &values)), wanted);
    }

    #[test]
    fn histograms_come_back_to_the_bit(all in histogram()) {
        let float = matches!(all[0].count, Count::Float(_));
        let chunks = encode_histograms(&all);
        let stale = all.iter().any(|h| h.sum.to_bits() == 0x7ff0_0000_0000_0002);
        prop_assume!(!stale);
        let back: Vec<_> = chunks.iter().flat_map(|c| decode_histograms(&c.data, float).unwrap()).collect();
        prop_assert_eq!(back.iter().map(bits).collect::<Vec<_>>(), all.iter().map(bits).collect::<Vec<_>>());
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..200, byte in any::<u8>()) {
        let mut damaged = encode_histograms(&[whole(1, [1, 2, 3], 0), whole(2, [3, 4, 5], 0)])[0].data.clone();
        if let Some(hit) = damaged.get_mut(at) {
            *hit = byte;
        }
        for bytes in [&bytes, &damaged] {
            let _ = (decode_floats(bytes), decode_histograms(bytes, true), decode_histograms(bytes, false));
        }
    }
}
