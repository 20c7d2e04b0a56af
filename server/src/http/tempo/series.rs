//! `/api/metrics/query_range` and `/api/metrics/query`: series that TraceQL computes from spans.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use kymo_proto::tempo::{Exemplar, InstantResponse, RangeResponse, SearchMetrics, TimeSeries};
use kymo_query::traceql::answer::{FoundSeries, MetricsAnswer};
use kymo_query::traceql::grid::{Grid, GridError, auto_step};
use kymo_query::traceql::{EvalError, SeriesProgress};

use super::Accepted;
use super::error::TempoError;
use super::params::{nanos_range, step};
use super::search::{attributes, metrics_of, parsed};
use crate::app::App;
use crate::clock::now_ms;
use crate::governor::Gate;
use crate::http::ApiError;
use crate::http::caller::Caller;
use crate::http::params::Params;
use crate::http::prom::governed::{Held, governed};
use crate::spans::Asking;

/// Exemplars of an answer, when nothing is said and at most.
pub(super) const EXEMPLARS_MAX: usize = 100;

/// A query for series.
pub(super) struct SeriesParams {
    pub(super) query: String,
    pub(super) grid: Grid,
    pub(super) exemplars: usize,
    /// Most series, 0 for all.
    pub(super) max_series: usize,
}

impl From<GridError> for TempoError {
    fn from(error: GridError) -> TempoError {
        TempoError::bad(error.to_string())
    }
}

/// The steps of a range; a step is chosen when none is given.
pub(super) fn grid_of(start: i64, end: i64, step: Option<i64>) -> Result<Grid, GridError> {
    let step = step.unwrap_or_else(|| auto_step(end.saturating_sub(start)));
    Grid::range(start, end, step)
}

fn text_of(params: &Params) -> String {
    match params.first("q") {
        "" => params.first("query").to_owned(),
        text => text.to_owned(),
    }
}

fn count(params: &Params, name: &str) -> Result<Option<usize>, TempoError> {
    match params.first(name) {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| {
            TempoError::bad(format!(
                "invalid {name}: strconv.Atoi: parsing {text:?}: invalid syntax"
            ))
        }),
    }
}

fn range_of(params: &Params) -> Result<(i64, i64), TempoError> {
    let now = u64::try_from(now_ms()).unwrap_or(0).saturating_mul(1_000_000);
    nanos_range(params, now)
}

pub(super) async fn range(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    headers: HeaderMap,
    params: Result<Params, ApiError>,
) -> Result<Response, TempoError> {
    let params = params?;
    let (start, end) = range_of(&params)?;
    let asked = SeriesParams {
        query: text_of(&params),
        grid: grid_of(start, end, step(&params)?)?,
        exemplars: count(&params, "exemplars")?
            .unwrap_or(EXEMPLARS_MAX)
            .min(EXEMPLARS_MAX),
        max_series: count(&params, "maxSeries")?.unwrap_or(0),
    };
    let accepted = Accepted::of(&headers);
    let write = move |found| accepted.document(&range_response(found));
    let document = answer(&app, &caller?, "traceql_range", asked, write).await?;
    Ok(document.into_response())
}

pub(super) async fn instant(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    headers: HeaderMap,
    params: Result<Params, ApiError>,
) -> Result<Response, TempoError> {
    let params = params?;
    let (start, end) = range_of(&params)?;
    let asked = SeriesParams {
        query: text_of(&params),
        grid: Grid::instant(start, end)?,
        exemplars: 0,
        max_series: count(&params, "maxSeries")?.unwrap_or(0),
    };
    let accepted = Accepted::of(&headers);
    let write = move |found| accepted.document(&instant_response(found));
    let document = answer(&app, &caller?, "traceql_instant", asked, write).await?;
    Ok(document.into_response())
}

/// What a query found.
pub(super) struct Found {
    answer: MetricsAnswer,
    metrics: SearchMetrics,
    max_series: usize,
}

