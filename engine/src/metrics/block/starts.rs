//! Columns of start timestamps: for each sample whether it has the start of the one before, and its own otherwise.

use super::page::Page;
use super::section;
use crate::block::{BlockFile, BlockWriter};
use crate::coding::{Malformed, Reader};
use crate::error::Result;
use crate::metrics::record::{get_start, put_start};

/// The columns of a block being written.
pub(super) struct StartsWriter {
    page: Page,
}

impl StartsWriter {
    pub(super) fn new() -> StartsWriter {
        StartsWriter {
            page: Page::new(section::STARTS),
        }
    }

    /// Writes a column unless no start is set.
    pub(super) fn push(
        &mut self,
        starts: &[i64],
        times: &[i64],
        writer: &mut BlockWriter,
    ) -> Result<Option<(u32, u32)>> {
        if starts.iter().all(|s| *s == 0) {
            return Ok(None);
        }
        self.page.close_when_full(writer)?;
        let place = self.page.place();
        let mut before = None;
        for (start, time) in starts.iter().zip(times) {
            let moved = before != Some(*start);
            if before.is_some() {
                self.page.bytes.push(moved.into());
            }
            if moved {
                put_start(&mut self.page.bytes, *start, *time);
            }
            before = Some(*start);
        }
        Ok(Some(place))
    }

    pub(super) fn finish(mut self, writer: &mut BlockWriter) -> Result<()> {
        self.page.close(writer)
    }
}

/// Appends the start timestamps of the samples at `times` to `out`.
pub(super) fn read(file: &BlockFile, place: (u32, u32), times: &[i64], out: &mut Vec<i64>) -> Result<()> {
    let page = file.page(section::STARTS, place.0)?;
    let bytes = page
        .get(place.1 as usize..)
        .ok_or(Malformed("start timestamps behind their page"));
    bytes
        .and_then(|bytes| decode(&mut Reader::new(bytes), times, out))
        .map_err(|Malformed(what)| file.corrupt(place.1.into(), what))
}

fn decode(r: &mut Reader<'_>, times: &[i64], out: &mut Vec<i64>) -> std::result::Result<(), Malformed> {
    let mut start = 0;
    for (i, time) in times.iter().enumerate() {
        if i == 0 || r.u8()? != 0 {
            start = get_start(r, *time)?;
        }
        out.push(start);
    }
    Ok(())
}
