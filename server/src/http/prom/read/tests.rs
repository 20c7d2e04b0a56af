//! Remote read: which types are taken, external labels, and chunks of series that change their kind.

use kymo_engine::metrics::{Counts, Histogram, HistogramWrite, ResetHint};

use super::*;

#[test]
fn the_first_known_type_is_taken() {
    assert_eq!(response_type(&[]).unwrap(), ResponseType::Samples);
    assert_eq!(
        response_type(&[7, 1, 0]).unwrap(),
        ResponseType::StreamedXorChunks
    );
    assert!(response_type(&[7]).unwrap_err().text.contains("[7]; supported"));
}

#[test]
fn external_labels_are_matched_by_being_added() {
    let external = [("replica".to_owned(), "a".to_owned())];
    let matcher = |op, value| kymo_proto::remote_read::Matcher {
        op,
        name: "replica",
        value,
    };
    let query = |matcher| Query {
        start: 0,
        end: 1,
        matchers: vec![matcher],
    };
    let kept = |op, value| {
        selections(&[query(matcher(op, value))], &external).unwrap()[0]
            .matchers
            .len()
    };
    assert_eq!((kept(0, "a"), kept(0, "b"), kept(1, "a")), (0, 1, 1));
    assert!(selections(&[query(matcher(2, "("))], &external).is_err());
    let labels = Labels::from_pairs([("a", "1")]);
    let merged = with_external(&labels, &external);
    assert_eq!(merged, Labels::from_pairs([("a", "1"), ("replica", "a")]));
    let own = Labels::from_pairs([("replica", "b")]);
    assert_eq!(with_external(&own, &external), own);
}

#[test]
fn a_series_that_changes_its_kind_has_chunks_in_the_order_of_time() {
    let mut rows = SeriesRows::default();
    for time in [1, 2, 5, 6, 9] {
        rows.floats.push(time, 1.0);
    }
    for time in [3, 4, 7, 8] {
        let histogram = Histogram {
            schema: 0,
            reset_hint: ResetHint::Unknown,
            zero_threshold: 0.0,
            sum: 1.0,
            positive_spans: Vec::new(),
            negative_spans: Vec::new(),
            custom_values: Vec::new(),
            counts: Counts::Integer {
                count: 1,
                zero: 1,
                positive: Vec::new(),
                negative: Vec::new(),
            },
        };
        rows.histograms.push(HistogramWrite {
            start: 0,
            time,
            histogram,
        });
    }
    let times: Vec<_> = chunks_of(&rows)
        .iter()
        .map(|c| (c.min_time, c.max_time))
        .collect();
    assert_eq!(times, [(1, 2), (3, 4), (5, 6), (7, 8), (9, 9)]);
    rows.floats.clear();
    assert_eq!(chunks_of(&rows).len(), 1);
}
