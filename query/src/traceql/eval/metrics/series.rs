//! The metrics functions: what they count of the rows of a table, how that merges, and the series it makes.
//! Not for `compare()`.

use std::sync::Arc;

use kymo_engine::traces::{ABSENT, Column, Field, Value};

use super::super::super::ast::{self, Attribute, Hint, Static, Type};
use super::super::super::grid::Grid;
use super::super::compiled::Attributes;
use super::super::error::EvalError;
use super::super::frame::Frame;
use super::super::group::Grouper;
use super::super::key::Key;
use super::super::operand::Operand;
use super::exemplars::Candidates;
use super::sketch::Sketch;
use super::stretches::Stretches;
use crate::exact::Exact;

mod rows;
mod total;

use rows::{Rows, counts, sketches};

pub(super) use total::Total;

/// Weight of a span where sampling is made up for; 1 otherwise.
const UNIT: u64 = 1 << 20;

/// A function with its grouping, its attributes by number.
pub(super) struct Function {
    kind: Kind,
    quantiles: Vec<f64>,
    name: &'static str,
    /// What is taken of spans, and whether it is a duration.
    of: Option<(usize, bool)>,
    by: Vec<usize>,
    labels: Vec<Arc<str>>,
    extrapolate: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rate,
    Count,
    Min,
    Max,
    Avg,
    Sum,
    Quantile,
    Histogram,
}

/// What is known of one step of one series.
#[derive(Debug, Clone, Default)]
struct SumCell {
    /// In units of weight.
    weight: u64,
    /// Of whole numbers, in units of weight.
    whole: i128,
    fraction: Option<Box<Exact>>,
}

/// By group and step.
enum Cells {
    Counts(Vec<u64>),
    Extremes(Vec<Option<f64>>),
    Sums(Vec<SumCell>),
    Sketches(Vec<Sketch>),
    /// By power of two.
    Buckets(Vec<Buckets>),
}

/// Most steps that are counted at once, so that a table that covers many takes little memory.
const WINDOW: usize = 128;

/// What a function found in one table.
pub(super) struct Partial {
    keys: Vec<Vec<Key>>,
    windows: Vec<Window>,
    exemplars: Candidates,
}

/// What a function found in some steps.
struct Window {
    /// The first step, and how many there are.
    from: usize,
    width: usize,
    cells: Cells,
}

impl Function {
    pub(super) fn new(series: &ast::Series, hints: &[Hint], attributes: &mut Attributes) -> Function {
        let kind = match series.function {
            ast::Function::Rate => Kind::Rate,
            ast::Function::Count => Kind::Count,
            ast::Function::Min(_) => Kind::Min,
            ast::Function::Max(_) => Kind::Max,
            ast::Function::Avg(_) => Kind::Avg,
            ast::Function::Sum(_) => Kind::Sum,
            ast::Function::Quantile(..) => Kind::Quantile,
            ast::Function::Histogram(_) => Kind::Histogram,
        };
        let quantiles = match &series.function {
            ast::Function::Quantile(_, quantiles) => quantiles.clone(),
            _ => Vec::new(),
        };
        let is_duration = |attribute: &Attribute| match attribute {
            Attribute::Intrinsic(intrinsic) => intrinsic.value_type() == Type::Duration,
            Attribute::Named { .. } => false,
        };
        let extrapolate = hints
            .iter()
            .any(|h| h.name == "extrapolate" && h.value == Static::Bool(true));
        Function {
            kind,
            quantiles,
            name: series.function.name(),
            of: series
                .function
                .attribute()
                .map(|attribute| (attributes.number(attribute), is_duration(attribute))),
            by: series
                .by
                .iter()
                .map(|attribute| attributes.number(attribute))
                .collect(),
            labels: series.by.iter().map(|a| Arc::from(a.to_string())).collect(),
            extrapolate: extrapolate && !matches!(kind, Kind::Min | Kind::Max),
        }
    }

    fn unit(&self) -> u64 {
        if self.extrapolate { UNIT } else { 1 }
    }

