//! Validation of remote write: one case per rule, and that good samples beside bad ones survive.

use kymo_proto::remote_write::RequestEncoder;
use kymo_proto::wire::put_bytes;

use super::*;
use crate::config::Config;

fn rules() -> Rules {
    let mut limits = Config::default().limits;
    limits.label_name_bytes_max = 8;
    limits.label_value_bytes_max = 10;
    limits.labels_per_series_max = 3;
    Rules::at(1_000_000_000, limits, 3_600_000)
}

fn check_one(labels: &[(&str, &str)], samples: &[(i64, f64)]) -> (usize, Rejects) {
    let mut encoder = RequestEncoder::default();
    encoder.series(labels.iter().copied(), samples.iter().copied());
    let request = WriteRequest::decode(encoder.message()).unwrap();
    let checked = check(&request, &rules());
    (checked.batch.sample_count(), checked.rejects)
}

#[test]
fn each_rule_of_labels_has_its_reason() {
    let now = 1_000_000_000;
    let cases: [(&[(&str, &str)], Reason); 8] = [
        (&[("job", "a")], Reason::MissingName),
        (&[("__name__", ""), ("job", "a")], Reason::MissingName),
        (&[("__name__", "up"), ("", "a")], Reason::EmptyLabelName),
        (
            &[("__name__", "up"), ("a", "1"), ("a", "1")],
            Reason::DuplicateLabel,
        ),
        (
            &[("__name__", "up"), ("a", ""), ("a", "1")],
            Reason::DuplicateLabel,
        ),
        (
            &[("__name__", "up"), ("abcdefghi", "1")],
            Reason::LabelNameTooLong,
        ),
        (
            &[("__name__", "up"), ("a", "12345678901")],
            Reason::LabelValueTooLong,
        ),
        (
            &[("__name__", "up"), ("a", "1"), ("b", "1"), ("c", "1")],
            Reason::TooManyLabels,
        ),
    ];
    for (labels, reason) in cases {
        let (stored, rejects) = check_one(labels, &[(now, 1.0), (now + 1, 2.0)]);
        assert_eq!((stored, rejects.count(reason)), (0, 2), "{labels:?}");
    }
}

#[test]
fn bytes_that_are_not_utf8_refuse_their_series_only() {
    let mut label = Vec::new();
    put_bytes(&mut label, 1, b"__name__");
    put_bytes(&mut label, 2, b"\xff");
    let mut series = Vec::new();
    put_bytes(&mut series, 1, &label);
    let mut body = Vec::new();
    put_bytes(&mut body, 1, &series);
    let mut encoder = RequestEncoder::default();
    encoder.series([("__name__", "up")], [(1_000_000_000, 1.0)]);
    body.extend_from_slice(encoder.message());
    let request = WriteRequest::decode(&body).unwrap();
    let checked = check(&request, &rules());
    assert_eq!(checked.batch.sample_count(), 1);
    assert_eq!(checked.rejects.count(Reason::InvalidUtf8), 1);
}

#[test]
fn unsorted_labels_are_sorted_and_empty_values_dropped() {
    let mut encoder = RequestEncoder::default();
    encoder.series(
        [("z", "1"), ("empty", ""), ("__name__", "up")],
        [(1_000_000_000, 1.0)],
    );
    let request = WriteRequest::decode(encoder.message()).unwrap();
    let checked = check(&request, &rules());
    assert!(checked.rejects.is_empty());
    assert_eq!(checked.batch.own_labels(0), [("__name__", "up"), ("z", "1")]);
}

#[test]
fn time_bounds_refuse_single_samples() {
    let now = 1_000_000_000;
    let samples = [
        (now - 3_600_001, 1.0),
        (now - 3_600_000, 2.0),
        (now + 600_000, 3.0),
        (now + 600_001, 4.0),
    ];
    let (stored, rejects) = check_one(&[("__name__", "up")], &samples);
    assert_eq!(stored, 2);
    assert_eq!(
        (
            rejects.count(Reason::TooOld),
            rejects.count(Reason::TooFarInFuture)
        ),
        (1, 1)
    );
    let text = rejects.text(2);
    assert!(
        text.starts_with("2 refused, 2 stored:") && text.contains("out of bounds"),
        "{text}"
    );
    assert!(
        text.contains("up{} at 1000600001 ms, more than 10m ahead"),
        "{text}"
    );
}
