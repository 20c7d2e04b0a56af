//! What is done with series: rankings, comparisons, arithmetic. Not for what they are counted from.

use std::sync::Arc;

use super::super::super::ast::{Comparison, MathOp, Metrics, Rank, Scalar, Static};
use super::super::super::options::MetricsOptions;
use super::super::error::EvalError;
use super::{Leaf, Total};

/// Names and values.
pub(super) type Labels = Vec<(Arc<str>, Static)>;

/// A series with a value for each step, NaN for none.
pub(super) struct Drawn {
    pub(super) labels: Labels,
    pub(super) values: Vec<f64>,
    pub(super) exemplars: Vec<Shown>,
}

/// A span beside a series.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) labels: Labels,
    pub(super) value: f64,
    pub(super) time: i64,
}

impl Drawn {
    pub(super) fn new(labels: Labels, values: Vec<f64>) -> Drawn {
        Drawn {
            labels,
            values,
            exemplars: Vec::new(),
        }
    }

    fn is_empty(&self) -> bool {
        self.values.iter().all(|v| v.is_nan())
    }

    /// True without labels other than the name.
    fn is_unlabelled(&self) -> bool {
        self.labels.iter().all(|(name, _)| &**name == NAME)
    }

    /// The text by which series are ordered and matched.
    pub(super) fn text(&self) -> String {
        let mut pairs: Vec<String> = self
            .labels
            .iter()
            .filter(|(name, _)| &**name != NAME)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.sort_unstable();
        pairs.join(",")
    }
}

const NAME: &str = "__name__";

/// Evaluates what is done with the series; `leaves` are the functions in the order of the text.
pub(super) fn evaluate(
    metrics: &Metrics,
    leaves: &mut dyn Iterator<Item = (&Leaf, &Total)>,
    options: &MetricsOptions<'_>,
) -> Result<Vec<Drawn>, EvalError> {
    Ok(match metrics {
        Metrics::Series(_) | Metrics::Compare(_) => match leaves.next() {
            Some((Leaf::Series(_, function), Total::Series(total))) => total.lines(function, &options.grid),
            Some((Leaf::Compare(_, comparing), Total::Compare(counts))) => {
                comparing.lines(counts, options.grid.steps())
            }
            _ => Vec::new(),
        },
        Metrics::Rank { of, rank, limit } => {
            let lines = evaluate(of, leaves, options)?;
            ranked(lines, *rank, usize::try_from(*limit).unwrap_or(usize::MAX))
        }
        Metrics::Filter { of, op, with } => filtered(evaluate(of, leaves, options)?, *op, number(with)),
        Metrics::Math { op, lhs, rhs } => match (&**lhs, &**rhs) {
            (Metrics::Number(n), of) => {
                let n = number(n);
                mapped(evaluate(of, leaves, options)?, |v| op.apply(n, v))
            }
            (of, Metrics::Number(n)) => {
                let n = number(n);
                mapped(evaluate(of, leaves, options)?, |v| op.apply(v, n))
            }
            (lhs, rhs) => {
                let lhs = evaluate(lhs, leaves, options)?;
                let rhs = evaluate(rhs, leaves, options)?;
                combined(*op, lhs, rhs)
            }
        },
        Metrics::Number(_) => Vec::new(),
    })
}

/// The value of arithmetic without aggregates; durations count in seconds.
fn number(scalar: &Scalar) -> f64 {
    match scalar {
        Scalar::Number(Static::Duration(nanos)) => *nanos as f64 / 1e9,
        Scalar::Number(value) => value.as_f64().unwrap_or(f64::NAN),
        Scalar::Op { op, lhs, rhs } => {
            let (lhs, rhs) = (number(lhs), number(rhs));
            match MathOp::of(op.text()) {
                Some(op) => op.apply(lhs, rhs),
                None => f64::NAN,
            }
        }
        _ => f64::NAN,
    }
}

