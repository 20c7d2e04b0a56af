//! Tests of the metrics block: shared timestamp columns, and damaged bytes that must never panic.

use std::sync::Arc;

use proptest::prelude::*;

use super::index::BlockReader;
use super::*;
use crate::block::{BlockFile, BlockMeta, BlockWriter, Temperature};
use crate::cache::BlockCache;
use crate::metrics::series::Samples;
use crate::metrics::{MatchOp, Matcher, postings};
use crate::storage::{MemoryStorage, Storage};

const SYMBOLS: [&str; 5] = ["__name__", "a", "b", "host", "up"];

fn write(storage: &MemoryStorage, series: usize, rows: i64) -> BlockMeta {
    let mut writer = BlockWriter::create(storage, "b", 1, Temperature::Young).unwrap();
    let hosts: Vec<String> = (0..series).map(|i| format!("h{i:05}")).collect();
    let mut symbols: Vec<&str> = SYMBOLS
        .iter()
        .copied()
        .chain(hosts.iter().map(String::as_str))
        .collect();
    symbols.sort_unstable();
    let at = |text: &str| symbols.binary_search(&text).unwrap() as u32;
    let mut out = SeriesWriter::new(&mut writer, symbols.iter().copied()).unwrap();
    for (i, host) in hosts.iter().enumerate() {
        let mut samples = Samples::default();
        (0..rows).for_each(|t| samples.push(t * 15_000 + t % 3, (t * i as i64) as f64));
        out.push(
            &[[at("__name__"), at("up")], [at("host"), at(host)]],
            &SeriesRows {
                floats: samples,
                ..SeriesRows::default()
            },
        )
        .unwrap();
    }
    let written = out.finish(&[]).unwrap();
    let meta = BlockMeta {
        id: 1,
        level: 0,
        day: 0,
        min_time: 0,
        max_time: 0,
        min_seq: 1,
        max_seq: 1,
        rows: 0,
        groups: 0,
        bytes: 0,
    };
    writer.finish(storage, meta, written).unwrap()
}

fn open(storage: &dyn Storage) -> crate::Result<BlockFile> {
    BlockFile::open(storage, "b", Arc::new(BlockCache::new(1 << 20)))
}

#[test]
fn series_share_the_timestamps_of_their_scrapes() {
    let storage = MemoryStorage::new();
    let meta = write(&storage, 300, 2000);
    assert_eq!((meta.groups, meta.rows), (300, 600_000));
    let file = open(&storage).unwrap();
    let pages = file.pages(section::TIMESTAMPS).unwrap();
    let bytes: u64 = pages.iter().map(|p| u64::from(p.raw_len)).sum();
    assert!(
        bytes < 6000,
        "two columns of 1000 stand for 600 chunks: {bytes} bytes"
    );
}

#[test]
fn series_are_found_and_read_back() {
    let storage = MemoryStorage::new();
    write(&storage, 300, 1500);
    let file = open(&storage).unwrap();
    let index = BlockIndex::open(&file).unwrap();
    let reader = BlockReader::new(&file, &index).unwrap();
    let matchers = [
        Matcher::equal("__name__", "up"),
        Matcher::new("host", MatchOp::Regex, "h0000[1-3]|h00299").unwrap(),
        Matcher::new("host", MatchOp::NotEqual, "h00002").unwrap(),
    ];
    let found = postings::select(&reader, &matchers).unwrap();
    assert_eq!(found.iter().collect::<Vec<_>>(), [1, 3, 299]);
    let entry = reader.series([299].into_iter()).next().unwrap().unwrap();
    assert_eq!(reader.labels(&entry).unwrap().value("host"), "h00299");
    let mut samples = Samples::default();
    entry
        .chunks
        .iter()
        .for_each(|c| read_chunk(&file, c, &mut samples).unwrap());
    assert_eq!(samples.len(), 1500);
    assert_eq!(
        (samples.timestamps[1499], samples.values[1499]),
        (1499 * 15_000 + 2, 1499.0 * 299.0)
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Bytes that pass their checksum may still be nonsense: decoding them must end in an error or in samples.
    #[test]
    fn damaged_pages_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200), count in 0u32..2000, offset in 0u32..250,
    ) {
        let storage = MemoryStorage::new();
        let mut writer = BlockWriter::create(&storage, "b", 1, Temperature::Young).unwrap();
        writer.section(section::SYMBOLS, &bytes).unwrap();
        writer.section(section::POSTINGS, &bytes).unwrap();
        writer.section(section::METADATA, &bytes).unwrap();
        let paged = [
            section::SERIES, section::TIMESTAMPS, section::VALUES, section::BITMAPS, section::STARTS,
            section::HISTOGRAMS, section::EXEMPLARS, section::TRACES, section::STATS,
        ];
        writer.section(section::TIMES, &bytes).unwrap();
        for kind in paged {
            writer.page(kind, &bytes, crate::block::Codec::Plain).unwrap();
        }
        let written = crate::block::writer::Written { min_time: 0, max_time: 0, rows: 0, groups: 9 };
        let meta = BlockMeta { id: 1, level: 0, day: 0, min_time: 0, max_time: 0, min_seq: 1, max_seq: 1, rows: 0, groups: 0, bytes: 0 };
        writer.finish(&storage, meta, written).unwrap();
        let file = open(&storage).unwrap();
        let values = [
            Values::V1 { page: 0, offset },
            Values::Group { page: 0, index: offset },
            Values::Histograms { page: 0, offset },
        ];
        for values in values {
            let (times, starts) = ((0, offset), Some((0, offset)));
            let chunk = ChunkRef { count, first_time: 0, last_time: 0, times, column: None, values, starts, delta: false };
            read_chunk(&file, &chunk, &mut Samples::default()).ok();
            read_histograms(&file, &chunk, &mut Vec::new()).ok();
            read_starts(&file, &chunk, &[1, 2, 3], &mut Vec::new()).ok();
        }
        stats::read(&file, 0).ok();
        exemplars::visit(&file, &mut |_, _| ()).ok();
        exemplars::series_of_trace(&file, &[7; 16]).ok();
        let index = BlockIndex::open(&file).unwrap();
        if let Ok(reader) = BlockReader::new(&file, &index) {
            reader.series(0..9).for_each(|entry| drop(entry.map(|e| reader.labels(&e).is_ok())));
            let any = Matcher::new("host", MatchOp::Regex, ".+").unwrap();
            postings::select(&reader, &[any, Matcher::equal("a", "b")]).ok();
            reader.metadata().ok();
            reader.names().ok();
        }
    }
}
