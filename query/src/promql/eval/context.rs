//! A running query: its data, its meter, its annotations, and the dispatch from expressions to their evaluation.

use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};

use kymo_engine::metrics::{SeriesData, SeriesSet};

use super::annotations::{Annotations, Notes, Severity};
use super::budget::{Budget, Meter, Stats};
use super::grid::Grid;
use super::series::{Column, Histograms, StepSeries, StepValue, merged, without_metadata};
use super::{EvalError, Query, Source, admission, aggregate, binary, call, fused, plan, selector};
use crate::lex::Span;
use crate::promql::ast::{Expr, UnaryExpr, UnaryOp, VectorSelector};

/// What a selector found.
struct Selected {
    set: SeriesSet,
    /// The series one by one, once somebody asks for them.
    series: OnceCell<Vec<SeriesData>>,
}

/// A query that is being evaluated.
pub(super) struct Context<'a> {
    pub(super) query: &'a Query,
    pub(super) grid: Grid,
    pub(super) budget: &'a Budget<'a>,
    pub(super) meter: Meter<'a>,
    notes: RefCell<Notes>,
    /// What each selector found, by its node.
    data: HashMap<usize, Selected>,
    /// Selectors below functions that only count observations, by their node.
    counting: HashSet<usize>,
}

impl<'a> Context<'a> {
    pub(super) fn load(
        query: &'a Query,
        source: &dyn Source,
        budget: &'a Budget<'a>,
    ) -> Result<Context<'a>, EvalError> {
        let grid = query.grid();
        if grid.len > budget.max_samples {
            return Err(EvalError::TooManySamples);
        }
        let mut planned = Vec::new();
        plan::plan(query, &query.expr, grid, &mut planned)?;
        let meter = Meter::new(budget, grid.len);
        budget.check()?;
        let (nodes, selections): (Vec<_>, Vec<_>) =
            planned.into_iter().map(|p| (p.node, p.selection)).unzip();
        let mut data = HashMap::new();
        if !selections.is_empty() {
            let expected = admission::admit(query, source, budget, &selections)?;
            let sets = source.scan(&selections, plan::HINT_LOOKBACK)?;
            for (node, set) in nodes.into_iter().zip(sets) {
                budget.reserve(set.byte_len())?;
                let series = OnceCell::new();
                data.insert(node, Selected { set, series });
            }
            budget.release(expected);
        }
        Ok(Context {
            query,
            grid,
            budget,
            meter,
            notes: RefCell::default(),
            data,
            counting: plan::counting(&query.expr),
        })
    }

    pub(super) fn finish(self) -> (Annotations, Stats) {
        let per_step: Vec<(i64, u64)> = self.grid.times().zip(self.meter.steps.take()).collect();
        let stats = Stats {
            total_queryable_samples: per_step.iter().map(|(_, n)| n).sum(),
            samples_read: self.meter.read.get(),
            peak_samples: self.meter.peak(),
            per_step,
        };
        (self.notes.into_inner().finish(&self.query.text), stats)
    }

    /// True when the selector feeds a function that counts observations only: its histograms then tell of resets.
    pub(super) fn tells_resets(&self, selector: &VectorSelector) -> bool {
        self.counting.contains(&plan::node_id(selector))
    }

    /// The series of a selector one by one, ordered by labels.
    pub(super) fn series_of(&self, node: usize) -> Result<&[SeriesData], EvalError> {
        let Some(selected) = self.data.get(&node) else {
            return Ok(&[]);
        };
        if let Some(series) = selected.series.get() {
            return Ok(series);
        }
        self.budget.reserve(admission::series_bytes(selected.set.len()))?;
        let series = selected.set.to_series()?;
        Ok(selected.series.get_or_init(|| series))
    }

    /// The series of a selector by number.
    pub(super) fn set_of(&self, node: usize) -> Option<&SeriesSet> {
        self.data.get(&node).map(|selected| &selected.set)
    }

    pub(super) fn warn(&self, span: Span, message: impl Into<String>) {
        self.notes
            .borrow_mut()
            .add(Severity::Warning, message.into(), span);
    }

    pub(super) fn inform(&self, span: Span, message: impl Into<String>) {
        self.notes.borrow_mut().add(Severity::Info, message.into(), span);
    }

    pub(super) fn notes(&self) -> std::cell::RefMut<'_, Notes> {
        self.notes.borrow_mut()
    }

    /// Counts samples looked at for step `i` of `grid`; those of subqueries go to the steps of the query in order.
    pub(super) fn count_step(&self, grid: Grid, i: usize, samples: u64) {
        let mut steps = self.meter.steps.borrow_mut();
        let last = steps.len().saturating_sub(1);
        let step = if grid == self.grid { i } else { 0 };
        if let Some(count) = steps.get_mut(step.min(last)) {
            *count += samples;
        }
    }

    /// The value of an expression that is no range vector.
    pub(super) fn value(&self, expr: &Expr, grid: Grid) -> Result<StepValue, EvalError> {
        let level = self.meter.level();
        let value = if grid.len > 1
            && !matches!(expr, Expr::Number(_) | Expr::String(_))
            && plan::is_step_invariant(expr)
        {
            repeat(self.dispatch(expr, Grid::single(grid.start))?, grid.len)
        } else {
            self.dispatch(expr, grid)?
        };
        // What the operands held is gone by now; the result stays.
        self.meter.reset(level);
        let (samples, bytes) = value.size();
        self.meter.hold(samples, bytes)?;
        Ok(value)
    }

    fn dispatch(&self, expr: &Expr, grid: Grid) -> Result<StepValue, EvalError> {
        match expr {
            Expr::Number(number) => Ok(StepValue::Scalar(vec![number.value; grid.len])),
            Expr::String(text) => Ok(StepValue::String(text.value.clone())),
            Expr::Paren(paren) => self.value(&paren.expr, grid),
            Expr::Unary(unary) => self.unary(unary, grid),
            Expr::Binary(binary) => binary::eval(self, binary, grid),
            Expr::Call(call) => match fused::series(self, expr, grid)? {
                Some(series) => Ok(StepValue::Vector(series)),
                None => call::eval(self, call, grid),
            },
            Expr::Aggregate(aggregate) => aggregate::eval(self, aggregate, grid).map(StepValue::Vector),
            Expr::Vector(vector) => match fused::series(self, expr, grid)? {
                Some(series) => Ok(StepValue::Vector(series)),
                None => selector::eval(self, vector, grid).map(StepValue::Vector),
            },
            Expr::Matrix(_) | Expr::Subquery(_) => {
                Err(EvalError::execution("a range vector is no value of a step"))
            }
        }
    }

    /// Takes account of a result about as large as these series before it is made; the result itself is counted afterwards.
    pub(super) fn expect(&self, series: &[StepSeries]) -> Result<(), EvalError> {
        self.meter.hold(0, series.iter().map(|one| one.size().1).sum())
    }

    /// The value of an instant vector.
    pub(super) fn vector(&self, expr: &Expr, grid: Grid) -> Result<Vec<StepSeries>, EvalError> {
        match self.value(expr, grid)? {
            StepValue::Vector(series) => Ok(series),
            _ => Err(EvalError::execution("expected an instant vector")),
        }
    }

    /// The value of a scalar, by step.
    pub(super) fn scalar(&self, expr: &Expr, grid: Grid) -> Result<Vec<f64>, EvalError> {
        match self.value(expr, grid)? {
            StepValue::Scalar(values) => Ok(values),
            _ => Err(EvalError::execution("expected a scalar")),
        }
    }

    /// The value of a string.
    pub(super) fn string(&self, expr: &Expr) -> Result<String, EvalError> {
        match expr.unwrapped() {
            Expr::String(text) => Ok(text.value.clone()),
            _ => Err(EvalError::execution("expected a string")),
        }
    }

    fn unary(&self, unary: &UnaryExpr, grid: Grid) -> Result<StepValue, EvalError> {
        let mut value = self.value(&unary.expr, grid)?;
        if unary.op == UnaryOp::Plus {
            return Ok(value);
        }
        match &mut value {
            StepValue::Scalar(values) => values.iter_mut().for_each(|v| *v = -*v),
            StepValue::Vector(series) => {
                for one in series.iter_mut() {
                    one.values.iter_mut().for_each(|(_, value)| *value = -*value);
                    one.histograms.map(|_, histogram| {
                        let mut negated = histogram.clone();
                        negated.multiply(-1.0);
                        Some(negated)
                    });
                }
                return self.drop_names(std::mem::take(series)).map(StepValue::Vector);
            }
            StepValue::String(_) => {}
        }
        Ok(value)
    }

    /// Drops the names of series whose values have changed: now, or at the end of the query when removal is delayed.
    pub(super) fn drop_names(&self, mut series: Vec<StepSeries>) -> Result<Vec<StepSeries>, EvalError> {
        if self.query.options.delayed_name_removal {
            series.iter_mut().for_each(|s| s.drop_name = true);
            return Ok(series);
        }
        for one in &mut series {
            one.labels = without_metadata(&one.labels);
        }
        merged(series)
    }
}

fn repeat(value: StepValue, len: usize) -> StepValue {
    match value {
        StepValue::Scalar(values) => StepValue::Scalar(vec![values[0]; len]),
        StepValue::String(text) => StepValue::String(text),
        StepValue::Vector(mut series) => {
            for one in &mut series {
                one.values = Column::constant(one.values.get(0), len);
                one.histograms = Histograms::constant(one.histograms.get(0).cloned(), len);
            }
            StepValue::Vector(series)
        }
    }
}
