//! What a function found in all tables, merged, and the series it makes of it. Not for counting the rows of a table.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use hashbrown::HashMap;

use super::super::super::super::ast::Static;
use super::super::super::super::grid::Grid;
use super::super::super::error::EvalError;
use super::super::super::key::Key;
use super::super::exemplars::Exemplars;
use super::super::line::Line;
use super::super::second::{Drawn, Labels};
use super::super::sketch::Sketch;
use super::{Cells, Function, Kind, Partial, SumCell, Window, extreme};
use crate::promql::eval::Budget;

/// The steps of one group.
enum Steps {
    Counts(Line<u64>),
    Extremes(Line<Option<f64>>),
    Sums(Line<SumCell>),
    Sketches(Line<Sketch>),
    Buckets(BTreeMap<u32, Line<u64>>),
}

impl Steps {
    fn bytes(&self) -> usize {
        match self {
            Steps::Counts(line) => line.bytes(),
            Steps::Extremes(line) => line.bytes(),
            Steps::Sums(line) => line.bytes(),
            Steps::Sketches(line) => line.bytes() + line.iter().map(|(_, s)| s.bytes()).sum::<usize>(),
            Steps::Buckets(lines) => lines.values().map(|line| 64 + line.bytes()).sum(),
        }
    }
}

/// What a function found in all tables so far.
pub(in super::super) struct Total {
    kind: Kind,
    steps: usize,
    numbers: HashMap<Vec<Key>, usize>,
    groups: Vec<(Vec<Key>, Steps)>,
    exemplars: Exemplars,
}

impl Total {
    pub(in super::super) fn new(function: &Function, steps: usize, exemplars: usize) -> Total {
        Total {
            kind: function.kind,
            steps,
            numbers: HashMap::new(),
            groups: Vec::new(),
            exemplars: Exemplars::new(exemplars),
        }
    }

    pub(in super::super) fn take(&mut self, partial: Partial, budget: &Budget<'_>) -> Result<(), EvalError> {
        self.exemplars.take(partial.exemplars, &partial.keys);
        for window in &partial.windows {
            for (group, key) in partial.keys.iter().enumerate() {
                let slots = group * window.width..(group + 1) * window.width;
                if window.cells.has_some(&slots) {
                    self.add(key, window, slots, budget)?;
                }
            }
        }
        Ok(())
    }

    /// Adds the steps of a window of one group.
    fn add(
        &mut self,
        key: &[Key],
        window: &Window,
        slots: Range<usize>,
        budget: &Budget<'_>,
    ) -> Result<(), EvalError> {
        let number = match self.numbers.get(key) {
            Some(number) => *number,
            None => {
                let number = self.groups.len();
                budget.memory.reserve(256 + 64 * key.len())?;
                self.numbers.insert(key.to_vec(), number);
                self.groups.push((key.to_vec(), self.kind.steps()));
                number
            }
        };
        let steps = &mut self.groups[number].1;
        let before = steps.bytes();
        window.cells.give(slots, window.from, steps, self.kind);
        Ok(budget.memory.reserve(steps.bytes().saturating_sub(before))?)
    }

    /// The series with their labels.
    pub(in super::super) fn lines(&self, function: &Function, grid: &Grid) -> Vec<Drawn> {
        let mut lines = Vec::new();
        for (key, steps) in &self.groups {
            let labels = labels(function, key);
            let first = lines.len();
            function.draw(steps, labels, self.steps, grid, &mut lines);
            self.exemplars
                .attach(key, &mut lines[first..], grid, |v| function.scaled(v));
        }
        lines
    }
}

impl Kind {
    fn steps(self) -> Steps {
        match self {
            Kind::Rate | Kind::Count => Steps::Counts(Line::default()),
            Kind::Min | Kind::Max => Steps::Extremes(Line::default()),
            Kind::Avg | Kind::Sum => Steps::Sums(Line::default()),
            Kind::Quantile => Steps::Sketches(Line::default()),
            Kind::Histogram => Steps::Buckets(BTreeMap::new()),
        }
    }
}

impl Cells {
    fn has_some(&self, slots: &Range<usize>) -> bool {
        let within = |len: usize| slots.start.min(len)..slots.end.min(len);
        match self {
            Cells::Counts(list) => list[within(list.len())].iter().any(|n| *n > 0),
            Cells::Extremes(list) => list[within(list.len())].iter().any(Option::is_some),
            Cells::Sums(list) => list[within(list.len())].iter().any(|s| s.weight > 0),
            Cells::Sketches(list) => list[within(list.len())].iter().any(|s| !s.is_empty()),
            Cells::Buckets(list) => list[within(list.len())].iter().any(|b| b.0 != [0; 65]),
        }
    }

