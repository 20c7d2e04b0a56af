//! Operators between two vectors: one-to-one and many-to-one matching, `group_*` labels, `fill*`.

use std::collections::HashMap;

use kymo_engine::labels::{Labels, METRIC_NAME};

use super::EvalError;
use super::binary::{element, is_trim};
use super::column::Marks;
use super::context::Context;
use super::grid::Grid;
use super::series::{Collector, StepSeries, is_metadata, present};
use crate::promql::ast::{BinaryExpr, Cardinality, VectorMatching};

/// The labels by which series of both sides are matched.
pub(super) fn signature(rules: &VectorMatching, labels: &Labels) -> Labels {
    let named = |name: &str| rules.labels.iter().any(|l| l == name);
    if rules.on {
        labels.filter(named)
    } else {
        labels.filter(|name| name != METRIC_NAME && !named(name))
    }
}

/// The series of the one side that share a signature.
#[derive(Default)]
struct Group {
    members: Vec<usize>,
    /// Per step whether the many side had a sample, and whether it gave a result.
    seen: Marks,
    given: Marks,
}

struct Sides<'a> {
    binary: &'a BinaryExpr,
    rules: &'a VectorMatching,
    many: Vec<StepSeries>,
    one: Vec<StepSeries>,
    /// What stands for a missing sample of the many and of the one side.
    fill_many: Option<f64>,
    fill_one: Option<f64>,
    /// The groups by signature.
    index: HashMap<Labels, usize>,
    groups: Vec<Group>,
    /// Per step whether both sides have samples; without them nothing is matched and nothing is ambiguous.
    live: Vec<bool>,
    out: Collector,
}

pub(super) fn eval(
    context: &Context<'_>,
    binary: &BinaryExpr,
    rules: &VectorMatching,
    lhs: Vec<StepSeries>,
    rhs: Vec<StepSeries>,
    grid: Grid,
) -> Result<Vec<StepSeries>, EvalError> {
    if !lhs.is_empty() && !rhs.is_empty() && is_trim(context, binary) {
        return Ok(Vec::new());
    }
    let swapped = rules.card == Cardinality::OneToMany;
    let (many, one) = if swapped { (rhs, lhs) } else { (lhs, rhs) };
    // Prometheus does not swap these two with the sides, so that with `group_right` `fill_left` fills the many side.
    let (fill_many, fill_one) = (rules.fill_left, rules.fill_right);
    let fills = fill_many.is_some() || fill_one.is_some();
    let live = (0..grid.len).map(|i| {
        let any = |side: &[StepSeries]| side.iter().any(|s| present(s.values.get(i)));
        fills || (any(&many) && any(&one))
    });
    let live = live.collect();
    let out = Collector::default();
    let mut sides = Sides {
        binary,
        rules,
        many,
        one,
        fill_many,
        fill_one,
        index: HashMap::new(),
        groups: Vec::new(),
        live,
        out,
    };
    sides.group()?;
    for i in 0..sides.many.len() {
        context.meter.tick(grid.len)?;
        sides.match_series(i, grid)?;
    }
    if sides.fill_many.is_some() {
        sides.fill_missing_many(grid)?;
    }
    let mut out = sides.out.series;
    out.retain(|s| !s.values.is_empty());
    Ok(out)
}

