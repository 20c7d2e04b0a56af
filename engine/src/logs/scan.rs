//! A question about entries, cut into parts that can be answered one by one. Entries of one stream that may stand in two places
//! at once, because they came late or twice, are in one part, so parts may be read in any order and each entry is in one part.

use std::ops::Range;
use std::sync::Arc;

use hashbrown::HashMap;

use super::block::GroupSummary;
use super::block::group::Group;
use super::block::header::StreamRun;
use super::columns::Columns;
use super::deletion::Hidden;
use super::head::{Run, rows_of};
use super::needle::Needle;
use super::rows::{Rows, StreamRows};
use super::signal::Logs;
use crate::block::BlockFile;
use crate::error::Result;
use crate::labels::Labels;
use crate::metrics::matcher::Matcher;
use crate::store::{Block, Snapshot};

/// Which entries are asked for.
#[derive(Debug, Clone, Default)]
pub struct Scan {
    /// Streams that pass all of these.
    pub matchers: Vec<Matcher>,
    /// Earliest time in nanoseconds since 1970, inclusive.
    pub from: i64,
    /// Latest time, exclusive.
    pub until: i64,
    /// Each must hold for an entry. Entries for which one does not may be left out.
    pub needles: Vec<Needle>,
    /// What of an entry is looked at.
    pub wanted: Wanted,
    /// Of entries that are in no block, only those of the first so many batches applied; none for all.
    pub applied: Option<u64>,
}

/// What of entries is looked at. The rest may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Lines are not looked at and may be empty.
    pub without_lines: bool,
    /// Names of the metadata that are looked at; none for all.
    pub metadata: Option<Vec<String>>,
}

/// Some of the entries.
pub struct Part {
    /// Earliest and latest time, both inclusive. Entries outside of the asked time are not counted.
    pub times: (i64, i64),
    /// Entries to look at, about.
    pub rows: u64,
    scan: Arc<Scan>,
    sources: Vec<Source>,
}

/// A block and what is hidden of it.
#[derive(Clone)]
struct Seen {
    block: Arc<Block<Logs>>,
    hidden: Option<Arc<Hidden>>,
}

/// Where entries of a part are.
enum Source {
    /// Runs of a group that are of streams asked for.
    Group(Seen, u32, Vec<RunOf>),
    /// Runs of one stream in a head, between times as those of [`RunOf`].
    Head(Labels, Vec<Run>, Vec<(i64, i64)>),
}

/// A run of a stream, or what of it is of the part.
pub(super) struct RunOf {
    pub(super) labels: Labels,
    pub(super) range: Range<usize>,
    /// The times of its entries, each the first inclusive, the second not, ascending; all when there are none.
    pub(super) limits: Vec<(i64, i64)>,
}

impl RunOf {
    /// Entries of the part, given the times of the group.
    pub(super) fn ranges(&self, times: &[i64]) -> Vec<Range<usize>> {
        let of_run = &times[self.range.clone()];
        let place = |time: i64| self.range.start + of_run.partition_point(|t| *t < time);
        let limits = self.limits.iter();
        // Nothing comes behind the last time there is.
        let end = |until: i64| {
            if until == i64::MAX {
                self.range.end
            } else {
                place(until)
            }
        };
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for (from, until) in limits {
            let range = place(*from)..end(*until);
            match ranges.last_mut().filter(|last| last.end == range.start) {
                Some(last) => last.end = range.end,
                None => ranges.push(range),
            }
        }
        ranges.retain(|range| !range.is_empty());
        ranges
    }
}

/// A run of one stream in one place.
struct Piece {
    stream: u32,
    times: (i64, i64),
    place: Place,
}

#[derive(Clone)]
enum Place {
    /// Number among the blocks asked, group, entries.
    Group(usize, u32, Range<usize>),
    Head(Vec<Run>),
}