    /// Adds the slots of a group, the first of which is that of step `from`.
    fn give(&self, slots: Range<usize>, from: usize, into: &mut Steps, kind: Kind) {
        let base = slots.start;
        match (self, into) {
            (Cells::Counts(list), Steps::Counts(line)) => {
                for slot in slots.filter(|slot| list[*slot] > 0) {
                    *line.at(from + slot - base) += list[slot];
                }
            }
            (Cells::Extremes(list), Steps::Extremes(line)) => {
                for slot in slots.filter(|slot| list[*slot].is_some()) {
                    let cell = line.at(from + slot - base);
                    *cell = extreme(kind == Kind::Min, *cell, list[slot]);
                }
            }
            (Cells::Sums(list), Steps::Sums(line)) => {
                for slot in slots.filter(|slot| list[*slot].weight > 0) {
                    line.at(from + slot - base).merge(&list[slot]);
                }
            }
            (Cells::Sketches(list), Steps::Sketches(line)) => {
                for slot in slots {
                    if !list[slot].is_empty() {
                        line.at(from + slot - base).merge(&list[slot]);
                    }
                }
            }
            (Cells::Buckets(list), Steps::Buckets(lines)) => {
                for slot in slots {
                    let buckets = list[slot].0.iter().enumerate();
                    for (bucket, weight) in buckets.filter(|(_, weight)| **weight > 0) {
                        let line = lines.entry(bucket as u32).or_default();
                        *line.at(from + slot - base) += weight;
                    }
                }
            }
            _ => {}
        }
    }
}

/// The labels of a group: those of no value are left out, unless that leaves none.
fn labels(function: &Function, key: &[Key]) -> Labels {
    let pairs = function
        .labels
        .iter()
        .cloned()
        .zip(key.iter().map(|k| k.0.clone()));
    let mut labels: Labels = pairs.clone().filter(|(_, value)| *value != Static::Nil).collect();
    if labels.is_empty() {
        let nil = |(name, _)| (name, Static::String("nil".into()));
        labels.extend(pairs.take(1).map(nil));
    }
    let named = !matches!(function.kind, Kind::Quantile | Kind::Histogram);
    if labels.is_empty() && named {
        labels.push((Arc::from("__name__"), Static::String(function.name.into())));
    }
    labels
}

impl Function {
    /// Adds the series of a group.
    fn draw(&self, steps: &Steps, labels: Labels, count: usize, grid: &Grid, into: &mut Vec<Drawn>) {
        let unit = self.unit() as f64;
        let drawn = |labels: Labels, value: &dyn Fn(usize) -> Option<f64>| {
            let values = (0..count).map(|step| value(step).unwrap_or(f64::NAN)).collect();
            Drawn::new(labels, values)
        };
        let weight = |line: &Line<u64>, step| line.get(step).copied().unwrap_or(0) as f64 / unit;
        match steps {
            Steps::Counts(line) => {
                let per = if self.kind == Kind::Rate {
                    grid.seconds()
                } else {
                    1.0
                };
                into.push(drawn(labels, &|step| Some(weight(line, step) / per)));
            }
            Steps::Extremes(line) => {
                into.push(drawn(labels, &|step| line.get(step)?.map(|v| self.scaled(v))));
            }
            Steps::Sums(line) => into.push(drawn(labels, &|step| {
                let cell = line.get(step).filter(|cell| cell.weight > 0)?;
                let per = if self.kind == Kind::Avg {
                    cell.weight as f64
                } else {
                    unit
                };
                Some(self.scaled(cell.total() / per))
            })),
            Steps::Sketches(line) => {
                for q in &self.quantiles {
                    let mut labels = labels.clone();
                    labels.push((Arc::from("p"), Static::Float(*q)));
                    into.push(drawn(labels, &|step| {
                        Some(self.scaled(line.get(step)?.quantile(*q, self.unit())?))
                    }));
                }
            }
            Steps::Buckets(lines) => {
                for (bucket, line) in lines {
                    let bound = self.scaled(2f64.powi(*bucket as i32));
                    let mut labels = labels.clone();
                    labels.push((Arc::from("__bucket"), Static::Float(bound)));
                    into.push(drawn(labels, &|step| Some(weight(line, step))));
                }
            }
        }
    }
}
