//! What is certain of a metrics query before all parts are read: the samples of the steps behind everything that is left.
//! Not for sending it.

use std::cmp::Reverse;
use std::ops::Range;

use super::super::super::answer::{FoundSeries, Stats};
use super::super::super::ast::Metrics;
use super::super::super::grid::Grid;
use super::super::super::options::Part;
use super::super::error::EvalError;
use crate::traceql::ast::Function;

/// How far a metrics query is.
pub struct SeriesProgress<'a> {
    /// From this step on samples are certain: the answer has them too. It may have more of those steps, zeros of series that
    /// are first seen in an earlier one.
    pub certain_from: usize,
    /// Parts of the store that are done.
    pub parts_done: usize,
    /// What was looked at so far.
    pub stats: Stats,
    pub(super) draw: &'a Draw<'a>,
}

/// Computes the series as they are by now, with the samples of some steps and without exemplars.
pub(super) type Draw<'a> = dyn Fn(Range<usize>) -> Result<Vec<FoundSeries>, EvalError> + 'a;

/// Is told how far a metrics query is.
pub type SeriesWatch<'a> = dyn FnMut(&SeriesProgress<'_>) -> Result<(), EvalError> + Send + 'a;

impl SeriesProgress<'_> {
    /// The series that have samples in some steps, with those only, and without exemplars. None while there are more series
    /// than asked for.
    ///
    /// # Errors
    /// Those of evaluation.
    pub fn series(&self, steps: Range<usize>) -> Result<Vec<FoundSeries>, EvalError> {
        (self.draw)(steps)
    }
}

/// The parts, those whose spans may start latest first.
pub(super) fn latest_first<'p, 'a>(parts: &'p [Part<'a>]) -> Vec<&'p Part<'a>> {
    let mut order: Vec<&Part<'_>> = parts.iter().collect();
    order.sort_by_key(|part| Reverse(part.last_start));
    order
}

/// The first step that no span of these parts falls into, nor into any later one. The parts are in the order of
/// [`latest_first`].
pub(super) fn certain_from(left: &[&Part<'_>], grid: &Grid) -> usize {
    let Some(next) = left.first() else { return 0 };
    let (first, _) = grid.times();
    match grid.step_of(next.last_start) {
        Some(step) => step + 1,
        None if next.last_start < first => 0,
        None => grid.steps(),
    }
}

/// Whether a step has all its samples once all spans of it are counted. What is compared is chosen by the whole range, and a
/// rank may be that of a series which is first seen in another step.
pub(super) fn is_certain_by_step(metrics: &Metrics) -> bool {
    match metrics {
        Metrics::Series(_) | Metrics::Number(_) => true,
        Metrics::Compare(_) => false,
        Metrics::Rank { of, .. } => has_samples_of_its_own(of),
        Metrics::Filter { of, .. } => is_certain_by_step(of),
        Metrics::Math { lhs, rhs, .. } => is_certain_by_step(lhs) && is_certain_by_step(rhs),
    }
}

/// Whether a series has samples in steps with spans of it only.
fn has_samples_of_its_own(metrics: &Metrics) -> bool {
    match metrics {
        Metrics::Series(of) => !matches!(
            of.function,
            Function::Rate | Function::Count | Function::Histogram(_)
        ),
        Metrics::Rank { of, .. } | Metrics::Filter { of, .. } => has_samples_of_its_own(of),
        Metrics::Compare(_) | Metrics::Number(_) | Metrics::Math { .. } => false,
    }
}
