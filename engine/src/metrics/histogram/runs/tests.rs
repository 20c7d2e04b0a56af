//! Tests of a series' histograms in a head against a sorted map: any order of times, layouts that change, duplicates.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::metrics::histogram::columns::tests::{any_rows, growing};

fn rows_of(runs: &HistogramRuns, min_time: i64, max_time: i64) -> Vec<(i64, Histogram)> {
    let mut all = Vec::new();
    runs.visit(min_time, max_time, &mut |time, histogram| {
        all.push((time, histogram))
    });
    all
}

#[test]
fn many_rows_are_sealed_in_runs() {
    let mut runs = HistogramRuns::default();
    let rows = growing(1000);
    for (i, row) in rows.iter().enumerate() {
        assert_eq!(runs.push(i as i64, row.clone()), Pushed::Stored);
    }
    assert_eq!((runs.sealed.len(), runs.late.len()), (8, 0));
    assert_eq!(
        rows_of(&runs, 250, 251),
        [(250, rows[250].clone()), (251, rows[251].clone())]
    );
    assert_eq!(rows_of(&runs, i64::MIN, i64::MAX).len(), 1000);
    let plain: usize = rows.iter().map(Histogram::heap_bytes).sum();
    assert!(runs.heap_bytes() * 8 < plain, "{} of {plain}", runs.heap_bytes());
}

proptest! {
    #[test]
    fn runs_answer_as_a_sorted_map(
        rows in any_rows(), more in any_rows(), times in prop::collection::vec(0i64..60, 80), from in 0i64..60, to in 0i64..60,
    ) {
        let mut runs = HistogramRuns::default();
        let mut map: BTreeMap<i64, Histogram> = BTreeMap::new();
        for (time, row) in times.iter().zip(rows.iter().chain(&more)) {
            let expected = match map.get(time) {
                Some(have) if have.same_bits(row) => Pushed::Duplicate,
                Some(_) => Pushed::Conflict,
                None => Pushed::Stored,
            };
            prop_assert_eq!(runs.contains(*time), map.contains_key(time));
            prop_assert_eq!(runs.push(*time, row.clone()), expected);
            prop_assert_eq!(runs.push(*time, row.clone()) == Pushed::Stored, false);
            map.entry(*time).or_insert_with(|| row.clone());
            prop_assert_eq!(runs.last_time(), map.keys().last().copied());
        }
        let range = from.min(to)..=from.max(to);
        let expected: Vec<_> = map.range(range.clone()).map(|(t, h)| (*t, h.clone())).collect();
        prop_assert_eq!(runs.overlaps(*range.start(), *range.end()), !expected.is_empty());
        prop_assert_eq!(rows_of(&runs, *range.start(), *range.end()), expected);
        prop_assert!(!runs.is_empty());
    }
}
