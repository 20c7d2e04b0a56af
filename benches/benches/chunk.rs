//! What a sample costs in the Gorilla chunk of the head: encoding and decoding 120 samples of a counter, a gauge with two
//! decimals and a constant. One series at a time in warm caches: the head's cost under load is dominated by cache misses.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kymo_benches::workload::Workload;
use kymo_engine::metrics::Samples;
use kymo_engine::metrics::chunk::Chunk;

fn chunks(c: &mut Criterion) {
    let work = Workload {
        series: 100,
        start_ms: 1_700_000_000_000,
        interval_ms: 15_000,
    };
    for (name, series) in [("counter", 3), ("gauge", 70), ("constant", 90)] {
        let rows: Vec<(i64, f64)> = (0..120).map(|i| (work.time(i), work.value(series, i))).collect();
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements(120));
        group.bench_function("encode", |b| b.iter(|| Chunk::from_samples(rows.iter().copied())));
        let chunk = Chunk::from_samples(rows.iter().copied());
        let mut out = Samples::default();
        group.bench_function("decode", |b| {
            b.iter(|| {
                out.clear();
                chunk.decode(&mut out).is_ok()
            });
        });
        group.finish();
    }
}

criterion_group!(benches, chunks);
criterion_main!(benches);
