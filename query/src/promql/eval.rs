//! Evaluates an expression over the series of a [`Source`], all steps of a query at once, series by series.
//! Not for parsing, nor for limits on how long a query may wait: the caller's [`Budget`] brings the clock.

use std::sync::Arc;

use kymo_engine::labels::Labels;
use kymo_engine::metrics::{Estimate, Samples, Selection, SeriesData, SeriesSet};

use super::ast::{Expr, ValueType};
use super::histogram::FloatHistogram;

mod admission;
mod aggregate;
mod annotations;
mod binary;
mod budget;
mod calendar;
mod call;
mod classic;
mod column;
mod context;
mod error;
mod explain;
mod extended;
mod fused;
mod grid;
mod hints;
mod histograms;
mod info;
mod kahan;
mod label_fn;
mod matching;
mod math_fn;
mod memory;
mod native;
mod output;
mod plan;
mod quantile;
mod range_fn;
mod reach;
mod selector;
mod series;
mod setop;
mod sort;
mod subquery;
mod task;
mod told;
mod topk;

pub use annotations::Annotations;
pub use budget::{Budget, BudgetExceeded, Executor, Stats};
pub use error::EvalError;
pub use explain::{Cost, costs, explain};
pub use grid::Grid;
pub use memory::{Account, MemoryPool, OutOfMemory, PoolEmpty};
pub use reach::{Reach, reach};

/// Where the series come from. A query asks once for all of its selectors, so that it sees one state.
pub trait Source: Sync {
    /// The series of every selection, in any order; a series appears once per selection.
    ///
    /// # Errors
    /// Those of the store.
    fn select(&self, selections: &[Selection]) -> kymo_engine::Result<Vec<Vec<SeriesData>>>;

    /// As [`Source::select`], as sets that are read by number, with native histograms as far as `histogram_lookback`
    /// milliseconds before the selected times.
    ///
    /// # Errors
    /// Those of the store.
    fn scan(&self, selections: &[Selection], histogram_lookback: i64) -> kymo_engine::Result<Vec<SeriesSet>> {
        let mut wider = selections.to_vec();
        for selection in &mut wider {
            selection.min_time = selection.min_time.saturating_sub(histogram_lookback);
        }
        let sets = self.select(&wider)?.into_iter().zip(selections);
        Ok(sets
            .map(|(series, of)| SeriesSet::from_series(series, of.min_time, of.max_time))
            .collect())
    }

    /// The most series that any selection can have, known at once.
    fn series_bound(&self) -> u64 {
        0
    }

    /// What a selection would read, from indexes alone; `samples` says whether samples are to be counted too, which takes
    /// longer. `None` when the source cannot tell.
    ///
    /// # Errors
    /// Those of the store.
    fn estimate(&self, _: &Selection, _samples: bool) -> kymo_engine::Result<Option<Estimate>> {
        Ok(None)
    }
}

/// What of Prometheus' behaviour can be switched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvalOptions {
    /// Metric names are dropped at the end of the query instead of by each function.
    pub delayed_name_removal: bool,
    /// Step of subqueries that name none, in milliseconds.
    pub default_subquery_step: i64,
    /// Functions over counters take resets from start timestamps beside the values.
    pub use_start_timestamps: bool,
    /// Series carry `__type__` and `__unit__`: hints about metrics that are no counters go by the type instead of the name.
    pub type_and_unit_labels: bool,
}

impl Default for EvalOptions {
    fn default() -> EvalOptions {
        EvalOptions {
            delayed_name_removal: false,
            default_subquery_step: 60_000,
            use_start_timestamps: false,
            type_and_unit_labels: false,
        }
    }
}

/// A query to evaluate. Times are milliseconds since 1970.
#[derive(Debug, Clone)]
pub struct Query {
    /// The query as it was written; annotations take lines and columns from it.
    pub text: String,
    /// What to evaluate.
    pub expr: Expr,
    /// First step.
    pub start: i64,
    /// Last possible step; equal to `start` for an instant query.
    pub end: i64,
    /// Distance of the steps; 0 makes it an instant query at `start`.
    pub step: i64,
    /// How old the newest sample of a series may be, exclusively. Prometheus' default is 300,000.
    pub lookback: i64,
    /// Switches.
    pub options: EvalOptions,
}

impl Query {
    /// An instant query with the default lookback.
    pub fn instant(text: &str, expr: Expr, time: i64) -> Query {
        Query::range(text, expr, time, time, 0)
    }

    /// A range query with the default lookback.
    pub fn range(text: &str, expr: Expr, start: i64, end: i64, step: i64) -> Query {
        Query {
            text: text.to_owned(),
            expr,
            start,
            end,
            step,
            lookback: 300_000,
            options: EvalOptions::default(),
        }
    }

    fn is_range(&self) -> bool {
        self.step > 0
    }

    fn grid(&self) -> Grid {
        if self.is_range() {
            Grid::new(self.start, self.end, self.step)
        } else {
            Grid::single(self.start)
        }
    }
}

/// One series of a result. In the vector of an instant query it has one sample, a float or a histogram.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The labels.
    pub labels: Labels,
    /// Timestamps and values of the floats.
    pub samples: Samples,
    /// Native histograms with their times in milliseconds since 1970, ascending; at other times than the floats.
    pub histograms: Vec<(i64, Arc<FloatHistogram>)>,
}

impl Series {
    /// True without samples of either kind.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty() && self.histograms.is_empty()
    }
}

/// The result of a query.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number at the time of an instant query.
    Scalar(f64),
    /// A text.
    String(String),
    /// Series with one sample each; in the order of the labels unless the query sorts.
    Vector(Vec<Series>),
    /// Series with their samples, ordered by labels. Range queries give it for vectors and scalars.
    Matrix(Vec<Series>),
}

impl Value {
    /// The type in the JSON of the API.
    pub fn value_type(&self) -> ValueType {
        match self {
            Value::Scalar(_) => ValueType::Scalar,
            Value::String(_) => ValueType::String,
            Value::Vector(_) => ValueType::Vector,
            Value::Matrix(_) => ValueType::Matrix,
        }
    }
}

/// A result with what there is to say about it.
#[derive(Debug)]
pub struct Evaluation {
    /// The result.
    pub value: Value,
    /// Warnings and infos.
    pub annotations: Annotations,
    /// What it cost.
    pub stats: Stats,
}

/// Evaluates a query.
///
/// # Errors
/// [`EvalError`] in Prometheus' words; the source's errors; a breach of the budget.
pub fn eval(query: &Query, source: &dyn Source, budget: &Budget<'_>) -> Result<Evaluation, EvalError> {
    let context = context::Context::load(query, source, budget)?;
    let value = output::top_level(&context)?;
    let (annotations, stats) = context.finish();
    Ok(Evaluation {
        value,
        annotations,
        stats,
    })
}

#[cfg(test)]
mod tests;
