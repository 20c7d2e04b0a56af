//! Stages of a pipeline over the spansets of one trace. Not for the stages that a table goes through as a whole.

use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use hashbrown::HashMap;
use kymo_engine::traces::Value;

use super::super::ast::{BinaryOp, Comparison, ScalarOp, Static};
use super::super::value;
use super::aggregate::aggregate;
use super::error::EvalError;
use super::operand::answered;
use super::select::Evaluated;
use super::spansets::{Filter, Scalar, Spansets, Stage, Work};

/// Spans of one trace.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Spanset {
    /// In ascending order.
    pub(super) rows: Vec<u32>,
    /// What stages have said of it.
    pub(super) attributes: Vec<(Arc<str>, Value)>,
}

impl Spanset {
    pub(super) fn of(rows: Vec<u32>) -> Spanset {
        Spanset {
            rows,
            attributes: Vec::new(),
        }
    }
}

/// Takes the spansets of a trace, whose rows are given, through stages. Spansets without spans are dropped.
pub(super) fn run(
    work: &Work<'_>,
    stages: &[Stage],
    trace: &Range<u32>,
    mut sets: Vec<Spanset>,
) -> Result<Vec<Spanset>, EvalError> {
    for stage in stages {
        sets = match stage {
            Stage::Spansets(expr) => keep(work, expr, trace, sets)?,
            Stage::Group { expr, text } => {
                let values = Evaluated::new(expr, &work.frame)?;
                sets.into_iter()
                    .flat_map(|set| split(set, &values, text))
                    .collect()
            }
            Stage::Coalesce => coalesce(sets),
            Stage::Select => sets,
            Stage::Filter(filter) => {
                let mut kept = Vec::new();
                for set in sets {
                    kept.extend(compare(work, filter, trace, set)?);
                }
                kept
            }
        };
        sets.retain(|set| !set.rows.is_empty());
        if sets.is_empty() {
            break;
        }
    }
    Ok(sets)
}

fn keep(
    work: &Work<'_>,
    expr: &Spansets,
    trace: &Range<u32>,
    sets: Vec<Spanset>,
) -> Result<Vec<Spanset>, EvalError> {
    if sets.len() > 1 && matches!(expr, Spansets::Op { .. } | Spansets::Pipeline(_)) {
        return Err(EvalError::ManySpansets);
    }
    let rows = trace;
    let at = rows.start as usize..rows.end as usize;
    let mut kept = Vec::with_capacity(sets.len());
    for mut set in sets {
        let mut input = vec![false; at.len()];
        set.rows
            .iter()
            .for_each(|row| input[*row as usize - at.start] = true);
        let Some(found) = work.spansets(expr, &at, Some(&input))? else {
            continue;
        };
        set.rows = rows
            .clone()
            .filter(|row| found[*row as usize - at.start])
            .collect();
        kept.push(set);
    }
    Ok(kept)
}

/// A value by which spans are grouped: equal when it is the same to the bit.
#[derive(Debug, Clone)]
pub(super) struct Key(pub(super) Static);

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        match (&self.0, &other.0) {
            (Static::Float(a), Static::Float(b)) => a.to_bits() == b.to_bits(),
            (a, b) => a == b,
        }
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(&self.0).hash(state);
        match &self.0 {
            Static::Nil => {}
            Static::Int(n) | Static::Duration(n) => n.hash(state),
            Static::Float(x) => x.to_bits().hash(state),
            Static::String(text) => text.hash(state),
            Static::Bool(b) => b.hash(state),
            Static::Status(status) => status.hash(state),
            Static::Kind(kind) => kind.hash(state),
        }
    }
}

/// Groups in the order of their first spans.
fn split(set: Spanset, values: &Evaluated<'_, '_>, text: &Arc<str>) -> Vec<Spanset> {
    let mut numbers: HashMap<Key, usize> = HashMap::new();
    let mut groups: Vec<Spanset> = Vec::new();
    for row in &set.rows {
        let key = Key(values.cell(*row as usize).first().unwrap_or(Static::Nil));
        let number = *numbers.entry(key).or_insert_with_key(|key| {
            let mut attributes = set.attributes.clone();
            attributes.push((text.clone(), answered(&key.0)));
            groups.push(Spanset {
                rows: Vec::new(),
                attributes,
            });
            groups.len() - 1
        });
        groups[number].rows.push(*row);
    }
    groups
}

