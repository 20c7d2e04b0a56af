//! The rows of a table that functions go through, and how they are counted. Not for functions that take values of them.

use std::ops::Range;

use kymo_engine::traces::ABSENT;

use super::super::super::group::Grouper;
use super::super::stretches::Stretch;
use super::{Weights, at};

/// The rows of a table in some of the steps.
pub(super) struct Rows<'a> {
    pub(super) stretches: &'a [Stretch],
    pub(super) kept: Option<&'a [bool]>,
    /// The first of the steps, and how many there are.
    pub(super) from: usize,
    pub(super) width: usize,
}

impl Rows<'_> {
    /// Shows each row that has a value with its slot (group and step) and that value.
    pub(super) fn each<T>(
        &self,
        grouper: &mut Grouper<'_, '_>,
        value: impl Fn(usize) -> Option<T>,
        mut visit: impl FnMut(usize, usize, T),
    ) {
        self.each_row(|row, step| {
            if let Some(value) = value(row) {
                visit(row, grouper.of(row) as usize * self.width + step, value);
            }
        });
    }

    /// Shows each kept row with its step.
    fn each_row(&self, mut visit: impl FnMut(usize, usize)) {
        match self.kept {
            None => self.each_stretch(|rows, step| rows.for_each(|row| visit(row, step))),
            Some(kept) => self.each_stretch(|rows, step| {
                for row in rows.filter(|row| kept[*row]) {
                    visit(row, step);
                }
            }),
        }
    }

    /// Shows rows of one step, kept or not.
    pub(super) fn each_stretch(&self, mut visit: impl FnMut(Range<usize>, usize)) {
        for stretch in self.stretches {
            if let Some(step) = stretch.step.checked_sub(self.from)
                && step < self.width
            {
                visit(stretch.rows.clone(), step);
            }
        }
    }

    /// True when all rows count, in one group and with the same weight.
    pub(super) fn are_alike(&self, grouper: &Grouper<'_, '_>, weights: &Weights) -> bool {
        self.kept.is_none() && grouper.is_single() && matches!(weights, Weights::One)
    }
}

/// How many rows there are of each group and step.
pub(super) fn counts(rows: &Rows<'_>, grouper: &mut Grouper<'_, '_>, weights: &Weights) -> Vec<u64> {
    if rows.are_alike(grouper, weights) {
        let mut cells = vec![0; rows.width];
        rows.each_stretch(|rows, step| cells[step] += rows.len() as u64);
        return cells;
    }
    if let (Weights::One, Some((codes, count))) = (weights, grouper.codes()) {
        return counts_of_codes(rows, grouper, codes, count);
    }
    let mut cells = Vec::new();
    rows.each(
        grouper,
        |row| Some(weights.of(row)),
        |_, slot, weight| *at(&mut cells, slot, rows.width) += weight,
    );
    cells
}

/// Counts codes first and names their groups afterwards.
fn counts_of_codes(rows: &Rows<'_>, grouper: &mut Grouper<'_, '_>, codes: &[u32], count: usize) -> Vec<u64> {
    // One more for the rows without a code.
    let mut counted = vec![0u32; (count + 1) * rows.width];
    rows.each_stretch(|range, step| {
        let counted = &mut counted[step * (count + 1)..(step + 1) * (count + 1)];
        match rows.kept {
            None => codes[range]
                .iter()
                .for_each(|code| counted[(*code as usize).min(count)] += 1),
            Some(kept) => {
                let codes = codes[range.clone()].iter().zip(&kept[range]);
                codes.for_each(|(code, kept)| counted[(*code as usize).min(count)] += u32::from(*kept));
            }
        }
    });
    let mut cells = Vec::new();
    for (step, counted) in counted.chunks(count + 1).enumerate() {
        for (code, n) in counted.iter().enumerate().filter(|(_, n)| **n > 0) {
            let group = grouper.of_code(if code == count { ABSENT } else { code as u32 });
            *at(&mut cells, group as usize * rows.width + step, rows.width) += u64::from(*n);
        }
    }
    cells
}
