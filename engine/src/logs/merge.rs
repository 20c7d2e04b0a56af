//! Writes the entries of several blocks to one: each stream's in order, each entry once.

use std::ops::Range;

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
        merge_stream(&mut cursors, &mut out)?;
    }
    out.finish()
}

/// Writes the entries of the stream that cursors have begun with, in order of time and then of arrival.
fn merge_stream(cursors: &mut [Cursor<'_>], out: &mut LogWriter<'_>) -> Result<()> {
    loop {
        for cursor in cursors.iter_mut() {
            cursor.fill()?;
        }
        let next = |n: usize, cursors: &[Cursor<'_>]| cursors[n].time().map(|time| (time, n));
        let Some((time, first)) = (0..cursors.len()).filter_map(|n| next(n, cursors)).min() else {
            return Ok(());
        };
        let others = (0..cursors.len()).filter(|n| *n != first);
        let others = others.filter_map(|n| cursors[n].time()).min();
        if cursors[first].write_until(others, out)? == 0 {
            write_of_time(time, cursors, out)?;
        }
    }
}

/// Writes the entries of one time, each once.
fn write_of_time(time: i64, cursors: &mut [Cursor<'_>], out: &mut LogWriter<'_>) -> Result<()> {
    let mut of_time = Vec::new();
    for cursor in cursors.iter_mut() {
        while cursor.time() == Some(time) {
            of_time.push(cursor.rows.pick(cursor.at));
            cursor.at += 1;
            cursor.fill()?;
        }
    }
    let rows = Rows::merge(of_time);
    write(&rows, 0..rows.len(), out)
}

fn write(rows: &Rows, range: Range<usize>, out: &mut LogWriter<'_>) -> Result<()> {
    for row in range {
        let (time, line) = (rows.times()[row], rows.line(row));
        let metadata = rows
            .metadata(row)
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        out.row(time, line, metadata, rows.is_kept(row))?;
    }
    Ok(())
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
    /// Entries at hand, and the next of them.
    rows: Rows,
    at: usize,
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
            rows: Rows::default(),
            at: 0,
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

    /// Has the next entry at hand, if there is one.
    fn fill(&mut self) -> Result<()> {
        while self.at == self.rows.len() {
            let Some(rows) = self.next_rows()? else {
                return Ok(());
            };
            (self.rows, self.at) = (rows, 0);
        }
        Ok(())
    }

    /// Time of the next entry.
    fn time(&self) -> Option<i64> {
        self.rows.times().get(self.at).copied()
    }

    /// Writes entries at hand that come before a time and of which no two are of one time; returns how many.
    fn write_until(&mut self, until: Option<i64>, out: &mut LogWriter<'_>) -> Result<usize> {
        let times = &self.rows.times()[self.at..];
        // What follows the last one is not known yet.
        let pairs = times.windows(2);
        let alone = pairs.take_while(|pair| pair[0] < pair[1] && until.is_none_or(|until| pair[0] < until));
        let count = alone.count();
        write(&self.rows, self.at..self.at + count, out)?;
        self.at += count;
        Ok(count)
    }
}
