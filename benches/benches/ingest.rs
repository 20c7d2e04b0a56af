//! What a remote-write sample costs between the socket and the disk: decoding a body of 2,000 series with one sample each,
//! then resolving, encoding and applying it to a head that knows the series. No HTTP, no log, no sync.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use kymo_benches::workload::Workload;
use kymo_engine::metrics::head::MetricsHead;
use kymo_engine::metrics::{Input, WriteBatch};
use kymo_proto::remote_write::{Labels, Scan};
use kymo_proto::snappy;

const SERIES: u64 = 2000;

fn body(scrape: u64) -> Vec<u8> {
    let work = Workload {
        series: SERIES,
        start_ms: 1_700_000_000_000,
        interval_ms: 15_000,
    };
    snappy::decompress(&work.body(0..SERIES, scrape), 32 << 20).expect("compressed just now")
}

fn batch(raw: &[u8]) -> WriteBatch<'_> {
    let mut batch = WriteBatch::default();
    let mut scan = Scan::new(raw);
    while let Ok(Some(series)) = scan.next_series() {
        let std::borrow::Cow::Borrowed(region) = series.labels else {
            continue;
        };
        let labels = Labels::new(region).filter_map(|label| {
            let label = label.ok()?;
            Some((
                std::str::from_utf8(label.name).ok()?,
                std::str::from_utf8(label.value).ok()?,
            ))
        });
        batch.push_series(labels, series.samples.iter().map(|s| (s.timestamp, s.value)));
    }
    batch
}

fn scan(raw: &[u8]) -> usize {
    let (mut scan, mut samples) = (Scan::new(raw), 0);
    while let Ok(Some(series)) = scan.next_series() {
        samples += series.samples.len();
    }
    samples
}

fn ingest(c: &mut Criterion) {
    let mut group = c.benchmark_group("ingest");
    group.throughput(Throughput::Elements(SERIES));
    let raw = body(0);
    group.bench_function("scan", |b| b.iter(|| scan(&raw)));
    let batch = batch(&raw);
    let input = Input {
        batch: &batch,
        labels: &batch,
        series_max: u64::MAX,
        received_ms: 0,
    };
    let head = MetricsHead::default();
    let resolve = || head.resolve(&input).expect("a batch spells its labels");
    head.apply(resolve());
    group.bench_function("resolve", |b| b.iter(resolve));
    let record = resolve();
    group.bench_function("encode", |b| b.iter(|| record.encode()));
    let mut scrape = 0;
    let mut next = || {
        scrape += 1;
        let mut record = record.clone();
        record.samples.iter_mut().for_each(|s| s.1 += scrape * 15_000);
        record
    };
    group.bench_function("apply", |b| {
        b.iter_batched(&mut next, |r| head.apply(r), BatchSize::LargeInput)
    });
    group.finish();
}

criterion_group!(benches, ingest);
criterion_main!(benches);
