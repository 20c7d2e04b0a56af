//! The files of the log: one active segment that grows by frames, closed ones that wait for their heads to be flushed,
//! spare ones to be written over. Layout in FORMAT.md, "Segment". Reading them back is `recovery`'s business.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Seq;
use super::frame::{FrameBuilder, Squeeze};
use crate::coding::Reader;
use crate::error::Result;
use crate::storage::{File, Storage};

/// First bytes of a segment.
pub const MAGIC: [u8; 8] = *b"\x89KYMOWL\n";
/// Version of the log format.
pub const VERSION: u32 = 1;
/// Length of a segment's header; the first frame follows.
pub const HEADER_LEN: u64 = 64;

/// The header of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Version of the format.
    pub version: u32,
    /// The segment's number, which is also its generation: reusing a file gives it a new one.
    pub generation: u64,
    /// Number of the first frame in it.
    pub first_frame: u64,
}

impl SegmentHeader {
    fn to_bytes(self) -> [u8; HEADER_LEN as usize] {
        let mut out = [0; HEADER_LEN as usize];
        out[..8].copy_from_slice(&MAGIC);
        out[8..12].copy_from_slice(&self.version.to_le_bytes());
        out[16..24].copy_from_slice(&self.generation.to_le_bytes());
        out[24..32].copy_from_slice(&self.first_frame.to_le_bytes());
        let crc = crc32fast::hash(&out[..60]);
        out[60..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads a header, `None` when the bytes are not one.
    pub fn parse(bytes: &[u8]) -> Option<SegmentHeader> {
        let bytes = bytes.get(..HEADER_LEN as usize)?;
        let mut r = Reader::new(bytes);
        let magic = r.take(8).ok()?;
        let version = r.u32().ok()?;
        r.take(4).ok()?;
        let header = SegmentHeader {
            version,
            generation: r.u64().ok()?,
            first_frame: r.u64().ok()?,
        };
        let crc = u32::from_le_bytes([bytes[60], bytes[61], bytes[62], bytes[63]]);
        (magic == MAGIC && crc == crc32fast::hash(&bytes[..60])).then_some(header)
    }
}

/// Name of a segment's file.
pub fn file_name(dir: &str, number: u64) -> String {
    format!("{dir}/{number:016}.wal")
}

/// The number in a segment's file name.
pub fn file_number(name: &str) -> Option<u64> {
    name.strip_suffix(".wal")?.parse().ok()
}

const SPARE_SUFFIX: &str = ".spare";
const FILL_PREFIX: &str = "fill-";

/// All files of the log, and where the next frame goes.
pub struct Segments {
    storage: Arc<dyn Storage>,
    dir: String,
    next_number: u64,
    next_frame: u64,
    active: Option<Active>,
    closed: VecDeque<Closed>,
    spare: Vec<String>,
    squeeze: Squeeze,
}

struct Active {
    number: u64,
    file: Arc<dyn File>,
    offset: u64,
    last_seq: Seq,
}

/// A segment that gets no more frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    /// Its number.
    pub number: u64,
    /// The place of its last record.
    pub last_seq: Seq,
}

impl Segments {
    /// The files as recovery found them; the next frame starts a new segment.
    pub fn new(
        storage: Arc<dyn Storage>,
        dir: &str,
        next_number: u64,
        next_frame: u64,
        closed: Vec<Closed>,
        spare: Vec<String>,
    ) -> Segments {
        let (dir, closed) = (dir.to_owned(), closed.into());
        Segments {
            storage,
            dir,
            next_number,
            next_frame,
            active: None,
            closed,
            spare,
            squeeze: Squeeze::default(),
        }
    }

    /// Writes a frame and returns its length; the caller syncs. After an error nothing counts as written and the next
    /// frame takes the same place.
    pub fn write(&mut self, frame: FrameBuilder, segment_bytes: u64) -> Result<u64> {
        let full = self.active.as_ref().is_some_and(|a| a.offset >= segment_bytes);
        if full {
            self.close_active()?;
        }
        if self.active.is_none() {
            self.active = Some(self.begin()?);
        }
        let number = self.next_frame;
        let active = self.active.as_mut().expect("begun just above");
        let bytes = frame.finish(active.number, number, &mut self.squeeze);
        active.file.write_at(active.offset, &bytes)?;
        active.offset += bytes.len() as u64;
        active.last_seq = frame.last_seq();
        self.next_frame += 1;
        Ok(bytes.len() as u64)
    }

    /// Syncs the active segment.
    pub fn sync(&self) -> Result<()> {
        self.active.as_ref().map_or(Ok(()), |active| active.file.sync())
    }