/// Computes series as queries are run, and writes the answer by `write`.
///
/// # Errors
/// Those of the query.
pub(super) async fn answer<T: Held>(
    app: &Arc<App>,
    caller: &Caller,
    kind: &str,
    asked: SeriesParams,
    write: impl FnOnce(Found) -> T + Send + 'static,
) -> Result<T, TempoError> {
    answer_watched(app, caller, kind, asked, None, write).await
}

/// Is told how far series are, and what the query took so far.
pub(super) type Watch = Box<dyn FnMut(&SeriesProgress<'_>, SearchMetrics) -> Result<(), EvalError> + Send>;

/// Computes series as queries are run, tells `watch` of what is certain early, and writes the answer by `write`. What was
/// certain is in the answer.
///
/// # Errors
/// Those of the query.
pub(super) async fn answer_watched<T: Held>(
    app: &Arc<App>,
    caller: &Caller,
    kind: &str,
    asked: SeriesParams,
    mut watch: Option<Watch>,
    write: impl FnOnce(Found) -> T + Send + 'static,
) -> Result<T, TempoError> {
    let query = parsed(&asked.query)?;
    let (start, end) = asked.grid.times();
    let step = (asked.grid.seconds() * 1000.0) as i64;
    let listed = caller.asks(kind, &asked.query, (start / 1_000_000, end / 1_000_000, step));
    let timeout = Duration::from_millis(app.config.query.timeout_ms);
    let db = app.reading(&caller.tenant);
    let with = Arc::clone(app);
    let done = governed(app, Gate::Samples, listed, timeout, move |admitted, cost| {
        let Some(db) = &db else {
            return Ok(write(Found {
                answer: MetricsAnswer::default(),
                metrics: SearchMetrics::default(),
                max_series: 0,
            }));
        };
        let asking = Asking::now(db, &with, &admitted.running);
        let limits = (asked.exemplars, asked.max_series);
        let mut told = |progress: &SeriesProgress<'_>| match &mut watch {
            Some(watch) => {
                let mut metrics = metrics_of(progress.stats, &asking);
                metrics.completed_jobs = u32::try_from(progress.parts_done).unwrap_or(u32::MAX);
                watch(progress, metrics)
            }
            None => Ok(()),
        };
        let found = asking.metrics_watched(&query, asked.grid, limits, &mut told)?;
        cost.samples_read = found.stats.spans;
        Ok(write(Found {
            metrics: metrics_of(found.stats, &asking),
            answer: found,
            max_series: asked.max_series,
        }))
    });
    Ok(done.await?)
}

impl Found {
    fn partial(&self) -> Option<String> {
        self.answer.truncated.then(|| {
            format!(
                "Response exceeds maximum series limit of {}, a partial response is returned. Warning: the accuracy of each individual value is not guaranteed.",
                self.max_series
            )
        })
    }
}

pub(super) fn range_response(found: Found) -> RangeResponse {
    RangeResponse {
        partial: found.partial(),
        metrics: found.metrics,
        series: found.answer.series.into_iter().map(time_series).collect(),
    }
}

pub(super) fn instant_response(found: Found) -> InstantResponse {
    let one = |series: FoundSeries| Some((attributes(series.labels), series.samples.first()?.1));
    InstantResponse {
        partial: found.partial(),
        metrics: found.metrics,
        series: found.answer.series.into_iter().filter_map(one).collect(),
    }
}

pub(super) fn time_series(found: FoundSeries) -> TimeSeries {
    let exemplar = |exemplar: kymo_query::traceql::answer::Exemplar| Exemplar {
        labels: attributes(exemplar.labels),
        value: exemplar.value,
        timestamp_ms: exemplar.time,
    };
    TimeSeries {
        labels: attributes(found.labels),
        samples: found.samples,
        exemplars: found.exemplars.into_iter().map(exemplar).collect(),
    }
}
