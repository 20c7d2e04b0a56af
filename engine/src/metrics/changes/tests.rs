//! What was written to is never called unchanged.

use proptest::prelude::*;

use super::*;

#[test]
fn other_times_stay_unchanged() {
    let changes = Changes::default();
    changes.mark(100_000, 100_000);
    let stamp = changes.stamp();
    assert_eq!(changes.first_since(stamp, i64::MIN, i64::MAX), None);
    changes.mark(205_000, 215_000);
    assert_eq!(changes.first_since(stamp, 0, 199_999), None);
    assert_eq!(changes.first_since(stamp, 0, 1_000_000), Some(200_000));
    assert_eq!(changes.first_since(stamp, 212_000, 1_000_000), Some(212_000));
    assert_eq!(changes.first_since(stamp, 220_000, 1_000_000), None);
    changes.mark_all();
    assert_eq!(changes.first_since(stamp, 5, 6), Some(5));
}

#[test]
fn very_many_times_are_joined() {
    let changes = Changes::default();
    for i in 0..3 * BUCKETS_MAX as i64 {
        changes.mark(i * BUCKET_MS, i * BUCKET_MS);
    }
    assert!(changes.0.lock().buckets.len() <= BUCKETS_MAX);
    let stamp = changes.stamp();
    changes.mark(0, 0);
    assert_eq!(changes.first_since(stamp, 0, 5), Some(0));
}

proptest! {
    #[test]
    fn what_is_written_after_a_stamp_is_changed(
        before in proptest::collection::vec((-50i64..50, 0i64..400), 0..20),
        after in proptest::collection::vec((-50i64..50, 0i64..400), 0..20),
        (from, len) in (-60i64..500, 0i64..300),
    ) {
        let changes = Changes::default();
        let ms = |bucket: i64| bucket * 7_000;
        before.iter().for_each(|(at, len)| changes.mark(ms(*at), ms(at + len)));
        let stamp = changes.stamp();
        after.iter().for_each(|(at, len)| changes.mark(ms(*at), ms(at + len)));
        let (min, max) = (ms(from), ms(from + len));
        let touched = after.iter().filter(|(at, len)| ms(*at) <= max && ms(at + len) >= min);
        let first = touched.map(|(at, _)| ms(*at).max(min)).min();
        let found = changes.first_since(stamp, min, max);
        if let Some(first) = first {
            prop_assert!(found.is_some_and(|found| found <= first && found >= min));
        }
        if after.is_empty() {
            prop_assert_eq!(found, None);
        }
    }
}
