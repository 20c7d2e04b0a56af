//! The way of every question about logs: who asks, what of, within what limits.

use std::sync::Arc;
use std::time::Duration;

use kymo_engine::logs::Logs;
use kymo_engine::metrics::matcher::Matcher;
use kymo_engine::store::Snapshot;
use kymo_query::logql::eval::EvalError;
use kymo_query::logql::eval::store::Part;
use kymo_query::logql::parse_matchers;
use kymo_query::promql::eval::Budget;

use super::error::LokiError;
use crate::app::App;
use crate::governor::{Cost, Gate, Running};
use crate::http::ApiError;
use crate::http::answer::ErrorType;
use crate::http::caller::Caller;
use crate::http::prom::governed::{Held, governed, out_of_memory};

/// What Loki says, without more, to stages where only matchers may stand.
const ONLY_MATCHERS: &str = "only label matchers are supported";

/// The logs of a tenant as they were at one moment, and what a question may use.
pub(super) struct Asking<'a> {
    pub(super) snapshot: Snapshot<Logs>,
    app: &'a App,
    running: &'a Running,
}

/// What is asked, as lists of queries show it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'q> {
    pub(super) kind: &'static str,
    pub(super) text: &'q str,
    /// Nanoseconds: start, end, step.
    pub(super) times: (i64, i64, i64),
}

/// Runs a question when its turn has come; `None` stands for what is asked of a tenant that never wrote.
///
/// # Errors
/// Those of the question.
pub(super) async fn ask<T: Held>(
    app: &Arc<App>,
    caller: Result<Caller, ApiError>,
    shown: Shown<'_>,
    work: impl FnOnce(Option<&Asking<'_>>, &mut Cost) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, LokiError> {
    let caller = caller?;
    let ms = |nanos: i64| nanos / 1_000_000;
    let (start, end, step) = shown.times;
    let listed = caller.asks(shown.kind, shown.text, (ms(start), ms(end), ms(step)));
    let gate = match shown.kind {
        "logql" => Gate::Samples,
        _ => Gate::Lookup,
    };
    let timeout = Duration::from_millis(app.config.query.timeout_ms);
    let (db, with) = (app.reading(&caller.tenant), Arc::clone(app));
    let done = governed(app, gate, listed, timeout, move |admitted, cost| {
        let asking = db.as_ref().map(|db| Asking {
            snapshot: db.logs.snapshot(),
            app: &with,
            running: &admitted.running,
        });
        work(asking.as_ref(), cost)
    });
    Ok(done.await?)
}

impl Asking<'_> {
    /// Asks with what the query may use.
    pub(super) fn with_budget<T>(&self, ask: impl FnOnce(&Budget<'_>) -> T) -> T {
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

    /// Parts of the store that answer a scan.
    pub(super) fn parts(&self, scan: &kymo_engine::logs::Scan) -> kymo_engine::Result<Vec<Part<'static>>> {
        Ok(self.snapshot.scan(scan)?.into_iter().map(Part::of).collect())
    }
}

/// Matchers of streams; an empty text lets all pass.
///
/// # Errors
/// What is wrong with the text.
pub(super) fn matchers(text: &str) -> Result<Vec<Matcher>, LokiError> {
    match text.trim() {
        "" | "{}" => Ok(Vec::new()),
        text => parse_matchers(text).map_err(|error| match error.message == ONLY_MATCHERS {
            true => LokiError::bad(ONLY_MATCHERS),
            false => LokiError::bad(error.to_string()),
        }),
    }
}

/// An error of evaluation.
pub(in crate::http) fn failed(error: EvalError) -> ApiError {
    let text = error.to_string();
    match error {
        EvalError::OutOfMemory(limit) => out_of_memory(limit),
        EvalError::Timeout => ApiError::new(ErrorType::Timeout, text),
        EvalError::Canceled => ApiError::new(ErrorType::Canceled, text),
        EvalError::Store(error) => error.into(),
        _ => ApiError::bad_data(text),
    }
}
