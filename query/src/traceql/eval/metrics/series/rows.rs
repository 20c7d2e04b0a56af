//! The rows of a table that functions go through, and how they are counted. Not for functions that fold values otherwise.

use std::ops::Range;

use kymo_engine::traces::{ABSENT, Table};

use super::super::super::group::Grouper;
use super::super::sketch::Sketch;
use super::super::stretches::Stretch;
use super::{Weights, at};

/// The rows of a table in some of the steps.
pub(super) struct Rows<'a> {
    pub(super) table: &'a Table,
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
        for (_, stretch) in self.within() {
            visit(stretch.rows.clone(), stretch.step - self.from);
        }
    }

    /// The stretches of the steps by number.
    fn within(&self) -> impl Iterator<Item = (usize, &Stretch)> {
        let steps = self.from..self.from + self.width;
        let all = self.stretches.iter().enumerate();
        all.filter(move |(_, stretch)| steps.contains(&stretch.step))
    }

    /// Where the table knows how often each code occurs and all rows count: the longest stretch, in which those codes are that
    /// are not in the others, and what the table knows.
    fn spared(&self, codes: &[u32]) -> Option<(usize, &[(u32, u32)])> {
        let known = self.table.code_counts(codes).filter(|_| self.kept.is_none())?;
        let rows: usize = self.within().map(|(_, stretch)| stretch.rows.len()).sum();
        let (longest, _) = self.within().max_by_key(|(_, stretch)| stretch.rows.len())?;
        (rows == self.table.rows()).then_some((longest, known))
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

/// Groups whose values are gathered before they are counted.
const GATHERED: usize = 256;

/// The values of each group and step, where all rows have the same weight.
pub(super) fn sketches(rows: &Rows<'_>, grouper: &mut Grouper<'_, '_>, values: &[i64]) -> Vec<Sketch> {
    if rows.kept.is_none() && grouper.is_single() {
        let mut cells = vec![Sketch::default(); rows.width];
        rows.each_stretch(|rows, step| cells[step].add_whole(&values[rows]));
        return cells;
    }
    let mut cells: Vec<Sketch> = Vec::new();
    let mut gathered: Vec<Vec<i64>> = vec![Vec::new(); GATHERED];
    rows.each_stretch(|range, step| {
        // Going through the groups must not cost more than the rows.
        let gather = if range.len() < GATHERED { 0 } else { GATHERED };
        for row in range.filter(|row| rows.kept.is_none_or(|kept| kept[*row])) {
            let group = grouper.of(row) as usize;
            if group < gather {
                gathered[group].push(values[row]);
            } else if values[row] >= 2 {
                at(&mut cells, group * rows.width + step, rows.width).add(values[row] as f64, 1);
            }
        }
        let gathered = gathered[..gather].iter_mut().enumerate();
        for (group, values) in gathered.filter(|(_, values)| !values.is_empty()) {
            at(&mut cells, group * rows.width + step, rows.width).add_whole(values);
            values.clear();
        }
    });
    cells
}

/// Counts codes first and names their groups afterwards.
fn counts_of_codes(rows: &Rows<'_>, grouper: &mut Grouper<'_, '_>, codes: &[u32], count: usize) -> Vec<u64> {
    // One more for the rows without a code.
    let slots = count + 1;
    let mut counted = vec![0u32; slots * rows.width];
    let spared = rows.spared(codes);
    for (number, stretch) in rows.within() {
        if spared.is_some_and(|(longest, _)| longest == number) {
            continue;
        }
        let step = stretch.step - rows.from;
        let counted = &mut counted[step * slots..(step + 1) * slots];
        let codes = &codes[stretch.rows.clone()];
        match rows.kept.map(|kept| &kept[stretch.rows.clone()]) {
            None => codes
                .iter()
                .for_each(|code| counted[(*code as usize).min(count)] += 1),
            Some(kept) => codes
                .iter()
                .zip(kept)
                .for_each(|(code, kept)| counted[(*code as usize).min(count)] += u32::from(*kept)),
        }
    }
    if let Some((longest, known)) = spared {
        let step = rows.stretches[longest].step - rows.from;
        for (code, all) in known.iter().filter(|(code, _)| (*code as usize) < count) {
            let of_code = |step: usize| step * slots + *code as usize;
            let others: u32 = (0..rows.width).map(|step| counted[of_code(step)]).sum();
            counted[of_code(step)] += all.saturating_sub(others);
        }
    }
    let mut cells = Vec::new();
    for (step, counted) in counted.chunks(slots).enumerate() {
        for (code, n) in counted.iter().enumerate().filter(|(_, n)| **n > 0) {
            let group = grouper.of_code(if code == count { ABSENT } else { code as u32 });
            *at(&mut cells, group as usize * rows.width + step, rows.width) += u64::from(*n);
        }
    }
    cells
}
