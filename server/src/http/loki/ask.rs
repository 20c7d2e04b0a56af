//! The way of every question about logs: who asks, what of, within what limits.

use std::sync::Arc;
use std::time::Duration;

use kymo_engine::labels::Labels;
use kymo_engine::logs::{Buckets, Logs, Volume};
use kymo_engine::metrics::matcher::Matcher;
use kymo_engine::store::Snapshot;
use kymo_query::logql::eval::EvalError;
use kymo_query::logql::eval::store::Part;
use kymo_query::logql::{Expr, parse_matchers};
use kymo_query::promql::eval::Budget;

use super::error::LokiError;
use super::limits::{selectors, too_many_bytes};
use super::now;
use super::params::range;
use crate::app::App;
use crate::governor::{Cost, Gate, Running};
use crate::http::ApiError;
use crate::http::answer::ErrorType;
use crate::http::caller::Caller;
use crate::http::params::Params;
use crate::http::prom::governed::{Held, governed, interruption, out_of_memory};

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

/// A question about the streams of some time.
pub(super) struct OfStreams<'q> {
    pub(super) wanted: Vec<Matcher>,
    /// Start and end, both inclusive.
    pub(super) times: (i64, i64),
    pub(super) shown: Shown<'q>,
}

impl<'q> OfStreams<'q> {
    /// Reads what all such questions have.
    ///
    /// # Errors
    /// Times that are none, and a query that is more than a selector.
    pub(super) fn read(kind: &'static str, params: &'q Params) -> Result<OfStreams<'q>, LokiError> {
        let (start, end) = range(params, now())?;
        let text = params.first("query");
        Ok(OfStreams {
            wanted: matchers(text)?,
            times: (start, end),
            shown: Shown {
                kind,
                text,
                times: (start, end, 0),
            },
        })
    }
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
    let timeout = Duration::from_millis(app.config.query.timeout_ms);
    ask_within(app, caller, shown, timeout, work).await
}

/// The same within a time.
///
/// # Errors
/// Those of the question.
pub(super) async fn ask_within<T: Held>(
    app: &Arc<App>,
    caller: Result<Caller, ApiError>,
    shown: Shown<'_>,
    timeout: Duration,
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

    /// Takes account of memory that is held until the answer is sent.
    ///
    /// # Errors
    /// More than the query may hold.
    pub(super) fn reserve(&self, bytes: usize) -> Result<(), ApiError> {
        self.running.account.reserve(bytes).map_err(out_of_memory)
    }

    /// Why the question is to end now, if it is.
    pub(super) fn interrupted(&self) -> Option<ApiError> {
        self.running.check().map(|_| interruption(self.running))
    }

    /// Does so many tasks on the threads that queries share.
    pub(super) fn in_parallel(&self, n: usize, task: &(dyn Fn(usize) + Sync)) {
        self.app.pool.run(n, task);
    }

    /// Seconds that it waited for its turn.
    pub(super) fn waited(&self) -> f64 {
        self.running.waited().as_secs_f64()
    }

    /// Ends a query whose streams have more bytes in its times than it may read; 0 is without limit.
    ///
    /// # Errors
    /// Loki's text.
    pub(super) fn check_bytes(&self, expr: &Expr, times: (i64, i64), limit: u64) -> Result<(), ApiError> {
        if limit == 0 {
            return Ok(());
        }
        let mut bytes = 0u64;
        for (log, before) in selectors(expr) {
            let all = Buckets::one(times.0.saturating_sub(before), times.1.saturating_add(1));
            let mut add = |_: &Labels, _: usize, volume: Volume| bytes += volume.bytes;
            self.snapshot.volumes(&log.selector, all, &mut add)?;
        }
        match bytes > limit {
            true => Err(ApiError {
                over_limit: true,
                ..ApiError::bad_data(too_many_bytes(bytes, limit))
            }),
            false => Ok(()),
        }
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
