//! Tests of growing runs of histograms: every row comes back in order, other layouts are refused, memory stays small.

use proptest::prelude::*;

use super::*;
use crate::metrics::STALE_NAN_BITS;
use crate::metrics::histogram::columns::tests::{any_rows, growing};

fn rows_of(run: &OpenHistograms) -> Vec<(i64, Histogram)> {
    let mut all = Vec::new();
    run.decode(|time, histogram| all.push((time, histogram))).unwrap();
    all
}

#[test]
fn a_stale_marker_stands_between_rows() {
    let stale = f64::from_bits(STALE_NAN_BITS);
    let rows = growing(3);
    let mut run = OpenHistograms::new(10, &rows[0]);
    assert!(run.push(20, &bare(ResetHint::Unknown, stale, false)));
    assert_eq!(run.last(), bare(ResetHint::Unknown, stale, false));
    assert!(run.push(30, &bare(ResetHint::Gauge, stale, true)));
    assert!(run.push(45, &rows[2]));
    let all = rows_of(&run);
    assert_eq!(
        all.iter().map(|(time, _)| *time).collect::<Vec<_>>(),
        [10, 20, 30, 45]
    );
    assert_eq!((&all[0].1, &all[3].1), (&rows[0], &rows[2]));
    assert_eq!(all[2].1, bare(ResetHint::Gauge, stale, true));
    assert!(
        !run.push(50, &bare(ResetHint::Unknown, 1.0, false)),
        "no marker and another layout"
    );
}

#[test]
fn a_run_takes_a_byte_or_so_a_bucket() {
    let rows = growing(120);
    let mut run = OpenHistograms::new(0, &rows[0]);
    for (i, row) in rows.iter().enumerate().skip(1) {
        assert!(run.push(i as i64 * 15_000, row));
    }
    run.shrink();
    assert!(run.heap_bytes() < 120 * 50 + 600, "{}", run.heap_bytes());
    assert_eq!(
        rows_of(&run).into_iter().map(|(_, row)| row).collect::<Vec<_>>(),
        rows
    );
}

proptest! {
    #[test]
    fn every_row_comes_back(rows in any_rows(), times in prop::collection::vec(any::<i64>(), 40)) {
        let mut run = OpenHistograms::new(times[0], &rows[0]);
        let mut taken = vec![(times[0], rows[0].clone())];
        for (time, row) in times.iter().zip(&rows).skip(1) {
            if run.push(*time, row) {
                taken.push((*time, row.clone()));
            } else {
                prop_assert!(!row.same_layout(&rows[0]));
            }
            let (time, last) = taken.last().unwrap();
            prop_assert_eq!((run.last_time(), &run.last()), (*time, last));
        }
        prop_assert_eq!(run.rows() as usize, taken.len());
        prop_assert_eq!(rows_of(&run), taken);
    }

    #[test]
    fn bytes_of_floats_come_back(a in any::<u64>(), b in any::<u64>(), shift in 0u32..64) {
        for next in [a, b, a ^ (b >> shift), a ^ (b << shift)] {
            let (mut out, mut last) = (Vec::new(), a);
            put_xor(&mut out, &mut last, next);
            let mut r = Reader::new(&out);
            prop_assert_eq!((a ^ get_xor(&mut r).unwrap(), r.remaining()), (next, 0));
        }
    }
}
