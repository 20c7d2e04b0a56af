//! Looks into the files of a data directory without opening it as a node: what a log, a manifest or a block really
//! holds. Changes nothing and may run beside a server.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::block::{BlockFile, BlockMeta, EXTENT_LEN};
use crate::cache::BlockCache;
use crate::error::Result;
use crate::log::Seq;
use crate::log::recovery::{self, Damage};
use crate::manifest::{self, Live};
use crate::metrics::block::section;
use crate::storage::Storage;

/// What a log directory holds.
#[derive(Debug, Clone, Default)]
pub struct LogReport {
    /// Frames.
    pub frames: u64,
    /// Their bytes, after compression.
    pub frame_bytes: u64,
    /// Place of the next record.
    pub next_seq: Seq,
    /// Records by tenant and number of the signal.
    pub owners: BTreeMap<(String, u8), OwnerReport>,
    /// Bytes that should have been frames.
    pub damages: Vec<Damage>,
}

/// The records of one owner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnerReport {
    /// Number of records.
    pub records: u64,
    /// Their bytes, before compression.
    pub bytes: u64,
    /// Place of the first.
    pub first_seq: Seq,
    /// Place of the last.
    pub last_seq: Seq,
    /// Generations of the heads they belong to, first and last.
    pub head_generations: (u32, u32),
}

/// Reads a log directory.
pub fn log(storage: &dyn Storage, dir: &str) -> Result<LogReport> {
    let mut owners: BTreeMap<(String, u8), OwnerReport> = BTreeMap::new();
    let found = recovery::read(storage, dir, &mut |record| {
        let owner = owners
            .entry((record.owner.tenant.to_string(), record.owner.signal))
            .or_default();
        if owner.records == 0 {
            owner.first_seq = record.seq;
            owner.head_generations.0 = record.head_generation;
        }
        owner.records += 1;
        owner.bytes += record.bytes.len() as u64;
        owner.last_seq = record.seq;
        owner.head_generations.1 = record.head_generation;
        Ok(())
    })?;
    Ok(LogReport {
        frames: found.frames,
        frame_bytes: found.bytes,
        next_seq: found.next_seq,
        owners,
        damages: found.damages,
    })
}

/// Reads a manifest file.
pub fn manifest(storage: &dyn Storage, path: &str) -> Result<Live> {
    Ok(manifest::read(storage, path)?.0)
}

/// What a block file holds.
#[derive(Debug, Clone)]
pub struct BlockReport {
    /// Identity and extent.
    pub meta: BlockMeta,
    /// Its sections in file order.
    pub sections: Vec<SectionReport>,
}

/// A section of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionReport {
    /// Its kind.
    pub kind: u16,
    /// Name of the kind in a metrics block.
    pub name: &'static str,
    /// Number of pages, 0 for a section without pages.
    pub pages: u64,
    /// Bytes in the file, page directory included.
    pub stored_bytes: u64,
    /// Bytes once decompressed, page directory excluded.
    pub raw_bytes: u64,
}

/// Reads a block file and verifies all of it.
pub fn block(storage: &dyn Storage, path: &str) -> Result<BlockReport> {
    let file = BlockFile::open(storage, path, Arc::new(BlockCache::new(16 << 20)))?;
    file.verify()?;
    let mut sections = Vec::new();
    for entry in file.sections() {
        let mut report = SectionReport {
            kind: entry.kind,
            name: section_name(entry.kind),
            pages: 0,
            stored_bytes: entry.extent.stored_len.into(),
            raw_bytes: entry.extent.raw_len.into(),
        };
        if entry.paged {
            report.raw_bytes = 0;
            report.pages = u64::from(entry.extent.raw_len) / EXTENT_LEN as u64;
            for page in file.pages(entry.kind)? {
                report.stored_bytes += u64::from(page.stored_len);
                report.raw_bytes += u64::from(page.raw_len);
            }
        }
        sections.push(report);
    }
    Ok(BlockReport {
        meta: file.meta().clone(),
        sections,
    })
}

fn section_name(kind: u16) -> &'static str {
    match kind {
        section::SYMBOLS => "symbols",
        section::SERIES => "series",
        section::POSTINGS => "postings",
        section::BITMAPS => "bitmaps",
        section::TIMESTAMPS => "timestamps",
        section::VALUES => "values",
        section::METADATA => "metadata",
        _ => "unknown",
    }
}
