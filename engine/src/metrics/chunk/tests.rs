//! Tests of the Gorilla codings.

use proptest::prelude::*;

use super::super::bits::words_of_bytes;
use super::*;

fn any_value() -> impl Strategy<Value = u64> {
    let special = [
        0x7ff0_0000_0000_0002,
        0x7ff8_0000_0000_0001,
        (-0.0f64).to_bits(),
        1,
        f64::INFINITY.to_bits(),
    ];
    prop_oneof![
        any::<u64>(),
        (0u32..1000).prop_map(|n| f64::from(n).to_bits()),
        (0u32..1000).prop_map(|n| (f64::from(n) / 10.0).to_bits()),
        prop::sample::select(special.to_vec()),
    ]
}

proptest! {
    #[test]
    fn every_bit_pattern_and_gap_comes_back(
        first in any::<i64>(), rows in prop::collection::vec((1u64..1 << 45, any_value()), 1..300),
    ) {
        let mut time = first >> 1;
        let mut expected = Vec::new();
        for (gap, value) in rows {
            time += (gap >> (value % 46)) as i64 + 1;
            expected.push((time, value));
        }
        let chunk = Chunk::from_samples(expected.iter().map(|(t, v)| (*t, f64::from_bits(*v))));
        let mut out = Samples::default();
        chunk.decode(&mut out).unwrap();
        let got: Vec<_> = out.timestamps.into_iter().zip(out.values.iter().map(|v| v.to_bits())).collect();
        prop_assert_eq!(&got, &expected);
        prop_assert_eq!(chunk.first_time(), expected[0].0);
        prop_assert_eq!(chunk.last_time(), expected[expected.len() - 1].0);
    }

    #[test]
    fn values_alone_come_back_from_bytes(values in prop::collection::vec(any_value(), 1..300)) {
        let (mut bits, mut encoder) = (BitWriter::default(), ValueEncoder::default());
        encoder.first(&mut bits, f64::from_bits(values[0]));
        values[1..].iter().for_each(|v| encoder.next(&mut bits, f64::from_bits(*v)));
        let mut bytes = Vec::new();
        bits.write_bytes(&mut bytes);
        let words = words_of_bytes(&bytes);
        let (mut reader, mut decoder) = (BitReader::new(&words), ValueDecoder::default());
        let mut got = vec![decoder.first(&mut reader).unwrap().to_bits()];
        for _ in 1..values.len() {
            got.push(decoder.next(&mut reader).unwrap().to_bits());
        }
        prop_assert_eq!(got, values);
    }

    #[test]
    fn arbitrary_words_never_panic(words in prop::collection::vec(any::<u64>(), 0..20), count in 0u16..300) {
        let chunk = Chunk { words: words.into(), count, first_time: i64::MAX, last_time: 0 };
        let mut out = Samples::default();
        chunk.decode(&mut out).ok();
    }
}

#[test]
fn a_steady_series_costs_two_bits_a_sample() {
    let chunk = Chunk::from_samples((0..120).map(|i| (i * 15_000, 1.0)));
    assert!(chunk.heap_bytes() <= 56, "{}", chunk.heap_bytes());
}
