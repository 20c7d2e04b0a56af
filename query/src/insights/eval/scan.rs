//! Reads entries part by part, in waves, until no later part can matter, and keeps the rows that come first or their groups.
//! Not for what is done when all are there (see `rows`).

use kymo_engine::logs::StreamRows;

use super::super::fields::{Entry, Source};
use super::super::value::Value;
use super::columnar::{Asked, ByColumns};
use super::compiled::Context;
use super::plan::{Plan, Whole};
use super::rows::{Record, apply, order, records};
use super::totals::{Groups, Place};
use crate::logql::LogExpr;
use crate::logql::eval::store::{Part, Stats};
use crate::logql::eval::{EvalError, check, in_parallel};
use crate::promql::eval::Budget;

/// Parts of the first wave; each further one has twice as many, up to [`WAVE_MAX`].
const WAVE: usize = 2;
const WAVE_MAX: usize = 32;

/// Rows of a part that are held at least before some are dropped.
const SPARE: usize = 1024;

/// Entries between two questions whether to go on.
const TICK: u64 = 8192;

/// A query over entries.
pub(super) struct Scan<'q> {
    pub(super) plan: &'q Plan,
    /// The plan as columns are asked for it, where they tell something.
    pub(super) asked: Option<Asked<'q>>,
    pub(super) log: &'q LogExpr,
    /// Earliest time, and the one behind the latest.
    pub(super) times: (i64, i64),
}

/// What a part gives.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) records: Vec<Record>,
    pub(super) groups: Groups,
    pub(super) stats: Stats,
    bytes: usize,
}

impl Scan<'_> {
    /// The rows, in order and as many as can matter, or those of the groups.
    pub(super) fn run(
        &self,
        parts: &[Part<'_>],
        budget: &Budget<'_>,
    ) -> Result<(Vec<Record>, Stats), EvalError> {
        let mut parts: Vec<&Part<'_>> = parts.iter().collect();
        parts.sort_by_key(|part| self.rank(self.first_time(part)));
        let mut all = Gathered::default();
        all.stats.parts = parts.len() as u64;
        let (mut at, mut wave) = (0, WAVE);
        while at < parts.len() {
            let floor = self.floor(&all.records);
            if floor.is_some_and(|floor| self.rank(self.first_time(parts[at])) > floor) {
                break;
            }
            let next = &parts[at..(at + wave).min(parts.len())];
            for gathered in in_parallel(next, budget, |part| self.part(part, floor, budget)) {
                self.take(&mut all, gathered?, budget)?;
            }
            all.stats.check(self.log)?;
            at += next.len();
            wave = (wave * 2).min(WAVE_MAX);
        }
        Ok(match self.plan.whole.first() {
            Some(Whole::Stats(grouping)) => (records(self.plan, grouping, all.groups), all.stats),
            _ => (all.records, all.stats),
        })
    }

    /// Adds what a part gave, and gives back the memory of what cannot matter any more.
    fn take(&self, all: &mut Gathered, more: Gathered, budget: &Budget<'_>) -> Result<(), EvalError> {
        all.stats.add(&more.stats);
        let before = all.groups.bytes;
        if let Some(Whole::Stats(grouping)) = self.plan.whole.first() {
            all.groups.merge(&grouping.aggregates, more.groups);
        }
        budget.memory.reserve(all.groups.bytes - before)?;
        all.records.extend(more.records);
        let dropped = self.keep_first(&mut all.records);
        budget.memory.release(dropped + more.bytes);
        Ok(())
    }

    /// A number that is smaller for times that come earlier.
    pub(super) fn rank(&self, time: i64) -> i64 {
        if self.plan.forward { time } else { !time }
    }

    fn first_time(&self, part: &Part<'_>) -> i64 {
        if self.plan.forward {
            part.times.0
        } else {
            part.times.1
        }
    }

    /// Rank of the last row when there are enough in the order of entries.
    fn floor(&self, records: &[Record]) -> Option<i64> {
        let most = match self.plan.whole.first() {
            None => self.plan.limit,
            Some(Whole::Limit(most)) => *most,
            _ => return None,
        };
        let last = records.last().filter(|_| records.len() >= most);
        last.map(|record| self.rank(record.time))
    }

    /// True when rows are wanted in the order of entries, the first ones only.
    pub(super) fn keeps_first(&self) -> bool {
        matches!(self.plan.whole.first(), None | Some(Whole::Limit(_)))
    }

    /// Most rows that can matter.
    pub(super) fn most(&self) -> usize {
        match self.plan.whole.as_slice() {
            [] | [Whole::Sort(_)] => self.plan.limit,
            [Whole::Limit(most), ..] | [Whole::Sort(_), Whole::Limit(most), ..] => *most,
            _ => usize::MAX,
        }
    }

    /// Puts rows in order and drops those that come too late to matter; their bytes.
    pub(super) fn keep_first(&self, records: &mut Vec<Record>) -> usize {
        let by_age = |a: &Record, b: &Record| match self.plan.forward {
            true => a.age(b),
            false => b.age(a),
        };
        let most = self.most();
        let mut dropped = 0;
        let mut cut = |records: &mut Vec<Record>| {
            dropped = records.iter().skip(most).map(Record::bytes).sum();
            records.truncate(most);
        };
        match self.plan.whole.first() {
            Some(Whole::Sort(keys)) if records.len() > most => {
                records.sort_by(|a, b| order(keys, a, b).then_with(|| by_age(a, b)));
                cut(records);
                // What sorts them afterwards keeps this order among equals.
                records.sort_by(by_age);
            }
            _ => {
                records.sort_by(by_age);
                cut(records);
            }
        }
        dropped
    }

    fn part(&self, part: &Part<'_>, floor: Option<i64>, budget: &Budget<'_>) -> Result<Gathered, EvalError> {
        check(budget)?;
        let mut gathered = Gathered::default();
        gathered.stats.parts_read = 1;
        let (slots, sources): (Vec<usize>, Vec<Source>) = self.plan.sources.iter().cloned().unzip();
        let mut walk = Walk {
            scan: self,
            slots,
            sources,
            fields: Vec::new(),
            values: Vec::new(),
            spare: self.most().saturating_mul(2).max(SPARE),
        };
        let columns = match &self.asked {
            Some(asked) => part.columns()?.map(|columns| (asked, columns)),
            None => None,
        };
        match &columns {
            Some((asked, columns)) => {
                let by_columns = ByColumns {
                    scan: self,
                    asked,
                    columns,
                    floor,
                };
                by_columns.read(&mut walk, &mut gathered, budget)?;
            }
            None => {
                for stream in &(part.load)()? {
                    walk.stream(stream, floor, &mut gathered, budget)?;
                }
            }
        }
        self.keep_first(&mut gathered.records);
        let kept: usize = gathered.records.iter().map(Record::bytes).sum();
        gathered.bytes = gathered.groups.bytes;
        budget.memory.reserve(kept + gathered.bytes)?;
        Ok(gathered)
    }
}

