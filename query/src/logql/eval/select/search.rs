//! Looks for entries in parts: those that come first in the order asked for, in waves of parts, until no later part can matter.

use std::collections::BinaryHeap;
use std::sync::Arc;

use hashbrown::HashMap;
use kymo_engine::labels::Labels;
use kymo_engine::logs::{Columns, StreamRows, Wanted};

use super::{Direction, Line, LineLabels, SelectOptions};
use crate::logql::ast::LogExpr;
use crate::logql::eval::EvalError;
use crate::logql::eval::columnar::{Chosen, Conditions, chosen};
use crate::logql::eval::parallel::{check, in_parallel};
use crate::logql::eval::store::{Part, Stats};
use crate::logql::pipeline::{Clock, Pipeline, Run};
use crate::promql::eval::Budget;

/// Parts of the first wave; each further one has twice as many, up to [`WAVE_MAX`].
const WAVE: usize = 8;
const WAVE_MAX: usize = 64;

/// Parts whose chosen entries wait to be put together at most.
const OPEN_MAX: usize = 256;

/// Lines between two questions whether to go on.
const TICK: u64 = 8192;

/// Entries of a part that are put together at first, beside as many as are asked for.
const FIRST_STEP: usize = 64;

/// Bytes of an entry beside its line.
const LINE_BYTES: usize = 128;

/// A query for lines.
pub(super) struct Search<'q> {
    pub(super) log: &'q LogExpr,
    pub(super) pipeline: &'q Pipeline,
    pub(super) conditions: Conditions<'q>,
    pub(super) options: &'q SelectOptions,
    /// Most entries.
    pub(super) limit: usize,
}

/// An entry and its place among others of its time.
struct Found {
    stream: Labels,
    row: usize,
    line: Line,
}

/// What a part gives, in order.
#[derive(Default)]
struct Gathered {
    found: Vec<Found>,
    bytes: usize,
    stats: Stats,
}

/// Entries of a group that come next.
struct NextRows {
    /// Places in the group.
    rows: Vec<u32>,
    /// Their ranks.
    ranks: Vec<i64>,
    /// No chosen entries come behind them.
    is_all: bool,
}

/// What columns tell of a part.
#[derive(Default)]
struct Preview {
    /// None without columns.
    chosen: Option<Chosen>,
    /// Ranks of the first entries that are in the answer for certain, if no others come before them.
    ranks: Vec<i64>,
}

impl Preview {
    /// True when all entries of the part that may be in the answer are among those told.
    fn is_told(&self) -> bool {
        self.chosen.as_ref().is_some_and(|chosen| chosen.is_exact)
    }
}

