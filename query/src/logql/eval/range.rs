//! Queries for numbers over a store: what [`super::metric`] asks of lines is taken from parts. Not for lines as such.

mod gather;
mod segments;

use super::metric::{self, Grid, Series, Value};
use super::store::{Stats, Store};
use super::{EvalError, needles};
use crate::logql::ast::Metric;
use crate::logql::pipeline::{Extractor, Pipeline};
use crate::promql::eval::Budget;

/// How a query for numbers is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RangeOptions {
    /// Its times.
    pub grid: Grid,
    /// Most series of the answer; 0 for all.
    pub max_series: usize,
    /// Answers the first series with a warning where there are too many, in place of an error.
    pub partial: bool,
    /// The time that templates take as the present, in nanoseconds since 1970.
    pub now: i64,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Numbers {
    /// The number or the series.
    pub value: Value,
    /// What a user should know.
    pub warnings: Vec<String>,
    /// What was read.
    pub stats: Stats,
}

/// Answers a query for numbers, at one time or at every time of a grid.
///
/// # Errors
/// Lines with `__error__`, series that do not go together, too many series, and what store and budget say.
pub fn range(
    metric: &Metric,
    store: &Store<'_>,
    options: &RangeOptions,
    budget: &Budget<'_>,
) -> Result<Numbers, EvalError> {
    let mut stats = Stats::default();
    let mut reserved = Reserved { budget, bytes: 0 };
    let mut source = |asked: &metric::Asked<'_>| {
        let log = &asked.of.range.log;
        let extractor = Extractor::new(asked.of, asked.outer).map_err(|bad| EvalError::Stage(bad.message))?;
        let times = (asked.after.saturating_add(1), asked.last.saturating_add(1));
        let mut parts = Vec::new();
        for mut scan in needles::scans(log, times.0, times.1) {
            scan.wanted = extractor.wanted().clone();
            parts.extend(store(&scan)?);
        }
        let dropping = Pipeline::dropping(&log.stages).map_err(|bad| EvalError::Stage(bad.message))?;
        let gathering = gather::Gathering {
            log,
            extractor: &extractor,
            gapless: asked.gapless,
            now: options.now,
            times,
            segments: segments::Segments::new(asked),
            dropping: dropping.0,
        };
        let (samples, read) = gathering.run(&parts, &mut reserved)?;
        stats.add(&read);
        Ok(samples)
    };
    let value = metric::eval(metric, &options.grid, &mut source)?;
    let mut numbers = Numbers {
        value,
        warnings: Vec::new(),
        stats,
    };
    if let Value::Series(series) = &mut numbers.value {
        numbers.warnings.extend(limited(series, options)?);
    }
    Ok(numbers)
}

/// Cuts the answer to as many series as may be, or refuses it.
fn limited(series: &mut Vec<Series>, options: &RangeOptions) -> Result<Option<String>, EvalError> {
    let most = options.max_series;
    if most == 0 || series.len() <= most {
        return Ok(None);
    }
    if !options.partial {
        return Err(EvalError::TooManySeries(most));
    }
    series.truncate(most);
    Ok(Some(format!(
        "maximum number of series ({most}) reached for a single query; returning partial results"
    )))
}

/// Bytes of the query's account that are given back with it.
struct Reserved<'b> {
    budget: &'b Budget<'b>,
    bytes: usize,
}

impl Reserved<'_> {
    fn reserve(&mut self, bytes: usize) -> Result<(), EvalError> {
        self.budget.memory.reserve(bytes)?;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.budget.memory.release(self.bytes);
    }
}
