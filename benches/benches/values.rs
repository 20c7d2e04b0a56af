//! Sizes and times of the value codecs of blocks, on the replicated recording (chunks of an hour and of four, neighbours in
//! the order of their labels), on the recorded series themselves, on cloud series with long decimals (NAB) and on gauges of
//! a shop (Nezha). Prints bytes per sample, without and with zstd, before
//! it measures the time to encode and decode. Skips loudly without `../shared`.

use std::collections::BTreeMap;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kymo_benches::fleet::{Fleet, Size};
use kymo_benches::recording;
use kymo_engine::metrics::values::{CHUNKS_MAX, Effort, Group, SAMPLES_MAX, encode_group};

const GROUP_SAMPLES: usize = 8192;
const EFFORTS: [Effort; 3] = [Effort::Young, Effort::Settled, Effort::Cold];

type Chunks = Vec<Vec<f64>>;

/// Chunks of a fleet in the order of the labels.
fn fleet(recorded: &[recording::Recorded], series: usize, scrapes: u64) -> Chunks {
    let size = Size {
        series,
        scrapes,
        start_ms: 1_700_000_000_000,
        interval_ms: 15_000,
        churn_scrapes: None,
        seed: 1,
    };
    let fleet = Fleet::new(recorded, size);
    let mut all = BTreeMap::new();
    for (slot, series) in fleet.last_series() {
        let replayed = fleet.replay(slot, series);
        let values = replayed.samples.iter().map(|(_, value)| *value).collect();
        all.insert(replayed.labels, values);
    }
    all.into_values().collect()
}

fn groups(chunks: &[Vec<f64>]) -> Vec<Vec<&[f64]>> {
    let mut groups: Vec<Vec<&[f64]>> = Vec::new();
    for chunk in chunks {
        let full = |g: &Vec<&[f64]>| {
            g.len() == CHUNKS_MAX || g.iter().map(|c| c.len()).sum::<usize>() + chunk.len() > GROUP_SAMPLES
        };
        if groups.last().is_none_or(full) {
            groups.push(Vec::new());
        }
        if let Some(last) = groups.last_mut() {
            last.push(chunk);
        }
    }
    groups
}

#[expect(clippy::print_stderr, reason = "sizes are not what criterion measures")]
fn measure(c: &mut Criterion, name: &str, chunks: &[Vec<f64>]) {
    let groups = groups(chunks);
    let samples: usize = chunks.iter().map(Vec::len).sum();
    for effort in EFFORTS {
        let encode = |group: &Vec<&[f64]>| {
            let mut out = Vec::new();
            encode_group(group, effort, &mut out);
            out
        };
        let encoded: Vec<Vec<u8>> = groups.iter().map(encode).collect();
        let plain: usize = encoded.iter().map(Vec::len).sum();
        let zstd = |bytes: &Vec<u8>| {
            zstd::bulk::compress(bytes, 1).map_or(bytes.len(), |z| z.len().min(bytes.len()))
        };
        let compressed: usize = encoded.iter().map(zstd).sum();
        let per_sample = |bytes: usize| bytes as f64 / samples as f64;
        eprintln!(
            "{name} {effort:?}: {:.3} bytes per sample, {:.3} with zstd-1",
            per_sample(plain),
            per_sample(compressed)
        );
        let mut bench = c.benchmark_group(format!("{name}/{effort:?}"));
        bench
            .sample_size(10)
            .throughput(Throughput::Elements(samples as u64));
        bench.bench_function("encode", |b| {
            b.iter(|| groups.iter().map(|g| encode(g).len()).sum::<usize>())
        });
        let mut out = Vec::with_capacity(SAMPLES_MAX);
        bench.bench_function("decode", |b| {
            b.iter(|| encoded.iter().all(|bytes| decode(bytes, &mut out)))
        });
        bench.finish();
    }
}

fn decode(bytes: &[u8], out: &mut Vec<f64>) -> bool {
    let Ok(mut group) = Group::open(bytes) else {
        return false;
    };
    (0..group.chunk_count()).all(|i| {
        out.clear();
        group.decode(i, out).is_ok()
    })
}

/// Chunks of the series of an OpenMetrics text of `../shared/data`; none when it is absent.
fn text(name: &str) -> Chunks {
    let path = recording::path().with_file_name("..").join(name);
    let decoded = std::fs::File::open(path).and_then(zstd::decode_all);
    let text = decoded.map_or(String::new(), |bytes| {
        String::from_utf8_lossy(&bytes).into_owned()
    });
    let mut all: Vec<(&str, Vec<f64>)> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.rsplitn(3, ' ').skip(1);
        let (Some(value), Some(key)) = (words.next().and_then(|v| v.parse().ok()), words.next()) else {
            continue;
        };
        match all.last_mut() {
            Some((last, values)) if *last == key => values.push(value),
            _ => all.push((key, vec![value])),
        }
    }
    let chunks = all.iter().flat_map(|(_, values)| values.chunks(SAMPLES_MAX));
    chunks.map(<[f64]>::to_vec).collect()
}

#[expect(clippy::print_stderr, reason = "a bench that is skipped must say so")]
fn values(c: &mut Criterion) {
    let recorded = match recording::load() {
        Ok(recorded) => recorded,
        Err(e) => return eprintln!("SKIPPED: {e:#}"),
    };
    measure(c, "hour", &fleet(&recorded, 5000, 240));
    measure(c, "four hours", &fleet(&recorded, 2500, SAMPLES_MAX as u64));
    let values = |series: &recording::Recorded| series.samples.iter().map(|(_, value)| *value).collect();
    measure(c, "NAB", &text("nab/nab.om.txt.zst"));
    measure(
        c,
        "Nezha",
        &text("nezha-onlineboutique/metrics-2022-08-22.om.txt.zst"),
    );
    measure(c, "recording", &recorded.iter().map(values).collect::<Chunks>());
}

criterion_group!(benches, values);
criterion_main!(benches);
