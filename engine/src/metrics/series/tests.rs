//! Tests of reading a series over its runs.

use super::*;

fn plain(rows: &[(i64, f64)]) -> Run {
    let mut samples = Samples::default();
    rows.iter().for_each(|(t, v)| samples.push(*t, *v));
    Run::Plain(Arc::new(samples))
}

fn read(runs: Vec<Run>, min: i64, max: i64) -> Vec<(i64, f64)> {
    let data = SeriesData {
        labels: Labels::empty(),
        runs,
    };
    let mut out = Samples::default();
    out.push(-9, 9.0);
    data.read(min, max, &mut out).unwrap();
    assert_eq!(out.timestamps[0], -9, "what was there stays");
    out.timestamps.into_iter().zip(out.values).skip(1).collect()
}

#[test]
fn runs_apart_in_time_come_in_order_of_time() {
    let runs = vec![
        plain(&[(10, 1.0), (11, 2.0)]),
        plain(&[(1, 3.0), (5, 4.0)]),
        plain(&[]),
    ];
    assert_eq!(
        read(runs.clone(), 0, 99),
        [(1, 3.0), (5, 4.0), (10, 1.0), (11, 2.0)]
    );
    assert_eq!(read(runs.clone(), 5, 10), [(5, 4.0), (10, 1.0)]);
    assert_eq!(read(runs, 6, 9), []);
}

#[test]
fn the_later_run_wins_at_equal_times() {
    let runs = vec![
        plain(&[(1, 1.0), (3, 1.0)]),
        plain(&[(1, 2.0), (2, 2.0)]),
        plain(&[(2, 3.0)]),
    ];
    assert_eq!(read(runs, 0, 9), [(1, 2.0), (2, 3.0), (3, 1.0)]);
}
