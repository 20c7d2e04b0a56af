//! `and`, `or`, `unless`.

use std::collections::HashMap;

use kymo_engine::labels::Labels;

use super::EvalError;
use super::column::Marks;
use super::matching::signature;
use super::series::{Collector, StepSeries};
use crate::promql::ast::{BinaryOp, VectorMatching};

/// Per match group and step whether a side has a sample.
fn presence(rules: &VectorMatching, side: &[StepSeries]) -> HashMap<Labels, Marks> {
    let mut groups: HashMap<Labels, Marks> = HashMap::new();
    for series in side {
        let group = groups.entry(signature(rules, &series.labels)).or_default();
        for step in series.steps() {
            group.add(step);
        }
    }
    groups
}

/// Keeps the samples at whose step the group's presence is `wanted`.
fn keep(rules: &VectorMatching, side: &mut Vec<StepSeries>, groups: &HashMap<Labels, Marks>, wanted: bool) {
    side.retain_mut(|series| {
        match groups.get(&signature(rules, &series.labels)) {
            Some(group) => series.retain_steps(|step| group.has(step) == wanted),
            None if wanted => return false,
            None => {}
        }
        !series.is_empty()
    });
}

pub(super) fn eval(
    op: BinaryOp,
    rules: &VectorMatching,
    mut lhs: Vec<StepSeries>,
    mut rhs: Vec<StepSeries>,
) -> Result<Vec<StepSeries>, EvalError> {
    if op != BinaryOp::Or {
        keep(rules, &mut lhs, &presence(rules, &rhs), op == BinaryOp::And);
        return Ok(lhs);
    }
    keep(rules, &mut rhs, &presence(rules, &lhs), false);
    let mut out = Collector::default();
    for series in lhs.into_iter().chain(rhs) {
        out.add(series)?;
    }
    Ok(out.series)
}
