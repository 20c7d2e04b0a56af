//! Folds the values of series into groups, series after series in their order. The steps are dealt out, so that several
//! cores fold at once and each step still sees the series in their order. Not for finding the groups.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::work::{Part, Values};
use crate::promql::ast::AggregateOp;
use crate::promql::eval::aggregate::{Accumulate, Deviation, Greatest, Least};
use crate::promql::eval::budget::Budget;
use crate::promql::eval::grid::Grid;
use crate::promql::eval::kahan::{Mean, Variance};
use crate::promql::eval::series::{ABSENT, Column, present};

/// Ranges of steps that are folded apart, and steps that one is enough for.
const RANGES: usize = 4;
const FEW_STEPS: usize = 48;

/// The groups of an aggregation.
pub(super) struct Folds {
    steps: Vec<Mutex<Steps>>,
}

/// All groups over a range of steps.
struct Steps {
    from: usize,
    len: usize,
    groups: Groups,
    /// A repeated value.
    same: Vec<f64>,
}

enum Groups {
    Sum(Vec<Sums>),
    Count { of: Vec<Vec<f64>>, one: bool },
    Avg(Vec<Vec<Option<Mean>>>),
    Min(Vec<Vec<Option<Least>>>),
    Max(Vec<Vec<Option<Greatest>>>),
    Variance(Vec<Vec<Option<Variance>>>),
    Deviation(Vec<Vec<Option<Deviation>>>),
}

/// Compensated sums by step.
#[derive(Default)]
struct Sums {
    sum: Vec<f64>,
    rest: Vec<f64>,
    seen: Vec<bool>,
}

impl Sums {
    fn of(len: usize) -> Sums {
        Sums {
            sum: vec![0.0; len],
            rest: vec![0.0; len],
            seen: vec![false; len],
        }
    }

    /// Adds values to steps from `first` on, as `Kahan::add` does to each.
    fn add(&mut self, first: usize, values: &[f64]) {
        let end = first + values.len();
        let (sums, rests) = (&mut self.sum[first..end], &mut self.rest[first..end]);
        let seen = &mut self.seen[first..end];
        for (((value, sum), rest), seen) in values.iter().zip(sums).zip(rests).zip(seen) {
            let is = present(*value);
            let total = *sum + *value;
            let lost = if sum.abs() >= value.abs() {
                (*sum - total) + *value
            } else {
                (*value - total) + *sum
            };
            let left = if total.is_infinite() { 0.0 } else { *rest + lost };
            *rest = if is { left } else { *rest };
            *sum = if is { total } else { *sum };
            *seen |= is;
        }
    }

    fn finish(&self, out: &mut Vec<f64>) {
        let each = self.sum.iter().zip(&self.rest).zip(&self.seen);
        out.extend(each.map(|((sum, rest), seen)| match seen {
            false => ABSENT,
            true if sum.is_infinite() => *sum,
            true => sum + rest,
        }));
    }
}

fn add_each<A: Accumulate>(steps: &mut [Option<A>], values: &[f64]) {
    for (step, value) in steps.iter_mut().zip(values).filter(|(_, v)| present(**v)) {
        step.get_or_insert_default().add(*value);
    }
}

fn finish_each<A: Accumulate>(steps: &[Option<A>], out: &mut Vec<f64>) {
    out.extend(steps.iter().map(|step| step.as_ref().map_or(ABSENT, A::finish)));
}

impl Groups {
    fn of(op: AggregateOp) -> Option<Groups> {
        Some(match op {
            AggregateOp::Sum => Groups::Sum(Vec::new()),
            AggregateOp::Count | AggregateOp::Group => Groups::Count {
                of: Vec::new(),
                one: op == AggregateOp::Group,
            },
            AggregateOp::Avg => Groups::Avg(Vec::new()),
            AggregateOp::Min => Groups::Min(Vec::new()),
            AggregateOp::Max => Groups::Max(Vec::new()),
            AggregateOp::Stdvar => Groups::Variance(Vec::new()),
            AggregateOp::Stddev => Groups::Deviation(Vec::new()),
            _ => return None,
        })
    }

    fn grow(&mut self, groups: usize, len: usize) {
        match self {
            Groups::Sum(of) => of.resize_with(groups, || Sums::of(len)),
            Groups::Count { of, .. } => of.resize_with(groups, || vec![0.0; len]),
            Groups::Avg(of) => of.resize_with(groups, || vec![None; len]),
            Groups::Min(of) => of.resize_with(groups, || vec![None; len]),
            Groups::Max(of) => of.resize_with(groups, || vec![None; len]),
            Groups::Variance(of) => of.resize_with(groups, || vec![None; len]),
            Groups::Deviation(of) => of.resize_with(groups, || vec![None; len]),
        }
    }

