//! `and`, `or`, `unless`.

use std::collections::HashMap;

use kymo_engine::labels::Labels;

use super::EvalError;
use super::context::Context;
use super::grid::Grid;
use super::matching::signature;
use super::series::{ABSENT, StepSeries, present};
use crate::promql::ast::{BinaryOp, VectorMatching};

/// Per match group and step whether a side has a sample.
fn presence(rules: &VectorMatching, side: &[StepSeries], len: usize) -> HashMap<Labels, Vec<bool>> {
    let mut groups: HashMap<Labels, Vec<bool>> = HashMap::new();
    for series in side {
        let group = groups
            .entry(signature(rules, &series.labels))
            .or_insert_with(|| vec![false; len]);
        for (here, value) in group.iter_mut().zip(&series.values) {
            *here |= present(*value);
        }
    }
    groups
}

/// Keeps the samples at whose step the group's presence is `wanted`.
fn keep(
    rules: &VectorMatching,
    side: &mut Vec<StepSeries>,
    groups: &HashMap<Labels, Vec<bool>>,
    wanted: bool,
) {
    side.retain_mut(|series| {
        match groups.get(&signature(rules, &series.labels)) {
            Some(group) => {
                for (value, _) in series
                    .values
                    .iter_mut()
                    .zip(group)
                    .filter(|(_, here)| **here != wanted)
                {
                    *value = ABSENT;
                }
            }
            None if wanted => return false,
            None => {}
        }
        series.values.iter().any(|v| present(*v))
    });
}

pub(super) fn eval(
    context: &Context<'_>,
    op: BinaryOp,
    rules: &VectorMatching,
    mut lhs: Vec<StepSeries>,
    mut rhs: Vec<StepSeries>,
    grid: Grid,
) -> Result<Vec<StepSeries>, EvalError> {
    if op != BinaryOp::Or {
        keep(
            rules,
            &mut lhs,
            &presence(rules, &rhs, grid.len),
            op == BinaryOp::And,
        );
        return Ok(lhs);
    }
    keep(rules, &mut rhs, &presence(rules, &lhs, grid.len), false);
    let mut out = context.collector(grid);
    for series in lhs.into_iter().chain(rhs) {
        out.add(series)?;
    }
    Ok(out.series)
}
