//! A question about entries, cut into parts that can be answered one by one. Entries of one stream that may stand in two places
//! at once, because they came late or twice, are in one part, so parts may be read in any order and each entry is in one part.

use std::ops::Range;
use std::sync::Arc;

use hashbrown::HashMap;

use super::block::GroupSummary;
use super::block::group::Group;
use super::block::header::StreamRun;
use super::block::search;
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
    Group(Seen, u32, Vec<(Labels, Range<usize>)>),
    /// Runs of one stream in a head.
    Head(Labels, Vec<Run>),
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
    /// The entries, each stream's in order of time. Streams without entries are left out, and no stream is told twice.
    ///
    /// # Errors
    /// What reading a block can bring.
    pub fn load(&self) -> Result<Vec<StreamRows>> {
        let mut found: Vec<(Labels, Vec<Rows>)> = Vec::new();
        let mut add = |labels: &Labels, rows: Rows| match found.iter_mut().find(|(of, _)| of == labels) {
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
                Source::Head(labels, runs) => add(labels, rows_of(runs, self.scan.from, self.scan.until)),
                Source::Group(Seen { block, hidden }, group, runs) => {
                    // Conditions of what is hidden look at all of an entry.
                    let wanted = if hidden.is_some() { &everything } else { wanted };
                    let group = Group::open(block.file(), *group)?;
                    let open = group.read()?;
                    let entries = search::entries(&self.scan.needles, &open)?;
                    let ranges: Vec<Range<usize>> = runs.iter().map(|(_, range)| range.clone()).collect();
                    let times = (self.scan.from, self.scan.until);
                    let rows = open.rows(&ranges, times, entries.as_deref(), wanted)?;
                    for ((labels, _), rows) in runs.iter().zip(rows) {
                        match hidden {
                            Some(hidden) => add(labels, hidden.left(labels, rows)),
                            None => add(labels, rows),
                        }
                    }
                }
            }
        }
        // Those of one place are in order, and each is there once; without their lines they may look the same.
        let whole = |mut parts: Vec<Rows>| match parts.len() {
            1 => parts.pop().unwrap_or_default(),
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

/// Parts of pieces: those of one stream that overlap stay together, the others go by group.
fn parts_of(scan: &Arc<Scan>, blocks: &[Seen], streams: &[Labels], mut pieces: Vec<Piece>) -> Vec<Part> {
    // By order of arrival within one time: blocks come before heads and both are in the order of the log.
    pieces.sort_by_key(|p| (p.stream, p.times.0));
    let mut whole: HashMap<(usize, u32), Part> = HashMap::new();
    let mut parts = Vec::new();
    let mut at = 0;
    while at < pieces.len() {
        let (stream, mut last) = (pieces[at].stream, pieces[at].times.1);
        let mut end = at + 1;
        while end < pieces.len() && pieces[end].stream == stream && pieces[end].times.0 <= last {
            last = last.max(pieces[end].times.1);
            end += 1;
        }
        let labels = &streams[stream as usize];
        let together = &pieces[at..end];
        match &together[0].place {
            Place::Group(block, group, range) if together.len() == 1 => {
                let key = (*block, *group);
                let part = whole.entry(key).or_insert_with(|| Part {
                    times: (i64::MAX, i64::MIN),
                    rows: 0,
                    scan: scan.clone(),
                    sources: vec![Source::Group(blocks[*block].clone(), *group, Vec::new())],
                });
                part.widen(together[0].times, range.len() as u64);
                if let Source::Group(_, _, runs) = &mut part.sources[0] {
                    runs.push((labels.clone(), range.clone()));
                }
            }
            _ => parts.push(together_in_one(scan, blocks, labels, together)),
        }
        at = end;
    }
    for mut part in whole.into_values() {
        if let Source::Group(_, _, runs) = &mut part.sources[0] {
            runs.sort_by_key(|(_, range)| range.start);
        }
        parts.push(part);
    }
    parts
}

fn together_in_one(scan: &Arc<Scan>, blocks: &[Seen], labels: &Labels, pieces: &[Piece]) -> Part {
    let mut part = Part {
        times: (i64::MAX, i64::MIN),
        rows: 0,
        scan: scan.clone(),
        sources: Vec::with_capacity(pieces.len()),
    };
    let mut order: Vec<&Piece> = pieces.iter().collect();
    order.sort_by_key(|piece| match &piece.place {
        Place::Group(block, group, _) => (0, *block, *group),
        Place::Head(_) => (1, 0, 0),
    });
    for piece in order {
        let rows = match &piece.place {
            Place::Group(block, group, range) => {
                let runs = vec![(labels.clone(), range.clone())];
                part.sources
                    .push(Source::Group(blocks[*block].clone(), *group, runs));
                range.len() as u64
            }
            Place::Head(runs) => {
                part.sources.push(Source::Head(labels.clone(), runs.clone()));
                runs.iter().map(Run::len).sum()
            }
        };
        part.widen(piece.times, rows);
    }
    part
}

impl Part {
    fn widen(&mut self, times: (i64, i64), rows: u64) {
        self.times.0 = self.times.0.min(times.0.max(self.scan.from));
        self.times.1 = self.times.1.max(times.1.min(self.scan.until - 1));
        self.rows += rows;
    }
}
