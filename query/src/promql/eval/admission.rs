//! Whether a query may read at all: what it would have to hold for certain, told from the indexes before anything is read.
//! Not for what turns out while it runs, which the meter and the account see.

use kymo_engine::metrics::Selection;

use super::budget::Budget;
use super::{EvalError, Query, Source};
use crate::promql::ast::Expr;

/// Bytes that a selected series takes as a number in a set of some parts.
const SELECTED_BYTES: usize = 96;

/// Bytes of a series by itself beside the text of its labels.
const SERIES_BYTES: usize = 128;

/// Bytes that the labels of a series usually have.
const LABEL_BYTES: usize = 256;

/// A source all of whose series take less than this part of a query's memory is not asked for an estimate.
const WORTH_ASKING: usize = 32;

/// Reserves what the selected series are expected to take, to be released when they are counted. Fails when they alone are
/// too much, or when the query is to give back more samples than it may hold.
pub(super) fn admit(
    query: &Query,
    source: &dyn Source,
    budget: &Budget<'_>,
    selections: &[Selection],
) -> Result<usize, EvalError> {
    if let (Expr::Matrix(_), [selection]) = (query.expr.unwrapped(), selections) {
        check_samples(source, budget, selection)?;
    }
    let bytes = |series: u64| {
        let series = usize::try_from(series).unwrap_or(usize::MAX);
        series.saturating_mul(SELECTED_BYTES)
    };
    let most = bytes(source.series_bound()).saturating_mul(selections.len());
    if most < budget.memory.limit() / WORTH_ASKING {
        return Ok(0);
    }
    let mut expected = 0_usize;
    for selection in selections {
        budget.check()?;
        let estimate = source.estimate(selection, false)?;
        expected = expected.saturating_add(estimate.map_or(0, |found| bytes(found.series)));
    }
    budget.reserve(expected)?;
    Ok(expected)
}

/// The samples of a range selector that is the whole query are all held; those of chunks within its times are there for
/// certain.
fn check_samples(source: &dyn Source, budget: &Budget<'_>, selection: &Selection) -> Result<(), EvalError> {
    let Some(estimate) = source.estimate(selection, true)? else {
        return Ok(());
    };
    let certain = usize::try_from(estimate.samples_whole).unwrap_or(usize::MAX);
    // A sample may lie in two chunks when late writes repeat it, so half of them are enough to be sure.
    if certain / 2 > budget.max_samples {
        return Err(EvalError::TooManySamples);
    }
    budget.reserve(certain.saturating_mul(8))?;
    budget.release(certain.saturating_mul(8));
    Ok(())
}

/// Bytes that series take once each stands by itself, with its labels.
pub(super) fn series_bytes(series: usize) -> usize {
    series.saturating_mul(SERIES_BYTES + LABEL_BYTES)
}