impl Search<'_> {
    /// The entries in order.
    pub(super) fn run(
        &self,
        parts: &[Part<'_>],
        budget: &Budget<'_>,
    ) -> Result<(Vec<Line>, Stats), EvalError> {
        let mut order: Vec<&Part<'_>> = parts.iter().collect();
        order.sort_by_key(|part| self.rank(self.first_time(part)));
        let mut all: Vec<Found> = Vec::new();
        let mut stats = Stats {
            parts: parts.len() as u64,
            ..Stats::default()
        };
        let (mut at, mut wave) = (0, WAVE);
        // Parts whose entries are chosen and not put together yet.
        let mut open: Vec<(&Part<'_>, Preview)> = Vec::new();
        while at < order.len() && self.limit > 0 {
            let floor = self.floor_with(&all, &open);
            // Every entry of the part comes behind those that are there.
            if floor.is_some_and(|floor| self.rank(self.first_time(order[at])) > floor) {
                break;
            }
            let next = &order[at..(at + wave).min(order.len())];
            for (part, preview) in next.iter().zip(in_parallel(next, budget, |part| {
                self.preview(part, floor, budget)
            })) {
                open.push((*part, preview?));
            }
            at += next.len();
            wave = (wave * 2).min(WAVE_MAX);
            // As long as the answer is told by chosen entries alone, later parts may push earlier ones out of it.
            let is_told = open.iter().all(|(_, preview)| preview.is_told());
            if !is_told || open.len() > OPEN_MAX {
                self.close(&mut open, &mut all, &mut stats, budget)?;
            }
        }
        self.close(&mut open, &mut all, &mut stats, budget)?;
        Ok((all.into_iter().map(|found| found.line).collect(), stats))
    }

    /// Puts entries of parts together.
    fn close(
        &self,
        open: &mut Vec<(&Part<'_>, Preview)>,
        all: &mut Vec<Found>,
        stats: &mut Stats,
        budget: &Budget<'_>,
    ) -> Result<(), EvalError> {
        let floor = self.floor_with(all, open);
        let work = std::mem::take(open);
        for gathered in in_parallel(&work, budget, |(part, preview)| {
            self.part(part, preview, floor, budget)
        }) {
            let gathered = gathered?;
            stats.add(&gathered.stats);
            all.extend(gathered.found);
        }
        stats.check(self.log)?;
        all.sort_by(|a, b| self.compare(a, b));
        all.truncate(self.limit);
        Ok(())
    }

    /// A number that is smaller for times that come earlier in the answer.
    fn rank(&self, time: i64) -> i64 {
        match self.options.direction {
            Direction::Backward => !time,
            Direction::Forward => time,
        }
    }

    fn first_time(&self, part: &Part<'_>) -> i64 {
        match self.options.direction {
            Direction::Backward => part.times.1,
            Direction::Forward => part.times.0,
        }
    }

    fn compare(&self, a: &Found, b: &Found) -> std::cmp::Ordering {
        let ascending = (a.line.time.cmp(&b.line.time))
            .then_with(|| a.stream.cmp(&b.stream))
            .then_with(|| a.row.cmp(&b.row));
        match self.options.direction {
            Direction::Backward => ascending.reverse(),
            Direction::Forward => ascending,
        }
    }

    /// Rank of the last entry of the answer as far as it is known, when there are enough: what comes behind it does not matter.
    fn floor_with(&self, all: &[Found], open: &[(&Part<'_>, Preview)]) -> Option<i64> {
        let found = all.iter().map(|found| self.rank(found.line.time));
        let of_open = open.iter().flat_map(|(_, preview)| preview.ranks.iter().copied());
        let mut ranks: Vec<i64> = found.chain(of_open).collect();
        let last = self.limit.checked_sub(1).filter(|last| *last < ranks.len())?;
        Some(*ranks.select_nth_unstable(last).1)
    }

    /// Chooses entries by their columns, where there are columns, and tells the times of those that are in the answer for certain.
    fn preview(
        &self,
        part: &Part<'_>,
        floor: Option<i64>,
        budget: &Budget<'_>,
    ) -> Result<Preview, EvalError> {
        check(budget)?;
        let Some(columns) = part.columns()? else {
            return Ok(Preview::default());
        };
        let chosen = chosen(&columns, &self.conditions, budget)?;
        let mut preview = Preview::default();
        if chosen.is_exact {
            preview.ranks = self
                .next_rows(&columns, &chosen, (None, floor), self.limit)?
                .ranks;
        }
        preview.chosen = Some(chosen);
        Ok(preview)
    }

    fn part(
        &self,
        part: &Part<'_>,
        preview: &Preview,
        floor: Option<i64>,
        budget: &Budget<'_>,
    ) -> Result<Gathered, EvalError> {
        check(budget)?;
        if let (Some(chosen), Some(columns)) = (&preview.chosen, part.columns()?) {
            return self.columns(&columns, chosen, floor, budget);
        }
        let mut gathered = self.streams((part.load)()?, self.limit, floor, budget)?;
        gathered.stats.parts_read = 1;
        budget.memory.reserve(gathered.bytes)?;
        Ok(gathered)
    }

    /// Puts chosen entries together: as long as lines may still be left out, some more at a time.
    fn columns(
        &self,
        columns: &Columns<'_>,
        chosen: &Chosen,
        floor: Option<i64>,
        budget: &Budget<'_>,
    ) -> Result<Gathered, EvalError> {
        let mut all = Gathered::default();
        all.stats.parts_read = 1;
        let mut behind = None;
        let mut most = self
            .limit
            .saturating_add(if chosen.is_exact { 0 } else { FIRST_STEP });
        while all.found.len() < self.limit {
            let next = self.next_rows(columns, chosen, (behind, floor), most)?;
            let Some(last) = next.ranks.iter().copied().max() else {
                break;
            };
            let mut rows = next.rows;
            rows.sort_unstable();
            let streams = columns.load(&rows, &Wanted::default())?;
            let gathered = self.streams(streams, self.limit - all.found.len(), floor, budget)?;
            budget.memory.reserve(gathered.bytes)?;
            all.found.extend(gathered.found);
            all.bytes += gathered.bytes;
            all.stats.add(&gathered.stats);
            if next.is_all {
                break;
            }
            behind = Some(last);
            most = most.saturating_mul(4);
        }
        Ok(all)
    }

    /// The chosen entries that come next in the answer, about so many of each run: those with ranks behind one and up to another.
    fn next_rows(
        &self,
        columns: &Columns<'_>,
        chosen: &Chosen,
        (behind, floor): (Option<i64>, Option<i64>),
        most: usize,
    ) -> Result<NextRows, EvalError> {
        let times = columns.times()?;
        let mut found: Vec<(i64, u32)> = Vec::new();
        let mut until = floor;
        let mut is_all = true;
        for run in columns.runs() {
            let (from, to) = self.within(&times[run.first..run.end], behind);
            let (from, to) = (run.first + from, run.first + to);
            let (from, to) = match &chosen.rows {
                None => (from, to),
                Some(rows) => {
                    let place = |row: usize| rows.partition_point(|chosen| (*chosen as usize) < row);
                    (place(from), place(to))
                }
            };
            for n in 0..to - from {
                let at = match self.options.direction {
                    Direction::Backward => to - 1 - n,
                    Direction::Forward => from + n,
                };
                let row = chosen.rows.as_ref().map_or(at as u32, |rows| rows[at]);
                let rank = self.rank(times[row as usize]);
                if until.is_some_and(|until| rank > until) {
                    is_all &= floor.is_some_and(|floor| rank > floor);
                    break;
                }
                // Entries of one time stay together.
                if n >= most && found.last().is_some_and(|(last, _)| *last != rank) {
                    until = found.last().map(|(last, _)| *last);
                    is_all = false;
                    break;
                }
                found.push((rank, row));
            }
        }
        found.retain(|(rank, _)| until.is_none_or(|until| *rank <= until));
        let (ranks, rows) = found.into_iter().unzip();
        Ok(NextRows { rows, ranks, is_all })
    }

    /// The entries of a run between the times asked for whose rank is behind another, from the first to the last.
    fn within(&self, times: &[i64], behind: Option<i64>) -> (usize, usize) {
        let mut from = times.partition_point(|time| *time < self.options.from);
        let mut to = times.partition_point(|time| *time < self.options.until);
        if let Some(behind) = behind {
            match self.options.direction {
                Direction::Backward => to = to.min(times.partition_point(|time| self.rank(*time) > behind)),
                Direction::Forward => {
                    from = from.max(times.partition_point(|time| self.rank(*time) <= behind));
                }
            }
        }
        (from, to.max(from))
    }

    fn streams(
        &self,
        mut streams: Vec<StreamRows>,
        limit: usize,
        floor: Option<i64>,
        budget: &Budget<'_>,
    ) -> Result<Gathered, EvalError> {
        streams.sort_by(|a, b| a.labels.cmp(&b.labels));
        let mut walk = Walk {
            search: self,
            limit,
            streams: &streams,
            run: Run::default(),
            of: usize::MAX,
            shared: HashMap::new(),
            gathered: Gathered::default(),
        };
        walk.all(floor, budget)?;
        Ok(walk.gathered)
    }
}

/// The place of an entry that comes next in its stream. The greatest comes first in the answer.
type Cursor = (i64, usize, usize);

/// Streams of a part, entry by entry in the order of the answer.
struct Walk<'w> {
    search: &'w Search<'w>,
    /// Most entries.
    limit: usize,
    streams: &'w [StreamRows],
    run: Run,
    /// The stream that `run` has begun with.
    of: usize,
    shared: HashMap<LineLabels, Arc<LineLabels>>,
    gathered: Gathered,
}

impl Walk<'_> {
    fn all(&mut self, floor: Option<i64>, budget: &Budget<'_>) -> Result<(), EvalError> {
        let mut heap: BinaryHeap<Cursor> = BinaryHeap::new();
        for stream in 0..self.streams.len() {
            let first = self.next(stream, None, budget)?;
            heap.extend(first);
        }
        while let Some((_, stream, row)) = heap.pop() {
            let (stream, row) = self.decoded(stream, row);
            let time = self.streams[stream].rows.times()[row];
            if floor.is_some_and(|floor| self.search.rank(time) > floor) {
                break;
            }
            self.take(stream, row, time);
            if self.gathered.found.len() >= self.limit {
                break;
            }
            let next = self.next(stream, Some(row), budget)?;
            heap.extend(next);
        }
        Ok(())
    }

    fn is_backward(&self) -> bool {
        self.search.options.direction == Direction::Backward
    }

    /// Numbers of stream and entry, turned round where the oldest come first, and back.
    fn decoded(&self, stream: usize, row: usize) -> (usize, usize) {
        match self.is_backward() {
            true => (stream, row),
            false => (!stream, !row),
        }
    }

    /// The next entry of a stream whose line passes.
    fn next(
        &mut self,
        stream: usize,
        behind: Option<usize>,
        budget: &Budget<'_>,
    ) -> Result<Option<Cursor>, EvalError> {
        let options = self.search.options;
        let rows = &self.streams[stream].rows;
        let within = rows.between(options.from, options.until);
        let mut row = match (behind, self.is_backward()) {
            (None, true) => within.end.checked_sub(1),
            (None, false) => Some(within.start),
            (Some(row), true) => row.checked_sub(1),
            (Some(row), false) => Some(row + 1),
        };
        while let Some(at) = row.filter(|row| within.contains(row)) {
            let stats = &mut self.gathered.stats;
            let line = rows.line(at);
            stats.lines += 1;
            stats.bytes += line.len() as u64;
            if stats.lines.is_multiple_of(TICK) {
                check(budget)?;
            }
            if self.search.pipeline.passes(line) {
                let (of, place) = self.decoded(stream, at);
                return Ok(Some((!self.search.rank(rows.times()[at]), of, place)));
            }
            row = match self.is_backward() {
                true => at.checked_sub(1),
                false => Some(at + 1),
            };
        }
        Ok(None)
    }

    /// Takes an entry through the stages.
    fn take(&mut self, stream: usize, row: usize, time: i64) {
        let StreamRows { labels, rows } = &self.streams[stream];
        if self.of != stream {
            self.run.begin(labels);
            self.of = stream;
        }
        let clock = Clock {
            time,
            now: self.search.options.now,
        };
        let stored = rows.line(row);
        let pipeline = self.search.pipeline;
        if !pipeline.run_passed(&mut self.run, clock, stored, rows.metadata(row)) {
            return;
        }
        let labels_of = self.run.fields().by_kind();
        let shared = match self.shared.get(&labels_of) {
            Some(shared) => shared.clone(),
            None => {
                let shared = Arc::new(labels_of.clone());
                self.shared.insert(labels_of, shared.clone());
                shared
            }
        };
        let line = self.run.line(stored).into_owned();
        self.gathered.bytes += line.len() + LINE_BYTES;
        self.gathered.stats.lines_kept += 1;
        self.gathered.found.push(Found {
            stream: labels.clone(),
            row,
            line: Line {
                time,
                line,
                labels: shared,
            },
        });
    }
}
