//! Writes the entries of one day of a head to a block.

use super::block::writer::LogWriter;
use super::head::{LogsHead, visit_rows};
use super::signal::Logs;
use crate::block::BlockWriter;
use crate::block::writer::Written;
use crate::error::Result;
use crate::signal::Signal;

/// Writes the entries of a head, which gets no more, on a day.
pub(super) fn flush_day(head: &LogsHead, day: i64, writer: &mut BlockWriter) -> Result<Written> {
    let state = head.read();
    let from = day.saturating_mul(Logs::units_per_day());
    let until = from.saturating_add(Logs::units_per_day());
    let mut streams: Vec<u32> = (0..state.index.len() as u32).collect();
    streams.sort_unstable_by_key(|n| state.index.labels(*n));
    let mut out = LogWriter::new(writer);
    for stream in streams {
        out.begin_stream(state.index.labels(stream));
        let runs = &state.streams[stream as usize].runs;
        visit_rows(runs, from, until, |time, line, metadata, kept| {
            out.row(time, line, metadata.iter().copied(), kept)
        })?;
    }
    out.finish()
}
