//! `/api/search`: traces by TraceQL or by tags. Without times everything that is stored is searched.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use kymo_engine::traces::Value as Stored;
use kymo_proto::tempo::{
    Attributes, SearchMetrics, SearchResponse, ServiceStats, Span, SpanSet, TraceMetadata, Value,
};
use kymo_query::traceql::answer::{FoundSpan, FoundSpanset, FoundTrace, Progress, SearchAnswer, Stats};
use kymo_query::traceql::options::SearchOptions;
use kymo_query::traceql::{Query, parse};

use super::Accepted;
use super::error::TempoError;
use super::search_params::SearchParams;
use crate::app::App;
use crate::governor::Gate;
use crate::http::ApiError;
use crate::http::caller::Caller;
use crate::http::json::hex;
use crate::http::params::Params;
use crate::http::prom::governed::{Held, governed};
use crate::spans::Asking;

/// The service of a trace whose root has not come.
const NO_ROOT: &str = "<root span not yet received>";

pub(super) async fn search(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    headers: HeaderMap,
    params: Result<Params, ApiError>,
) -> Result<Response, TempoError> {
    let asked = SearchParams::of_params(&params?)?;
    let accepted = Accepted::of(&headers);
    let document = answer(&app, &caller?, asked, move |response| {
        accepted.document(&response)
    })
    .await?;
    Ok(document.into_response())
}

/// Searches as queries are run, and writes the answer by `write`.
///
/// # Errors
/// Those of the query.
pub(super) async fn answer<T: Held>(
    app: &Arc<App>,
    caller: &Caller,
    asked: SearchParams,
    write: impl FnOnce(SearchResponse) -> T + Send + 'static,
) -> Result<T, TempoError> {
    answer_watched(app, caller, asked, None, write).await
}

/// Is told what is certain while a search goes on.
pub(super) type Watch = Box<dyn FnMut(SearchResponse) + Send>;

/// Searches as queries are run, tells `watch` of what is certain early, and writes the answer by `write`. What was certain
/// begins the answer.
///
/// # Errors
/// Those of the query.
pub(super) async fn answer_watched<T: Held>(
    app: &Arc<App>,
    caller: &Caller,
    asked: SearchParams,
    mut watch: Option<Watch>,
    write: impl FnOnce(SearchResponse) -> T + Send + 'static,
) -> Result<T, TempoError> {
    let query = parsed(&asked.query)?;
    let times = asked.range.map(nanos);
    let (start, end) = times.unwrap_or((0, 0));
    let listed = caller.asks(
        "traceql_search",
        &asked.query,
        (start / 1_000_000, end / 1_000_000, 0),
    );
    let timeout = Duration::from_millis(app.config.query.timeout_ms);
    let db = app.reading(&caller.tenant);
    let with = Arc::clone(app);
    let done = governed(app, Gate::Samples, listed, timeout, move |admitted, cost| {
        let Some(db) = &db else {
            return Ok(write(SearchResponse::default()));
        };
        let asking = Asking::now(db, &with, &admitted.running);
        let options = SearchOptions {
            limit: asked.limit,
            spans_per_spanset: asked.spans_per_set.unwrap_or(0),
            times,
        };
        let mut told = |progress: &Progress<'_>| {
            let Some(watch) = &mut watch else { return };
            let mut metrics = metrics_of(progress.stats, &asking);
            metrics.completed_jobs = u32::try_from(progress.parts_done).unwrap_or(u32::MAX);
            let traces = progress.settled.iter().map(|found| trace((*found).clone()));
            watch(SearchResponse {
                traces: traces.collect(),
                metrics,
            });
        };
        let found = asking.search_watched(&query, &options, &mut told)?;
        cost.samples_read = found.stats.spans;
        let metrics = metrics_of(found.stats, &asking);
        Ok(write(response(found, metrics)))
    });
    Ok(done.await?)
}

