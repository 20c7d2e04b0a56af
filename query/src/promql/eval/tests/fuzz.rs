//! Evaluation never panics and never answers differently from one run to the next, whatever the query.

use kymo_engine::labels::Labels;
use kymo_engine::metrics::{CUSTOM_BUCKETS, Counts, Histogram, HistogramWrite, ResetHint, Span};
use proptest::prelude::*;

use crate::promql::eval::{Budget, EvalOptions, Query, Value, eval};
use crate::promql::{ParseOptions, functions, parse};
use crate::promqltest::memory::MemorySource;

const VECTORS: [&str; 14] = [
    "a",
    "b_total",
    "native",
    "{__name__=~\".+\"}",
    "custom",
    "mixed",
    "h_bucket",
    "native smoothed",
    "a{x=\"1\"}",
    "a offset 1m",
    "b_total @ 60",
    "a @ end()",
    "a smoothed",
    "none",
];
const RANGES: [&str; 10] = [
    "[1m]",
    "[292y]",
    "[1ms]",
    "[3m:30s]",
    "[3m:]",
    "[5m] @ 9e15",
    "[5m] offset -200y",
    "[step() + 1m]",
    "[2m] anchored",
    "[90s] smoothed",
];
const SCALARS: [&str; 9] = [
    "0",
    "1",
    "-1",
    "0.5",
    "NaN",
    "Inf",
    "1e300",
    "time()",
    "scalar(a)",
];
const STRINGS: [&str; 5] = ["\"x\"", "\"__name__\"", "\"$1\"", "\"(.*)\"", "\"le\""];
const OPERATORS: [&str; 17] = [
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "atan2",
    "== bool",
    ">",
    "and",
    "or",
    "unless",
    "</",
    ">/",
    "+ on(x) group_left(y)",
    "* ignoring(x) fill(1)",
    "- on() group_right",
];

/// Builds an expression from a stream of choices.
struct Choices<'a>(std::slice::Iter<'a, u8>);

impl Choices<'_> {
    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[usize::from(self.0.next().copied().unwrap_or(0)) % from.len()]
    }

    fn vector(&mut self, depth: usize) -> String {
        let choice = self.0.next().copied().unwrap_or(0) % 6;
        match choice {
            _ if depth == 0 => self.pick(&VECTORS).to_owned(),
            0 => self.pick(&VECTORS).to_owned(),
            1 => format!(
                "({}) {} ({})",
                self.vector(depth - 1),
                self.pick(&OPERATORS),
                self.vector(depth - 1)
            ),
            2 => {
                let op = self.pick(&["sum", "avg", "min", "count", "stddev", "group"]);
                format!(
                    "{op} {} ({})",
                    self.pick(&["", "by (x)", "without (x)", "by (__name__)"]),
                    self.vector(depth - 1)
                )
            }
            3 => {
                let op = self.pick(&["topk", "bottomk", "quantile", "limitk", "limit_ratio"]);
                format!("{op}({}, {})", self.pick(&SCALARS), self.vector(depth - 1))
            }
            4 => format!("-{}", self.vector(depth - 1)),
            _ => self.call(depth),
        }
    }

    fn call(&mut self, depth: usize) -> String {
        use crate::promql::ast::ValueType;
        let all = functions::FUNCTIONS;
        let function = &all[usize::from(self.0.next().copied().unwrap_or(0)) % all.len()];
        let args = function.args.iter().map(|arg| match arg {
            ValueType::Scalar => self.pick(&SCALARS).to_owned(),
            ValueType::String => self.pick(&STRINGS).to_owned(),
            ValueType::Vector => self.vector(depth - 1),
            ValueType::Matrix => {
                let vector = self.pick(&VECTORS[..6]).to_owned();
                vector + self.pick(&RANGES)
            }
        });
        let args: Vec<String> = args.collect();
        let call = format!("{}({})", function.name, args.join(", "));
        if function.returns == ValueType::Scalar {
            format!("vector({call})")
        } else {
            call
        }
    }
}

/// A native histogram whose counts go with `n`.
fn native(schema: i32, hint: ResetHint, n: u64) -> Histogram {
    let custom = schema == CUSTOM_BUCKETS;
    Histogram {
        schema,
        reset_hint: hint,
        zero_threshold: if custom { 0.0 } else { 0.001 },
        sum: n as f64 * 1.5,
        positive_spans: vec![Span { offset: 0, length: 2 }, Span { offset: 1, length: 1 }],
        negative_spans: if custom {
            Vec::new()
        } else {
            vec![Span { offset: 1, length: 1 }]
        },
        custom_values: match (custom, n % 3) {
            (false, _) => Vec::new(),
            (true, 0) => vec![1.0, 2.0, 4.0],
            (true, _) => vec![1.0, 4.0, 8.0],
        },
        counts: Counts::Float {
            count: n as f64 * 4.0,
            zero: if custom { 0.0 } else { n as f64 },
            positive: vec![n as f64, 0.0, n as f64 * 2.0],
            negative: if custom { Vec::new() } else { vec![n as f64] },
        },
    }
}

