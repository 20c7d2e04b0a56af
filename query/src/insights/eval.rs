//! From tree to rows: entries go through the commands part by part, and what needs all rows is done when they are there.
//! Answers do not depend on parts: rows have an order of their own, and sums are exact.

mod columnar;
mod compiled;
mod functions;
mod glob;
mod narrow;
mod plan;
mod rows;
mod scan;
mod totals;

use std::sync::Arc;

use kymo_engine::metrics::matcher::Matcher;

use super::ast::Query;
use crate::logql::eval::EvalError;
use crate::logql::eval::store::{Stats, Store};
use crate::promql::eval::Budget;
use plan::Plan;

/// How a query is asked.
#[derive(Debug, Clone)]
pub struct QueryOptions {
    /// Streams that pass all of these; without any, all streams under a limit of bytes.
    pub selector: Vec<Matcher>,
    /// Earliest time in nanoseconds since 1970, inclusive.
    pub from: i64,
    /// Latest time, exclusive.
    pub until: i64,
    /// Most rows of the answer.
    pub limit: usize,
}

/// Rows under columns.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// For each row a value a column, or that there is none.
    pub rows: Vec<Vec<Option<Arc<str>>>>,
    /// What was read; entries that are kept are those that passed the filters.
    pub stats: Stats,
}

/// Answers a query. Without `sort` the newest entries come first, and groups in the order of what they have in common.
///
/// # Errors
/// Those of the store and of the budget.
pub fn query(
    query: &Query,
    store: &Store<'_>,
    options: &QueryOptions,
    budget: &Budget<'_>,
) -> Result<Answer, EvalError> {
    let plan = Plan::new(query, options.limit).map_err(EvalError::Stage)?;
    let log = narrow::narrowed(query, &options.selector);
    let mut parts = Vec::new();
    for scan in crate::logql::eval::scans(&log, options.from, options.until) {
        parts.extend(store(&scan)?);
    }
    let scan = scan::Scan {
        plan: &plan,
        asked: columnar::Asked::new(&plan),
        log: &log,
        times: (options.from, options.until),
    };
    let (records, stats) = scan.run(&parts, budget)?;
    let records = rows::finish(&plan, records, budget)?;
    let shown = |values: &[super::value::Value]| {
        let slots = plan.columns.iter();
        slots.map(|(_, slot)| values[*slot].shown()).collect()
    };
    Ok(Answer {
        columns: plan.columns.iter().map(|(name, _)| name.clone()).collect(),
        rows: records
            .iter()
            .take(options.limit)
            .map(|record| shown(&record.values))
            .collect(),
        stats,
    })
}
