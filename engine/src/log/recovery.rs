//! The way back after a crash: reads every segment in order, hands each record to its owner once, and tells a torn tail
//! (the normal end) from damage (reported, stepped over, never a panic). Crash analysis in FORMAT.md, "Log recovery".

use std::sync::Arc;

use super::frame::{self, Header};
use super::segment::{self, Closed, SegmentHeader, Segments};
use super::{LogOptions, Owner, Seq};
use crate::error::{Error, Result};
use crate::storage::Storage;

/// A record found in the log.
#[derive(Debug, Clone, Copy)]
pub struct Replayed<'a> {
    /// Whose record.
    pub owner: &'a Owner,
    /// Generation of the head it was resolved against.
    pub head_generation: u32,
    /// Its place.
    pub seq: Seq,
    /// What it says.
    pub bytes: &'a [u8],
}

/// Whether the log must keep a replayed record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// It lives in a head only.
    Needed,
    /// It is in a block already.
    Flushed,
}

/// What recovery found.
#[derive(Debug, Clone, Default)]
pub struct LogRecovery {
    /// Place of the next record.
    pub next_seq: Seq,
    /// Frames read.
    pub frames: u64,
    /// Records handed over.
    pub records: u64,
    /// Bytes of the frames.
    pub bytes: u64,
    /// Bytes that should have been frames and are not.
    pub damages: Vec<Damage>,
}

/// Damaged bytes of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The segment's file.
    pub file: String,
    /// Where the damage begins.
    pub offset: u64,
    /// Its length in bytes.
    pub len: u64,
    /// How many frames are lost.
    pub frames_lost: u64,
    /// What is wrong.
    pub what: &'static str,
}

/// Takes the records of the log in order.
pub(super) type Visit<'v> = dyn FnMut(Replayed<'_>) -> Result<()> + 'v;

struct Walk<'w, 'v> {
    visit: &'w mut Visit<'v>,
    expected_frame: Option<u64>,
    last_seq: Seq,
    found: LogRecovery,
}

pub(super) fn recover(
    storage: Arc<dyn Storage>,
    dir: &str,
    options: &LogOptions,
    visit: &mut Visit<'_>,
) -> Result<(Segments, LogRecovery)> {
    storage.make_dir(dir)?;
    let names = storage.list(dir)?;
    let mut spare: Vec<String> = names
        .iter()
        .filter(|n| segment::is_spare(n))
        .map(|n| format!("{dir}/{n}"))
        .collect();
    let newest_spare = names.iter().filter_map(|n| segment::spare_number(n)).max();
    for extra in spare.split_off(spare.len().min(options.spare_segments)) {
        storage.delete(&extra)?;
    }
    let (segments, found, next_frame) = walk(storage.as_ref(), dir, visit)?;
    // Numbers are generations: one that a spare segment's old frames bear must not come again.
    let next_number = segments
        .last()
        .map(|(number, _)| *number)
        .max(newest_spare)
        .map_or(1, |n| n + 1);
    let mut closed = Vec::new();
    for (number, last_seq) in segments {
        match last_seq {
            Some(last_seq) => closed.push(Closed { number, last_seq }),
            None => storage.delete(&segment::file_name(dir, number))?,
        }
    }
    Ok((
        Segments::new(storage, dir, next_number, next_frame, closed, spare),
        found,
    ))
}

/// The segments with the place of their last record (`None` when no record was ever written under their number), what
/// was found, and the number of the next frame.
type Walked = (Vec<(u64, Option<Seq>)>, LogRecovery, u64);

fn walk(storage: &dyn Storage, dir: &str, visit: &mut Visit<'_>) -> Result<Walked> {
    let mut numbers: Vec<u64> = storage
        .list(dir)?
        .iter()
        .filter_map(|n| segment::file_number(n))
        .collect();
    numbers.sort_unstable();
    let mut walk = Walk {
        visit,
        expected_frame: None,
        last_seq: 0,
        found: LogRecovery::default(),
    };
    let mut segments = Vec::new();
    for number in numbers {
        let any = walk.segment(storage, &segment::file_name(dir, number), number)?;
        segments.push((number, any.then_some(walk.last_seq)));
    }
    let mut found = walk.found;
    found.next_seq = walk.last_seq + 1;
    Ok((segments, found, walk.expected_frame.unwrap_or(1)))
}

