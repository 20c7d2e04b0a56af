//! Entries of a group of a block by columns: those that conditions leave out are never put together, and what a query computes from
//! few values is computed once for all entries that share them. Not for what the values of a row become (see `rows`, `totals`).

mod asked;
mod classes;
mod shapes;

use kymo_engine::logs::Columns;
use kymo_engine::logs::scan::Wanted;

pub(super) use asked::Asked;
use classes::{Classes, Outcome};
use shapes::Shapes;

use super::scan::{Gathered, Scan, Walk};
use crate::logql::eval::{EvalError, check};
use crate::promql::eval::Budget;

/// Most entries that are put together at once.
const BATCH_MAX: usize = 8192;

/// What conditions of lines say of the entries of a group.
struct Tested {
    /// By place whether they hold.
    keeps: Vec<bool>,
    /// By shape whether the lines must be looked at.
    unsure: Vec<bool>,
}

/// Reads the entries of a group.
pub(super) struct ByColumns<'g, 's> {
    pub(super) scan: &'g Scan<'s>,
    pub(super) asked: &'g Asked<'s>,
    pub(super) columns: &'g Columns<'g>,
    /// Entries of a higher rank do not matter.
    pub(super) floor: Option<i64>,
}

impl ByColumns<'_, '_> {
    /// Adds what the entries give.
    pub(super) fn read(
        &self,
        walk: &mut Walk<'_>,
        gathered: &mut Gathered,
        budget: &Budget<'_>,
    ) -> Result<(), EvalError> {
        let mut left = self.left(gathered, budget)?;
        if self.scan.keeps_first() {
            let times = self.columns.times()?;
            left.sort_by_key(|row| self.scan.rank(times[*row as usize]));
            return self.in_order(&left, walk, gathered, budget);
        }
        for rows in left.chunks(BATCH_MAX) {
            self.load(rows, walk, gathered, budget)?;
        }
        Ok(())
    }

    /// Puts entries together, the first in order first, until there are as many rows as can matter.
    fn in_order(
        &self,
        left: &[u32],
        walk: &mut Walk<'_>,
        gathered: &mut Gathered,
        budget: &Budget<'_>,
    ) -> Result<(), EvalError> {
        let times = self.columns.times()?;
        let rank = |row: u32| self.scan.rank(times[row as usize]);
        let most = self.scan.most();
        let (mut at, mut batch) = (0, most.min(BATCH_MAX));
        while at < left.len() {
            let mut end = (at + batch.max(1)).min(left.len());
            // What has one time is ordered by its place, which is told within one reading only.
            while end < left.len() && rank(left[end]) == rank(left[end - 1]) {
                end += 1;
            }
            let mut rows = left[at..end].to_vec();
            rows.sort_unstable();
            self.load(&rows, walk, gathered, budget)?;
            self.scan.keep_first(&mut gathered.records);
            let last = gathered.records.last().map(|record| self.scan.rank(record.time));
            let is_full = gathered.records.len() >= most;
            if is_full && end < left.len() && last.is_some_and(|last| rank(left[end]) > last) {
                return Ok(());
            }
            at = end;
            batch = (batch * 4).min(BATCH_MAX);
        }
        Ok(())
    }

    /// Puts entries together, given by place in ascending order, and takes them through all steps.
    fn load(
        &self,
        rows: &[u32],
        walk: &mut Walk<'_>,
        gathered: &mut Gathered,
        budget: &Budget<'_>,
    ) -> Result<(), EvalError> {
        for stream in self.columns.load(rows, &Wanted::default())? {
            walk.stream(&stream, self.floor, gathered, budget)?;
        }
        Ok(())
    }

    /// The entries that must be put together, by place; the others are left out, or in the groups.
    fn left(&self, gathered: &mut Gathered, budget: &Budget<'_>) -> Result<Vec<u32>, EvalError> {
        let columns = self.columns;
        let may = match self.asked.tells_all {
            // Looking for texts costs more than asking the columns, unless the texts are rare.
            true => columns.rare_candidates()?,
            false => columns.candidates()?,
        };
        let tested = self.tested()?;
        let (times, shapes) = (columns.times()?, columns.shapes()?);
        let mut looked = Shapes::new(columns, self.asked);
        looked.read()?;
        let mut classes = Classes::new(self.asked, &looked);
        let mut left = Vec::new();
        for run in columns.runs() {
            check(budget)?;
            classes.begin(run.labels);
            let of_run = &times[run.first..run.end];
            let (from, until) = self.scan.times;
            let mut at = run.first + of_run.partition_point(|time| *time < from);
            let end = run.first + of_run.partition_point(|time| *time < until);
            while at < end {
                let last = self.asked.last_of_segment(times[at]);
                let to = at + times[at..end].partition_point(|time| *time <= last);
                classes.segment(times[at]);
                for row in at..to {
                    if may.as_ref().is_some_and(|may| !may[row])
                        || self.floor.is_some_and(|floor| self.scan.rank(times[row]) > floor)
                    {
                        continue;
                    }
                    let shape = shapes[row] as usize;
                    let outcome = match &tested {
                        Some(tested) if tested.unsure[shape] => Outcome::Whole,
                        Some(tested) if !tested.keeps[row] => Outcome::Dropped,
                        _ => classes.outcome(shape, row, &mut gathered.groups),
                    };
                    match outcome {
                        Outcome::Whole => left.push(row as u32),
                        Outcome::Dropped => gathered.stats.lines += 1,
                        Outcome::Counted => {
                            gathered.stats.lines += 1;
                            gathered.stats.lines_kept += 1;
                        }
                    }
                }
                classes.count(&mut gathered.groups);
                at = to;
            }
        }
        Ok(left)
    }

    /// What columns tell of conditions of lines; none without such conditions.
    fn tested(&self) -> kymo_engine::Result<Option<Tested>> {
        let mut all: Option<Tested> = None;
        for (text, is_negative) in &self.asked.line_texts {
            let mut holding = self.columns.holding(text)?;
            holding.lines.iter_mut().for_each(|held| *held ^= is_negative);
            match &mut all {
                None => {
                    all = Some(Tested {
                        keeps: holding.lines,
                        unsure: holding.unsure,
                    });
                }
                Some(all) => {
                    let keeps = all.keeps.iter_mut().zip(holding.lines);
                    keeps.for_each(|(keeps, more)| *keeps &= more);
                    let unsure = all.unsure.iter_mut().zip(holding.unsure);
                    unsure.for_each(|(unsure, more)| *unsure |= more);
                }
            }
        }
        Ok(all)
    }
}
