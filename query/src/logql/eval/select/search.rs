//! Looks for entries in parts: those that come first in the order asked for, in waves of parts, until no later part can matter.

use std::collections::BinaryHeap;
use std::sync::Arc;

use hashbrown::HashMap;
use kymo_engine::labels::Labels;
use kymo_engine::logs::StreamRows;

use super::{Direction, Line, LineLabels, SelectOptions};
use crate::logql::ast::LogExpr;
use crate::logql::eval::EvalError;
use crate::logql::eval::parallel::{check, in_parallel};
use crate::logql::eval::store::{Part, Stats};
use crate::logql::pipeline::{Clock, Pipeline, Run};
use crate::promql::eval::Budget;

/// Parts of the first wave; each further one has twice as many, up to [`WAVE_MAX`].
const WAVE: usize = 2;
const WAVE_MAX: usize = 32;

/// Lines between two questions whether to go on.
const TICK: u64 = 8192;

/// Bytes of an entry beside its line.
const LINE_BYTES: usize = 128;

/// A query for lines.
pub(super) struct Search<'q> {
    pub(super) log: &'q LogExpr,
    pub(super) pipeline: &'q Pipeline,
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
        while at < order.len() && self.limit > 0 {
            let floor = self.floor(&all);
            // Every entry of the part comes behind those that are there.
            if floor.is_some_and(|floor| self.rank(self.first_time(order[at])) > floor) {
                break;
            }
            let next = &order[at..(at + wave).min(order.len())];
            for gathered in in_parallel(next, budget, |part| self.part(part, floor, budget)) {
                let gathered = gathered?;
                stats.add(&gathered.stats);
                all.extend(gathered.found);
            }
            stats.check(self.log)?;
            all.sort_by(|a, b| self.compare(a, b));
            all.truncate(self.limit);
            at += next.len();
            wave = (wave * 2).min(WAVE_MAX);
        }
        Ok((all.into_iter().map(|found| found.line).collect(), stats))
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

    /// Rank of the last entry when there are enough: what comes behind it does not matter.
    fn floor(&self, all: &[Found]) -> Option<i64> {
        let last = all.last().filter(|_| all.len() >= self.limit);
        last.map(|found| self.rank(found.line.time))
    }

    fn part(&self, part: &Part<'_>, floor: Option<i64>, budget: &Budget<'_>) -> Result<Gathered, EvalError> {
        check(budget)?;
        let mut streams = (part.load)()?;
        streams.sort_by(|a, b| a.labels.cmp(&b.labels));
        let mut walk = Walk {
            search: self,
            streams: &streams,
            run: Run::default(),
            of: usize::MAX,
            shared: HashMap::new(),
            gathered: Gathered::default(),
        };
        walk.gathered.stats.parts_read = 1;
        walk.all(floor, budget)?;
        budget.memory.reserve(walk.gathered.bytes)?;
        Ok(walk.gathered)
    }
}

/// The place of an entry that comes next in its stream. The greatest comes first in the answer.
type Cursor = (i64, usize, usize);

/// Streams of a part, entry by entry in the order of the answer.
struct Walk<'w> {
    search: &'w Search<'w>,
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
            if self.gathered.found.len() >= self.search.limit {
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
