//! Timestamp columns: each distinct one is stored once, and chunks name it by its number. All series of a scrape share one.

use hashbrown::HashMap;
use xxhash_rust::xxh3::xxh3_128;

use super::page::Page;
use super::section;
use crate::block::{BlockFile, BlockWriter};
use crate::coding::{Malformed, Reader, put_svarint};
use crate::error::Result;

/// Length of a directory entry.
const ENTRY_LEN: usize = 28;

/// A timestamp column as its directory knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimesEntry {
    /// Page of the column.
    pub page: u32,
    /// Its first byte in the page.
    pub offset: u32,
    /// Number of timestamps.
    pub count: u32,
    /// The first.
    pub first: i64,
    /// The last.
    pub last: i64,
}

/// The columns of a block being written.
pub(super) struct TimesWriter {
    page: Page,
    directory: Vec<u8>,
    count: u32,
    known: HashMap<u128, u32>,
    scratch: Vec<u8>,
}

impl TimesWriter {
    pub(super) fn new() -> TimesWriter {
        TimesWriter {
            page: Page::new(section::TIMESTAMPS),
            directory: Vec::new(),
            count: 0,
            known: HashMap::new(),
            scratch: Vec::new(),
        }
    }

    /// The number of a column, which is written unless it is there. `times` is not empty.
    pub(super) fn push(&mut self, times: &[i64], writer: &mut BlockWriter) -> Result<u32> {
        self.scratch.clear();
        self.scratch.extend(times.iter().flat_map(|t| t.to_le_bytes()));
        let hash = xxh3_128(&self.scratch);
        if let Some(number) = self.known.get(&hash) {
            return Ok(*number);
        }
        self.page.close_when_full(writer)?;
        let (page, offset) = self.page.place();
        encode(times, &mut self.page.bytes);
        for n in [page, offset, times.len() as u32] {
            self.directory.extend_from_slice(&n.to_le_bytes());
        }
        for time in [times[0], times[times.len() - 1]] {
            self.directory.extend_from_slice(&time.to_le_bytes());
        }
        self.known.insert(hash, self.count);
        self.count += 1;
        Ok(self.count - 1)
    }

    pub(super) fn finish(mut self, writer: &mut BlockWriter) -> Result<()> {
        self.page.close(writer)?;
        writer.section(section::TIMES, &self.directory)
    }
}

/// The entry of a column in the bytes of a directory.
pub(super) fn entry(directory: &[u8], number: u32) -> std::result::Result<TimesEntry, Malformed> {
    let at = number as usize * ENTRY_LEN;
    let bytes = directory
        .get(at..at + ENTRY_LEN)
        .ok_or(Malformed("no such timestamp column"))?;
    let mut r = Reader::new(bytes);
    Ok(TimesEntry {
        page: r.u32()?,
        offset: r.u32()?,
        count: r.u32()?,
        first: r.u64()?.cast_signed(),
        last: r.u64()?.cast_signed(),
    })
}

/// Appends a timestamp column: first, first delta, then deltas of deltas.
fn encode(times: &[i64], out: &mut Vec<u8>) {
    let (mut last, mut delta) = (0i64, 0i64);
    for time in times {
        let next = time.wrapping_sub(last);
        put_svarint(out, next.wrapping_sub(delta));
        (last, delta) = (*time, next);
    }
}

/// Reads a column of `count` timestamps.
pub(super) fn decode(bytes: &[u8], count: usize, out: &mut Vec<i64>) -> std::result::Result<(), Malformed> {
    let mut r = Reader::new(bytes);
    if count > bytes.len() {
        return Err(Malformed("more timestamps than bytes"));
    }
    out.reserve(count);
    let (mut last, mut delta) = (0i64, 0i64);
    for _ in 0..count {
        delta = delta.wrapping_add(r.svarint()?);
        last = last.wrapping_add(delta);
        out.push(last);
    }
    Ok(())
}

/// Appends the timestamps of a column to `out`.
pub(super) fn read(file: &BlockFile, place: (u32, u32), count: u32, out: &mut Vec<i64>) -> Result<()> {
    let page = file.page(section::TIMESTAMPS, place.0)?;
    let bytes = page
        .get(place.1 as usize..)
        .ok_or(Malformed("timestamps behind their page"));
    bytes
        .and_then(|bytes| decode(bytes, count as usize, out))
        .map_err(|Malformed(what)| file.corrupt(place.1.into(), what))
}
