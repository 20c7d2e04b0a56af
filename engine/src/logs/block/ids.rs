//! The directory of ids of a block: sorted halves of their hashes, each with a group that has the id.

use super::section;
use crate::block::{BlockFile, BlockWriter, Codec};
use crate::coding::{Malformed, Reader, put_uvarint};
use crate::error::Result;
use crate::metrics::values::Effort;
use crate::traces::{decode_ints, encode_ints};

const PAGE_ENTRIES: usize = 4_096;

/// What is kept of a hash.
pub(super) fn key(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// Writes the directory of keys and groups, in any order.
pub(super) fn write(mut entries: Vec<(u32, u32)>, effort: Effort, writer: &mut BlockWriter) -> Result<()> {
    entries.sort_unstable();
    entries.dedup();
    let mut fences = Vec::new();
    for entries in entries.chunks(PAGE_ENTRIES) {
        fences.extend_from_slice(&entries[0].0.to_le_bytes());
        let keys: Vec<i64> = entries.iter().map(|e| e.0.into()).collect();
        let groups: Vec<i64> = entries.iter().map(|e| e.1.into()).collect();
        let mut page = Vec::new();
        put_uvarint(&mut page, entries.len() as u64);
        encode_ints(&keys, effort, &mut page);
        encode_ints(&groups, Effort::Young, &mut page);
        writer.page(section::IDS, &page, Codec::Plain)?;
    }
    writer.section(section::ID_FENCES, &fences)
}

/// First hash of each page of a directory.
#[derive(Debug)]
pub(in crate::logs) struct IdFences(Vec<u32>);

impl IdFences {
    pub(super) fn open(file: &BlockFile) -> Result<IdFences> {
        let bytes = file.section(section::ID_FENCES)?;
        Ok(IdFences(
            bytes
                .as_chunks::<4>()
                .0
                .iter()
                .map(|b| u32::from_le_bytes(*b))
                .collect(),
        ))
    }

    /// The groups that may have an id, ascending.
    pub(in crate::logs) fn groups(&self, file: &BlockFile, hash: u64) -> Result<Vec<u32>> {
        let key = key(hash);
        let first = self.0.partition_point(|fence| *fence < key).saturating_sub(1);
        let mut groups = Vec::new();
        for page in first..self.0.len() {
            if self.0[page] > key {
                break;
            }
            let bytes = file.page(section::IDS, page as u32)?;
            let (keys, of) = decode(&bytes).map_err(|Malformed(what)| file.corrupt(page as u64, what))?;
            let from = keys.partition_point(|k| *k < i64::from(key));
            let same = keys[from..].iter().zip(&of[from..]);
            let same = same.take_while(|(k, _)| **k == i64::from(key));
            groups.extend(same.filter_map(|(_, group)| u32::try_from(*group).ok()));
        }
        Ok(groups)
    }
}

fn decode(bytes: &[u8]) -> std::result::Result<(Vec<i64>, Vec<i64>), Malformed> {
    let mut r = Reader::new(bytes);
    let count = r.uvarint()? as usize;
    if count > PAGE_ENTRIES {
        return Err(Malformed("entries of a page of ids"));
    }
    Ok((decode_ints(&mut r, count)?, decode_ints(&mut r, count)?))
}
