//! What a selection hands to a query: series with the runs of their samples, still encoded where they lie encoded.
//! [`SeriesData::read`] merges the runs by time. Not for planning which runs to read (see `select`).

use std::sync::Arc;

use super::block::{ChunkRef, SeriesRows, read_chunk, read_rows};
use super::head::HeadSeries;
use super::rows::join_last_wins;
use super::samples::Part;
use super::signal::Metrics;
use crate::error::{Error, Result};
use crate::labels::Labels;
use crate::store::Block;

/// Bits of the NaN that marks a series as stale (Prometheus `value.StaleNaN`).
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;

/// True for the staleness marker, false for every other NaN.
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_NAN_BITS
}

/// Samples of one series as two columns of equal length: milliseconds since 1970, ascending and unique, and values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Samples {
    /// Milliseconds since 1970.
    pub timestamps: Vec<i64>,
    /// Values, bit-exact.
    pub values: Vec<f64>,
    /// Each value is what happened since the one before, not a running total (OTLP's delta temporality).
    pub delta: bool,
}

impl Samples {
    /// Number of samples.
    pub fn len(&self) -> usize {
        self.timestamps.len()
    }

    /// True without samples.
    pub fn is_empty(&self) -> bool {
        self.timestamps.is_empty()
    }

    /// Appends a sample.
    pub fn push(&mut self, timestamp: i64, value: f64) {
        self.timestamps.push(timestamp);
        self.values.push(value);
    }

    /// Removes all samples, keeping the memory.
    pub fn clear(&mut self) {
        self.timestamps.clear();
        self.values.clear();
        self.delta = false;
    }

    fn truncate(&mut self, len: usize) {
        self.timestamps.truncate(len);
        self.values.truncate(len);
    }

    /// Cuts what lies from position `from` on down to the given times, both inclusive.
    pub(super) fn trim_from(&mut self, from: usize, min_time: i64, max_time: i64) {
        let end = from + self.timestamps[from..].partition_point(|t| *t <= max_time);
        self.truncate(end);
        let start = from + self.timestamps[from..].partition_point(|t| *t < min_time);
        self.timestamps.drain(from..start);
        self.values.drain(from..start);
    }
}

/// The wish of one selector: series by matchers, samples by time.
#[derive(Debug, Clone)]
pub struct Selection {
    /// All must pass.
    pub matchers: Vec<super::Matcher>,
    /// First millisecond wanted, inclusive.
    pub min_time: i64,
    /// Last millisecond wanted, inclusive.
    pub max_time: i64,
}

/// Where samples of a series lie.
#[derive(Clone)]
pub(super) enum Run {
    Plain(Arc<Samples>),
    /// What deletions left of a chunk.
    Rows(Arc<SeriesRows>),
    Head(Arc<HeadSeries>),
    Block(Arc<Block<Metrics>>, ChunkRef),
}

/// Samples that are decoded together.
#[derive(Clone, Copy)]
enum Piece<'r> {
    Plain(&'r Samples),
    Head(Part<'r>),
    Block(&'r Block<Metrics>, &'r ChunkRef),
}

fn visit_plain<'r>(samples: &'r Samples, mut visit: impl FnMut(i64, i64, Piece<'r>)) {
    if let (Some(first), Some(last)) = (samples.timestamps.first(), samples.timestamps.last()) {
        visit(*first, *last, Piece::Plain(samples));
    }
}

impl Run {
    fn visit_pieces<'r>(&'r self, mut visit: impl FnMut(i64, i64, Piece<'r>)) {
        match self {
            Run::Plain(samples) => visit_plain(samples, visit),
            Run::Rows(rows) => visit_plain(&rows.floats, visit),
            Run::Head(samples) => samples
                .floats()
                .visit_parts(|first, last, part| visit(first, last, Piece::Head(part))),
            Run::Block(_, chunk) if chunk.is_histograms() => {}
            Run::Block(block, chunk) => visit(chunk.first_time, chunk.last_time, Piece::Block(block, chunk)),
        }
    }
}

impl Run {
    fn read_all(&self, min_time: i64, max_time: i64) -> Result<SeriesRows> {
        let mut rows = SeriesRows::default();
        match self {
            Run::Plain(samples) => rows.floats = Samples::clone(samples),
            Run::Rows(left) => rows = SeriesRows::clone(left),
            Run::Head(series) => series.read_day(min_time, max_time, &mut rows)?,
            Run::Block(block, chunk) => read_rows(block.file(), chunk, &mut rows)?,
        }
        rows.trim(min_time, max_time);
        Ok(rows)
    }
}

impl Piece<'_> {
    fn decode(&self, out: &mut Samples) -> Result<()> {
        match self {
            Piece::Plain(samples) => {
                out.timestamps.extend_from_slice(&samples.timestamps);
                out.values.extend_from_slice(&samples.values);
                Ok(())
            }
            Piece::Head(part) => part.decode(out).map_err(|malformed| Error::Corrupt {
                file: "head".into(),
                offset: 0,
                what: malformed.0,
            }),
            Piece::Block(block, chunk) => read_chunk(block.file(), chunk, out),
        }
    }
}

/// One selected series: its labels and the runs of samples found for it in blocks and heads, in log order.
#[derive(Clone)]
pub struct SeriesData {
    labels: Labels,
    runs: Vec<Run>,
}

impl std::fmt::Debug for SeriesData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} in {} runs", self.labels, self.runs.len())
    }
}

impl SeriesData {
    /// A series from plain samples: for tests and for sources that are not the store.
    pub fn from_samples(labels: Labels, samples: Samples) -> SeriesData {
        SeriesData {
            labels,
            runs: vec![Run::Plain(Arc::new(samples))],
        }
    }