impl Sides<'_> {
    /// Groups the one side; at no step may two series of a group have a sample.
    fn group(&mut self) -> Result<(), EvalError> {
        let mut occupied: Vec<Marks> = Vec::new();
        for (i, series) in self.one.iter().enumerate() {
            let next = self.groups.len();
            let at = *self
                .index
                .entry(signature(self.rules, &series.labels))
                .or_insert(next);
            if at == next {
                self.groups.push(Group::default());
                occupied.push(Marks::default());
            }
            for (step, _) in series.values.iter().filter(|(step, _)| self.live[*step]) {
                if occupied[at].add(step)
                    && let Some(other) = self.one_at(Some(at), step)
                {
                    return Err(self.duplicate(series, &self.one[other]));
                }
            }
            self.groups[at].members.push(i);
        }
        Ok(())
    }

    fn duplicate(&self, series: &StepSeries, other: &StepSeries) -> EvalError {
        let side = if self.rules.card == Cardinality::OneToMany {
            "left"
        } else {
            "right"
        };
        let group = match_labels(self.rules, &series.labels);
        EvalError::execution(format!(
            "found duplicate series for the match group {group:?} on the {side} hand-side of the operation: \
             [{:?}, {:?}];many-to-many matching not allowed: matching labels must be unique on one side",
            series.labels, other.labels
        ))
    }

    /// The series of the group that has a sample at this step.
    fn one_at(&self, group: Option<usize>, step: usize) -> Option<usize> {
        self.groups[group?]
            .members
            .iter()
            .copied()
            .find(|i| present(self.one[*i].values.get(step)))
    }

    fn match_series(&mut self, many: usize, grid: Grid) -> Result<(), EvalError> {
        let group = self
            .index
            .get(&signature(self.rules, &self.many[many].labels))
            .copied();
        let filled = self
            .fill_one
            .map(|_| match_labels(self.rules, &self.many[many].labels));
        let mut slot: Option<(Option<usize>, usize)> = None;
        for step in 0..grid.len {
            let value = self.many[many].values.get(step);
            if !present(value) || !self.live[step] {
                continue;
            }
            let one = self.one_at(group, step);
            if let Some(group) = group {
                self.groups[group].seen.add(step);
            }
            let Some(other) = one.map(|i| self.one[i].values.get(step)).or(self.fill_one) else {
                continue;
            };
            let result = self.value(value, other);
            if !present(result) {
                continue;
            }
            let slot = match slot {
                Some((of, slot)) if of == one => slot,
                _ => {
                    let other = one.map(|i| &self.one[i].labels).or(filled.as_ref());
                    let labels = self.result_labels(&self.many[many].labels, other);
                    let new = self.out.slot(labels, false);
                    slot = Some((one, new));
                    new
                }
            };
            self.give(group, slot, step, result)?;
        }
        Ok(())
    }

    fn value(&self, many: f64, one: f64) -> f64 {
        let (l, r) = if self.rules.card == Cardinality::OneToMany {
            (one, many)
        } else {
            (many, one)
        };
        element(self.binary.op, self.binary.return_bool, l, r, l)
    }

    fn give(&mut self, group: Option<usize>, slot: usize, step: usize, value: f64) -> Result<(), EvalError> {
        if let Some(group) = group {
            let before = self.groups[group].given.add(step);
            if before && self.rules.card == Cardinality::OneToOne {
                return Err(EvalError::execution(
                    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
                ));
            }
            if before && present(self.out.series[slot].values.get(step)) {
                return Err(EvalError::execution(
                    "multiple matches for labels: grouping labels must ensure unique matches",
                ));
            }
        }
        self.out.set(slot, step, value)
    }

    fn result_labels(&self, many: &Labels, one: Option<&Labels>) -> Labels {
        let drop_name = !self.binary.op.is_comparison() || self.binary.return_bool;
        let named = |name: &str| self.rules.labels.iter().any(|l| l == name);
        let one_to_one = self.rules.card == Cardinality::OneToOne;
        let kept = many.filter(|name| {
            !((drop_name && is_metadata(name)) || (one_to_one && named(name) != self.rules.on))
        });
        if self.rules.include.is_empty() {
            return kept;
        }
        let mut labels = kept.to_builder();
        for name in &self.rules.include {
            labels.set(name, one.map_or("", |one| one.value(name)));
        }
        labels.build()
    }

    fn fill_missing_many(&mut self, grid: Grid) -> Result<(), EvalError> {
        let Some(fill) = self.fill_many else { return Ok(()) };
        for one in 0..self.one.len() {
            let group = self
                .index
                .get(&signature(self.rules, &self.one[one].labels))
                .copied();
            let labels = match_labels(self.rules, &self.one[one].labels);
            let labels = self.result_labels(&labels, Some(&self.one[one].labels));
            let mut slot = None;
            for step in 0..grid.len {
                let other = self.one[one].values.get(step);
                if !present(other) || group.is_some_and(|g| self.groups[g].seen.has(step)) {
                    continue;
                }
                let value = self.value(fill, other);
                if present(value) {
                    let slot = *slot.get_or_insert_with(|| self.out.slot(labels.clone(), false));
                    self.out.set(slot, step, value)?;
                }
            }
        }
        Ok(())
    }
}

/// The labels that take part in matching, as messages and filled samples show them.
fn match_labels(rules: &VectorMatching, labels: &Labels) -> Labels {
    signature(rules, labels)
}
