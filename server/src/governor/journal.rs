//! The journal of active queries: a file of fixed slots, each naming a query while it runs, so that the next process can say
//! what ran when this one ended. It is written without syncing, which survives the process and not the machine. The file has
//! all its bytes from the start, so a full disk takes nothing away from it. Not for queries that merely wait.
//!
//! Layout, little endian: 8 bytes magic, u32 slots, u32 bytes of a slot, then the slots: u32 length (0: free), u32 CRC-32 of
//! the payload, payload: an [`Asked`] as JSON, its text cut to fit.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use parking_lot::Mutex;

use super::active::Asked;

/// Its name in the data directory.
pub(super) const FILE: &str = "queries.active";

const MAGIC: [u8; 8] = *b"KYMOQRY1";
const HEADER_BYTES: usize = 16;
const SLOT_BYTES: usize = 1024;
const SLOT_HEADER_BYTES: usize = 8;

/// Longest file that is read: far above what the most slots take.
const FILE_BYTES_MAX: u64 = 8 << 20;

/// Lengths to which a text is cut until its slot holds it; what JSON escapes grows.
const TEXT_BYTES: [usize; 5] = [SLOT_BYTES - 300, 400, 200, 80, 0];

/// An open journal.
pub(super) struct Journal {
    file: File,
    free: Mutex<Vec<usize>>,
}

/// A slot in use.
#[derive(Debug)]
pub(super) struct Slot(usize);

impl Journal {
    /// Opens or creates the journal and gives what the last process left in it; damaged slots count as free.
    pub(super) fn open(path: &Path, slots: usize) -> io::Result<(Journal, Vec<Asked>)> {
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let mut bytes = Vec::new();
        Read::by_ref(&mut file)
            .take(FILE_BYTES_MAX)
            .read_to_end(&mut bytes)?;
        let unfinished = left_over(&bytes);
        let mut fresh = vec![0; HEADER_BYTES + slots * SLOT_BYTES];
        fresh[..8].copy_from_slice(&MAGIC);
        fresh[8..12].copy_from_slice(&(slots as u32).to_le_bytes());
        fresh[12..16].copy_from_slice(&(SLOT_BYTES as u32).to_le_bytes());
        file.write_all_at(&fresh, 0)?;
        file.set_len(fresh.len() as u64)?;
        let free = Mutex::new((0..slots).rev().collect());
        Ok((Journal { file, free }, unfinished))
    }

    /// Names a query; `None` when there is no slot or it cannot be written.
    pub(super) fn begin(&self, asked: &Asked) -> Option<Slot> {
        let payload = payload(asked)?;
        let slot = self.free.lock().pop()?;
        let mut bytes = Vec::with_capacity(SLOT_HEADER_BYTES + payload.len());
        bytes.extend((payload.len() as u32).to_le_bytes());
        bytes.extend(crc32fast::hash(&payload).to_le_bytes());
        bytes.extend(payload);
        match self.file.write_all_at(&bytes, offset(slot)) {
            Ok(()) => Some(Slot(slot)),
            Err(error) => {
                tracing::debug!(%error, "cannot name a query in the journal");
                self.end(Slot(slot));
                None
            }
        }
    }

    /// Frees the slot of a query that ended.
    pub(super) fn end(&self, Slot(slot): Slot) {
        if let Err(error) = self.file.write_all_at(&[0; SLOT_HEADER_BYTES], offset(slot)) {
            tracing::debug!(%error, "cannot clear a slot of the journal");
        }
        self.free.lock().push(slot);
    }
}

fn offset(slot: usize) -> u64 {
    (HEADER_BYTES + slot * SLOT_BYTES) as u64
}

fn payload(asked: &Asked) -> Option<Vec<u8>> {
    TEXT_BYTES.iter().find_map(|longest| {
        let mut cut = asked.clone();
        cut.text.truncate(asked.text.floor_char_boundary(*longest));
        cut.remote.truncate(asked.remote.floor_char_boundary(64));
        let bytes = serde_json::to_vec(&cut).ok()?;
        (bytes.len() <= SLOT_BYTES - SLOT_HEADER_BYTES).then_some(bytes)
    })
}

/// The queries that a journal names. Whatever makes no sense is left out.
fn left_over(bytes: &[u8]) -> Vec<Asked> {
    let Some(slots) = bytes.strip_prefix(&MAGIC).and_then(|rest| rest.get(8..)) else {
        return Vec::new();
    };
    slots.chunks(SLOT_BYTES).filter_map(named).collect()
}

fn named(slot: &[u8]) -> Option<Asked> {
    let (header, rest) = slot.split_at_checked(SLOT_HEADER_BYTES)?;
    let word = |at: usize| Some(u32::from_le_bytes(header.get(at..at + 4)?.try_into().ok()?));
    let payload = rest.get(..word(0)? as usize)?;
    if payload.is_empty() || crc32fast::hash(payload) != word(4)? {
        return None;
    }
    serde_json::from_slice(payload).ok()
}

#[cfg(test)]
mod tests;
