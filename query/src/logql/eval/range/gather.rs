//! Takes the numbers out of the lines of parts, series by series, and puts those of all parts together.

use hashbrown::HashMap;
use kymo_engine::logs::StreamRows;

use super::Reserved;
use crate::logql::ast::LogExpr;
use crate::logql::eval::metric::Samples;
use crate::logql::eval::metric::window::refuse_error;
use crate::logql::eval::parallel::{check, in_parallel};
use crate::logql::eval::store::{Part, Stats};
use crate::logql::eval::{EvalError, LabelSet};
use crate::logql::pipeline::{Clock, Extractor, Run};
use crate::promql::eval::Budget;

/// Parts of a wave: what they give is held until the wave is done.
const WAVE: usize = 16;

/// Lines between two questions whether to go on.
const TICK: usize = 8192;

/// Bytes of a point, and of a series beside its labels.
const POINT_BYTES: usize = 16;
const SERIES_BYTES: usize = 256;

/// What is taken from lines.
pub(super) struct Gathering<'q> {
    pub(super) log: &'q LogExpr,
    pub(super) extractor: &'q Extractor,
    /// Every line is in a window, so that its error fails the query at once.
    pub(super) gapless: bool,
    pub(super) now: i64,
    /// The first inclusive, the second not.
    pub(super) times: (i64, i64),
}

/// Series by the labels of their lines.
#[derive(Default)]
struct Table {
    /// By a text that stands for the labels.
    keys: HashMap<String, usize>,
    numbers: HashMap<LabelSet, usize>,
    series: Vec<Samples>,
}

impl Table {
    fn number(&mut self, labels: LabelSet) -> usize {
        let next = self.series.len();
        *self.numbers.entry(labels).or_insert_with_key(|labels| {
            self.series.push(Samples {
                labels: labels.clone(),
                points: Vec::new(),
            });
            next
        })
    }

    fn bytes(&self) -> usize {
        let points: usize = self.series.iter().map(|s| s.points.len() * POINT_BYTES).sum();
        points + self.series.len() * SERIES_BYTES
    }
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
        let mut run = Run::default();
        for stream in (part.load)()? {
            run.begin(&stream.labels);
            match self.extractor.is_plain() {
                true => self.plain(&stream, &mut run, &mut table, &mut stats, budget)?,
                false => self.stream(&stream, &mut run, &mut table, &mut stats, budget)?,
            }
        }
        budget.memory.reserve(table.bytes())?;
        Ok((table, stats))
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
            key.clear();
            self.extractor.key(run.fields(), &mut key);
            let number = match table.keys.get(&key) {
                Some(number) => *number,
                None => {
                    let labels = self.extractor.series(run.fields());
                    if self.gapless {
                        refuse_error(&labels)?;
                    }
                    let number = table.number(labels);
                    table.keys.insert(key.clone(), number);
                    number
                }
            };
            table.series[number].points.push((time, value));
        }
        Ok(())
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
            table.series[number].points.push((rows.times()[row], value));
        }
        Ok(())
    }
}
