//! Which rows of a table fall into which step of a query. Traces that start and end within one step, most of them as a rule,
//! are placed without reading the starts of their spans. Not for what is counted of the rows.

use std::ops::Range;

use kymo_engine::traces::Table;

use super::super::super::grid::Grid;
use super::super::error::EvalError;

/// Rows in a row, all of which start in one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) rows: Range<usize>,
    pub(super) step: usize,
}

/// The rows of a table that fall into a step, in their order.
#[derive(Debug, Default)]
pub(super) struct Stretches {
    pub(super) list: Vec<Stretch>,
    /// The first step with rows, and how many steps there are up to the last with such.
    pub(super) from: usize,
    pub(super) width: usize,
}

impl Stretches {
    pub(super) fn of(table: &Table, grid: &Grid) -> Result<Stretches, EvalError> {
        let mut all = Stretches::default();
        // The step of the trace before, from its first time to its last.
        let mut lately = None;
        let traces = table.each_trace()?;
        for n in 0..traces.len() {
            let rows = traces.rows(n);
            let (start, last_start) = traces.starts(n);
            if let Some((first, last, step)) = lately
                && start >= first
                && last_start <= last
            {
                all.push(rows, step);
                continue;
            }
            match (grid.step_of(start), grid.step_of(last_start)) {
                (Some(found), Some(last)) if found == last => {
                    let (first, last) = grid.bounds(found);
                    lately = Some((first, last, found));
                    all.push(rows, found);
                }
                _ if overlaps(grid, start, last_start) => {
                    for (row, start) in rows.zip(table.starts_of(n)?.iter()) {
                        if let Some(step) = grid.step_of(*start) {
                            all.push(row..row + 1, step);
                        }
                    }
                }
                _ => {}
            }
        }
        let steps = || all.list.iter().map(|stretch| stretch.step);
        if let (Some(first), Some(last)) = (steps().min(), steps().max()) {
            (all.from, all.width) = (first, last + 1 - first);
        }
        Ok(all)
    }

    fn push(&mut self, rows: Range<usize>, step: usize) {
        match self.list.last_mut() {
            Some(last) if last.step == step && last.rows.end == rows.start => last.rows.end = rows.end,
            _ => self.list.push(Stretch { rows, step }),
        }
    }
}

/// Whether anything between two times may be in a step.
fn overlaps(grid: &Grid, start: i64, last_start: i64) -> bool {
    let (first, last) = grid.times();
    start <= last && last_start >= first
}

#[cfg(test)]
mod tests;