    /// As [`SeriesData::from_samples`], with native histograms and start timestamps.
    pub fn from_rows(labels: Labels, rows: SeriesRows) -> SeriesData {
        SeriesData {
            labels,
            runs: vec![Run::Rows(Arc::new(rows))],
        }
    }

    pub(super) fn new(labels: Labels, runs: Vec<Run>) -> SeriesData {
        SeriesData { labels, runs }
    }

    /// True when the newest samples found are deltas, not running totals.
    pub fn is_delta(&self) -> bool {
        self.runs.last().is_some_and(|run| match run {
            Run::Plain(samples) => samples.delta,
            Run::Rows(rows) => rows.delta,
            Run::Head(series) => series.is_delta(),
            Run::Block(_, chunk) => chunk.delta,
        })
    }

    /// True when there may be native histograms between the times, both inclusive.
    pub fn has_histograms(&self, min_time: i64, max_time: i64) -> bool {
        self.runs.iter().any(|run| match run {
            Run::Plain(_) => false,
            Run::Rows(rows) => rows
                .histograms
                .iter()
                .any(|h| (min_time..=max_time).contains(&h.time)),
            Run::Head(series) => series
                .histograms()
                .is_some_and(|h| h.overlaps(min_time, max_time)),
            Run::Block(_, chunk) => {
                chunk.is_histograms() && chunk.first_time <= max_time && chunk.last_time >= min_time
            }
        })
    }

    /// Everything with `min_time <= t <= max_time`: floats, native histograms and start timestamps, each ascending, at most
    /// one sample per timestamp. Where runs disagree about a timestamp, the one later in the log wins.
    ///
    /// # Errors
    /// Those of [`SeriesData::read`].
    pub fn read_all(&self, min_time: i64, max_time: i64) -> Result<SeriesRows> {
        let mut parts = Vec::with_capacity(self.runs.len());
        for run in &self.runs {
            parts.push(run.read_all(min_time, max_time)?);
        }
        Ok(join_last_wins(parts))
    }

    /// The labels.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Appends the samples with `min_time <= t <= max_time` to `out`, ascending, one per timestamp, decoding each run once.
    /// Where runs disagree about a timestamp, the one later in the log wins.
    ///
    /// # Errors
    /// Storage errors of blocks, [`Error::Corrupt`] among them.
    pub fn read(&self, min_time: i64, max_time: i64, out: &mut Samples) -> Result<()> {
        if self.has_histograms(min_time, max_time) {
            // A later histogram replaces a float at its time.
            let rows = self.read_all(min_time, max_time)?;
            out.timestamps.extend(rows.floats.timestamps);
            out.values.extend(rows.floats.values);
            out.delta = rows.delta;
            return Ok(());
        }
        let mut wanted: Vec<(i64, i64, Piece<'_>)> = Vec::with_capacity(self.runs.len());
        for run in &self.runs {
            run.visit_pieces(|first, last, piece| {
                if first <= max_time && last >= min_time {
                    wanted.push((first, last, piece));
                }
            });
        }
        out.delta = self.is_delta();
        read_pieces(wanted, min_time, max_time, out)
    }
}

/// Appends the floats of a series in a head between the times, both inclusive.
pub(super) fn read_floats(
    series: &HeadSeries,
    min_time: i64,
    max_time: i64,
    out: &mut Samples,
) -> Result<()> {
    let mut wanted: Vec<(i64, i64, Piece<'_>)> = Vec::new();
    series.floats().visit_parts(|first, last, part| {
        if first <= max_time && last >= min_time {
            wanted.push((first, last, Piece::Head(part)));
        }
    });
    read_pieces(wanted, min_time, max_time, out)
}

fn read_pieces(
    wanted: Vec<(i64, i64, Piece<'_>)>,
    min_time: i64,
    max_time: i64,
    out: &mut Samples,
) -> Result<()> {
    let in_order = |pieces: &[(i64, i64, Piece<'_>)]| pieces.windows(2).all(|p| p[0].1 < p[1].0);
    if in_order(&wanted) {
        return read_in_order(&wanted, min_time, max_time, out);
    }
    let mut by_time = wanted.clone();
    by_time.sort_by_key(|(first, _, _)| *first);
    if in_order(&by_time) {
        return read_in_order(&by_time, min_time, max_time, out);
    }
    let mut parts = Vec::with_capacity(wanted.len());
    for (_, _, piece) in wanted {
        let mut part = Samples::default();
        piece.decode(&mut part)?;
        part.trim_from(0, min_time, max_time);
        parts.push(part);
    }
    merge_last_wins(&parts, out);
    Ok(())
}

fn read_in_order(
    pieces: &[(i64, i64, Piece<'_>)],
    min_time: i64,
    max_time: i64,
    out: &mut Samples,
) -> Result<()> {
    for (first, last, piece) in pieces {
        let from = out.len();
        piece.decode(out)?;
        if *first < min_time || *last > max_time {
            out.trim_from(from, min_time, max_time);
        }
    }
    Ok(())
}

/// Merges runs by time; of several samples at one time that of the last run stays.
pub(super) fn merge_last_wins(parts: &[Samples], out: &mut Samples) {
    let mut rows: Vec<(i64, usize, f64)> = Vec::with_capacity(parts.iter().map(Samples::len).sum());
    for (rank, part) in parts.iter().enumerate() {
        rows.extend(
            part.timestamps
                .iter()
                .zip(&part.values)
                .map(|(t, v)| (*t, rank, *v)),
        );
    }
    rows.sort_unstable_by_key(|(time, rank, _)| (*time, *rank));
    for (i, (time, _, value)) in rows.iter().enumerate() {
        if rows.get(i + 1).is_none_or(|next| next.0 != *time) {
            out.push(*time, *value);
        }
    }
}

#[cfg(test)]
mod tests;
