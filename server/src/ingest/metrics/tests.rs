//! The rules of labels and times, one case each.

use super::*;
use crate::config::Config;

fn rules() -> Rules {
    let mut limits = Config::default().limits;
    limits.label_name_bytes_max = 8;
    limits.label_value_bytes_max = 10;
    limits.labels_per_series_max = 3;
    Rules::at(1_000_000_000, limits, 3_600_000)
}

fn check(labels: &[(&str, &str)]) -> Result<Vec<(String, String)>, Reason> {
    let raw: Vec<RawLabel<'_>> = labels.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
    let mut out = LabelBuffer::default();
    rules().check_labels(&raw, &mut out)?;
    Ok(out.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect())
}

#[test]
fn each_rule_of_labels_has_its_reason() {
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
        assert_eq!(check(labels), Err(reason), "{labels:?}");
    }
}

#[test]
fn bytes_that_are_not_utf8_are_refused() {
    let raw: [RawLabel<'_>; 1] = [(b"__name__", b"\xff")];
    let checked = rules().check_labels(&raw, &mut LabelBuffer::default());
    assert_eq!(checked, Err(Reason::InvalidUtf8));
}

#[test]
fn labels_in_any_order_are_taken_and_empty_values_dropped() {
    let labels = check(&[("z", "1"), ("empty", ""), ("__name__", "up")]).unwrap();
    let wanted = [("z", "1"), ("__name__", "up")].map(|(n, v)| (n.to_owned(), v.to_owned()));
    assert_eq!(labels, wanted);
}

#[test]
fn times_outside_the_bounds_have_their_reason() {
    let now = 1_000_000_000;
    let rules = rules();
    for (time, reason) in [
        (now - 3_600_001, Some(Reason::TooOld)),
        (now - 3_600_000, None),
        (now + 600_000, None),
        (now + 600_001, Some(Reason::TooFarInFuture)),
    ] {
        let fault = (!rules.accepts(time)).then(|| rules.time_fault(time));
        assert_eq!(fault.as_ref().map(|f| f.0), reason);
        if let Some((Reason::TooFarInFuture, text)) = fault {
            assert_eq!(text, "at 1000600001 ms, more than 10m ahead of the clock");
        }
    }
}

#[test]
fn exemplar_labels_have_room_for_128_characters() {
    let long = "\u{e4}".repeat(120);
    let pair = |value: &'static str| [(&b"trace_id"[..], value.as_bytes())];
    assert!(exemplar_labels(pair("a").into_iter()).is_some());
    let fits = [(&b"trace_id"[..], long.as_bytes())];
    assert_eq!(exemplar_labels(fits.into_iter()).unwrap()[0].1, long);
    let over = [(&b"trace_ids"[..], long.as_bytes())];
    assert!(exemplar_labels(over.into_iter()).is_none());
    assert!(exemplar_labels([(&b"a"[..], &b"\xff"[..])].into_iter()).is_none());
}