    /// What values of the function count in seconds or as they are.
    fn scaled(&self, value: f64) -> f64 {
        match self.of {
            Some((_, true)) => value / 1e9,
            _ => value,
        }
    }

    /// Counts the kept rows of a table; without `kept`, all.
    pub(super) fn partial(
        &self,
        frame: &Frame<'_>,
        kept: Option<&[bool]>,
        grid: &Grid,
        exemplars: usize,
    ) -> Result<Partial, EvalError> {
        let stretches = Stretches::of(frame.table, grid)?;
        let (from, width) = (stretches.from, stretches.width);
        let mut grouper = Grouper::new(frame, &self.by)?;
        let operand = self.of.map(|(number, _)| frame.operand(number)).transpose()?;
        let weights = self.weights(frame)?;
        let mut windows = Vec::new();
        for first in (from..from + width).step_by(WINDOW) {
            let rows = Rows {
                table: frame.table,
                stretches: &stretches.list,
                kept,
                from: first,
                width: WINDOW.min(from + width - first),
            };
            windows.push(Window {
                from: rows.from,
                width: rows.width,
                cells: match self.kind {
                    Kind::Rate | Kind::Count => Cells::Counts(counts(&rows, &mut grouper, &weights)),
                    _ => self.measured(&rows, &mut grouper, &weights, operand),
                },
            });
        }
        let mut candidates = Candidates::new(exemplars, grid);
        candidates.collect(frame, kept, operand, &mut grouper)?;
        Ok(Partial {
            keys: grouper.keys,
            windows,
            exemplars: candidates,
        })
    }

    /// The functions that take a value of each span.
    fn measured(
        &self,
        rows: &Rows<'_>,
        grouper: &mut Grouper<'_, '_>,
        weights: &Weights,
        operand: Option<&Operand<'_>>,
    ) -> Cells {
        // Whole numbers that all rows have, durations above all, are read as they lie there.
        match operand.and_then(Operand::whole) {
            Some((values, _)) if self.kind == Kind::Quantile && matches!(weights, Weights::One) => {
                Cells::Sketches(sketches(rows, grouper, values))
            }
            Some((values, _)) => self.folded(rows, grouper, weights, |row| Some(Whole(values[row]))),
            None => self.folded(rows, grouper, weights, |row| operand?.number(row)),
        }
    }

    fn folded<N: Number>(
        &self,
        rows: &Rows<'_>,
        grouper: &mut Grouper<'_, '_>,
        weights: &Weights,
        number: impl Fn(usize) -> Option<N>,
    ) -> Cells {
        let width = rows.width;
        match self.kind {
            Kind::Min | Kind::Max => {
                let least = self.kind == Kind::Min;
                let mut cells: Vec<Option<f64>> = Vec::new();
                rows.each(grouper, number, |_, slot, value| {
                    let cell = at(&mut cells, slot, width);
                    *cell = extreme(least, *cell, Some(value.float()).filter(|x| !x.is_nan()));
                });
                Cells::Extremes(cells)
            }
            Kind::Avg | Kind::Sum => {
                let mut cells: Vec<SumCell> = Vec::new();
                rows.each(grouper, number, |row, slot, value| {
                    at(&mut cells, slot, width).add(&value, weights.of(row));
                });
                Cells::Sums(cells)
            }
            Kind::Histogram => {
                let mut cells: Vec<Buckets> = Vec::new();
                rows.each(grouper, number, |row, slot, value| {
                    if let Some(bucket) = power_bucket(&value) {
                        at(&mut cells, slot, width).0[bucket as usize] += weights.of(row);
                    }
                });
                Cells::Buckets(cells)
            }
            _ => {
                let mut cells: Vec<Sketch> = Vec::new();
                rows.each(grouper, number, |row, slot, value| {
                    let value = value.float();
                    if value >= 2.0 && value.is_finite() {
                        at(&mut cells, slot, width).add(value, weights.of(row));
                    }
                });
                Cells::Sketches(cells)
            }
        }
    }

