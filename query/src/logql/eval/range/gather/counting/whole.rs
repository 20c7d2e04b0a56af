//! Entries of a stretch of time told at once: by what dictionaries tell of whole runs, by how often each code occurs, by the sum of a
//! column. Not for entries that must be looked at one by one.

use std::ops::Range;

use kymo_engine::logs::columns;

use super::{Counting, DROPPED};
use crate::logql::eval::EvalError;
use crate::logql::eval::columnar::{Example, Kept, ShapeLook};

/// Shapes and texts of a dictionary that are looked at for a whole run at most.
const EXAMPLES_MAX: usize = 256;

/// Shapes and codes that are counted at once at most.
const CODES_MAX: usize = 1 << 14;

impl Counting<'_, '_> {
    /// Counts all entries of a run at once; false when they must be looked at.
    pub(super) fn whole_run(&mut self, run: &columns::Run<'_>, kept: Kept) -> Result<bool, EvalError> {
        let (columns, segments) = (self.looking.columns, &self.gathering.segments);
        let header = columns.header();
        let times = self.gathering.times;
        let is_all = run.times.0 >= times.0
            && run.times.1 < times.1
            && segments.adds_up()
            && segments.of(run.times.0).0 == segments.of(run.times.1).0;
        let number = columns.whole_run(run).filter(|_| is_all);
        let (Some(number), Some(key)) = (number, self.looking.only_key()) else {
            return Ok(false);
        };
        // What is told of lines is told of all runs.
        if kept != Kept::All && (key.is_some() || header.runs.len() > 1) {
            return Ok(false);
        }
        let tally = match key {
            None => None,
            Some(column) => match columns.tally(column)? {
                Some(tally) if tally.texts.len() * header.shapes.len() <= EXAMPLES_MAX => Some(tally),
                _ => return Ok(false),
            },
        };
        let of_run = tally.as_ref().map(|tally| tally.of_run(number));
        if matches!(of_run, Some(None)) {
            return Ok(false);
        }
        self.run.begin(run.labels);
        let mut found: Vec<(u32, u64)> = Vec::new();
        let counts = columns.shape_counts()?;
        let counts = &counts[number * header.shapes.len()..][..header.shapes.len()];
        let mut with_key: Vec<usize> = Vec::new();
        for (n, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            match self.looking.shapes[n].keys.is_empty() {
                true => found.push((self.outcome(n, Example::Text(b""))?, (*count).into())),
                false => with_key.push(n),
            }
        }
        if let (Some(tally), Some(Some(counts))) = (&tally, of_run) {
            for (text, count) in tally.texts.iter().zip(counts).filter(|(_, count)| **count > 0) {
                let mut of_text = None;
                for shape in &with_key {
                    let outcome = self.outcome(*shape, Example::Text(text))?;
                    if *of_text.get_or_insert(outcome) != outcome {
                        return Ok(false);
                    }
                }
                found.push((of_text.unwrap_or(DROPPED), (*count).into()));
            }
        }
        if let Kept::Some(kept) = kept {
            // Which shapes the lines are of is not told, so that all must be of one series.
            match found.as_slice() {
                [(outcome, _), others @ ..] if others.iter().all(|(of, _)| of == outcome) => {
                    self.stats.lines += u64::from(header.rows) - kept;
                    found = vec![(*outcome, kept)];
                }
                _ => return Ok(false),
            }
        }
        for (outcome, count) in found {
            self.add(outcome, run.times.0, count);
        }
        Ok(true)
    }

    /// Takes all entries of one segment, the first of which is of a time; false when they must be looked at one by one.
    pub(super) fn at_once(
        &mut self,
        rows: &Range<usize>,
        time: i64,
        shapes: &[u32],
    ) -> Result<bool, EvalError> {
        let is_simple = |of: &ShapeLook| !of.whole && of.number.is_none() && of.keys.len() <= 1;
        let adds_up = self.gathering.segments.adds_up();
        if !adds_up || rows.is_empty() {
            return Ok(false);
        }
        if self.gathering.extractor.unwraps() {
            return self.sum(rows, time);
        }
        match self.looking.shapes.iter().all(is_simple) {
            true => self.codes(rows, time, shapes),
            false => Ok(false),
        }
    }

    /// Counts entries by shape and code.
    fn codes(&mut self, rows: &Range<usize>, time: i64, shapes: &[u32]) -> Result<bool, EvalError> {
        let mut first = Vec::with_capacity(self.looking.shapes.len());
        let mut all = 0;
        for shape in &self.looking.shapes {
            first.push(all as u32);
            let coded = shape.keys.first().and_then(|column| self.looking.coded(*column));
            all += coded.map_or(1, |coded| coded.distinct().max(1));
        }
        if all > CODES_MAX {
            return Ok(false);
        }
        // How many, and one of them.
        let mut counts = vec![(0u32, 0u32); all];
        let only = self.looking.only_key().flatten();
        let dense = only.and_then(|column| self.looking.coded(column)?.dense());
        let mut add = |place: usize, row: usize| {
            let (count, example) = &mut counts[place];
            *count += 1;
            *example = row as u32;
        };
        match (dense, first.as_slice()) {
            (_, [_]) if only.is_none() => counts[0] = (rows.len() as u32, rows.start as u32),
            (Some(codes), [_]) => rows.clone().for_each(|row| add(usize::from(codes[row]), row)),
            _ => {
                for row in rows.clone() {
                    let shape = shapes[row] as usize;
                    let key = self.looking.shapes[shape].keys.first();
                    let coded = key.and_then(|column| self.looking.coded(*column));
                    let code = coded.map_or(0, |coded| coded.code(row));
                    add(first[shape] as usize + usize::from(code), row);
                }
            }
        }
        for (count, row) in counts.into_iter().filter(|(count, _)| *count > 0) {
            let row = row as usize;
            let outcome = self.outcome(shapes[row] as usize, Example::Row(row))?;
            self.add(outcome, time, count.into());
        }
        Ok(true)
    }

    /// Adds up the numbers of a column that all entries of the group have, as they stand in the lines.
    fn sum(&mut self, rows: &Range<usize>, time: i64) -> Result<bool, EvalError> {
        let [look] = self.looking.shapes.as_slice() else {
            return Ok(false);
        };
        let sum = look.number.and_then(|column| {
            let is_told = look.keys.is_empty() && self.gathering.extractor.takes_plain_numbers();
            self.looking.coded(column).filter(|_| is_told)?.sum(rows)
        });
        let Some(sum) = sum else {
            return Ok(false);
        };
        let outcome = self.outcome(0, Example::Row(rows.start))?;
        self.stats.lines += rows.len() as u64;
        if outcome != DROPPED {
            self.stats.lines_kept += rows.len() as u64;
            let segments = &self.gathering.segments;
            self.table.add(segments, outcome as usize - 1, time, sum);
        }
        Ok(true)
    }
}
