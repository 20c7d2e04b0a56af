//! The part of a trace that a filter keeps: spans that match, on demand with those above and below them.

use std::collections::HashSet;

use kymo_engine::traces::{SpanId, Table, Trace};
use kymo_query::traceql::ast::{Body, SpansetExpr, Stage};
use kymo_query::traceql::options::{Part, SearchOptions};
use kymo_query::traceql::{Query, parse};

use super::error::TempoError;
use crate::http::ApiError;
use crate::http::params::Params;
use crate::spans::Asking;

/// Which spans of a trace are asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kept {
    query: Query,
    /// Generations above a match that come with it.
    above: usize,
    /// Generations below a match that come with it.
    below: usize,
}

impl Kept {
    /// Reads the parameters; `None` when the whole trace is asked for.
    ///
    /// # Errors
    /// A query that is no single filter of spans, and depths that are none.
    pub(super) fn of(params: &Params) -> Result<Option<Kept>, TempoError> {
        let text = params.first("q");
        if text.is_empty() {
            return Ok(None);
        }
        let query =
            parse(text).map_err(|error| TempoError::bad(format!("invalid TraceQL query: {error}")))?;
        let single = match &query.body {
            Body::Search(pipeline) => {
                matches!(&pipeline.stages[..], [Stage::Spansets(SpansetExpr::Filter(_))])
            }
            Body::Metrics(_) => false,
        };
        if !single {
            return Err(TempoError::bad(
                "invalid TraceQL query: the filter of a trace must be a single spanset filter",
            ));
        }
        let hierarchy = matches!(params.first("keep_hierarchy"), "true" | "1");
        let above = depth(params, "ancestor_depth", usize::MAX)?;
        Ok(Some(Kept {
            query,
            above: if hierarchy { above } else { 0 },
            below: depth(params, "match_depth", 0)?,
        }))
    }

    /// Leaves those spans of a trace that are asked for; gives what to say of it.
    ///
    /// # Errors
    /// Those of evaluation.
    pub(super) fn of_trace(&self, asking: &Asking<'_>, trace: &mut Trace) -> Result<String, ApiError> {
        let whole = trace.clone();
        let part = Part {
            newest_start: i64::MAX,
            last_start: i64::MAX,
            load: Box::new(|| Ok(Some(Table::of_traces(vec![whole.clone()])))),
        };
        let options = SearchOptions {
            limit: 1,
            spans_per_spanset: 0,
            times: None,
        };
        let found = asking.search_in(&[part], &self.query, &options)?;
        let spans = found
            .traces
            .into_iter()
            .flat_map(|t| t.spansets)
            .flat_map(|set| set.spans);
        let matched: HashSet<(i64, SpanId)> = spans.map(|span| (span.start, span.id)).collect();
        let table = Table::of_traces(vec![trace.clone()]);
        let matches: Vec<bool> = trace
            .spans
            .iter()
            .map(|span| matched.contains(&(span.start, span.id)))
            .collect();
        let kept = self.kept(&matches, table.parents()?);
        let all = trace.spans.len();
        let mut row = 0;
        trace.spans.retain(|_| {
            row += 1;
            kept[row - 1]
        });
        let count = matches.iter().filter(|matches| **matches).count();
        Ok(format!(
            "the trace is filtered: {count} of {all} spans match, {} are returned",
            trace.spans.len()
        ))
    }

    /// The rows to keep, of those that match and the rows of the parents.
    fn kept(&self, matches: &[bool], parents: &[u32]) -> Vec<bool> {
        let mut kept = matches.to_vec();
        let parent = |row: usize| Some(parents[row] as usize).filter(|parent| *parent < parents.len());
        for start in (0..matches.len()).filter(|row| matches[*row]) {
            let (mut row, mut left) = (start, self.above.min(matches.len()));
            while let Some(above) = parent(row).filter(|_| left > 0) {
                kept[above] = true;
                (row, left) = (above, left - 1);
            }
        }
        for (start, kept) in kept.iter_mut().enumerate() {
            let (mut row, mut left) = (start, self.below.min(matches.len()));
            while let Some(above) = parent(row).filter(|_| left > 0) {
                if matches[above] {
                    *kept = true;
                    break;
                }
                (row, left) = (above, left - 1);
            }
        }
        kept
    }
}

/// A number of generations; below zero it is without limit.
fn depth(params: &Params, name: &str, default: usize) -> Result<usize, TempoError> {
    match params.first(name) {
        "" => Ok(default),
        text => match text.parse::<i64>() {
            Ok(n) => Ok(usize::try_from(n).unwrap_or(usize::MAX)),
            Err(_) => Err(TempoError::bad(format!(
                "invalid {name}: strconv.Atoi: parsing {text:?}: invalid syntax"
            ))),
        },
    }
}

#[cfg(test)]
mod tests;
