//! Tests of the tables of a write: rows find their samples, start timestamps are there for all or for none.

use super::*;

#[test]
fn rows_find_their_samples_whatever_was_pushed_between() {
    let mut batch = WriteBatch::default();
    batch.begin_series(1);
    batch.push_sample(0, 10, 1.0);
    batch.begin_series(2);
    batch.push_exemplar(20, 0.5, &[("trace_id", "ab")]);
    batch.begin_series(3);
    batch.set_delta();
    batch.push_sample(5, 30, 3.0);
    batch.push_sample(0, 31, 4.0);
    let rows: Vec<_> = batch.series().collect();
    assert_eq!(rows[0].samples, [(10, 1.0)]);
    assert_eq!(rows[0].starts, [0]);
    assert!(rows[1].samples.is_empty() && rows[1].exemplars.len() == 1);
    assert_eq!(
        (rows[2].samples, rows[2].starts),
        (&[(30, 3.0), (31, 4.0)][..], &[5, 0][..])
    );
    assert!(rows[2].delta && !rows[0].delta);
}

#[test]
fn a_label_buffer_sorts_and_drops_empty_values() {
    let mut buffer = LabelBuffer::default();
    buffer.push("b", "2");
    buffer.push("c", "");
    buffer.push("a", "1");
    buffer.sort();
    assert_eq!(buffer.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "2")]);
}