    fn weights(&self, frame: &Frame<'_>) -> Result<Weights, EvalError> {
        if !self.extrapolate {
            return Ok(Weights::One);
        }
        Ok(match frame.table.column(&Field::TraceState)? {
            Column::Coded { codes, values } => Weights::Coded {
                codes,
                weights: values.iter().map(weight).collect(),
            },
            _ => Weights::Unit,
        })
    }
}

/// The value of a slot; new groups take whole rows of steps.
fn at<T: Clone + Default>(cells: &mut Vec<T>, slot: usize, width: usize) -> &mut T {
    if slot >= cells.len() {
        cells.resize((slot / width + 1) * width, T::default());
    }
    &mut cells[slot]
}

fn extreme(least: bool, a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if least { a.min(b) } else { a.max(b) }),
        (a, b) => a.or(b),
    }
}

/// A number of a span.
trait Number {
    fn float(&self) -> f64;
    /// Unless it is a float.
    fn whole(&self) -> Option<i64>;
}

/// A whole number.
struct Whole(i64);

impl Number for Whole {
    fn float(&self) -> f64 {
        self.0 as f64
    }

    fn whole(&self) -> Option<i64> {
        Some(self.0)
    }
}

impl Number for Static {
    fn float(&self) -> f64 {
        self.as_f64().unwrap_or(f64::NAN)
    }

    fn whole(&self) -> Option<i64> {
        match self {
            Static::Int(n) | Static::Duration(n) => Some(*n),
            _ => None,
        }
    }
}

/// Counts by power of two.
#[derive(Debug, Clone)]
struct Buckets([u64; 65]);

impl Default for Buckets {
    fn default() -> Buckets {
        Buckets([0; 65])
    }
}

/// The exponent of the power of two that is the upper bound of a value's bucket. Values below 2 have none.
fn power_bucket(value: &impl Number) -> Option<u32> {
    let whole = match value.whole() {
        Some(n) => u64::try_from(n).ok()?,
        None => value.float() as u64,
    };
    (whole >= 2).then(|| 64 - (whole - 1).leading_zeros())
}

/// The weights of spans.
enum Weights {
    One,
    /// Of every span the weight of one that was not sampled.
    Unit,
    Coded {
        codes: Arc<[u32]>,
        weights: Vec<u64>,
    },
}

impl Weights {
    fn of(&self, row: usize) -> u64 {
        match self {
            Weights::One => 1,
            Weights::Unit => UNIT,
            Weights::Coded { codes, weights } => match codes[row] {
                ABSENT => UNIT,
                code => weights.get(code as usize).copied().unwrap_or(UNIT),
            },
        }
    }
}

/// For how many spans one stands whose trace state tells the threshold of its sampling (`ot=th:..`).
fn weight(state: &Option<Value>) -> u64 {
    let Some(Value::String(state)) = state else {
        return UNIT;
    };
    let member = state.split(',').find_map(|m| m.trim().strip_prefix("ot="));
    let Some(digits) = member.and_then(|m| m.split(';').find_map(|p| p.strip_prefix("th:"))) else {
        return UNIT;
    };
    let whole = 1u64 << 56;
    match u64::from_str_radix(digits, 16) {
        Ok(threshold) if (1..=14).contains(&digits.len()) => {
            let rejected = threshold << (4 * (14 - digits.len()));
            (UNIT as f64 * (whole as f64 / (whole - rejected) as f64)).round() as u64
        }
        _ => UNIT,
    }
}

impl SumCell {
    fn add(&mut self, value: &impl Number, weight: u64) {
        self.weight += weight;
        match value.whole() {
            Some(n) => self.whole += i128::from(n) * i128::from(weight),
            None => {
                let fraction = self.fraction.get_or_insert_default();
                fraction.add(value.float() * weight as f64);
            }
        }
    }

    fn merge(&mut self, other: &SumCell) {
        self.weight += other.weight;
        self.whole += other.whole;
        if let Some(fraction) = &other.fraction {
            self.fraction.get_or_insert_default().merge(fraction);
        }
    }

    /// In units of weight.
    fn total(&self) -> f64 {
        self.whole as f64 + self.fraction.as_ref().map_or(0.0, |f| f.value())
    }
}
