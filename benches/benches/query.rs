//! What the parts of a query cost: parsing, finding series, and evaluation over 20,000 bucket series of an hour, which lie in
//! a block: rates, aggregations, quantiles, joins. No HTTP, no JSON, one core.

use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kymo_engine::log::LogOptions;
use kymo_engine::metrics::{Input, MatchOp, Matcher, Metrics, Selection, SeriesData, SeriesSet, WriteBatch};
use kymo_engine::node::{Node, NodeOptions};
use kymo_engine::storage::MemoryStorage;
use kymo_engine::store::{Snapshot, StoreOptions};
use kymo_query::promql::eval::{Budget, Query, Source, eval};
use kymo_query::promql::{ParseOptions, parse};

const INSTANCES: usize = 1000;
const BUCKETS: usize = 20;
const SAMPLES: i64 = 240;
const INTERVAL_MS: i64 = 15_000;

struct Stored(Snapshot<Metrics>);

impl Source for Stored {
    fn select(&self, selections: &[Selection]) -> kymo_engine::Result<Vec<Vec<SeriesData>>> {
        self.0.select(selections)
    }

    fn scan(&self, selections: &[Selection], histogram_lookback: i64) -> kymo_engine::Result<Vec<SeriesSet>> {
        self.0.scan(selections, histogram_lookback)
    }
}

fn filled() -> (Arc<Node>, Stored) {
    let options = NodeOptions {
        log: LogOptions::default(),
        store: StoreOptions::default(),
        traces: StoreOptions::for_traces(),
        logs: StoreOptions::for_logs(),
        cache_bytes: 64 << 20,
        reserve_bytes: 0,
        free_bytes_min: 0,
    };
    let (node, _) = Node::open(Arc::new(MemoryStorage::new()), options).expect("a node in memory opens");
    let db = node.tenant("bench").expect("a new tenant");
    for instance in 0..INSTANCES {
        let host = format!("host-{instance:04}");
        let bounds: Vec<String> = (0..BUCKETS).map(|bucket| bucket.to_string()).collect();
        let mut batch = WriteBatch::default();
        for (bucket, le) in bounds.iter().enumerate() {
            let labels = [
                ("__name__", "request_seconds_bucket"),
                ("instance", host.as_str()),
                ("job", if instance % 2 == 0 { "api" } else { "web" }),
                (
                    "le",
                    if bucket + 1 == BUCKETS {
                        "+Inf"
                    } else {
                        le.as_str()
                    },
                ),
            ];
            let rate = (instance * 7 + bucket * 3) % 11;
            let at = |i: i64| (i * INTERVAL_MS, (i * rate as i64 + i / 7 * bucket as i64) as f64);
            batch.push_series(labels, (0..SAMPLES).map(at));
        }
        let input = Input {
            batch: &batch,
            labels: &batch,
            series_max: u64::MAX,
            received_ms: 0,
        };
        let ticket = db.metrics.append(node.log(), &input).expect("there is room");
        node.log().commit();
        ticket.wait().expect("the batch is applied");
    }
    node.flush().expect("the head is flushed");
    let snapshot = db.metrics.snapshot();
    (node, Stored(snapshot))
}

fn parsing(c: &mut Criterion) {
    let text = "histogram_quantile(0.99, sum by (le, job) (rate(request_seconds_bucket{job=~\"a.*\", le!=\"\"}[5m] offset 1h))) > 0.5";
    c.bench_function("query/parse", |b| b.iter(|| parse(text, &ParseOptions::ALL)));
}

fn selecting(c: &mut Criterion) {
    let (_node, source) = filled();
    let mut group = c.benchmark_group("query/select");
    group.throughput(Throughput::Elements((INSTANCES * BUCKETS) as u64));
    for (name, op, value) in [
        ("equal", MatchOp::Equal, "request_seconds_bucket"),
        ("regex", MatchOp::Regex, "request_.*"),
    ] {
        let matcher = Matcher::new("__name__", op, value).expect("the pattern compiles");
        let selection = Selection {
            matchers: vec![matcher],
            min_time: 0,
            max_time: SAMPLES * INTERVAL_MS,
        };
        let selections = [selection];
        group.bench_function(name, |b| b.iter(|| source.0.scan(&selections, 0)));
    }
    group.finish();
}

fn evaluating(c: &mut Criterion) {
    let (_node, source) = filled();
    let mut group = c.benchmark_group("query/eval");
    group.sample_size(10);
    let end = (SAMPLES - 1) * INTERVAL_MS;
    for (name, text) in [
        ("rate", "rate(request_seconds_bucket{job=\"api\"}[5m])"),
        ("max_over_time", "max_over_time(request_seconds_bucket[10m])"),
        ("sum of rate", "sum by (job) (rate(request_seconds_bucket[5m]))"),
        ("count", "count(request_seconds_bucket)"),
        (
            "quantile",
            "histogram_quantile(0.9, sum by (le, instance) (rate(request_seconds_bucket[5m])))",
        ),
        (
            "join",
            "request_seconds_bucket{le=\"3\"} / on (instance) group_left request_seconds_bucket{le=\"+Inf\"}",
        ),
    ] {
        let expr = parse(text, &ParseOptions::ALL).expect("the query parses");
        let query = Query::range(text, expr, 0, end, INTERVAL_MS);
        group.bench_function(name, |b| b.iter(|| eval(&query, &source, &Budget::default())));
    }
    group.finish();
}

criterion_group!(benches, parsing, selecting, evaluating);
criterion_main!(benches);
