//! Numbers of entries from the columns of a group. Whole runs are counted by what their dictionaries tell, the others entry by
//! entry, where what came of an entry is remembered for those that look the same to the stages.

mod whole;

use std::ops::Range;

use kymo_engine::logs::columns::{self, Columns};

use super::super::segments::Table;
use super::Gathering;
use crate::logql::eval::EvalError;
use crate::logql::eval::columnar::{Example, ExampleLine, Kept, Looking, Memo, Tested, chosen};
use crate::logql::eval::parallel::check;
use crate::logql::eval::store::Stats;
use crate::logql::pipeline::{Clock, Looks, Run};
use crate::promql::eval::Budget;

/// The outcome of entries that are left out.
const DROPPED: u32 = 0;

/// Counts the entries of a group.
pub(super) struct Counting<'g, 'c> {
    gathering: &'g Gathering<'g>,
    looking: Looking<'c>,
    tested: Option<Tested>,
    /// By place in the group false for entries that are left out, where that is known beforehand.
    keeps: Option<Vec<bool>>,
    table: &'g mut Table,
    stats: &'g mut Stats,
    run: Run,
    example: ExampleLine,
    key: String,
    /// Entries of each outcome: left out, or of the series of this number less one.
    counts: Vec<u64>,
}

impl<'g, 'c> Counting<'g, 'c> {
    pub(super) fn new(
        gathering: &'g Gathering<'g>,
        columns: &'c Columns<'c>,
        looks: Looks,
        table: &'g mut Table,
        stats: &'g mut Stats,
    ) -> Counting<'g, 'c> {
        let extractor = gathering.extractor;
        Counting {
            looking: Looking::new(columns, &extractor.pipeline, looks, extractor.number_label()),
            gathering,
            tested: None,
            keeps: None,
            table,
            stats,
            run: Run::default(),
            example: ExampleLine::default(),
            key: String::new(),
            counts: Vec::new(),
        }
    }

    /// Counts; returns the entries whose lines must be put together, by place in the group, when there are any.
    pub(super) fn run(&mut self, budget: &Budget<'_>) -> Result<Option<Vec<u32>>, EvalError> {
        let columns = self.looking.columns;
        let mut runs: Vec<columns::Run<'_>> = columns.runs().collect();
        let kept = Kept::of(columns, &self.gathering.extractor.pipeline)?;
        if kept == Kept::None {
            self.stats.lines += runs.iter().map(|run| (run.end - run.first) as u64).sum::<u64>();
            return Ok(None);
        }
        if kept != Kept::Untold {
            let mut rest = Vec::new();
            for run in runs {
                if !self.whole_run(&run, kept)? {
                    rest.push(run);
                }
            }
            runs = rest;
        }
        if runs.is_empty() {
            return Ok(None);
        }
        if kept != Kept::All {
            self.tested = Some(Tested::lines(columns, &self.gathering.extractor.pipeline)?);
        }
        self.looking.read(true)?;
        let is_wide = self.looking.shapes.iter().any(|shape| shape.keys.len() > 1);
        if is_wide && !self.gathering.dropping.is_empty() {
            // One condition at a time has fewer values to look at than all of them and what is grouped by.
            let conditions = self.gathering.conditions();
            self.keeps = chosen(columns, &conditions, budget)?.rows.map(|rows| {
                let mut keeps = vec![false; columns.header().rows as usize];
                rows.iter().for_each(|row| keeps[*row as usize] = true);
                keeps
            });
        }
        let mut whole: Option<Vec<u32>> = None;
        for run in &runs {
            check(budget)?;
            self.run.begin(run.labels);
            self.entries(run, &mut whole)?;
        }
        Ok(whole)
    }

    /// What comes of entries that an example stands for, whose number is 1.
    fn outcome(&mut self, shape: usize, from: Example<'_>) -> Result<u32, EvalError> {
        Ok(self
            .example(shape, from)?
            .map_or(DROPPED, |(series, _)| series as u32 + 1))
    }

    /// The series and the number of an example.
    fn example(&mut self, shape: usize, from: Example<'_>) -> Result<Option<(usize, f64)>, EvalError> {
        let Gathering { extractor, now, .. } = *self.gathering;
        self.looking.example(shape, from, &mut self.example);
        let clock = Clock { time: 0, now };
        let (line, metadata) = (&self.example.line, self.example.metadata());
        let Some(value) = extractor.number_passed(&mut self.run, clock, line, metadata) else {
            return Ok(None);
        };
        let series = self.gathering.series(&self.run, &mut self.key, self.table)?;
        Ok(Some((series, value)))
    }

    fn add(&mut self, outcome: u32, time: i64, count: u64) {
        self.stats.lines += count;
        if outcome != DROPPED {
            self.stats.lines_kept += count;
            let series = outcome as usize - 1;
            self.table
                .add(&self.gathering.segments, series, time, count as f64);
        }
    }

