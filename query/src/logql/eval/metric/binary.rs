//! Operators between series, and between series and numbers, time by time.

use hashbrown::{HashMap, HashSet};

use super::{Grid, Series};
use crate::logql::arithmetic;
use crate::logql::ast::Binary;
use crate::logql::eval::{EvalError, LabelSet};
use crate::promql::ast::{BinaryOp, Cardinality};

const DUPLICATE_RIGHT: &str = "found duplicate series on the right hand-side;many-to-many matching not allowed: matching labels must be unique on one side";
const DUPLICATE_LEFT: &str = "found duplicate series on the left hand-side;many-to-many matching not allowed: matching labels must be unique on one side";
const NOT_EXPLICIT: &str =
    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)";
const NOT_UNIQUE: &str = "multiple matches for labels: grouping labels must ensure unique matches";

/// What an operator makes of two numbers. None takes the sample away.
fn apply(of: &Binary, left: f64, right: f64, keep: f64) -> Option<f64> {
    let value = arithmetic(of.op, left, right)?;
    if !of.op.is_comparison() || of.return_bool {
        return Some(value);
    }
    (value != 0.0).then_some(keep)
}

/// An operator between series and a number.
pub(super) fn with_number(
    of: &Binary,
    mut series: Vec<Series>,
    number: f64,
    number_is_left: bool,
) -> Vec<Series> {
    for value in series.iter_mut().flat_map(|s| &mut s.values) {
        *value = value.and_then(|v| match number_is_left {
            true => apply(of, number, v, v),
            false => apply(of, v, number, v),
        });
    }
    series
}

/// The labels by which a series finds the others; one without a value is none.
fn signature(of: &Binary, labels: &LabelSet) -> LabelSet {
    let wanted = labels.filter(|name| of.matching.labels.iter().any(|l| l == name) == of.matching.on);
    wanted.without_empty()
}

pub(super) fn eval(
    of: &Binary,
    left: Vec<Series>,
    right: Vec<Series>,
    grid: &Grid,
) -> Result<Vec<Series>, EvalError> {
    match of.op {
        BinaryOp::And | BinaryOp::Unless => Ok(filter(of, left, &right, grid)),
        BinaryOp::Or => Ok(union(of, left, right, grid)),
        _ => join(of, &left, &right, grid),
    }
}

/// For each signature, at which times some series has a value.
fn presence(of: &Binary, series: &[Series], grid: &Grid) -> HashMap<LabelSet, Vec<bool>> {
    let mut present: HashMap<LabelSet, Vec<bool>> = HashMap::new();
    for one in series {
        let at = present
            .entry(signature(of, &one.labels))
            .or_insert_with(|| vec![false; grid.len()]);
        at.iter_mut()
            .zip(&one.values)
            .for_each(|(at, value)| *at |= value.is_some());
    }
    present
}

fn filter(of: &Binary, mut left: Vec<Series>, right: &[Series], grid: &Grid) -> Vec<Series> {
    let present = presence(of, right, grid);
    for one in &mut left {
        let at = present.get(&signature(of, &one.labels));
        for (n, value) in one.values.iter_mut().enumerate() {
            let there = at.is_some_and(|at| at[n]);
            if there != (of.op == BinaryOp::And) {
                *value = None;
            }
        }
    }
    left
}

fn union(of: &Binary, mut left: Vec<Series>, right: Vec<Series>, grid: &Grid) -> Vec<Series> {
    let present = presence(of, &left, grid);
    let numbers: HashMap<LabelSet, usize> = left
        .iter()
        .enumerate()
        .map(|(n, s)| (s.labels.clone(), n))
        .collect();
    for mut one in right {
        if let Some(at) = present.get(&signature(of, &one.labels)) {
            for (value, there) in one.values.iter_mut().zip(at) {
                *value = value.filter(|_| !there);
            }
        }
        match numbers.get(&one.labels) {
            Some(n) => {
                let into = &mut left[*n].values;
                into.iter_mut().zip(one.values).for_each(|(a, b)| *a = a.or(b));
            }
            None => left.push(one),
        }
    }
    left
}

/// Joins each series of the many to the one of the other side.
fn join(of: &Binary, left: &[Series], right: &[Series], grid: &Grid) -> Result<Vec<Series>, EvalError> {
    let swapped = of.matching.card == Cardinality::OneToMany;
    let (many, one) = if swapped { (right, left) } else { (left, right) };
    let mut ones: HashMap<LabelSet, Vec<&Series>> = HashMap::new();
    for series in one {
        ones.entry(signature(of, &series.labels))
            .or_default()
            .push(series);
    }
    for series in ones.values() {
        check_unique(series, grid, swapped)?;
    }
    let mut out: Vec<Series> = Vec::new();
    let mut numbers: HashMap<LabelSet, usize> = HashMap::new();
    let mut used: HashSet<(LabelSet, usize)> = HashSet::new();
    for series in many {
        let signature = signature(of, &series.labels);
        let Some(others) = ones.get(&signature) else {
            continue;
        };
        for n in 0..grid.len() {
            let partner = others.iter().find_map(|s| Some((s, s.values[n]?)));
            let Some((partner, value)) = partner else {
                continue;
            };
            let Some(own) = series.values[n] else {
                continue;
            };
            if of.matching.card == Cardinality::OneToOne && !used.insert((signature.clone(), n)) {
                return Err(EvalError::Matching(NOT_EXPLICIT));
            }
            let (a, b) = if swapped { (value, own) } else { (own, value) };
            let Some(value) = apply(of, a, b, a) else {
                continue;
            };
            let labels = joined_labels(of, &series.labels, &partner.labels);
            let next = out.len();
            let at = *numbers.entry(labels).or_insert_with_key(|labels| {
                out.push(Series {
                    labels: labels.clone(),
                    values: vec![None; grid.len()],
                });
                next
            });
            if out[at].values[n].replace(value).is_some() {
                return Err(EvalError::Matching(NOT_UNIQUE));
            }
        }
    }
    Ok(out)
}

/// Refuses series that are found by the same labels and have a value at the same time.
fn check_unique(series: &[&Series], grid: &Grid, swapped: bool) -> Result<(), EvalError> {
    let present = |n: usize| series.iter().filter(|s| s.values[n].is_some()).count();
    match series.len() > 1 && (0..grid.len()).any(|n| present(n) > 1) {
        true if swapped => Err(EvalError::Matching(DUPLICATE_LEFT)),
        true => Err(EvalError::Matching(DUPLICATE_RIGHT)),
        false => Ok(()),
    }
}

fn joined_labels(of: &Binary, many: &LabelSet, one: &LabelSet) -> LabelSet {
    let mut labels = match of.matching.card {
        Cardinality::OneToOne if of.has_matching => signature(of, many),
        _ => many.clone(),
    };
    for name in &of.matching.include {
        labels = labels.with(name, one.get(name).unwrap_or(""));
    }
    labels.without_empty()
}
