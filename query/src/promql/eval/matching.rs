//! Operators between two vectors: one-to-one and many-to-one matching, `group_*` labels, `fill*`.

use std::collections::HashMap;

use kymo_engine::labels::{Labels, METRIC_NAME};

use super::EvalError;
use super::binary::{Operator, Outcome, changes_metric, operator};
use super::column::Marks;
use super::context::Context;
use super::grid::Grid;
use super::series::{Collector, Sample, StepSeries, is_metadata};
use crate::promql::ast::{BinaryExpr, Cardinality, VectorMatching};
use crate::promql::printer::label_set;

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
    /// Of matches to one: the steps at which a slot has a result.
    results: HashMap<usize, Marks>,
}

struct Sides<'a, 'q> {
    binary: &'a BinaryExpr,
    rules: &'a VectorMatching,
    operator: Operator<'a, 'q>,
    /// Names are dropped when the query ends.
    delayed: bool,
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
    let swapped = rules.card == Cardinality::OneToMany;
    let (many, one) = if swapped { (rhs, lhs) } else { (lhs, rhs) };
    context.expect(&many)?;
    if rules.card != Cardinality::OneToOne {
        context.meter.hold(0, many.len().saturating_mul(grid.len))?;
    }
    // Prometheus does not swap these two with the sides, so that with `group_right` `fill_left` fills the many side.
    let (fill_many, fill_one) = (rules.fill_left, rules.fill_right);
    let fills = fill_many.is_some() || fill_one.is_some();
    let live = (0..grid.len).map(|i| {
        let any = |side: &[StepSeries]| side.iter().any(|s| s.has(i));
        fills || (any(&many) && any(&one))
    });
    let live = live.collect();
    let out = Collector::default();
    let mut sides = Sides {
        binary,
        rules,
        operator: operator(context, binary),
        delayed: context.query.options.delayed_name_removal,
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
    out.retain(|s| !s.is_empty());
    Ok(out)
}

impl Sides<'_, '_> {
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
            for step in series.steps().filter(|step| self.live[*step]) {
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
            "found duplicate series for the match group {} on the {side} hand-side of the operation: \
             [{}, {}];many-to-many matching not allowed: matching labels must be unique on one side",
            label_set(&group),
            label_set(&series.labels),
            label_set(&other.labels)
        ))
    }

    /// The series of the group that has a sample at this step.
    fn one_at(&self, group: Option<usize>, step: usize) -> Option<usize> {
        self.groups[group?]
            .members
            .iter()
            .copied()
            .find(|i| self.one[*i].has(step))
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
            let Some(value) = self.many[many].get(step).filter(|_| self.live[step]) else {
                continue;
            };
            let one = self.one_at(group, step);
            let filling = || self.fill_one.map(Sample::Float);
            let Some(other) = one.and_then(|i| self.one[i].get(step)).or_else(filling) else {
                continue;
            };
            let Some(result) = self.value(&value, &other) else {
                continue;
            };
            if let Some(group) = group {
                self.groups[group].seen.add(step);
            }
            let slot = match slot {
                Some((of, slot)) if of == one => slot,
                _ => {
                    let other = one.map(|i| &self.one[i].labels).or(filled.as_ref());
                    let labels = self.result_labels(&self.many[many].labels, other);
                    let new = self.out.slot(labels, self.drops_later(&self.many[many]));
                    slot = Some((one, new));
                    new
                }
            };
            self.give(group, slot, step, result)?;
        }
        Ok(())
    }

    /// True when the name of a result goes at the end of the query: that of the series it comes from does, or `bool` has made
    /// something else of it.
    fn drops_later(&self, of: &StepSeries) -> bool {
        self.delayed && (self.binary.return_bool || (of.drop_name && !changes_metric(self.binary.op)))
    }

    /// The result for two samples: nothing where they do not go together, and no sample where a comparison drops it.
    fn value(&self, many: &Sample, one: &Sample) -> Option<Option<Sample>> {
        let outcome = if self.rules.card == Cardinality::OneToMany {
            self.operator.apply(one, many)
        } else {
            self.operator.apply(many, one)
        };
        let truth = |holds: bool| Some(Some(Sample::Float(f64::from(u8::from(holds)))));
        match outcome {
            Outcome::Nothing => None,
            Outcome::Keep(_) if self.binary.return_bool => truth(true),
            Outcome::Reject if self.binary.return_bool => truth(false),
            Outcome::Keep(sample) => Some(Some(sample)),
            Outcome::Reject => Some(None),
        }
    }

    /// Takes a result. A comparison that drops its sample still counts as a match.
    fn give(
        &mut self,
        group: Option<usize>,
        slot: usize,
        step: usize,
        sample: Option<Sample>,
    ) -> Result<(), EvalError> {
        if let Some(group) = group {
            let before = self.groups[group].given.add(step);
            if before && self.rules.card == Cardinality::OneToOne {
                return Err(EvalError::execution(
                    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
                ));
            }
            let one_to_one = self.rules.card == Cardinality::OneToOne;
            if !one_to_one && self.groups[group].results.entry(slot).or_default().add(step) {
                return Err(EvalError::execution(
                    "multiple matches for labels: grouping labels must ensure unique matches",
                ));
            }
        }
        match sample {
            Some(sample) => self.out.set_sample(slot, step, sample),
            None => Ok(()),
        }
    }

    fn result_labels(&self, many: &Labels, one: Option<&Labels>) -> Labels {
        let drop_name = changes_metric(self.binary.op) || (self.binary.return_bool && !self.delayed);
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
            let drop_name = self.drops_later(&self.one[one]);
            let mut slot = None;
            for step in 0..grid.len {
                let seen = group.is_some_and(|g| self.groups[g].seen.has(step));
                let Some(other) = self.one[one].get(step).filter(|_| !seen) else {
                    continue;
                };
                if let Some(Some(value)) = self.value(&Sample::Float(fill), &other) {
                    let slot = *slot.get_or_insert_with(|| self.out.slot(labels.clone(), drop_name));
                    self.out.set_sample(slot, step, value)?;
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