/// A query of TraceQL.
///
/// # Errors
/// Why it is none, in Tempo's words.
pub(super) fn parsed(text: &str) -> Result<Query, TempoError> {
    parse(text).map_err(|error| TempoError::bad(format!("invalid TraceQL query: {error}")))
}

/// Seconds as nanoseconds. The last second counts whole.
pub(super) fn nanos((start, end): (u32, u32)) -> (i64, i64) {
    let nanos = |seconds: u32| i64::from(seconds) * 1_000_000_000;
    (nanos(start), nanos(end) + 999_999_999)
}

/// What a query took.
pub(super) fn metrics_of(stats: Stats, asking: &Asking<'_>) -> SearchMetrics {
    let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    SearchMetrics {
        inspected_traces: count(stats.traces),
        inspected_spans: stats.spans,
        total_jobs: count(stats.parts),
        completed_jobs: count(stats.parts),
        total_blocks: count(asking.db.traces.blocks().len() as u64),
        ..SearchMetrics::default()
    }
}

fn response(found: SearchAnswer, metrics: SearchMetrics) -> SearchResponse {
    SearchResponse {
        traces: found.traces.into_iter().map(trace).collect(),
        metrics,
    }
}

fn trace(found: FoundTrace) -> TraceMetadata {
    let text = |text: Option<Arc<str>>| text.map(|text| text.as_ref().to_owned());
    let duration_ms = found.duration / 1_000_000;
    TraceMetadata {
        trace_id: hex(&found.id).trim_start_matches('0').to_owned(),
        root_service_name: text(found.root_service).unwrap_or_else(|| NO_ROOT.to_owned()),
        root_trace_name: text(found.root_name).unwrap_or_default(),
        start_nanos: u64::try_from(found.start).unwrap_or(0),
        // Clients read it as a signed number of 32 bits.
        duration_ms: u32::try_from(duration_ms.clamp(0, i32::MAX.into())).unwrap_or(0),
        span_sets: found.spansets.into_iter().map(span_set).collect(),
        service_stats: found
            .services
            .into_iter()
            .map(|s| {
                let stats = ServiceStats {
                    spans: s.spans,
                    errors: s.errors,
                };
                (s.service.as_ref().to_owned(), stats)
            })
            .collect(),
    }
}

fn span_set(found: FoundSpanset) -> SpanSet {
    SpanSet {
        spans: found.spans.into_iter().map(span).collect(),
        matched: u32::try_from(found.matched).unwrap_or(u32::MAX),
        attributes: attributes(found.attributes),
    }
}

fn span(found: FoundSpan) -> Span {
    Span {
        span_id: hex(&found.id),
        name: found
            .name
            .map(|name| name.as_ref().to_owned())
            .unwrap_or_default(),
        start_nanos: u64::try_from(found.start).unwrap_or(0),
        duration_nanos: u64::try_from(found.duration).unwrap_or(0),
        attributes: attributes(found.attributes),
    }
}

/// Attributes as answers have them. Those without a value are left out.
pub(super) fn attributes(found: Vec<(Arc<str>, Stored)>) -> Attributes {
    let one = |(key, value): (Arc<str>, Stored)| Some((key.as_ref().to_owned(), value_of(&value)?));
    found.into_iter().filter_map(one).collect()
}

fn value_of(value: &Stored) -> Option<Value> {
    Some(match value {
        Stored::Empty => return None,
        Stored::String(text) => Value::String(text.as_ref().to_owned()),
        Stored::Bool(value) => Value::Bool(*value),
        Stored::Int(value) => Value::Int(*value),
        Stored::Double(value) => Value::Double(*value),
        Stored::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
        Stored::Array(items) => Value::Array(items.iter().filter_map(value_of).collect()),
        Stored::KvList(pairs) => Value::KvList(
            pairs
                .iter()
                .filter_map(|(key, value)| Some((key.as_ref().to_owned(), value_of(value)?)))
                .collect(),
        ),
    })
}
