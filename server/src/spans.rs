//! What the dialects ask of stored spans: searches, series, names and values of attributes, services and who calls whom. Not
//! for how the dialects ask and answer.

pub(crate) mod catalogue;
pub(crate) mod services;

use std::sync::Arc;

use kymo_engine::db::Db;
use kymo_engine::store::Snapshot;
use kymo_engine::traces::scan::{self, Scan, ScanBy};
use kymo_engine::traces::{Astride, Trace, TraceId, Traces};
use kymo_query::promql::eval::Budget;
use kymo_query::traceql::answer::{MetricsAnswer, Progress, SearchAnswer};
use kymo_query::traceql::grid::Grid;
use kymo_query::traceql::options::{MetricsOptions, Part, SearchOptions};
use kymo_query::traceql::{EvalError, Query, SeriesWatch, metrics_watched, need, search, search_watched};

use crate::app::App;
use crate::governor::Running;
use crate::http::ApiError;
use crate::http::answer::ErrorType;
use crate::http::prom::governed::out_of_memory;

/// Bytes that a span with its attributes takes, about.
const SPAN_BYTES: usize = 1 << 10;

/// Who asks, and of what: the spans of a tenant as they were at one moment.
pub(crate) struct Asking<'a> {
    pub(crate) db: &'a Db,
    pub(crate) snapshot: Snapshot<Traces>,
    pub(crate) app: &'a App,
    pub(crate) running: &'a Running,
}

impl<'a> Asking<'a> {
    /// Asks of what is stored now.
    pub(crate) fn now(db: &'a Db, app: &'a App, running: &'a Running) -> Asking<'a> {
        Asking {
            db,
            snapshot: db.traces.snapshot(),
            app,
            running,
        }
    }

    /// Asks with what the query may use.
    fn with_budget<T>(&self, ask: impl FnOnce(&Budget<'_>) -> T) -> T {
        let interrupted = || self.running.check();
        let executor = |n: usize, task: &(dyn Fn(usize) + Sync)| self.app.pool.run(n, task);
        let samples = self.app.config.query.samples_max;
        ask(&Budget {
            max_samples: usize::try_from(samples).unwrap_or(usize::MAX),
            memory: Arc::clone(&self.running.account),
            interrupted: &interrupted,
            executor: &executor,
        })
    }

    /// Traces that match a query.
    ///
    /// # Errors
    /// Those of evaluation.
    pub(crate) fn search(&self, query: &Query, options: &SearchOptions) -> Result<SearchAnswer, ApiError> {
        self.search_watched(query, options, &mut |_| {})
    }

    /// Traces that match a query; `watch` is told what is certain early.
    ///
    /// # Errors
    /// Those of evaluation.
    pub(crate) fn search_watched(
        &self,
        query: &Query,
        options: &SearchOptions,
        watch: &mut dyn FnMut(&Progress<'_>),
    ) -> Result<SearchAnswer, ApiError> {
        let asked = Scan {
            times: options.times,
            by: ScanBy::Overlap,
            need: need(query),
        };
        let parts = self.snapshot.scan(&asked)?;
        self.with_budget(|budget| search_watched(&lent(&parts), query, options, budget, watch))
            .map_err(|error| self.failed(error))
    }

    /// Traces of some parts that match a query.
    ///
    /// # Errors
    /// Those of evaluation.
    pub(crate) fn search_in(
        &self,
        parts: &[Part<'_>],
        query: &Query,
        options: &SearchOptions,
    ) -> Result<SearchAnswer, ApiError> {
        self.with_budget(|budget| search(parts, query, options, budget))
            .map_err(|error| self.failed(error))
    }

    /// Series over spans; `watch` is told what is certain early.
    ///
    /// # Errors
    /// Those of evaluation.
    pub(crate) fn metrics_watched(
        &self,
        query: &Query,
        grid: Grid,
        (exemplars, max_series): (usize, usize),
        watch: &mut SeriesWatch<'_>,
    ) -> Result<MetricsAnswer, ApiError> {
        let times = Some(grid.times());
        let asked = Scan {
            times,
            by: ScanBy::SpanStart,
            need: need(query),
        };
        let parts = self.snapshot.scan(&asked)?;
        let attribute_names = || self.snapshot.attribute_names(times, Astride::Told);
        let options = MetricsOptions {
            grid,
            exemplars,
            max_series,
            attribute_names: &attribute_names,
        };
        self.with_budget(|budget| metrics_watched(&lent(&parts), query, &options, budget, watch))
            .map_err(|error| self.failed(error))
    }

    /// Traces that match a query, whole, the newest first.
    ///
    /// # Errors
    /// Those of evaluation.
    pub(crate) fn whole_traces(
        &self,
        query: &Query,
        options: &SearchOptions,
    ) -> Result<Vec<Trace>, ApiError> {
        let mut found = Vec::new();
        for trace in self.search(query, options)?.traces {
            self.check()?;
            found.extend(self.trace(&trace.id)?);
        }
        Ok(found)
    }

    /// A whole trace. What it takes counts as held by the query.
    ///
    /// # Errors
    /// What reading the store can bring, and more memory than there is for the query.
    pub(crate) fn trace(&self, id: &TraceId) -> Result<Option<Trace>, ApiError> {
        let found = self.snapshot.trace(id)?;
        let spans = found.as_ref().map_or(0, |trace| trace.spans.len());
        let reserved = self.running.account.reserve(spans * SPAN_BYTES);
        reserved.map_err(out_of_memory)?;
        Ok(found)
    }

    /// Ends a query that must not go on.
    ///
    /// # Errors
    /// Its time is up, or nobody waits for it.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        match self.running.check() {
            None => Ok(()),
            Some(_) => Err(crate::http::prom::governed::interruption(self.running)),
        }
    }

    fn failed(&self, error: EvalError) -> ApiError {
        let text = error.to_string();
        match error {
            EvalError::Refused(_) | EvalError::WrongKind(_) | EvalError::Pattern(_) => {
                ApiError::bad_data(format!("invalid TraceQL query: {text}"))
            }
            EvalError::OutOfMemory(limit) => out_of_memory(limit),
            EvalError::Timeout => ApiError::new(ErrorType::Timeout, text),
            EvalError::Canceled if self.running.is_killed() => {
                ApiError::new(ErrorType::Canceled, "query was killed (active_queries/kill)")
            }
            EvalError::Canceled => ApiError::new(ErrorType::Canceled, text),
            EvalError::Storage(error) => error.into(),
        }
    }
}

/// The engine's parts as the query crate takes them.
fn lent(parts: &[scan::Part]) -> Vec<Part<'_>> {
    parts.iter().map(Part::of).collect()
}
