//! A batch holds what was put into it, and damaged records do no harm.

use super::*;
use crate::labels::Labels;

#[test]
fn what_was_built_is_there() {
    let mut builder = BatchBuilder::default();
    let a = builder.stream(Labels::from_pairs([("app", "a")]));
    let b = builder.stream(Labels::from_pairs([("app", "b")]));
    assert_eq!(builder.stream(Labels::from_pairs([("app", "a")])), a);
    let outer = builder.set(NO_SET, [("host", "h"), ("zone", "z")]);
    let inner = builder.set(outer, [("host", "other"), ("id", "")]);
    assert_eq!(builder.set(outer, []), outer);
    builder.push(a, 5, NO_SET, b"first");
    builder.push(b, -7, inner, b"\xff\x00");
    builder.push(a, 3, outer, b"");
    let batch = builder.build();
    let streams: Vec<(&str, u32)> = batch
        .streams()
        .iter()
        .map(|s| (s.labels.value("app"), s.count))
        .collect();
    assert_eq!(streams, [("a", 2), ("b", 1)]);
    let entries: Vec<(i64, &[u8])> = (0..3).map(|n| (batch.time(n), batch.line(n))).collect();
    assert_eq!(entries, [(5, &b"first"[..]), (3, b""), (-7, b"\xff\x00")]);
    assert_eq!(batch.set_of(0), NO_SET);
    assert_eq!(batch.set(batch.set_of(1)), [("host", "h"), ("zone", "z")]);
    assert_eq!(
        batch.set(batch.set_of(2)),
        [("host", "other"), ("id", ""), ("zone", "z")]
    );
    assert_eq!(Batch::decode(batch.encode()).unwrap(), batch);
}

#[test]
fn damaged_records_are_refused_or_read_without_panic() {
    let mut builder = BatchBuilder::default();
    let stream = builder.stream(Labels::from_pairs([("app", "a"), ("pod", "p")]));
    let set = builder.set(NO_SET, [("id", "1")]);
    (0..5).for_each(|n| builder.push(stream, n, set, b"line"));
    let bytes = builder.build().encode();
    for at in 0..bytes.len() {
        for byte in [0, 1, 0x7f, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] = byte;
            if let Ok(batch) = Batch::decode(damaged) {
                for n in 0..batch.len() as u32 {
                    batch.line(n);
                    batch.set(batch.set_of(n));
                }
            }
        }
        assert!(Batch::decode(bytes[..at].to_vec()).is_err());
    }
}
