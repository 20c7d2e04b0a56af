//! The manifest of a store: an append-only log of edits that says which blocks are live and how much of the log they
//! hold. Each edit takes effect as a whole or not at all. Byte layout and crash analysis in FORMAT.md, "Manifest".

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::block::BlockMeta;
use crate::coding::{Malformed, Reader, put_uvarint};
use crate::error::{Error, Result};
use crate::log::Seq;
use crate::storage::{File, Storage};
use crate::tombstone::Tombstone;

/// First bytes of a manifest.
pub const MAGIC: [u8; 8] = *b"\x89KYMOMF\n";
/// Version of the format.
pub const VERSION: u32 = 2;
const HEADER_LEN: u64 = 16;
const REWRITE_FROM_BYTES: u64 = 256 << 10;

/// What a store consists of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Live {
    /// The live blocks by number.
    pub blocks: BTreeMap<u64, BlockMeta>,
    /// Number of the next block.
    pub next_block: u64,
    /// Every log record of this store up to here is in blocks (or was dropped with them).
    pub flushed: Seq,
    /// Generation of the oldest head that may still have records in the log.
    pub head_generation: u32,
    /// What is deleted and may still be in blocks, by number.
    pub tombstones: BTreeMap<u64, Tombstone>,
}

/// A change of the live blocks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// Blocks that become live.
    pub add: Vec<BlockMeta>,
    /// Numbers of blocks that stop being live.
    pub remove: Vec<u64>,
    /// Records up to here are in blocks now.
    pub flushed: Option<Seq>,
    /// Generation of the oldest head with records in the log.
    pub head_generation: Option<u32>,
    /// New deletions.
    pub bury: Vec<Tombstone>,
    /// Numbers of tombstones whose rows are in no block any more.
    pub forget: Vec<u64>,
}

/// An open manifest.
pub struct Manifest {
    storage: Arc<dyn Storage>,
    dir: String,
    number: u64,
    file: Arc<dyn File>,
    offset: u64,
    live: Live,
}

fn file_name(dir: &str, number: u64) -> String {
    format!("{dir}/manifest-{number:08}")
}

fn file_number(name: &str) -> Option<u64> {
    name.strip_prefix("manifest-")?.parse().ok()
}

impl Manifest {
    /// Opens the newest manifest in `dir`, or starts an empty one.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when its first edits do not read: then nobody knows which blocks are live. A torn last edit
    /// was never acted on and is dropped.
    pub fn open(storage: Arc<dyn Storage>, dir: &str) -> Result<Manifest> {
        storage.make_dir(dir)?;
        let mut numbers: Vec<u64> = storage.list(dir)?.iter().filter_map(|n| file_number(n)).collect();
        numbers.sort_unstable();
        let Some(number) = numbers.pop() else {
            return Manifest::create(
                storage,
                dir,
                1,
                Live {
                    next_block: 1,
                    ..Live::default()
                },
            );
        };
        let path = file_name(dir, number);
        let (live, _) = read(storage.as_ref(), &path)?;
        for old in numbers {
            storage.delete(&file_name(dir, old))?;
        }
        // A fresh file: appending behind a torn edit would leave it in the middle.
        let opened = Manifest::create(storage.clone(), dir, number + 1, live)?;
        storage.delete(&path)?;
        Ok(opened)
    }

    /// What is live.
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// Makes an edit durable, then takes it over. After an error the old state holds; the file may have a torn edit at
    /// its end, which the next edit writes over.
    pub fn commit(&mut self, edit: &Edit) -> Result<()> {
        let mut payload = Vec::new();
        edit.encode(&mut payload);
        let bytes = framed(&payload);
        self.file.write_at(self.offset, &bytes)?;
        self.file.sync()?;
        self.offset += bytes.len() as u64;
        self.live.apply(edit);
        if self.offset > REWRITE_FROM_BYTES.max(4 * self.live.encoded_len_estimate()) {
            self.rewrite()?;
        }
        Ok(())
    }

    /// The number of a new block or tombstone. Numbers of those that never became live are not used again in this process.
    pub fn allocate_block(&mut self) -> u64 {
        self.live.next_block += 1;
        self.live.next_block - 1
    }

    fn rewrite(&mut self) -> Result<()> {
        let old = file_name(&self.dir, self.number);
        let fresh = Manifest::create(
            self.storage.clone(),
            &self.dir,
            self.number + 1,
            self.live.clone(),
        )?;
        *self = fresh;
        self.storage.delete(&old)
    }

    fn create(storage: Arc<dyn Storage>, dir: &str, number: u64, live: Live) -> Result<Manifest> {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        let mut payload = Vec::new();
        live.as_edit().encode(&mut payload);
        put_uvarint(&mut payload, live.next_block);
        bytes.extend_from_slice(&framed(&payload));
        let path = file_name(dir, number);
        crate::storage::write_atomically(storage.as_ref(), &path, &bytes)?;
        let file = storage.open(&path)?;
        Ok(Manifest {
            storage,
            dir: dir.to_owned(),
            number,
            file,
            offset: bytes.len() as u64,
            live,
        })
    }
}