/// A part being read, with buffers that all entries share.
pub(super) struct Walk<'s> {
    scan: &'s Scan<'s>,
    slots: Vec<usize>,
    sources: Vec<Source>,
    fields: Vec<Value>,
    values: Vec<Value>,
    /// Rows at which those that cannot matter are dropped.
    spare: usize,
}

impl Walk<'_> {
    pub(super) fn stream(
        &mut self,
        stream: &StreamRows,
        floor: Option<i64>,
        gathered: &mut Gathered,
        budget: &Budget<'_>,
    ) -> Result<(), EvalError> {
        let (scan, rows) = (self.scan, &stream.rows);
        for row in rows.between(scan.times.0, scan.times.1) {
            let time = rows.times()[row];
            if floor.is_some_and(|floor| scan.rank(time) > floor) {
                continue;
            }
            let line = rows.line(row);
            gathered.stats.lines += 1;
            gathered.stats.bytes += line.len() as u64;
            if gathered.stats.lines.is_multiple_of(TICK) {
                check(budget)?;
            }
            let entry = Entry {
                time,
                labels: &stream.labels,
                metadata: rows.metadata(row),
                line,
            };
            entry.values(&self.sources, &mut self.fields);
            self.values.clear();
            self.values.resize(scan.plan.slots, Value::Missing);
            for (slot, value) in self.slots.iter().zip(self.fields.drain(..)) {
                self.values[*slot] = value;
            }
            if !apply(&scan.plan.steps, time, &mut self.values) {
                continue;
            }
            gathered.stats.lines_kept += 1;
            match scan.plan.whole.first() {
                Some(Whole::Stats(grouping)) => {
                    let context = Context {
                        slots: &self.values,
                        totals: &[],
                        time,
                    };
                    let place = || -> Place { (time, stream.labels.clone(), row) };
                    let groups = &mut gathered.groups;
                    groups.add(&grouping.by, &grouping.aggregates, context, &place);
                }
                _ => {
                    gathered.records.push(Record {
                        time,
                        stream: stream.labels.clone(),
                        row,
                        values: self.values.clone(),
                    });
                    if gathered.records.len() >= self.spare {
                        scan.keep_first(&mut gathered.records);
                    }
                }
            }
        }
        Ok(())
    }
}