fn mapped(mut lines: Vec<Drawn>, of: impl Fn(f64) -> f64) -> Vec<Drawn> {
    for line in &mut lines {
        line.values.iter_mut().for_each(|v| *v = of(*v));
    }
    lines
}

/// Without the samples that do not compare so, and the series that have none left.
fn filtered(mut lines: Vec<Drawn>, op: Comparison, with: f64) -> Vec<Drawn> {
    for line in &mut lines {
        for value in line.values.iter_mut().filter(|v| !op.holds(**v, with)) {
            *value = f64::NAN;
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// The best of each step; of equal ones those whose labels come first.
fn ranked(mut lines: Vec<Drawn>, rank: Rank, limit: usize) -> Vec<Drawn> {
    lines.sort_by_cached_key(Drawn::text);
    let steps = lines.first().map_or(0, |line| line.values.len());
    for step in 0..steps {
        let mut order: Vec<usize> = (0..lines.len())
            .filter(|i| !lines[*i].values[step].is_nan())
            .collect();
        order.sort_by(|a, b| {
            let (a, b) = (lines[*a].values[step], lines[*b].values[step]);
            match rank {
                Rank::Top => b.total_cmp(&a),
                Rank::Bottom => a.total_cmp(&b),
            }
        });
        for number in order.into_iter().skip(limit) {
            lines[number].values[step] = f64::NAN;
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// Series of equal labels; one without labels goes with every one of the other side. Where one has no value it counts 0.
fn combined(op: MathOp, lhs: Vec<Drawn>, rhs: Vec<Drawn>) -> Vec<Drawn> {
    let alone = |side: &[Drawn]| side.iter().position(Drawn::is_unlabelled);
    let (left_alone, right_alone) = (alone(&lhs), alone(&rhs));
    let texts = |side: &[Drawn]| -> hashbrown::HashMap<String, usize> {
        side.iter()
            .enumerate()
            .map(|(i, line)| (line.text(), i))
            .collect()
    };
    let mut lines = Vec::new();
    if right_alone.is_some() {
        let index = texts(&rhs);
        for left in &lhs {
            let right = index.get(&left.text()).copied().or(right_alone);
            lines.extend(right.map(|right| joined(op, left, &rhs[right])));
        }
    } else {
        let index = texts(&lhs);
        for right in &rhs {
            let left = index.get(&right.text()).copied().or(left_alone);
            lines.extend(left.map(|left| joined(op, &lhs[left], right)));
        }
    }
    lines
}

fn joined(op: MathOp, lhs: &Drawn, rhs: &Drawn) -> Drawn {
    let or_zero = |v: f64| if v.is_nan() { 0.0 } else { v };
    let pairs = lhs.values.iter().zip(&rhs.values);
    let values = pairs.map(|(a, b)| {
        if a.is_nan() && b.is_nan() {
            f64::NAN
        } else {
            op.apply(or_zero(*a), or_zero(*b))
        }
    });
    let mut drawn = Drawn::new(merged(op, &lhs.labels, &rhs.labels), values.collect());
    drawn.exemplars = lhs.exemplars.iter().chain(&rhs.exemplars).cloned().collect();
    drawn
}

/// The labels of both sides. The name says what was computed when both have one, else there is none.
fn merged(op: MathOp, lhs: &Labels, rhs: &Labels) -> Labels {
    let name = |labels: &Labels| {
        let found = labels.iter().find(|(name, _)| &**name == NAME);
        found.and_then(|(_, value)| match value {
            Static::String(text) => Some(text.clone()),
            _ => None,
        })
    };
    let mut labels: Labels = lhs.iter().filter(|(name, _)| &**name != NAME).cloned().collect();
    for (label, value) in rhs.iter().filter(|(name, _)| &**name != NAME) {
        if !labels.iter().any(|(known, _)| known == label) {
            labels.push((label.clone(), value.clone()));
        }
    }
    if let (Some(left), Some(right)) = (name(lhs), name(rhs)) {
        let text = format!("({left} {} {right})", op.text());
        labels.push((Arc::from(NAME), Static::String(text.into())));
    }
    labels
}
