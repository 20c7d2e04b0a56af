//! Rendering: every text is JSON that reads back to itself.

use proptest::prelude::*;

use super::*;

#[test]
fn texts_with_quotes_controls_and_other_scripts_read_back() {
    let labels = Labels::from_pairs([("a", "\"\\\n\u{7f}"), ("b", "caf\u{e9}"), ("c", "plain")]);
    let mut out = String::new();
    push_metric(&mut out, &labels);
    let read: std::collections::BTreeMap<String, String> = serde_json::from_str(&out).unwrap();
    for (name, value) in labels.iter() {
        assert_eq!(read[name], value);
    }
}

#[test]
fn histograms_have_the_bytes_of_prometheus() {
    let mut histogram = FloatHistogram::empty(0);
    histogram.count = 10.0;
    histogram.sum = 18.4;
    histogram.zero_threshold = 0.001;
    histogram.zero_count = 2.0;
    histogram.positive = [(0, 1.0), (1, 0.0), (2, 4.5)].into_iter().collect();
    histogram.negative = [(1, 2.5)].into_iter().collect();
    let series = Series {
        labels: Labels::from_pairs([("a", "b")]),
        samples: Default::default(),
        histograms: vec![(1_500, Arc::new(histogram))],
    };
    let h = concat!(
        r#"{"count":"10","sum":"18.4","buckets":[[1,"-2","-1","2.5"],[3,"-0.001","0.001","2"],"#,
        r#"[0,"0.5","1","1"],[0,"2","4","4.5"]]}"#
    );
    let mut out = String::new();
    push_result(&mut out, &Value::Vector(vec![series.clone()]), 0);
    let wanted = r#"{"resultType":"vector","result":[{"metric":{"a":"b"},"histogram":[1.500,"#;
    assert_eq!(out, format!("{wanted}{h}]}}]"));
    let mut out = String::new();
    push_result(&mut out, &Value::Matrix(vec![series]), 0);
    let wanted = r#"{"resultType":"matrix","result":[{"metric":{"a":"b"},"histograms":[[1.500,"#;
    assert_eq!(out, format!("{wanted}{h}]]}}]"));
    let mut out = String::new();
    push_histogram(&mut out, &FloatHistogram::empty(0));
    assert_eq!(out, r#"{"count":"0","sum":"0"}"#);
}

proptest! {
    #[test]
    fn points_of_series_at_any_times_are_those_of_each_alone(
        all in proptest::collection::vec((0usize..6, 0usize..6, 0usize..4), 1..8),
    ) {
        const TIMES: [i64; 6] = [-1500, 0, 1000, 1001, 60_000, 1_795_261_840_123];
        const VALUES: [f64; 4] = [1.0, -0.0, 0.1, f64::NAN];
        let series: Vec<Series> = all
            .iter()
            .map(|(from, len, seed)| {
                let timestamps = TIMES[*from..(*from + *len).min(6)].to_vec();
                let values = (0..timestamps.len()).map(|i| VALUES[(seed + i / 2) % 4]).collect();
                let samples = Samples { timestamps, values, delta: false };
                Series { labels: Labels::empty(), samples, histograms: Vec::new() }
            })
            .collect();
        let mut wanted = String::from("{\"resultType\":\"matrix\",\"result\":[");
        for (i, one) in series.iter().enumerate() {
            wanted.push_str(if i > 0 { ",{\"metric\":{}" } else { "{\"metric\":{}" });
            let points = one.samples.timestamps.iter().zip(&one.samples.values).map(|(time, value)| {
                let mut point = String::new();
                push_point(&mut point, *time, *value);
                point
            });
            let points: Vec<String> = points.collect();
            if !points.is_empty() {
                wanted.push_str(&format!(",\"values\":[{}]", points.join(",")));
            }
            wanted.push('}');
        }
        wanted.push(']');
        let mut out = String::new();
        push_result(&mut out, &Value::Matrix(series), 0);
        prop_assert_eq!(out, wanted);
    }

    #[test]
    fn any_text_reads_back(text in any::<String>()) {
        let mut out = String::new();
        push_text(&mut out, &text);
        prop_assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
    }
}
