//! Expressions of numbers, over a grid of times: windows to series, series to series.
//! Not for lines: what they give comes in from outside (see [`Source`]).

mod aggregate;
mod binary;
mod replace;
pub(in crate::logql) mod window;

use super::{EvalError, LabelSet};
use crate::logql::ast::{Grouping, Metric, RangeAggregation, RangeOp, VectorAggregation, VectorOp};
use crate::logql::check::literal;

/// The times of an answer, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// The first.
    pub start: i64,
    /// The last, inclusive.
    pub end: i64,
    /// From one to the next; 0 for one time only.
    pub step: i64,
}

impl Grid {
    /// One time.
    pub fn instant(time: i64) -> Grid {
        Grid {
            start: time,
            end: time,
            step: 0,
        }
    }

    /// Number of times.
    pub fn len(&self) -> usize {
        match self.step {
            0 => 1,
            step => usize::try_from(self.end.saturating_sub(self.start) / step).map_or(0, |n| n + 1),
        }
    }

    /// True without times.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The times in order.
    pub fn times(&self) -> impl ExactSizeIterator<Item = i64> + Clone + use<> {
        let (start, step) = (self.start, self.step);
        (0..self.len()).map(move |n| start.saturating_add(step.saturating_mul(n as i64)))
    }
}

/// Numbers of one series at some times, in any order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Samples {
    /// Labels.
    pub labels: LabelSet,
    /// Nanoseconds and numbers: one for each line, or for lines that are in the same windows the sum of theirs, where sums are asked
    /// for.
    pub points: Vec<(i64, f64)>,
}

/// What is asked of lines.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'q> {
    /// The window function.
    pub of: &'q RangeAggregation,
    /// The groups in which its series are summed up, where nothing else becomes of them: they may be given by group.
    pub outer: Option<&'q Grouping>,
    /// Lines have a time after this one,
    pub after: i64,
    /// and not after this one.
    pub last: i64,
    /// Windows touch or overlap, so that every line is in one.
    pub gapless: bool,
    /// The times at which windows end, before the offset is taken off.
    pub grid: Grid,
}

/// Gives the numbers of lines.
pub type Source<'s> = dyn FnMut(&Asked<'_>) -> Result<Vec<Samples>, EvalError> + 's;

/// A series of an answer: a value for each time of the grid, or none.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Labels.
    pub labels: LabelSet,
    /// By place in the grid.
    pub values: Vec<Option<f64>>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number, where the expression has numbers only.
    Scalar(f64),
    /// Series. At an instant those of `sort`, `topk` and the like are in their order, others by labels.
    Series(Vec<Series>),
}

/// Evaluates an expression at every time of a grid.
///
/// # Errors
/// Those of the source, and series that do not go together.
pub fn eval(metric: &Metric, grid: &Grid, source: &mut Source<'_>) -> Result<Value, EvalError> {
    if let Some(n) = literal(metric) {
        return Ok(Value::Scalar(n));
    }
    let mut series = vector(metric, grid, source)?;
    series.retain(|s| s.values.iter().any(Option::is_some));
    if grid.len() > 1 || !keeps_order(metric) {
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
    }
    Ok(Value::Series(series))
}

/// True for expressions that say in which order series stand.
fn keeps_order(metric: &Metric) -> bool {
    let Metric::Vector(vector) = metric else {
        return false;
    };
    vector.op.takes_count() || matches!(vector.op, VectorOp::Sort | VectorOp::SortDesc)
}

/// The window function whose lines can be put into the groups of a sum at once.
fn summed(of: &VectorAggregation) -> Option<&RangeAggregation> {
    let Metric::Range(range) = &of.inner else {
        return None;
    };
    let adds_up = matches!(
        range.op,
        RangeOp::CountOverTime
            | RangeOp::Rate
            | RangeOp::BytesRate
            | RangeOp::BytesOverTime
            | RangeOp::SumOverTime
    );
    (of.op == VectorOp::Sum && adds_up && range.grouping.is_none()).then_some(range)
}

fn vector(metric: &Metric, grid: &Grid, source: &mut Source<'_>) -> Result<Vec<Series>, EvalError> {
    match metric {
        Metric::Range(range) => window::eval(range, None, grid, source),
        Metric::Vector(of) => {
            if of.op == VectorOp::ApproxTopk && grid.step > 0 {
                return Err(EvalError::InstantOnly("approx_topk"));
            }
            let inner = match summed(of) {
                Some(range) => {
                    let all = Grouping::default();
                    let outer = of.grouping.as_ref().unwrap_or(&all);
                    window::eval(range, Some(outer), grid, source)?
                }
                None => vector(&of.inner, grid, source)?,
            };
            Ok(aggregate::eval(of, inner, grid))
        }
        Metric::Binary(of) => match (literal(&of.left), literal(&of.right)) {
            (Some(left), _) => Ok(binary::with_number(
                of,
                vector(&of.right, grid, source)?,
                left,
                true,
            )),
            (_, Some(right)) => Ok(binary::with_number(
                of,
                vector(&of.left, grid, source)?,
                right,
                false,
            )),
            _ => {
                let left = vector(&of.left, grid, source)?;
                let right = vector(&of.right, grid, source)?;
                binary::eval(of, left, right, grid)
            }
        },
        Metric::LabelReplace(of) => replace::eval(&of.replacement, vector(&of.inner, grid, source)?, grid),
        Metric::Number(n) | Metric::VectorOf(n) => Ok(vec![Series {
            labels: LabelSet::default(),
            values: vec![Some(*n); grid.len()],
        }]),
    }
}

#[cfg(test)]
mod tests;