    /// Counts the entries of a run between the times asked for.
    fn entries(&mut self, run: &columns::Run<'_>, whole: &mut Option<Vec<u32>>) -> Result<(), EvalError> {
        let columns = self.looking.columns;
        let (times, shapes) = (columns.times()?, columns.shapes()?);
        let of_run = &times[run.first..run.end];
        let (from, until) = self.gathering.times;
        let mut at = run.first + of_run.partition_point(|time| *time < from);
        let end = run.first + of_run.partition_point(|time| *time < until);
        let mut memo = Memo::new(&self.looking);
        while at < end {
            let (_, last) = self.gathering.segments.of(times[at]);
            let to = at + times[at..end].partition_point(|time| *time <= last);
            self.segment(at..to, times, shapes, &mut memo, whole)?;
            at = to;
        }
        Ok(())
    }

    /// Counts entries of one segment.
    fn segment(
        &mut self,
        rows: Range<usize>,
        times: &[i64],
        shapes: &[u32],
        memo: &mut Memo,
        whole: &mut Option<Vec<u32>>,
    ) -> Result<(), EvalError> {
        if self.tested.is_none() && self.keeps.is_none() && self.at_once(&rows, times[rows.start], shapes)? {
            return Ok(());
        }
        let adds_up = self.gathering.segments.adds_up();
        let unwraps = self.gathering.extractor.unwraps();
        let first = times[rows.start];
        for row in rows {
            let shape = shapes[row];
            let look = &self.looking.shapes[shape as usize];
            let is_unsure = match &self.tested {
                None => false,
                Some(tested) if tested.unsure[shape as usize] => true,
                Some(tested) if tested.keeps[row] => false,
                Some(_) => {
                    self.stats.lines += 1;
                    continue;
                }
            };
            if look.whole || is_unsure {
                whole.get_or_insert_default().push(row as u32);
                continue;
            }
            if self.keeps.as_ref().is_some_and(|keeps| !keeps[row]) {
                self.stats.lines += 1;
                continue;
            }
            if let Some(column) = look.number {
                self.number(row, shape, column, times[row], memo)?;
                continue;
            }
            if unwraps || !adds_up {
                let is_dropped = memo.known(&self.looking, shape, row) == Some(DROPPED);
                let found = match is_dropped {
                    true => None,
                    false => self.example(shape as usize, Example::Row(row))?,
                };
                if found.is_none() {
                    memo.know(&self.looking, shape, row, DROPPED);
                }
                self.take(found, times[row]);
                continue;
            }
            let outcome = {
                let mut known = memo.known(&self.looking, shape, row);
                if known.is_none() {
                    let outcome = self.outcome(shape as usize, Example::Row(row))?;
                    memo.know(&self.looking, shape, row, outcome);
                    known = Some(outcome);
                }
                known.unwrap_or(DROPPED) as usize
            };
            if outcome >= self.counts.len() {
                self.counts.resize(outcome + 1, 0);
            }
            self.counts[outcome] += 1;
        }
        for outcome in 0..self.counts.len() {
            let count = std::mem::take(&mut self.counts[outcome]);
            if count > 0 {
                self.add(outcome as u32, first, count);
            }
        }
        Ok(())
    }

    fn take(&mut self, found: Option<(usize, f64)>, time: i64) {
        self.stats.lines += 1;
        if let Some((series, value)) = found {
            self.stats.lines_kept += 1;
            self.table.add(&self.gathering.segments, series, time, value);
        }
    }

    /// Takes the number of an entry from its column: what else comes of the entry does not depend on it.
    fn number(
        &mut self,
        row: usize,
        shape: u32,
        column: u32,
        time: i64,
        memo: &mut Memo,
    ) -> Result<(), EvalError> {
        let extractor = self.gathering.extractor;
        let value = self.looking.coded(column).and_then(|coded| {
            let plain = coded
                .plain_number(row)
                .filter(|_| extractor.takes_plain_numbers());
            plain.or_else(|| {
                self.example.line.clear();
                coded.put(row, &mut self.example.line);
                extractor.number_of(&self.example.line)
            })
        });
        let Some(value) = value else {
            let found = self.example(shape as usize, Example::Row(row))?;
            self.take(found, time);
            return Ok(());
        };
        let outcome = match memo.known(&self.looking, shape, row) {
            Some(outcome) => outcome,
            None => {
                let outcome = self.outcome(shape as usize, Example::Row(row))?;
                memo.know(&self.looking, shape, row, outcome);
                outcome
            }
        };
        let series = (outcome != DROPPED).then(|| (outcome as usize - 1, value));
        self.take(series, time);
        Ok(())
    }
}
