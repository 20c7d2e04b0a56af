//! Tests of the log record.

use proptest::prelude::*;

use super::*;

fn records() -> impl Strategy<Value = Record> {
    let labels = prop::collection::vec(("[a-c]{1,3}", "[x-z]{0,4}"), 0..5).prop_map(Labels::from_pairs);
    let series = prop::collection::vec((any::<u32>(), labels), 0..4);
    let samples = prop::collection::vec((any::<u32>(), any::<i64>(), any::<u64>()), 0..40);
    let metadata = prop::collection::vec(("[a-z]{0,5}", 0u64..9, ".{0,9}", any::<i64>()), 0..3);
    (series, samples, metadata).prop_map(|(series, samples, metadata)| Record {
        series,
        samples: samples
            .into_iter()
            .map(|(id, t, v)| (id, t, f64::from_bits(v)))
            .collect(),
        metadata: metadata
            .into_iter()
            .map(|(family, kind, help, received_ms)| OwnedMetadata {
                family,
                kind: MetricKind::from_number(kind),
                unit: help.clone(),
                help,
                received_ms,
            })
            .collect(),
        ..Record::default()
    })
}

fn bits(record: &Record) -> Vec<(u32, i64, u64)> {
    record
        .samples
        .iter()
        .map(|(id, t, v)| (*id, *t, v.to_bits()))
        .collect()
}

proptest! {
    #[test]
    fn records_come_back_to_the_bit(record in records()) {
        let back = Record::decode(&record.encode()).unwrap();
        prop_assert_eq!(bits(&back), bits(&record));
        prop_assert_eq!(back.series, record.series);
        prop_assert_eq!(back.metadata, record.metadata);
    }

    #[test]
    fn damaged_records_never_panic(record in records(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = record.encode();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        Record::decode(&bytes).ok();
        Record::decode(&bytes[..at]).ok();
    }
}
