//! Aggregations of series, time by time.

use std::cmp::Ordering;

use hashbrown::HashMap;

use super::window::{mean, variance};
use super::{Grid, Series};
use crate::logql::ast::{Grouping, VectorAggregation, VectorOp};
use crate::logql::eval::LabelSet;

pub(super) fn eval(of: &VectorAggregation, series: Vec<Series>, grid: &Grid) -> Vec<Series> {
    if matches!(of.op, VectorOp::Sort | VectorOp::SortDesc) {
        return sorted(series, of.op == VectorOp::SortDesc);
    }
    let mut groups: Vec<(LabelSet, Vec<Series>)> = Vec::new();
    let mut numbers: HashMap<LabelSet, usize> = HashMap::new();
    for one in series {
        let labels = group_of(&one.labels, of.grouping.as_ref());
        let next = groups.len();
        let n = *numbers.entry(labels).or_insert_with_key(|labels| {
            groups.push((labels.clone(), Vec::new()));
            next
        });
        groups[n].1.push(one);
    }
    if of.op.takes_count() {
        return groups
            .into_iter()
            .flat_map(|(_, members)| chosen(of, members, grid))
            .collect();
    }
    groups
        .into_iter()
        .map(|(labels, members)| {
            let mut present = Vec::with_capacity(members.len());
            let at = |n: usize| {
                present.clear();
                present.extend(members.iter().filter_map(|s| s.values[n]));
                (!present.is_empty()).then(|| combine(of.op, &present))
            };
            Series {
                labels,
                values: (0..grid.len()).map(at).collect(),
            }
        })
        .collect()
}

/// The labels of the group a series belongs to.
pub(in crate::logql) fn group_of(labels: &LabelSet, grouping: Option<&Grouping>) -> LabelSet {
    match grouping {
        None => LabelSet::default(),
        Some(grouping) => labels.filter(|name| grouping.labels.iter().any(|l| l == name) != grouping.without),
    }
}

fn combine(op: VectorOp, values: &[f64]) -> f64 {
    let all = || values.iter().copied();
    let choose = |beats: fn(f64, f64) -> bool| {
        let better = |best: f64, v: f64| if beats(v, best) || best.is_nan() { v } else { best };
        all().skip(1).fold(values[0], better)
    };
    match op {
        VectorOp::Sum => all().sum(),
        VectorOp::Avg => mean(all()),
        VectorOp::Count => values.len() as f64,
        VectorOp::Max => choose(|v, best| v > best),
        VectorOp::Min => choose(|v, best| v < best),
        VectorOp::Stddev => variance(all()).sqrt(),
        VectorOp::Stdvar => variance(all()),
        VectorOp::Bottomk | VectorOp::Topk | VectorOp::ApproxTopk | VectorOp::Sort | VectorOp::SortDesc => {
            f64::NAN
        }
    }
}

/// NaN after every number, whichever way the numbers go.
fn order(a: f64, b: f64, descending: bool) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) if descending => b.partial_cmp(&a).unwrap_or(Ordering::Equal),
        (false, false) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
    }
}

fn sorted(mut series: Vec<Series>, descending: bool) -> Vec<Series> {
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
    let value = |s: &Series| s.values.first().copied().flatten();
    series.sort_by(|a, b| match (value(a), value(b)) {
        (Some(a), Some(b)) => order(a, b, descending),
        (a, b) => b.is_some().cmp(&a.is_some()),
    });
    series
}

/// The series of a group that are among the first at some time, with their values at those times.
fn chosen(of: &VectorAggregation, mut members: Vec<Series>, grid: &Grid) -> Vec<Series> {
    members.sort_by(|a, b| a.labels.cmp(&b.labels));
    let descending = of.op != VectorOp::Bottomk;
    let most = usize::try_from(of.param).unwrap_or(0);
    let mut out: Vec<Series> = Vec::new();
    let mut places: Vec<Option<usize>> = vec![None; members.len()];
    for n in 0..grid.len() {
        let values = members.iter().enumerate();
        let mut present: Vec<(usize, f64)> = values.filter_map(|(m, s)| Some((m, s.values[n]?))).collect();
        present.sort_by(|a, b| order(a.1, b.1, descending));
        for (m, value) in present.into_iter().take(most) {
            let at = *places[m].get_or_insert_with(|| {
                out.push(Series {
                    labels: members[m].labels.clone(),
                    values: vec![None; grid.len()],
                });
                out.len() - 1
            });
            out[at].values[n] = Some(value);
        }
    }
    out
}
