//! Which labels are taken off, what is made of them, and what is counted.

use kymo_engine::metrics::{Histogram, ResetHint, STALE_NAN_BITS, Span, WriteBatch};

use super::*;
use crate::counters::Counters;

/// Labels that stay, the exemplars made, and the counts of names that were moved and dropped.
type Taken = (String, Vec<String>, String);

fn take(names: &str, labels: &[(&str, &str)], fill: impl FnOnce(&mut WriteBatch<'_>)) -> Taken {
    let names: Vec<String> = names.split(',').map(str::to_owned).collect();
    let raw: Vec<RawLabel<'_>> = labels.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
    let mut out = LabelBuffer::default();
    for (name, value) in labels {
        out.push(name, value);
    }
    let mut batch = WriteBatch::default();
    batch.begin_series(1);
    fill(&mut batch);
    let mut rejects = Rejects::default();
    let found = take_off(&names, true, batch.series_at(0), &raw, &mut rejects, &mut out);
    let left: Vec<(&str, &str)> = out.iter().collect();
    let moved = labels.len() != left.len();
    assert_eq!(found == LabelsFound::Merged { parts: true }, moved);
    let exemplars = out
        .exemplars()
        .iter()
        .map(|e| format!("{} {} {:?}", e.time, e.value, e.labels));
    let counters = Counters::default();
    rejects.count_into(&counters);
    (
        super::super::label_text(&left),
        exemplars.collect(),
        format!("{:?}", counters.metric_labels_moved.get()),
    )
}

fn taken(names: &str, labels: &[(&str, &str)]) -> Taken {
    take(names, labels, |batch| batch.push_sample(0, 7, 1.5))
}

#[test]
fn listed_labels_become_an_exemplar() {
    let labels = [
        ("__name__", "hits"),
        ("job", "a"),
        ("span_id", "s"),
        ("trace_id", "t"),
    ];
    assert_eq!(
        taken("trace_id,span_id", &labels),
        (
            "hits{job=\"a\"}".to_owned(),
            vec!["7 1.5 {span_id=\"s\", trace_id=\"t\"}".to_owned()],
            "{\"span_id\": [1, 0], \"trace_id\": [1, 0]}".to_owned()
        )
    );
}

#[test]
fn other_series_stay_as_they_are() {
    let labels = [("__name__", "trace_id"), ("Trace_id", "t")];
    let (left, exemplars, counts) = taken("trace_id,__name__", &labels);
    assert_eq!(
        (left.as_str(), exemplars.len(), counts.as_str()),
        ("trace_id{Trace_id=\"t\"}", 0, "{}")
    );
}

#[test]
fn what_finds_no_room_is_dropped_in_the_order_of_the_list() {
    let long = "\u{e4}".repeat(100);
    let labels = [("__name__", "hits"), ("a", "1"), ("b", &long), ("c", &long)];
    let (left, exemplars, counts) = taken("c,b,a", &labels);
    assert_eq!(left, "hits{}");
    assert_eq!(exemplars, [format!("7 1.5 {{a=\"1\", c=\"{long}\"}}")]);
    assert_eq!(counts, "{\"a\": [1, 0], \"b\": [0, 1], \"c\": [1, 0]}");
}

#[test]
fn buckets_and_ends_make_no_exemplar() {
    let labels = [("__name__", "hits_bucket"), ("le", "1"), ("trace_id", "t")];
    assert_eq!(taken("trace_id", &labels).1, [""; 0]);
    let stale = f64::from_bits(STALE_NAN_BITS);
    let ended = take("trace_id", &[("__name__", "hits"), ("trace_id", "t")], |batch| {
        batch.push_sample(0, 1, stale);
        batch.push_sample(0, 2, f64::NAN);
    });
    assert_eq!(ended.1, ["2 NaN {trace_id=\"t\"}"]);
}

#[test]
fn a_native_histogram_gives_its_mean() {
    let histogram = |count, sum| Histogram {
        schema: 0,
        reset_hint: ResetHint::Unknown,
        zero_threshold: 0.0,
        sum,
        positive_spans: vec![Span { offset: 0, length: 1 }],
        negative_spans: Vec::new(),
        custom_values: Vec::new(),
        counts: Counts::Integer {
            count,
            zero: 0,
            positive: vec![count],
            negative: Vec::new(),
        },
    };
    let (_, exemplars, _) = take("trace_id", &[("__name__", "took"), ("trace_id", "t")], |batch| {
        batch.push_histogram(0, 1, histogram(4, 10.0));
        batch.push_histogram(0, 2, histogram(0, 0.0));
        batch.push_histogram(0, 3, histogram(0, f64::from_bits(STALE_NAN_BITS)));
    });
    assert_eq!(exemplars, ["1 2.5 {trace_id=\"t\"}"]);
}
