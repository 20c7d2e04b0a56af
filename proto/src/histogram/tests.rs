//! Native histograms: what is encoded comes back, in both bucket forms, and no bytes panic.

use proptest::prelude::*;

use super::*;

fn any_count() -> impl Strategy<Value = Count> {
    prop_oneof![
        Just(Count::Absent),
        any::<u64>().prop_map(Count::Integer),
        any::<u32>().prop_map(|n| Count::Float(f64::from(n))),
    ]
}

fn any_buckets() -> impl Strategy<Value = Buckets> {
    let spans = proptest::collection::vec((any::<i32>(), any::<u32>()), 0..4);
    let deltas = proptest::collection::vec(any::<i64>(), 0..6);
    let counts = proptest::collection::vec(any::<u32>(), 0..6);
    (spans, deltas, counts).prop_map(|(spans, deltas, counts)| Buckets {
        spans: spans
            .into_iter()
            .map(|(offset, length)| Span { offset, length })
            .collect(),
        deltas,
        counts: counts.into_iter().map(f64::from).collect(),
    })
}

prop_compose! {
    fn any_histogram()(
        count in any_count(), zero_count in any_count(), sum: u32, schema in -53..60i32, zero_threshold: u16,
        negative in any_buckets(), positive in any_buckets(), reset_hint in 0..4u64, timestamp: i64, start: i64,
        bounds in proptest::collection::vec(any::<i32>(), 0..4),
    ) -> Histogram {
        Histogram {
            count, sum: f64::from(sum), schema, zero_threshold: f64::from(zero_threshold), zero_count, negative,
            positive, reset_hint, timestamp, custom_values: bounds.into_iter().map(f64::from).collect(), start,
        }
    }
}

proptest! {
    #[test]
    fn round_trip(histogram in any_histogram()) {
        let mut bytes = Vec::new();
        histogram.encode(&mut bytes);
        prop_assert_eq!(Histogram::decode(Reader::new(&bytes)).unwrap(), histogram);
    }

    #[test]
    fn never_panics(histogram in any_histogram(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = Vec::new();
        histogram.encode(&mut bytes);
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = Histogram::decode(Reader::new(&bytes));
    }
}

#[test]
fn unpacked_buckets_are_read_too() {
    let mut bytes = Vec::new();
    for delta in [3i64, -1] {
        put_varint(&mut bytes, 12 << 3);
        put_varint(&mut bytes, zigzag(delta));
    }
    put_fixed64(&mut bytes, 16, 0.5f64.to_bits());
    let h = Histogram::decode(Reader::new(&bytes)).unwrap();
    assert_eq!((h.positive.deltas, h.custom_values), (vec![3, -1], vec![0.5]));
}