    fn add(&mut self, group: usize, first: usize, values: &[f64]) {
        match self {
            Groups::Sum(of) => of[group].add(first, values),
            Groups::Count { of, .. } => {
                let counts = of[group][first..].iter_mut().zip(values);
                counts.for_each(|(count, value)| *count += f64::from(u8::from(present(*value))));
            }
            Groups::Avg(of) => add_each(&mut of[group][first..], values),
            Groups::Min(of) => add_each(&mut of[group][first..], values),
            Groups::Max(of) => add_each(&mut of[group][first..], values),
            Groups::Variance(of) => add_each(&mut of[group][first..], values),
            Groups::Deviation(of) => add_each(&mut of[group][first..], values),
        }
    }

    /// Adds the same value to some steps where that is known to be less work; false where it is not.
    fn add_same(&mut self, group: usize, steps: Range<usize>, value: f64) -> bool {
        match self {
            // Zero changes nothing but that there is a value: no sum here ever is minus zero.
            Groups::Sum(of) if value.to_bits() == 0 => of[group].seen[steps].fill(true),
            Groups::Count { of, .. } => of[group][steps].iter_mut().for_each(|count| *count += 1.0),
            _ => return false,
        }
        true
    }

    fn finish(&self, group: usize, out: &mut Vec<f64>) {
        match self {
            Groups::Sum(of) => of[group].finish(out),
            Groups::Count { of, one } => out.extend(of[group].iter().map(|count| match *count {
                0.0 => ABSENT,
                _ if *one => 1.0,
                count => count,
            })),
            Groups::Avg(of) => finish_each(&of[group], out),
            Groups::Min(of) => finish_each(&of[group], out),
            Groups::Max(of) => finish_each(&of[group], out),
            Groups::Variance(of) => finish_each(&of[group], out),
            Groups::Deviation(of) => finish_each(&of[group], out),
        }
    }
}

impl Steps {
    fn add(&mut self, parts: &[Part], groups: usize) {
        self.groups.grow(groups, self.len);
        let end = self.from + self.len;
        for part in parts {
            for row in &part.rows {
                let from = self.from.max(row.first);
                let to = end.min(row.first + row.values.len());
                if from >= to {
                    continue;
                }
                let first = from - self.from;
                match &row.values {
                    Values::Slots(range) => {
                        let values = &part.values[range.clone()][from - row.first..to - row.first];
                        self.groups.add(row.group, first, values);
                    }
                    Values::Same(value, _) => {
                        if !self
                            .groups
                            .add_same(row.group, first..first + (to - from), *value)
                        {
                            self.same.clear();
                            self.same.resize(to - from, *value);
                            self.groups.add(row.group, first, &self.same);
                        }
                    }
                }
            }
        }
    }
}

impl Folds {
    /// Bytes that a group takes for each step, at most.
    pub(super) const BYTES: usize = 48;

    /// No groups yet; none when the operator does not fold.
    pub(super) fn of(op: AggregateOp, grid: Grid) -> Option<Folds> {
        let ranges = if grid.len < FEW_STEPS { 1 } else { RANGES };
        let share = grid.len.div_ceil(ranges);
        let mut steps = Vec::with_capacity(ranges);
        for i in 0..ranges {
            let from = (i * share).min(grid.len);
            steps.push(Mutex::new(Steps {
                from,
                len: (from + share).min(grid.len) - from,
                groups: Groups::of(op)?,
                same: Vec::new(),
            }));
        }
        Some(Folds { steps })
    }

    /// Adds the rows of a batch, whose groups are known.
    pub(super) fn add(&mut self, budget: &Budget<'_>, parts: &[Part], groups: usize) {
        let fold = |i: usize| {
            let mut steps = self.steps[i].lock().unwrap_or_else(PoisonError::into_inner);
            steps.add(parts, groups);
        };
        if self.steps.len() == 1 || parts.len() == 1 {
            (0..self.steps.len()).for_each(fold);
        } else {
            (budget.executor)(self.steps.len(), &fold);
        }
    }

    /// The values of each group.
    pub(super) fn finish(self, groups: usize) -> Vec<Column> {
        let steps: Vec<Steps> = self
            .steps
            .into_iter()
            .map(|steps| steps.into_inner().unwrap_or_else(PoisonError::into_inner))
            .collect();
        let mut values = Vec::new();
        let column = |group| {
            values.clear();
            steps
                .iter()
                .for_each(|steps| steps.groups.finish(group, &mut values));
            values.iter().copied().collect()
        };
        (0..groups).map(column).collect()
    }
}
