//! How many entries of a group, and of each run of it, have what: texts of a column, shapes. Not for the entries themselves.

use std::sync::Arc;

use super::group::{OpenGroup, made};
use super::header::ColumnPlace;
use crate::error::Result;
use crate::logs::values::{Form, Texts, Values};

/// Most counts by run that are kept for a column.
const COUNTS_MAX: usize = 1 << 16;

/// How many entries have each text.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// The texts.
    pub texts: Texts,
    /// Entries of each.
    pub counts: Vec<u32>,
    /// The same for each run, one after the other, where there are several.
    by_run: Vec<u32>,
}

impl Tally {
    /// Entries of a run that have each text; none where that is not told.
    pub fn of_run(&self, run: usize) -> Option<&[u32]> {
        if self.by_run.is_empty() {
            return (run == 0).then_some(&self.counts);
        }
        self.by_run.chunks_exact(self.texts.len()).nth(run)
    }

    fn byte_len(&self) -> usize {
        self.texts.byte_len() + self.counts.len() * 8 + self.by_run.len() * 4
    }
}

impl OpenGroup<'_> {
    /// How many entries have each text of a column that has a dictionary or one text; none of other columns.
    pub(in crate::logs) fn tally(&self, column: u32) -> Result<Option<Arc<Tally>>> {
        let tally = || {
            let tally = self.read_tally(column)?;
            let bytes = tally.as_ref().map_or(0, Tally::byte_len);
            Ok((tally.map(Arc::new), bytes))
        };
        match self.header().columns[column as usize].place {
            ColumnPlace::Page(page) => Ok(Option::clone(&*self.made(made::TALLY, page, tally)?)),
            ColumnPlace::Inline(_) => Ok(tally()?.0),
        }
    }

    fn read_tally(&self, column: u32) -> Result<Option<Tally>> {
        let form = self.form(column)?;
        if !matches!(form, Some(Form::Const | Form::Dictionary)) {
            return Ok(None);
        }
        // Its codes need not stay when all that is asked for is how many there are of each.
        let tally = match &self.decode_column(column)? {
            Values::Dictionary(texts, codes) => {
                let mut counts = vec![0; texts.len()];
                codes.iter().for_each(|code| counts[usize::from(*code)] += 1);
                let by_run = self.by_run(column, texts.len(), |n| usize::from(codes[n]))?;
                Tally {
                    texts: texts.clone(),
                    counts,
                    by_run,
                }
            }
            Values::Const(text) => {
                let mut texts = Texts::default();
                texts.push(text);
                Tally {
                    texts,
                    counts: vec![self.header().columns[column as usize].rows],
                    by_run: self.by_run(column, 1, |_| 0)?,
                }
            }
            _ => return Ok(None),
        };
        Ok(Some(tally))
    }

    /// Entries of each run by code, where there are several runs.
    fn by_run(&self, column: u32, codes: usize, code: impl Fn(usize) -> usize) -> Result<Vec<u32>> {
        let runs = &self.header().runs;
        if runs.len() < 2 || runs.len() * codes > COUNTS_MAX {
            return Ok(Vec::new());
        }
        let mut counts = vec![0; runs.len() * codes];
        let (has, shapes, mut place) = (self.has(column), self.shapes()?, 0);
        for (run, counts) in runs.iter().zip(counts.chunks_exact_mut(codes.max(1))) {
            let first = run.first as usize;
            for shape in &shapes[first..first + run.rows as usize] {
                if has[*shape as usize] {
                    counts[code(place)] += 1;
                    place += 1;
                }
            }
        }
        Ok(counts)
    }

    /// Entries of each run by shape, one run after the other.
    pub(in crate::logs) fn shape_counts(&self) -> Result<Arc<Vec<u32>>> {
        let header = self.header();
        if header.runs.len() == 1 {
            return Ok(Arc::new(header.shapes.iter().map(|shape| shape.rows).collect()));
        }
        self.made(made::COUNTS, header.shapes_page, || {
            let (shapes, of) = (self.shapes()?, header.shapes.len());
            let mut counts = vec![0; header.runs.len() * of];
            for (run, counts) in header.runs.iter().zip(counts.chunks_exact_mut(of.max(1))) {
                let first = run.first as usize;
                for shape in &shapes[first..first + run.rows as usize] {
                    counts[*shape as usize] += 1;
                }
            }
            let bytes = counts.len() * 4;
            Ok((counts, bytes))
        })
    }
}