impl Part {
    /// The columns of the entries, where all of them are in one group of a block.
    ///
    /// # Errors
    /// What reading a block can bring.
    pub fn columns(&self) -> Result<Option<Columns<'_>>> {
        match self.sources.as_slice() {
            [Source::Group(seen, group, runs)] if !self.is_hidden_of(seen, runs) => {
                Columns::open(seen.block.file(), *group, runs, &self.scan).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// True when entries of runs may be hidden.
    fn is_hidden_of(&self, seen: &Seen, runs: &[RunOf]) -> bool {
        let times = (self.scan.from, self.scan.until - 1);
        seen.hidden.as_ref().is_some_and(|hidden| {
            runs.iter()
                .any(|run| hidden.of_stream(&run.labels, times).is_some())
        })
    }

    /// The entries, each stream's in order of time. Streams without entries are left out, and no stream is told twice.
    ///
    /// # Errors
    /// What reading a block can bring.
    pub fn load(&self) -> Result<Vec<StreamRows>> {
        let mut found: Vec<(Labels, Vec<Rows>)> = Vec::new();
        let mut add = |labels: &Labels, rows: Rows| match found.iter_mut().rev().find(|(of, _)| of == labels)
        {
            Some((_, parts)) => parts.push(rows),
            None => found.push((labels.clone(), vec![rows])),
        };
        // Whether two entries are the same is told by all of them.
        let everything = Wanted::default();
        let wanted = match self.sources.len() {
            1 => &self.scan.wanted,
            _ => &everything,
        };
        for source in &self.sources {
            match source {
                Source::Head(labels, runs, limits) => {
                    for (from, until) in limits {
                        let (from, until) = ((*from).max(self.scan.from), (*until).min(self.scan.until));
                        add(labels, rows_of(runs, from, until));
                    }
                }
                Source::Group(seen, group, runs) => {
                    // Conditions of what is hidden look at all of an entry.
                    let wanted = if seen.hidden.is_some() {
                        &everything
                    } else {
                        wanted
                    };
                    let columns = Columns::open(seen.block.file(), *group, runs, &self.scan)?;
                    columns.load_all(wanted, &mut |labels, rows| match &seen.hidden {
                        Some(hidden) => add(labels, hidden.left(labels, rows)),
                        None => add(labels, rows),
                    })?;
                }
            }
        }
        // Those of one place are in order, and each is there once; without their lines they may look the same.
        let whole = |parts: Vec<Rows>| match self.sources.len() {
            1 => Rows::joined(parts),
            _ => Rows::merge(parts),
        };
        let mut streams: Vec<StreamRows> = found
            .into_iter()
            .map(|(labels, parts)| StreamRows {
                labels,
                rows: whole(parts),
            })
            .collect();
        streams.retain(|stream| !stream.rows.is_empty());
        Ok(streams)
    }
}

impl Snapshot<Logs> {
    /// The parts that answer a question, those with the newest entries first.
    ///
    /// # Errors
    /// What reading a block can bring.
    pub fn scan(&self, scan: &Scan) -> Result<Vec<Part>> {
        let scan = Arc::new(scan.clone());
        if scan.from >= scan.until {
            return Ok(Vec::new());
        }
        let mut streams: Vec<Labels> = Vec::new();
        let mut numbers: HashMap<Labels, u32> = HashMap::new();
        let mut pieces = Vec::new();
        let mut number = |labels: &Labels| {
            let next = streams.len() as u32;
            *numbers.entry(labels.clone()).or_insert_with(|| {
                streams.push(labels.clone());
                next
            })
        };
        let blocks: Vec<Arc<Block<Logs>>> = self.blocks_between(scan.from, scan.until - 1).cloned().collect();
        for (at, block) in blocks.iter().enumerate() {
            block_pieces(&scan, at, block, &mut number, &mut pieces)?;
        }
        for head in &self.heads {
            let state = head.state.read();
            for n in state.index.select(&scan.matchers)? {
                let stream = &state.streams[n as usize];
                let runs = stream
                    .runs
                    .iter()
                    .filter(|run| run.overlaps(scan.from, scan.until))
                    .filter(|run| scan.applied.is_none_or(|applied| run.is_among(applied)));
                let runs: Vec<Run> = runs.cloned().collect();
                if !runs.is_empty() {
                    pieces.push(Piece {
                        stream: number(state.index.labels(n)),
                        times: (stream.extent.min_time, stream.extent.max_time),
                        place: Place::Head(runs),
                    });
                }
            }
        }
        let hidden = self.hidden(&blocks)?;
        let seen = |(block, hidden)| Seen { block, hidden };
        let blocks: Vec<Seen> = blocks.into_iter().zip(hidden).map(seen).collect();
        let mut parts = parts_of(&scan, &blocks, &streams, pieces);
        parts.sort_by_key(|part| std::cmp::Reverse(part.times.1));
        Ok(parts)
    }
}

fn block_pieces(
    scan: &Scan,
    at: usize,
    block: &Arc<Block<Logs>>,
    number: &mut impl FnMut(&Labels) -> u32,
    pieces: &mut Vec<Piece>,
) -> Result<()> {
    let (file, index) = (block.file(), block.index());
    let streams = index.streams(file)?;
    let selected = streams.index.select(&scan.matchers)?;
    if selected.is_empty() {
        return Ok(());
    }
    let candidates = super::needle::groups(&scan.needles, file, index)?;
    for (n, group) in index.groups.iter().enumerate() {
        let concerns = group.times.0 < scan.until
            && group.times.1 >= scan.from
            && selected.range_cardinality(group.streams.0..=group.streams.1) > 0
            && candidates.as_ref().is_none_or(|of| of.contains(n as u32));
        // What is left out by a needle must still be known where it may repeat another entry: equal entries are left out
        // together, since needles look at nothing but the entry itself.
        if !concerns || !index.may_hold(file, n, &scan.needles)? {
            continue;
        }
        for run in runs_of(file, n, group)? {
            let overlaps = run.min_time < scan.until && run.max_time >= scan.from;
            if overlaps && selected.contains(run.stream) {
                let first = run.first as usize;
                pieces.push(Piece {
                    stream: number(streams.index.labels(run.stream)),
                    times: (run.min_time, run.max_time),
                    place: Place::Group(at, n as u32, first..first + run.rows as usize),
                });
            }
        }
    }
    Ok(())
}

/// The runs of a group, which need not be opened when all its entries are of one stream.
fn runs_of(file: &BlockFile, n: usize, group: &GroupSummary) -> Result<Vec<StreamRun>> {
    if group.streams.0 != group.streams.1 {
        return Ok(Group::open(file, n as u32)?.header().runs.clone());
    }
    Ok(vec![StreamRun {
        stream: group.streams.0,
        first: 0,
        rows: group.rows,
        min_time: group.times.0,
        max_time: group.times.1,
    }])
}

/// Names a source: block and group, or no block and the stream of a head.
type SourceKey = (usize, u32);

const HEAD: usize = usize::MAX;

/// Parts being put together, by the sources they have in order of arrival.
struct Parts<'s> {
    scan: &'s Arc<Scan>,
    blocks: &'s [Seen],
    streams: &'s [Labels],
    parts: HashMap<Vec<SourceKey>, Part>,
}

/// Parts of pieces. Where pieces of one stream overlap, what lies in the same time stays together; everything else goes by group.
fn parts_of(scan: &Arc<Scan>, blocks: &[Seen], streams: &[Labels], mut pieces: Vec<Piece>) -> Vec<Part> {
    pieces.sort_by_key(|p| (p.stream, p.times.0));
    let mut parts = Parts {
        scan,
        blocks,
        streams,
        parts: HashMap::new(),
    };
    let mut at = 0;
    while at < pieces.len() {
        let (stream, mut last) = (pieces[at].stream, pieces[at].times.1);
        let mut end = at + 1;
        while end < pieces.len() && pieces[end].stream == stream && pieces[end].times.0 <= last {
            last = last.max(pieces[end].times.1);
            end += 1;
        }
        match &pieces[at..end] {
            [one] => parts.put(&[one], None),
            several => parts.overlapping(several),
        }
        at = end;
    }
    let mut parts: Vec<Part> = parts.parts.into_values().collect();
    for source in parts.iter_mut().flat_map(|part| &mut part.sources) {
        if let Source::Group(_, _, runs) = source {
            runs.sort_by_key(|run| run.range.start);
        }
    }
    parts
}

impl Parts<'_> {
    /// Pieces of one stream that overlap, cut where one begins or ends.
    fn overlapping(&mut self, pieces: &[Piece]) {
        let ends = pieces.iter().map(|p| p.times.1.saturating_add(1));
        let mut cuts: Vec<i64> = pieces.iter().map(|p| p.times.0).chain(ends).collect();
        cuts.sort_unstable();
        cuts.dedup();
        // The last time there is has nothing behind it.
        if let Some(last) = cuts.last_mut().filter(|last| **last == i64::MAX) {
            *last -= 1;
        }
        for (n, cut) in cuts.windows(2).enumerate() {
            let is_last = n + 2 == cuts.len();
            let until = if is_last { i64::MAX } else { cut[1] };
            let within: Vec<&Piece> = pieces
                .iter()
                .filter(|p| p.times.0 <= cut[0] && p.times.1 >= cut[0])
                .collect();
            if !within.is_empty() && cut[0] < self.scan.until && until > self.scan.from {
                self.put(&within, Some((cut[0], until)));
            }
        }
    }

