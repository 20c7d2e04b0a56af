//! Writes the entries of several blocks to one: each stream's in order, each entry once.

use super::block::group::Reader;
use super::block::writer::LogWriter;
use super::deletion::Hidden;
use super::rows::Rows;
use super::signal::Logs;
use crate::block::BlockWriter;
use crate::block::writer::Written;
use crate::error::Result;
use crate::labels::Labels;
use crate::signal::MergeInput;

/// Entries that a merge takes from an input at a time.
const ROWS: usize = if cfg!(test) { 7 } else { 1_024 };

/// Merges blocks given in the order of the log.
pub(super) fn merge(inputs: &[MergeInput<'_, Logs>], writer: &mut BlockWriter) -> Result<Written> {
    let mut all: Vec<Labels> = Vec::new();
    for input in inputs {
        let streams = &input.index.streams(input.file)?.index;
        all.extend((0..streams.len() as u32).map(|n| streams.labels(n).clone()));
    }
    all.sort_unstable();
    all.dedup();
    let mut out = LogWriter::new(writer);
    let mut cursors = Vec::with_capacity(inputs.len());
    for input in inputs {
        cursors.push(Cursor::new(input)?);
    }
    for labels in &all {
        out.begin_stream(labels);
        for cursor in &mut cursors {
            cursor.begin(labels)?;
        }
        while let Some(rows) = next_rows(&mut cursors)? {
            for (row, time) in rows.times().iter().enumerate() {
                out.row(*time, rows.line(row), rows.metadata(row), rows.is_kept(row))?;
            }
        }
    }
    out.finish()
}

/// Entries up to the latest time that every cursor with entries can say is complete.
fn next_rows(cursors: &mut [Cursor<'_>]) -> Result<Option<Rows>> {
    for cursor in cursors.iter_mut() {
        cursor.fill()?;
    }
    // What a cursor holds is complete up to its last time, that one excluded unless nothing follows.
    let bound = cursors.iter().filter_map(Cursor::complete_until).min();
    let parts: Vec<Rows> = cursors
        .iter_mut()
        .filter_map(|cursor| cursor.take(bound))
        .collect();
    if parts.is_empty() {
        return Ok(None);
    }
    Ok(Some(Rows::merge(parts)))
}

/// Reads a block once from the start to the end, stream by stream, without what is hidden of it.
struct Cursor<'b> {
    input: &'b MergeInput<'b, Logs>,
    hidden: Hidden,
    labels: Option<Labels>,
    group: u32,
    run: usize,
    open: Option<Reader>,
    stream: Option<u32>,
    pending: Rows,
}

impl<'b> Cursor<'b> {
    fn new(input: &'b MergeInput<'b, Logs>) -> Result<Cursor<'b>> {
        Ok(Cursor {
            input,
            hidden: Hidden::by(input.tombstones.iter().copied())?,
            labels: None,
            group: 0,
            run: 0,
            open: None,
            stream: None,
            pending: Rows::default(),
        })
    }

    fn begin(&mut self, labels: &Labels) -> Result<()> {
        self.stream = self.input.index.streams(self.input.file)?.index.find(labels);
        self.labels = Some(labels.clone());
        Ok(())
    }

    /// The next entries of the stream; none when it has ended.
    fn next_rows(&mut self) -> Result<Option<Rows>> {
        let Some(stream) = self.stream else {
            return Ok(None);
        };
        loop {
            if self.open.is_none() {
                if self.group as usize >= self.input.index.groups.len() {
                    return Ok(None);
                }
                self.open = Some(Reader::open(self.input.file, self.group)?);
                self.run = 0;
            }
            let Some(reader) = &mut self.open else {
                return Ok(None);
            };
            match reader.header().runs.get(self.run) {
                Some(run) if run.stream == stream => {
                    let end = (run.first + run.rows) as usize;
                    let until = end.min(reader.at() + ROWS);
                    self.run += usize::from(until == end);
                    let rows = reader.take(until);
                    let left = match &self.labels {
                        Some(labels) => self.hidden.left(labels, rows),
                        None => rows,
                    };
                    return Ok(Some(left));
                }
                Some(_) => return Ok(None),
                None => {
                    self.group += 1;
                    self.open = None;
                }
            }
        }
    }

    /// True when more entries of the stream follow those at hand.
    fn has_more(&self) -> bool {
        let Some(stream) = self.stream else {
            return false;
        };
        let in_group = self
            .open
            .as_ref()
            .and_then(|reader| reader.header().runs.get(self.run));
        match in_group {
            Some(run) => run.stream == stream,
            None => {
                let next = self.group as usize + usize::from(self.open.is_some());
                let groups = &self.input.index.groups;
                groups.get(next).is_some_and(|g| g.streams.0 == stream)
            }
        }
    }

    /// Has entries of two times at least, or the last of the stream.
    fn fill(&mut self) -> Result<()> {
        loop {
            let times = self.pending.times();
            let has_two = times.first() != times.last();
            if has_two || !self.has_more() {
                return Ok(());
            }
            let Some(run) = self.next_rows()? else {
                return Ok(());
            };
            let pending = std::mem::take(&mut self.pending);
            self.pending = if pending.is_empty() {
                run
            } else {
                Rows::merge(vec![pending, run])
            };
        }
    }

    /// Entries before this time are all at hand; none when all of the stream is.
    fn complete_until(&self) -> Option<i64> {
        self.has_more().then(|| self.pending.times().last().copied())?
    }

    /// Takes the entries before a time, or all.
    fn take(&mut self, bound: Option<i64>) -> Option<Rows> {
        let pending = std::mem::take(&mut self.pending);
        let until = bound.map_or(pending.len(), |bound| {
            pending.times().partition_point(|t| *t < bound)
        });
        if until == pending.len() {
            return (!pending.is_empty()).then_some(pending);
        }
        let taken = pending.slice(0..until);
        self.pending = pending.slice(until..pending.len());
        (!taken.is_empty()).then_some(taken)
    }
}
