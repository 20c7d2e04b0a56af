//! A block: its extent, its sections, and whether every checksum holds.

use std::path::Path;
use std::sync::Arc;

use kymo_engine::block::BlockFile;
use kymo_engine::cache::BlockCache;
use kymo_engine::metrics::block::section;
use serde_json::{Value, json};

use super::{FILE_NAME, Finding, loaded};
use crate::cli::Failure;
use crate::cli::table::table;
use crate::http::rfc3339;

pub(crate) fn inspect(path: &Path) -> Result<Finding, Failure> {
    let storage = loaded(path)?;
    let block =
        BlockFile::open(&storage, FILE_NAME, Arc::new(BlockCache::new(0))).map_err(Failure::failed)?;
    let meta = block.meta();
    let rows: Vec<Vec<String>> = block
        .sections()
        .iter()
        .map(|found| {
            let extent = &found.extent;
            vec![
                section_name(found.kind),
                if found.paged { "pages" } else { "whole" }.to_owned(),
                extent.offset.to_string(),
                extent.stored_len.to_string(),
                extent.raw_len.to_string(),
            ]
        })
        .collect();
    let verified = block.verify();
    let state = verified
        .as_ref()
        .map_or_else(ToString::to_string, |()| "all checksums hold".to_owned());
    let header = ["section", "kind", "offset", "bytes", "bytes raw"];
    let text = format!(
        "block {} level {}: {} samples of {} series, {} to {}, {} bytes\n{}\n{state}",
        meta.id,
        meta.level,
        meta.rows,
        meta.groups,
        rfc3339(meta.min_time),
        rfc3339(meta.max_time),
        meta.bytes,
        table(&header, &rows),
    );
    let sections: Vec<Value> = rows
        .iter()
        .map(|row| json!({"section": row[0], "offset": row[2], "bytes": row[3], "bytesRaw": row[4]}))
        .collect();
    Ok(Finding {
        json: json!({
            "id": meta.id, "level": meta.level, "samples": meta.rows, "series": meta.groups, "bytes": meta.bytes,
            "minTime": meta.min_time, "maxTime": meta.max_time, "sections": sections, "checksums": state,
        }),
        text,
        damaged: verified.is_err(),
    })
}

fn section_name(number: u16) -> String {
    let known = [
        (section::SYMBOLS, "symbols"),
        (section::SERIES, "series"),
        (section::POSTINGS, "postings"),
        (section::BITMAPS, "bitmaps"),
        (section::TIMESTAMPS, "timestamps"),
        (section::VALUES, "values"),
        (section::METADATA, "metadata"),
    ];
    known
        .iter()
        .find(|(kind, _)| *kind == number)
        .map_or_else(|| format!("kind {number}"), |(_, name)| (*name).to_owned())
}