    /// Puts pieces of one stream into the part of their sources: all of them, or what they hold between two times, the first inclusive,
    /// the second not.
    fn put(&mut self, pieces: &[&Piece], limits: Option<(i64, i64)>) {
        let mut order: Vec<(SourceKey, &Piece)> = pieces
            .iter()
            .map(|piece| match &piece.place {
                Place::Group(block, group, _) => ((*block, *group), *piece),
                Place::Head(_) => ((HEAD, piece.stream), *piece),
            })
            .collect();
        // By order of arrival: blocks come before heads and both are in the order of the log.
        order.sort_by_key(|(key, _)| *key);
        let key: Vec<SourceKey> = order.iter().map(|(key, _)| *key).collect();
        let (scan, blocks) = (self.scan, self.blocks);
        let part = self.parts.entry(key).or_insert_with(|| Part {
            times: (i64::MAX, i64::MIN),
            rows: 0,
            scan: scan.clone(),
            sources: order
                .iter()
                .map(|(key, piece)| Source::of(*key, piece, blocks))
                .collect(),
        });
        for (source, (_, piece)) in part.sources.iter_mut().zip(&order) {
            source.add(&self.streams[piece.stream as usize], piece, limits);
        }
        for (_, piece) in order {
            let rows = match &piece.place {
                Place::Group(_, _, range) => range.len() as u64,
                Place::Head(runs) => runs.iter().map(Run::len).sum(),
            };
            let (from, until) = limits.unwrap_or((i64::MIN, i64::MAX));
            let times = (piece.times.0.max(from), piece.times.1.min(until - 1));
            let share = |times: (i64, i64)| u128::from(times.1.abs_diff(times.0)) + 1;
            let rows = u128::from(rows) * share(times) / share(piece.times);
            part.widen(times, rows as u64);
        }
    }
}