fn add_histograms(source: &mut MemorySource) {
    for x in ["1", "2"] {
        for t in 0..20i64 {
            let name = |name| Labels::from_pairs([("__name__", name), ("x", x)]);
            let write = |histogram| HistogramWrite {
                start: if t % 4 == 1 { t * 15_000 - 7_000 } else { 0 },
                time: t * 15_000,
                histogram,
            };
            let n = (t % 7) as u64;
            let hint = if x == "2" {
                ResetHint::Gauge
            } else {
                ResetHint::Unknown
            };
            source.add_histogram(&name("native"), write(native(n as i32 / 5, hint, n)));
            source.add_histogram(&name("custom"), write(native(CUSTOM_BUCKETS, hint, t as u64)));
            match t % 5 {
                0 | 1 => source.add(&name("mixed"), t * 15_000, t as f64),
                2 => source.add_histogram(&name("mixed"), write(native(CUSTOM_BUCKETS, hint, n))),
                _ => source.add_histogram(&name("mixed"), write(native(3, hint, n))),
            }
        }
    }
}

fn source() -> MemorySource {
    let mut source = MemorySource::default();
    let values = [1.0, 2.0, f64::NAN, 0.5, f64::INFINITY, -3.0, 0.0, 1e308];
    for (i, name) in ["a", "b_total", "h_bucket", "target_info"].iter().enumerate() {
        for x in ["1", "2"] {
            let labels = Labels::from_pairs([("__name__", *name), ("x", x), ("le", ["0.5", "+Inf"][i % 2])]);
            for t in 0..20 {
                source.add(&labels, t * 15_000, values[(t as usize + i) % values.len()]);
            }
        }
    }
    add_histograms(&mut source);
    source
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn random_queries_never_panic(choices in prop::collection::vec(any::<u8>(), 1..24), delayed: bool, starts: bool) {
        let text = Choices(choices.iter()).vector(3);
        let Ok(expr) = parse(&text, &ParseOptions::ALL) else { return Ok(()) };
        let source = source();
        let budget = Budget { max_samples: 100_000, ..Budget::default() };
        for (start, end, step) in [(120_000, 120_000, 0), (0, 300_000, 45_000), (i64::MAX - 10, i64::MAX, 7), (i64::MIN, i64::MIN, 0)] {
            let options = EvalOptions { delayed_name_removal: delayed, use_start_timestamps: starts, ..EvalOptions::default() };
            let query = Query { options, ..Query::range(&text, expr.clone(), start, end, step) };
            let results: Vec<String> =
                (0..2).map(|_| format!("{:?}", eval(&query, &source, &budget).map(|e| e.value))).collect();
            prop_assert_eq!(&results[0], &results[1], "{}", text);
        }
    }
}

/// Labels and values of a result at one time, in the order of the labels.
fn at_time(value: &Value, time: i64) -> Vec<String> {
    let series = match value {
        Value::Vector(series) | Value::Matrix(series) => series,
        Value::Scalar(v) => return vec![format!("{{}} {v:?}")],
        Value::String(text) => return vec![text.clone()],
    };
    let mut rows: Vec<String> = Vec::new();
    for one in series {
        if let Ok(i) = one.samples.timestamps.binary_search(&time) {
            rows.push(format!("{:?} {:?}", one.labels, one.samples.values[i]));
        }
        let histogram = one.histograms.iter().find(|(t, _)| *t == time);
        if let Some((_, histogram)) = histogram {
            rows.push(format!("{:?} {histogram:?}", one.labels));
        }
    }
    rows.sort();
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_range_query_is_its_instant_queries(choices in prop::collection::vec(any::<u8>(), 1..24), delayed: bool, starts: bool) {
        let text = Choices(choices.iter()).vector(3);
        let of_query = ["start(", "end(", "step(", "range("].iter().any(|f| text.contains(f));
        let Ok(expr) = parse(&text, &ParseOptions::ALL) else { return Ok(()) };
        // Delayed, one series keeps one mark over all steps, as in Prometheus: where `or` joins series with and without a
        // name to be dropped, the steps of a range share what each instant decides alone.
        let shares_marks = delayed && text.contains(") or (");
        // Sorting works on instants alone, and what is sorted may then be limited.
        let sorted = text.contains("sort");
        if of_query || shares_marks || sorted {
            return Ok(());
        }
        let source = source();
        let options = EvalOptions { delayed_name_removal: delayed, use_start_timestamps: starts, ..EvalOptions::default() };
        let range = Query { options, ..Query::range(&text, expr.clone(), 0, 330_000, 45_000) };
        let Ok(range) = eval(&range, &source, &Budget::default()) else { return Ok(()) };
        for time in (0..=330_000).step_by(45_000) {
            let instant = Query { options, ..Query::instant(&text, expr.clone(), time) };
            let instant = eval(&instant, &source, &Budget::default());
            prop_assert!(instant.is_ok(), "{}: {:?}", text, instant);
            let instant = instant.map(|e| at_time(&e.value, time)).unwrap_or_default();
            prop_assert_eq!(at_time(&range.value, time), instant, "{} at {}", text, time);
        }
    }
}
