//! A block: its extent, its sections, and whether every checksum holds.

use std::path::Path;
use std::sync::Arc;

use kymo_engine::block::{BlockFile, Extent, Section};
use kymo_engine::cache::BlockCache;
use kymo_engine::metrics::block::section;
use kymo_engine::metrics::block::stats::{self, ChunkStats};
use serde_json::{Value, json};

use super::{FILE_NAME, Finding, loaded};
use crate::cli::Failure;
use crate::cli::table::table;
use crate::http::rfc3339;

/// Kinds of sections in blocks of metrics.
const METRICS_SECTIONS: [(u16, &str); 16] = [
    (section::SYMBOLS, "symbols"),
    (section::SERIES_V1, "series (version 1)"),
    (section::POSTINGS_V1, "postings (version 1)"),
    (section::BITMAPS, "bitmaps"),
    (section::TIMESTAMPS, "timestamps"),
    (section::VALUES_V1, "values (version 1)"),
    (section::METADATA, "metadata"),
    (section::SERIES, "series"),
    (section::POSTINGS, "postings"),
    (section::TIMES, "times"),
    (section::VALUES, "values"),
    (section::STATS, "stats"),
    (section::STARTS, "starts"),
    (section::HISTOGRAMS, "histograms"),
    (section::EXEMPLARS, "exemplars"),
    (section::TRACES, "traces"),
];

/// Kinds of sections in blocks of spans, as FORMAT.md numbers them.
const TRACES_SECTIONS: [(u16, &str); 9] = [
    (1, "schema"),
    (2, "dictionary"),
    (3, "groups"),
    (4, "details"),
    (5, "values"),
    (6, "directory"),
    (7, "fences"),
    (8, "filter"),
    (9, "value filters"),
];

pub(crate) fn inspect(path: &Path) -> Result<Finding, Failure> {
    let storage = loaded(path)?;
    let block =
        BlockFile::open(&storage, FILE_NAME, Arc::new(BlockCache::new(0))).map_err(Failure::failed)?;
    let meta = block.meta();
    let signal = Signal::of(path);
    let rows: Vec<Vec<String>> = block
        .sections()
        .iter()
        .map(|found| row(&block, found, signal))
        .collect();
    let verified = block.verify();
    let state = verified
        .as_ref()
        .map_or_else(ToString::to_string, |()| "all checksums hold".to_owned());
    let header = ["section", "pages", "offset", "bytes", "bytes raw"];
    let (rows_name, groups_name) = signal.words();
    let text = format!(
        "block {} level {}: {} {rows_name} of {} {groups_name}, {} to {}, {} bytes\n{}\n{}{state}",
        meta.id,
        meta.level,
        meta.rows,
        meta.groups,
        rfc3339(signal.millis(meta.min_time)),
        rfc3339(signal.millis(meta.max_time)),
        meta.bytes,
        table(&header, &rows),
        if signal == Signal::Metrics {
            chunks(&block)
        } else {
            String::new()
        },
    );
    let sections: Vec<Value> = rows
        .iter()
        .map(|row| json!({"section": row[0], "pages": row[1], "offset": row[2], "bytes": row[3], "bytesRaw": row[4]}))
        .collect();
    Ok(Finding {
        json: json!({
            "id": meta.id, "level": meta.level, rows_name: meta.rows, groups_name: meta.groups, "bytes": meta.bytes,
            "minTime": meta.min_time, "maxTime": meta.max_time, "sections": sections, "checksums": state,
        }),
        text,
        damaged: verified.is_err(),
    })
}

/// Whose block it is. The file does not say; its directory does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    Metrics,
    Traces,
}

impl Signal {
    fn of(path: &Path) -> Signal {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let above = path.ancestors().skip(1).filter_map(|dir| dir.file_name());
        match above.take(2).any(|name| name == "traces") {
            true => Signal::Traces,
            false => Signal::Metrics,
        }
    }

    /// What rows and their groups are called.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Signal::Metrics => ("samples", "series"),
            Signal::Traces => ("spans", "traces"),
        }
    }

    /// A time of a block in milliseconds.
    fn millis(self, time: i64) -> i64 {
        match self {
            Signal::Metrics => time,
            Signal::Traces => time.div_euclid(1_000_000),
        }
    }

    /// The name of a kind of section.
    fn section_name(self, number: u16) -> String {
        let known: &[(u16, &str)] = match self {
            Signal::Metrics => &METRICS_SECTIONS,
            Signal::Traces => &TRACES_SECTIONS,
        };
        known
            .iter()
            .find(|(kind, _)| *kind == number)
            .map_or_else(|| format!("kind {number}"), |(_, name)| (*name).to_owned())
    }
}

/// A section with the bytes of its pages, whose directory is all that the section itself holds.
fn row(block: &BlockFile, found: &Section, signal: Signal) -> Vec<String> {
    let pages = match found.paged {
        true => block.pages(found.kind).unwrap_or_default(),
        false => vec![found.extent],
    };
    let sum = |len: fn(&Extent) -> u32| pages.iter().map(|p| u64::from(len(p))).sum::<u64>().to_string();
    vec![
        signal.section_name(found.kind),
        if found.paged {
            pages.len().to_string()
        } else {
            "-".to_owned()
        },
        found.extent.offset.to_string(),
        sum(|p| p.stored_len),
        sum(|p| p.raw_len),
    ]
}

/// What the statistics say of all chunks together; nothing for blocks without them.
fn chunks(block: &BlockFile) -> String {
    let pages = block.pages(section::STATS).map_or(0, |pages| pages.len() as u32);
    let all: Vec<_> = (0..pages)
        .filter_map(|page| stats::read(block, page).ok())
        .flatten()
        .collect();
    if all.is_empty() {
        return String::new();
    }
    let constant = all
        .iter()
        .filter(|s| s.nans == 0 && s.min.to_bits() == s.max.to_bits())
        .count();
    let sum = |number: fn(&ChunkStats) -> u32| all.iter().map(|s| u64::from(number(s))).sum::<u64>();
    format!(
        "{} chunks of floats, {constant} of them constant, {} NaN, {} drops\n",
        all.len(),
        sum(|s| s.nans),
        sum(|s| s.drops),
    )
}
