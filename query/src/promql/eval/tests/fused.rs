//! The fast evaluation gives the bits of the general one, which a native histogram among the series brings about.

use kymo_engine::labels::Labels;
use kymo_engine::metrics::{Counts, Histogram, HistogramWrite, ResetHint, STALE_NAN_BITS};
use proptest::prelude::*;

use crate::promql::eval::{Budget, EvalOptions, Query, Series, Value, eval};
use crate::promql::{ParseOptions, parse};
use crate::promqltest::memory::MemorySource;

const FUNCTIONS: [&str; 22] = [
    "rate",
    "increase",
    "delta",
    "irate",
    "idelta",
    "changes",
    "resets",
    "count_over_time",
    "present_over_time",
    "first_over_time",
    "last_over_time",
    "min_over_time",
    "max_over_time",
    "sum_over_time",
    "avg_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "mad_over_time",
    "deriv",
    "ts_of_max_over_time",
    "ts_of_min_over_time",
    "ts_of_last_over_time",
];

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        12 => (0u32..50).prop_map(f64::from),
        6 => -1e3..1e3f64,
        1 => Just(f64::NAN),
        1 => Just(f64::from_bits(STALE_NAN_BITS)),
        1 => Just(f64::INFINITY),
        1 => Just(-0.0),
        1 => Just(1e300),
    ]
}

/// What the samples of a series do.
fn samples() -> impl Strategy<Value = Vec<(i64, f64)>> {
    let gap = prop_oneof![8 => Just(15_000i64), 2 => 1i64..40_000, 1 => Just(200_000)];
    let counter = proptest::collection::vec((gap.clone(), 0u32..4), 0..60).prop_map(|steps| {
        let (mut time, mut count) = (0, 0.0);
        let next = |(gap, grown): (i64, u32)| {
            time += gap;
            count = if grown == 3 && count > 20.0 {
                1.0
            } else {
                count + f64::from(grown)
            };
            (time, count)
        };
        steps.into_iter().map(next).collect()
    });
    let any = proptest::collection::vec((gap.clone(), value()), 0..60).prop_map(along);
    let same = (value(), proptest::collection::vec(gap, 0..60))
        .prop_map(|(value, gaps)| along(gaps.into_iter().map(|gap| (gap, value)).collect()));
    prop_oneof![counter, any, same]
}

fn along(steps: Vec<(i64, f64)>) -> Vec<(i64, f64)> {
    let mut time = 0;
    let next = |(gap, value)| {
        time += gap;
        (time, value)
    };
    steps.into_iter().map(next).collect()
}

fn histogram(time: i64) -> HistogramWrite {
    HistogramWrite {
        start: 0,
        time,
        histogram: Histogram {
            schema: 0,
            reset_hint: ResetHint::Unknown,
            zero_threshold: 0.0,
            sum: 1.0,
            positive_spans: Vec::new(),
            negative_spans: Vec::new(),
            custom_values: Vec::new(),
            counts: Counts::Integer {
                count: 0,
                zero: 0,
                positive: Vec::new(),
                negative: Vec::new(),
            },
        },
    }
}

/// Labels and bits of all series but that of the histograms.
type Bits = Vec<(Labels, Vec<(i64, u64)>)>;

fn bits(series: Vec<Series>) -> Bits {
    let of = |s: Series| {
        let values = s.samples.values.iter().map(|v| v.to_bits());
        (s.labels, s.samples.timestamps.into_iter().zip(values).collect())
    };
    let mut all: Bits = series
        .into_iter()
        .filter(|s| s.labels.value("g") != "native")
        .map(of)
        .collect();
    all.sort();
    all
}

fn answer(
    source: &MemorySource,
    text: &str,
    (start, end, step): (i64, i64, i64),
    delayed: bool,
) -> Option<Bits> {
    let expr = parse(text, &ParseOptions::ALL).unwrap();
    let options = EvalOptions {
        delayed_name_removal: delayed,
        ..EvalOptions::default()
    };
    let query = Query {
        options,
        ..Query::range(text, expr, start, end, step)
    };
    match eval(&query, source, &Budget::default()).ok()?.value {
        Value::Matrix(series) | Value::Vector(series) => Some(bits(series)),
        other => panic!("{text} gave {other:?}"),
    }
}

proptest! {
    #[test]
    fn fast_and_general_evaluation_give_the_same_bits(
        all in proptest::collection::vec(samples(), 1..6),
        function in 0..FUNCTIONS.len(),
        range in prop_oneof![Just("15s"), Just("1m"), Just("5m"), Just("7m3s")],
        grid in (0i64..200_000, 0i64..900_000, prop_oneof![Just(0i64), Just(15_000), Just(60_000), 1000i64..90_000]),
        q in 0.0..1.0f64,
        delayed in any::<bool>(),
    ) {
        let mut floats = MemorySource::default();
        let mut mixed = MemorySource::default();
        for (i, samples) in all.iter().enumerate() {
            let (x, group) = (i.to_string(), (i % 2).to_string());
            let labels = Labels::from_pairs([("__name__", "m_total"), ("g", &group), ("x", &x)]);
            for (time, value) in samples {
                floats.add(&labels, *time, *value);
                mixed.add(&labels, *time, *value);
            }
        }
        let native = Labels::from_pairs([("__name__", "m_total"), ("g", "native")]);
        (0..80).for_each(|i| mixed.add_histogram(&native, histogram(i * 15_000)));
        let end = if grid.2 == 0 { grid.0 } else { grid.0 + grid.1 };
        let call = format!("{}(m_total[{range}])", FUNCTIONS[function]);
        let quantile = format!("quantile_over_time({q}, m_total[{range}])");
        let ahead = format!("predict_linear(m_total[{range}], {})", 1e4 * q);
        for leaf in [call.as_str(), &quantile, &ahead, "m_total", "m_total offset 30s"] {
            for op in ["", "sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"] {
                let text = if op.is_empty() { leaf.to_owned() } else { format!("{op} by (g) ({leaf})") };
                let times = (grid.0, end, grid.2);
                let fast = answer(&floats, &text, times, delayed);
                prop_assert_eq!(fast, answer(&mixed, &text, times, delayed), "{}", text);
            }
        }
    }
}
