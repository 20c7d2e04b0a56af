//! Takes the numbers out of the lines of parts, series by series, and puts those of all parts together.

mod counting;

use kymo_engine::logs::{Columns, StreamRows};

use super::Reserved;
use super::segments::{Segments, Table};
use crate::logql::ast::LogExpr;
use crate::logql::eval::EvalError;
use crate::logql::eval::columnar::{Conditions, chosen};
use crate::logql::eval::metric::Samples;
use crate::logql::eval::metric::window::refuse_error;
use crate::logql::eval::parallel::{check, in_parallel};
use crate::logql::eval::store::{Part, Stats};
use crate::logql::pipeline::{Clock, Extractor, Pipeline, Run};
use crate::promql::eval::Budget;
use counting::Counting;

/// Parts of a wave: what they give is held until the wave is done.
const WAVE: usize = 64;

/// Lines between two questions whether to go on.
const TICK: usize = 8192;

/// What is taken from lines.
pub(super) struct Gathering<'q> {
    pub(super) log: &'q LogExpr,
    pub(super) extractor: &'q Extractor,
    /// Every line is in a window, so that its error fails the query at once.
    pub(super) gapless: bool,
    pub(super) now: i64,
    /// The first inclusive, the second not.
    pub(super) times: (i64, i64),
    pub(super) segments: Segments,
    /// Conditions of labels that every line passes.
    pub(super) dropping: Vec<Pipeline>,
}

impl Gathering<'_> {
    pub(super) fn run(
        &self,
        parts: &[Part<'_>],
        reserved: &mut Reserved<'_>,
    ) -> Result<(Vec<Samples>, Stats), EvalError> {
        let budget = reserved.budget;
        let mut all = Table::default();
        let mut stats = Stats {
            parts: parts.len() as u64,
            ..Stats::default()
        };
        // The oldest first, so that points of a series are nearly in order.
        let mut order: Vec<&Part<'_>> = parts.iter().collect();
        order.sort_by_key(|part| part.times);
        for wave in order.chunks(WAVE) {
            for found in in_parallel(wave, budget, |part| self.part(part, budget)) {
                let (table, read) = found?;
                stats.add(&read);
                budget.memory.release(table.bytes());
                let before = all.bytes();
                for samples in table.series {
                    let number = all.number(samples.labels);
                    all.series[number].points.extend(samples.points);
                }
                reserved.reserve(all.bytes() - before)?;
            }
            stats.check(self.log)?;
        }
        Ok((all.series, stats))
    }

    fn part(&self, part: &Part<'_>, budget: &Budget<'_>) -> Result<(Table, Stats), EvalError> {
        check(budget)?;
        let mut table = Table::default();
        let mut stats = Stats {
            parts_read: 1,
            ..Stats::default()
        };
        let streams = match part.columns()? {
            Some(columns) => self.columns(&columns, &mut table, &mut stats, budget)?,
            None => None,
        };
        let streams = match streams {
            Some(streams) => streams,
            None => (part.load)()?,
        };
        let mut run = Run::default();
        for stream in streams {
            run.begin(&stream.labels);
            match self.extractor.is_plain() {
                true => self.plain(&stream, &mut run, &mut table, &mut stats, budget)?,
                false => self.stream(&stream, &mut run, &mut table, &mut stats, budget)?,
            }
        }
        budget.memory.reserve(table.bytes())?;
        Ok((table, stats))
    }

    /// Takes what columns tell, and returns the entries whose lines must be looked at; none when that is all of them.
    fn columns(
        &self,
        columns: &Columns<'_>,
        table: &mut Table,
        stats: &mut Stats,
        budget: &Budget<'_>,
    ) -> Result<Option<Vec<StreamRows>>, EvalError> {
        let pipeline = &self.extractor.pipeline;
        let looks = pipeline.looks().filter(|_| !self.extractor.counts_bytes());
        let Some(looks) = looks else {
            if !pipeline.tests_lines() && self.dropping.is_empty() {
                return Ok(None);
            }
            let chosen = chosen(columns, &self.conditions(), budget)?;
            return Ok(match chosen.rows {
                Some(rows) => Some(columns.load(&rows, self.extractor.wanted())?),
                None => None,
            });
        };
        let mut counting = Counting::new(self, columns, looks, table, stats);
        let whole = counting.run(budget)?;
        match whole {
            Some(whole) => Ok(Some(columns.load(&whole, self.extractor.wanted())?)),
            None => Ok(Some(Vec::new())),
        }
    }

    fn conditions(&self) -> Conditions<'_> {
        Conditions {
            pipeline: &self.extractor.pipeline,
            dropping: &self.dropping,
            is_exact: false,
        }
    }

    fn stream(
        &self,
        stream: &StreamRows,
        run: &mut Run,
        table: &mut Table,
        stats: &mut Stats,
        budget: &Budget<'_>,
    ) -> Result<(), EvalError> {
        let rows = &stream.rows;
        let mut key = String::new();
        for row in rows.between(self.times.0, self.times.1) {
            if row % TICK == TICK - 1 {
                check(budget)?;
            }
            let (time, line) = (rows.times()[row], rows.line(row));
            stats.lines += 1;
            stats.bytes += line.len() as u64;
            let clock = Clock { time, now: self.now };
            let Some(value) = self.extractor.number(run, clock, line, rows.metadata(row)) else {
                continue;
            };
            stats.lines_kept += 1;
            let number = self.series(run, &mut key, table)?;
            table.add(&self.segments, number, time, value);
        }
        Ok(())
    }

    /// The number of the series of a line that went through the stages.
    fn series(&self, run: &Run, key: &mut String, table: &mut Table) -> Result<usize, EvalError> {
        key.clear();
        self.extractor.key(run.fields(), key);
        if let Some(number) = table.known(key) {
            return Ok(number);
        }
        let labels = self.extractor.series(run.fields());
        if self.gapless {
            refuse_error(&labels)?;
        }
        let number = table.number(labels);
        table.know(key, number);
        Ok(number)
    }

    /// Lines whose series their stream and metadata tell.
    fn plain(
        &self,
        stream: &StreamRows,
        run: &mut Run,
        table: &mut Table,
        stats: &mut Stats,
        budget: &Budget<'_>,
    ) -> Result<(), EvalError> {
        let rows = &stream.rows;
        let mut by_set: Vec<Option<usize>> = vec![None; rows.sets().len()];
        for row in rows.between(self.times.0, self.times.1) {
            if row % TICK == TICK - 1 {
                check(budget)?;
            }
            let line = rows.line(row);
            stats.lines += 1;
            stats.bytes += line.len() as u64;
            if !self.extractor.pipeline.passes(line) {
                continue;
            }
            stats.lines_kept += 1;
            let set = rows.set_of(row);
            let number = match by_set[set] {
                Some(number) => number,
                None => {
                    let clock = Clock {
                        time: 0,
                        now: self.now,
                    };
                    self.extractor.number(run, clock, line, rows.metadata(row));
                    let number = table.number(self.extractor.series(run.fields()));
                    by_set[set] = Some(number);
                    number
                }
            };
            let value = self.extractor.plain_number(line);
            table.add(&self.segments, number, rows.times()[row], value);
        }
        Ok(())
    }
}