impl Walk<'_, '_> {
    /// Reads one segment; false when no record was ever written to it under this number.
    fn segment(&mut self, storage: &dyn Storage, path: &str, generation: u64) -> Result<bool> {
        let file = storage.open(path)?;
        let bytes = file.read_vec(0, file.len()? as usize)?;
        let header = SegmentHeader::parse(&bytes).filter(|h| h.generation == generation);
        match header {
            Some(h) if h.version > segment::VERSION => {
                return Err(Error::UnsupportedVersion {
                    file: path.into(),
                    found: h.version,
                    supported: segment::VERSION,
                });
            }
            Some(h) => self.missing_before(path, h.first_frame),
            None => {}
        }
        let mut at = segment::HEADER_LEN as usize;
        let mut any = false;
        while let Some((offset, found)) = self.next_frame(&bytes, at, generation) {
            let intact_header = header.is_some() || any;
            if offset > at || !intact_header || self.expected_frame.is_some_and(|e| found.number > e) {
                let what = if intact_header {
                    "not a frame"
                } else {
                    "not a segment header"
                };
                self.damaged(path, at, offset, found.number, what);
            }
            self.frame(path, offset, &found, &bytes)?;
            at = offset + found.frame_len() as usize;
            any = true;
        }
        Ok(any)
    }

    fn missing_before(&mut self, path: &str, first_frame: u64) {
        match self.expected_frame {
            Some(expected) if first_frame > expected => {
                self.damaged(path, 0, 0, first_frame, "frames before this segment are missing");
                self.expected_frame = Some(first_frame);
            }
            Some(_) => {}
            None => self.expected_frame = Some(first_frame),
        }
    }

    /// The next sound frame at or behind `from`: at `from` itself unless something is damaged.
    fn next_frame(&self, bytes: &[u8], from: usize, generation: u64) -> Option<(usize, Header)> {
        let wanted = self.expected_frame.unwrap_or(0);
        (from..bytes.len())
            .step_by(frame::ALIGN as usize)
            .find_map(|offset| {
                let header = Header::parse(&bytes[offset..])?;
                let fits = header.generation == generation && header.number >= wanted;
                (fits && stored(bytes, offset, &header).is_some_and(|s| header.open(s).is_some()))
                    .then_some((offset, header))
            })
    }

    fn damaged(&mut self, path: &str, from: usize, to: usize, frame: u64, what: &'static str) {
        let frames_lost = frame.saturating_sub(self.expected_frame.unwrap_or(frame));
        let (offset, len) = (from as u64, (to - from) as u64);
        self.found.damages.push(Damage {
            file: path.to_owned(),
            offset,
            len,
            frames_lost,
            what,
        });
    }

    fn frame(&mut self, path: &str, offset: usize, header: &Header, bytes: &[u8]) -> Result<()> {
        let payload = stored(bytes, offset, header).and_then(|s| header.open(s));
        let payload = payload.expect("next_frame returns only frames that open");
        for (i, record) in frame::records(&payload).enumerate() {
            let Ok(record) = record else {
                let end = offset + header.frame_len() as usize;
                self.damaged(path, offset, end, header.number, "record inside a sound frame");
                break;
            };
            let seq = header.first_seq + i as u64;
            let head_generation = record.head_generation;
            (self.visit)(Replayed {
                owner: &record.owner,
                head_generation,
                seq,
                bytes: record.bytes,
            })?;
            self.found.records += 1;
        }
        self.last_seq = self
            .last_seq
            .max(header.first_seq + u64::from(header.records).max(1) - 1);
        self.expected_frame = Some(header.number + 1);
        self.found.frames += 1;
        self.found.bytes += header.frame_len();
        Ok(())
    }
}

fn stored<'a>(bytes: &'a [u8], offset: usize, header: &Header) -> Option<&'a [u8]> {
    let from = offset + frame::HEADER_LEN;
    bytes.get(from..from + header.stored_len as usize)
}