    fn close_active(&mut self) -> Result<()> {
        // A later segment must never be durable while an earlier one is not.
        self.sync()?;
        if let Some(active) = self.active.take() {
            self.closed.push_back(Closed {
                number: active.number,
                last_seq: active.last_seq,
            });
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<Active> {
        let number = self.next_number;
        let path = file_name(&self.dir, number);
        let file = match self.spare.last() {
            Some(spare) => {
                self.storage.rename(spare, &path)?;
                self.spare.pop();
                self.storage.open(&path)?
            }
            None => self.storage.create(&path)?,
        };
        self.next_number += 1;
        let header = SegmentHeader {
            version: VERSION,
            generation: number,
            first_frame: self.next_frame,
        };
        file.write_at(0, &header.to_bytes())?;
        file.sync()?;
        self.storage.sync_dir(&self.dir)?;
        Ok(Active {
            number,
            file,
            offset: HEADER_LEN,
            last_seq: 0,
        })
    }

    /// What takes the oldest segment away when it is closed, or could be, and all its records are older than
    /// `oldest_needed`. Whoever carries it out says so by [`Segments::released`] before asking again.
    ///
    /// # Errors
    /// Those of closing the active segment.
    pub fn release(&mut self, oldest_needed: Seq, spares_max: usize) -> Result<Option<Release>> {
        let idle = self
            .active
            .as_ref()
            .is_some_and(|a| a.offset > HEADER_LEN && a.last_seq < oldest_needed);
        if idle {
            self.close_active()?;
        }
        let oldest = self.closed.front().filter(|c| c.last_seq < oldest_needed);
        Ok(oldest.map(|oldest| {
            let path = file_name(&self.dir, oldest.number);
            Release {
                storage: self.storage.clone(),
                dir: self.dir.clone(),
                spare: (self.spare.len() < spares_max).then(|| format!("{path}{SPARE_SUFFIX}")),
                path,
            }
        }))
    }

    /// Forgets the oldest segment, which is away, and takes in what it left as a spare one.
    pub fn released(&mut self, spare: Option<String>) {
        self.closed.pop_front();
        self.spare.extend(spare);
    }

    /// Number of closed segments with records at or behind `seq`.
    pub fn closed_since(&self, seq: Seq) -> usize {
        self.closed.iter().filter(|c| c.last_seq >= seq).count()
    }

    /// What to fill when a spare segment will be needed soon and there is none.
    pub fn wants_spare(&mut self, segment_bytes: u64) -> Option<SpareFill> {
        let soon = self.active.as_ref().is_some_and(|a| a.offset > segment_bytes / 2);
        if !soon || !self.spare.is_empty() {
            return None;
        }
        let path = format!(
            "{}/{FILL_PREFIX}{:016}.wal{SPARE_SUFFIX}",
            self.dir, self.next_number
        );
        Some(SpareFill {
            storage: self.storage.clone(),
            path,
        })
    }

    /// Takes a filled file in.
    pub fn add_spare(&mut self, path: String) {
        self.spare.push(path);
    }

    /// Gives all spare segments' space back, for a full disk.
    pub fn drop_spares(&mut self) {
        for path in std::mem::take(&mut self.spare) {
            if self.storage.delete(&path).is_err() {
                self.spare.push(path);
                return;
            }
        }
    }

    /// Bytes of all files.
    pub fn disk_bytes(&self) -> u64 {
        let closed = self.closed.iter().map(|c| file_name(&self.dir, c.number));
        let active = self.active.iter().map(|a| file_name(&self.dir, a.number));
        let len = |path: String| self.storage.open(&path).and_then(|f| f.len()).unwrap_or(0);
        closed
            .chain(active)
            .chain(self.spare.iter().cloned())
            .map(len)
            .sum()
    }
}

/// True for the name of a spare segment.
pub fn is_spare(name: &str) -> bool {
    name.ends_with(SPARE_SUFFIX)
}

/// The number a spare segment had, or was made ready for.
pub fn spare_number(name: &str) -> Option<u64> {
    let name = name.strip_suffix(SPARE_SUFFIX)?;
    file_number(name.strip_prefix(FILL_PREFIX).unwrap_or(name))
}

/// A segment to be taken away outside the log's lock: deleting one takes longer than many commits.
pub struct Release {
    storage: Arc<dyn Storage>,
    dir: String,
    path: String,
    spare: Option<String>,
}

impl Release {
    /// Sets the segment aside or deletes it. What it left as a spare one, if it did.
    ///
    /// # Errors
    /// Those of the storage; the segment is still there.
    pub fn move_away(&self) -> Result<Option<String>> {
        match &self.spare {
            Some(spare) => self.storage.rename(&self.path, spare)?,
            None => self.storage.delete(&self.path)?,
        }
        Ok(self.spare.clone())
    }

    /// Makes durable that it is away.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn sync(&self) -> Result<()> {
        self.storage.sync_dir(&self.dir)
    }
}

/// A spare segment to be filled outside the log's lock.
pub struct SpareFill {
    storage: Arc<dyn Storage>,
    path: String,
}

impl SpareFill {
    /// Writes `len` zeros, so that later frames allocate nothing, and returns the path.
    pub fn fill(self, len: u64) -> Result<String> {
        let file = self.storage.create(&self.path)?;
        let zeros = vec![0u8; 1 << 20];
        let mut at = 0;
        while at < len {
            let n = (len - at).min(zeros.len() as u64);
            if let Err(e) = file.write_at(at, &zeros[..n as usize]) {
                self.storage.delete(&self.path)?;
                return Err(e);
            }
            at += n;
        }
        file.sync()?;
        Ok(self.path)
    }
}