fn coalesce(sets: Vec<Spanset>) -> Vec<Spanset> {
    let mut rows: Vec<u32> = sets.into_iter().flat_map(|set| set.rows).collect();
    rows.sort_unstable();
    rows.dedup();
    vec![Spanset::of(rows)]
}

/// The spanset when the comparison holds, with its aggregates. Where pipelines are compared it is what they kept.
fn compare(
    work: &Work<'_>,
    filter: &Filter,
    trace: &Range<u32>,
    mut set: Spanset,
) -> Result<Option<Spanset>, EvalError> {
    let mut said = Vec::new();
    let mut kept: Option<Vec<u32>> = None;
    let lhs = scalar(work, &filter.lhs, trace, &set.rows, &mut said, &mut kept)?;
    let rhs = scalar(work, &filter.rhs, trace, &set.rows, &mut said, &mut kept)?;
    let (Some(lhs), Some(rhs)) = (lhs, rhs) else {
        return Ok(None);
    };
    if value::compare(comparison(filter.op), &lhs, &rhs) != Some(true) {
        return Ok(None);
    }
    set.attributes.extend(said);
    if let Some(mut rows) = kept {
        rows.sort_unstable();
        rows.dedup();
        set.rows = rows;
    }
    Ok(Some(set))
}

fn comparison(op: Comparison) -> BinaryOp {
    match op {
        Comparison::Equal => BinaryOp::Equal,
        Comparison::NotEqual => BinaryOp::NotEqual,
        Comparison::Less => BinaryOp::Less,
        Comparison::LessEqual => BinaryOp::LessEqual,
        Comparison::Greater => BinaryOp::Greater,
        Comparison::GreaterEqual => BinaryOp::GreaterEqual,
    }
}

fn arithmetic(op: ScalarOp) -> BinaryOp {
    match op {
        ScalarOp::Add => BinaryOp::Add,
        ScalarOp::Sub => BinaryOp::Sub,
        ScalarOp::Mul => BinaryOp::Mul,
        ScalarOp::Div => BinaryOp::Div,
        ScalarOp::Mod => BinaryOp::Mod,
        ScalarOp::Pow => BinaryOp::Pow,
    }
}

/// The number for some spans of a trace; `None` where nothing has one. `said` takes the aggregates, `kept` the spans of
/// pipelines.
fn scalar(
    work: &Work<'_>,
    of: &Scalar,
    trace: &Range<u32>,
    rows: &[u32],
    said: &mut Vec<(Arc<str>, Value)>,
    kept: &mut Option<Vec<u32>>,
) -> Result<Option<Static>, EvalError> {
    Ok(match of {
        Scalar::Number(value) => Some(value.clone()),
        Scalar::Aggregate { op, expr, text } => {
            let values = expr
                .as_ref()
                .map(|e| Evaluated::new(e, &work.frame))
                .transpose()?;
            let found = aggregate(*op, values.as_ref(), rows);
            if let Some(value) = &found {
                said.push((text.clone(), answered(value)));
            }
            found
        }
        Scalar::Pipeline {
            stages,
            scalar: inner,
        } => {
            let sets = run(work, stages, trace, vec![Spanset::of(rows.to_vec())])?;
            let rows = coalesce(sets).remove(0).rows;
            kept.get_or_insert_default().extend(&rows);
            scalar(work, inner, trace, &rows, said, kept)?
        }
        Scalar::Op { op, lhs, rhs } => {
            let lhs = scalar(work, lhs, trace, rows, said, kept)?;
            let rhs = scalar(work, rhs, trace, rows, said, kept)?;
            lhs.zip(rhs)
                .map(|(a, b)| value::apply(arithmetic(*op), &a, &b))
                .filter(|value| *value != Static::Nil)
        }
    })
}