impl Source {
    fn of((block, group): SourceKey, piece: &Piece, blocks: &[Seen]) -> Source {
        match &piece.place {
            Place::Head(runs) => Source::Head(Labels::empty(), runs.clone(), Vec::new()),
            Place::Group(..) => Source::Group(blocks[block].clone(), group, Vec::new()),
        }
    }

    fn add(&mut self, stream: &Labels, piece: &Piece, limits: Option<(i64, i64)>) {
        match (self, &piece.place) {
            (Source::Head(labels, _, all), _) => {
                *labels = stream.clone();
                all.push(limits.unwrap_or((i64::MIN, i64::MAX)));
            }
            (Source::Group(_, _, runs), Place::Group(_, _, range)) => {
                match runs.iter_mut().find(|run| run.range == *range) {
                    Some(run) => run.limits.extend(limits),
                    None => runs.push(RunOf {
                        labels: stream.clone(),
                        range: range.clone(),
                        limits: limits.into_iter().collect(),
                    }),
                }
            }
            (Source::Group(..), Place::Head(_)) => {}
        }
    }
}

impl Part {
    fn widen(&mut self, times: (i64, i64), rows: u64) {
        self.times.0 = self.times.0.min(times.0.max(self.scan.from));
        self.times.1 = self.times.1.max(times.1.min(self.scan.until - 1));
        self.rows += rows;
    }
}
