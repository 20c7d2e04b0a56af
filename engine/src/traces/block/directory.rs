//! Where the traces of a block are, by the high half of the hash of their ids, and the filter that says which are not there.

use super::{bloom, hash_of, section};
use crate::block::{BlockFile, BlockWriter, Codec};
use crate::coding::{Malformed, Reader, put_uvarint};
use crate::error::Result;
use crate::metrics::values::Effort;
use crate::traces::TraceId;
use crate::traces::block::column::{decode_ints, encode_ints};

const PAGE_ENTRIES: usize = 4_096;
const FILTER_PAGE_LEN: usize = 64 << 10;

fn key(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// Writes directory and filter. `hashes` are those of the traces in their order in the block.
pub(super) fn write(hashes: &[u64], writer: &mut BlockWriter) -> Result<()> {
    let filter = bloom::build(hashes);
    for page in filter.chunks(FILTER_PAGE_LEN) {
        writer.page(section::FILTER, page, Codec::Plain)?;
    }
    let mut entries: Vec<(u32, u32)> = hashes
        .iter()
        .enumerate()
        .map(|(n, hash)| (key(*hash), n as u32))
        .collect();
    entries.sort_unstable();
    let mut fences = Vec::new();
    for entries in entries.chunks(PAGE_ENTRIES) {
        fences.extend_from_slice(&entries[0].0.to_le_bytes());
        let keys: Vec<i64> = entries.iter().map(|e| e.0.into()).collect();
        let places: Vec<i64> = entries.iter().map(|e| e.1.into()).collect();
        let mut page = Vec::new();
        put_uvarint(&mut page, entries.len() as u64);
        encode_ints(&keys, Effort::Settled, &mut page);
        encode_ints(&places, Effort::Young, &mut page);
        writer.page(section::DIRECTORY, &page, Codec::Plain)?;
    }
    writer.section(section::FENCES, &fences)
}

/// The directory of an open block.
#[derive(Debug)]
pub(in crate::traces) struct Directory {
    fences: Vec<u32>,
    filter_blocks: usize,
}

impl Directory {
    pub(super) fn open(file: &BlockFile) -> Result<Directory> {
        let fences = file.section(section::FENCES)?;
        let fences = fences
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| u32::from_le_bytes(*b))
            .collect();
        let filter_len: usize = file
            .pages(section::FILTER)?
            .iter()
            .map(|e| e.raw_len as usize)
            .sum();
        Ok(Directory {
            fences,
            filter_blocks: filter_len / bloom::BLOCK_LEN,
        })
    }

    /// False when the trace is not in the block; true once in a thousand times when it is not either.
    pub(in crate::traces) fn may_hold(&self, file: &BlockFile, hash: u64) -> Result<bool> {
        if self.filter_blocks == 0 {
            return Ok(!self.fences.is_empty());
        }
        let at = bloom::block_of(hash, self.filter_blocks) * bloom::BLOCK_LEN;
        let page = file.page(section::FILTER, (at / FILTER_PAGE_LEN) as u32)?;
        let block = page.get(at % FILTER_PAGE_LEN..at % FILTER_PAGE_LEN + bloom::BLOCK_LEN);
        let block = block.ok_or_else(|| file.corrupt(at as u64, "filter page"))?;
        Ok(bloom::may_hold(hash, block))
    }

    /// Places in the block of the traces that may have the id.
    pub(in crate::traces) fn places(&self, file: &BlockFile, id: &TraceId) -> Result<Vec<u32>> {
        let hash = hash_of(id);
        let mut places = Vec::new();
        if !self.may_hold(file, hash)? {
            return Ok(places);
        }
        let key = key(hash);
        let first = self
            .fences
            .partition_point(|fence| *fence < key)
            .saturating_sub(1);
        for page in first..self.fences.len() {
            if self.fences[page] > key {
                break;
            }
            let bytes = file.page(section::DIRECTORY, page as u32)?;
            let (keys, found) = decode(&bytes).map_err(|Malformed(what)| file.corrupt(page as u64, what))?;
            let from = keys.partition_point(|k| *k < i64::from(key));
            let same = keys[from..].iter().zip(&found[from..]);
            let same = same.take_while(|(k, _)| **k == i64::from(key));
            places.extend(same.filter_map(|(_, place)| u32::try_from(*place).ok()));
        }
        Ok(places)
    }
}

fn decode(bytes: &[u8]) -> Result<(Vec<i64>, Vec<i64>), Malformed> {
    let mut r = Reader::new(bytes);
    let count = r.uvarint()? as usize;
    if count > PAGE_ENTRIES {
        return Err(Malformed("entries of a directory page"));
    }
    Ok((decode_ints(&mut r, count)?, decode_ints(&mut r, count)?))
}