/// Reads a manifest without opening its store: what is live and where its last whole edit ends.
pub fn read(storage: &dyn Storage, path: &str) -> Result<(Live, u64)> {
    let file = storage.open(path)?;
    let bytes = file.read_vec(0, file.len()? as usize)?;
    let corrupt = |offset, what| Error::Corrupt {
        file: path.into(),
        offset,
        what,
    };
    if bytes.len() < HEADER_LEN as usize || bytes[..8] != MAGIC {
        return Err(corrupt(0, "not a manifest"));
    }
    let version = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
    if version > VERSION {
        return Err(Error::UnsupportedVersion {
            file: path.into(),
            found: version,
            supported: VERSION,
        });
    }
    let mut at = HEADER_LEN;
    let mut live = Live::default();
    let mut first = true;
    while let Some(payload) = next_payload(&bytes[at as usize..]) {
        let mut r = Reader::new(payload);
        let malformed = |Malformed(what)| corrupt(at, what);
        live.apply(&Edit::decode(&mut r, version).map_err(malformed)?);
        if first {
            live.next_block = live.next_block.max(r.uvarint().map_err(malformed)?);
            first = false;
        }
        at += payload.len() as u64 + 8;
    }
    if first {
        return Err(corrupt(HEADER_LEN, "the first edit does not read"));
    }
    let rest = &bytes[at as usize..];
    if (1..rest.len()).any(|skip| next_payload(&rest[skip..]).is_some_and(|p| !p.is_empty())) {
        return Err(corrupt(at, "an edit before the last does not read"));
    }
    Ok((live, at))
}

fn framed(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 8);
    out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(payload).to_le_bytes());
    out.extend_from_slice(payload);
    out
}

fn next_payload(bytes: &[u8]) -> Option<&[u8]> {
    let mut r = Reader::new(bytes);
    let len = r.u32().ok()?;
    let crc = r.u32().ok()?;
    let payload = r.take(len as usize).ok()?;
    (len > 0 && crc32fast::hash(payload) == crc).then_some(payload)
}

impl Live {
    fn apply(&mut self, edit: &Edit) {
        for id in &edit.remove {
            self.blocks.remove(id);
        }
        for meta in &edit.add {
            self.next_block = self.next_block.max(meta.id + 1);
            self.blocks.insert(meta.id, meta.clone());
        }
        for id in &edit.forget {
            self.tombstones.remove(id);
        }
        for tombstone in &edit.bury {
            self.next_block = self.next_block.max(tombstone.id + 1);
            self.tombstones.insert(tombstone.id, tombstone.clone());
        }
        self.flushed = edit.flushed.unwrap_or(self.flushed);
        self.head_generation = edit.head_generation.unwrap_or(self.head_generation);
    }

    fn as_edit(&self) -> Edit {
        Edit {
            add: self.blocks.values().cloned().collect(),
            remove: Vec::new(),
            flushed: Some(self.flushed),
            head_generation: Some(self.head_generation),
            bury: self.tombstones.values().cloned().collect(),
            forget: Vec::new(),
        }
    }

    fn encoded_len_estimate(&self) -> u64 {
        let tombstones: usize = self.tombstones.values().map(|t| 32 + t.what.len()).sum();
        64 * (self.blocks.len() as u64 + 1) + tombstones as u64
    }
}

impl Edit {
    fn encode(&self, out: &mut Vec<u8>) {
        put_uvarint(out, self.add.len() as u64);
        for meta in &self.add {
            meta.encode(out);
        }
        put_uvarint(out, self.remove.len() as u64);
        for id in &self.remove {
            put_uvarint(out, *id);
        }
        // Shifted by one so that zero says "unchanged".
        put_uvarint(out, self.flushed.map_or(0, |seq| seq + 1));
        put_uvarint(out, self.head_generation.map_or(0, |g| u64::from(g) + 1));
        put_uvarint(out, self.bury.len() as u64);
        for tombstone in &self.bury {
            tombstone.encode(out);
        }
        put_uvarint(out, self.forget.len() as u64);
        for id in &self.forget {
            put_uvarint(out, *id);
        }
    }

    fn decode(r: &mut Reader<'_>, version: u32) -> Result<Edit, Malformed> {
        let mut edit = Edit::default();
        for _ in 0..r.count(10)? {
            edit.add.push(BlockMeta::decode(r)?);
        }
        for _ in 0..r.count(1)? {
            edit.remove.push(r.uvarint()?);
        }
        edit.flushed = r.uvarint()?.checked_sub(1);
        let generation = r.uvarint()?.checked_sub(1);
        edit.head_generation = generation
            .map(u32::try_from)
            .transpose()
            .map_err(|_| Malformed("generation over 32 bits"))?;
        if version >= 2 {
            for _ in 0..r.count(5)? {
                edit.bury.push(Tombstone::decode(r)?);
            }
            for _ in 0..r.count(1)? {
                edit.forget.push(r.uvarint()?);
            }
        }
        Ok(edit)
    }
}

#[cfg(test)]
mod tests;
