//! Texts of annotations.

use super::*;

#[test]
fn repairs_of_buckets_are_told_with_their_extremes() {
    let one = |time, bucket, diff| Monotonicity {
        metric: "h".to_owned(),
        span: Span::new(0, 1),
        min_time: time,
        max_time: time,
        min_bucket: bucket,
        max_bucket: bucket,
        max_diff: diff,
        count: 1,
    };
    let mut notes = Notes::default();
    notes.add_monotonicity(one(1_700_000_001_500, 0.5, 0.004_56));
    notes.add_monotonicity(one(1_700_000_000_000, 10.0, 123.0));
    let said = notes.finish("x").infos.join(";");
    let tail = "for metric name \"h\", from buckets 0.5 to 10, with a max diff of 1.2e+02, over 2 samples from 2023-11-14T22:13:20Z to 2023-11-14T22:13:21Z (1:1)";
    assert!(said.ends_with(tail), "{said}");
}

#[test]
fn numbers_of_two_digits() {
    for (value, text) in [
        (10.0, "10"),
        (0.01, "0.01"),
        (99.4, "99"),
        (99.6, "1e+02"),
        (0.000_012_34, "1.2e-05"),
        (0.0, "0"),
        (2.0, "2"),
        (f64::INFINITY, "+Inf"),
    ] {
        assert_eq!(two_digits(value), text);
    }
}
