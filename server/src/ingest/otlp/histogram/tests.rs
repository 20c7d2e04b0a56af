//! Native histograms from OTLP's: bucket numbers, gaps, resolution and custom bounds.

use super::*;

fn point(scale: i32, offset: i32, counts: &[u64]) -> ExponentialPoint<'static> {
    ExponentialPoint {
        scale,
        count: counts.iter().sum::<u64>() + 2,
        zero_count: 2,
        sum: Some(1.5),
        positive: Buckets {
            offset,
            counts: counts.to_vec(),
        },
        ..ExponentialPoint::default()
    }
}

fn positive(histogram: &Histogram) -> (Vec<(i32, u32)>, Vec<u64>) {
    let spans = histogram.positive_spans.iter().map(|s| (s.offset, s.length));
    let Counts::Integer { positive, .. } = &histogram.counts else {
        panic!("whole counts")
    };
    (spans.collect(), positive.clone())
}

#[test]
fn buckets_move_up_by_one_and_small_gaps_are_kept() {
    let h = exponential(&point(3, -5, &[0, 1, 0, 0, 2, 0, 0, 0, 3, 0]), false, false).unwrap();
    assert_eq!(positive(&h), (vec![(-3, 4), (3, 1)], vec![1, 0, 0, 2, 3]));
    assert_eq!(
        (h.schema, h.reset_hint, h.zero_threshold),
        (3, ResetHint::Unknown, 1e-128)
    );
    let delta = exponential(&point(3, 0, &[1]), true, false).unwrap();
    assert_eq!(delta.reset_hint, ResetHint::Gauge);
}

#[test]
fn resolutions_that_are_too_fine_are_reduced_and_too_coarse_ones_refused() {
    let h = exponential(&point(10, 0, &[1, 1, 1, 1, 1]), false, false).unwrap();
    assert_eq!(h.schema, 8);
    let (spans, counts) = positive(&h);
    assert_eq!((spans, counts), (vec![(1, 2)], vec![4, 1]));
    let text = exponential(&point(-5, 0, &[1]), false, false).unwrap_err();
    assert!(text.contains("Scale must be >= -4, was -5"), "{text}");
}

#[test]
fn contradictions_are_refused_and_an_end_is_stale() {
    let mut wrong = point(0, 0, &[1]);
    wrong.count = 9;
    assert!(
        exponential(&wrong, false, false)
            .unwrap_err()
            .contains("observations found")
    );
    let mut far = point(0, i32::MAX, &[1]);
    far.count = 3;
    assert!(exponential(&far, false, false).is_err());
    let end = exponential(&point(12, 0, &[]), false, true).unwrap();
    assert!(end.is_stale());
    assert!(end.validate().is_ok());
}

#[test]
fn explicit_bounds_become_custom_buckets() {
    let point = HistogramPoint {
        count: 6,
        sum: Some(9.0),
        bounds: vec![1.0, 2.5, 5.0],
        bucket_counts: vec![0, 2, 0, 4],
        ..HistogramPoint::default()
    };
    let h = custom(&point, false, false).unwrap();
    assert_eq!(
        (h.schema, &h.custom_values[..]),
        (CUSTOM_BUCKETS, &[1.0, 2.5, 5.0][..])
    );
    assert_eq!(positive(&h), (vec![(1, 3)], vec![2, 0, 4]));
}
