//! Jaeger's older API: services, operations, traces and dependencies.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use kymo_engine::traces::Trace;
use kymo_query::traceql::options::SearchOptions;
use kymo_query::traceql::{Query, parse};

use super::envelope::answer;
use super::error::{Failed, FailedV1};
use super::filter::Filter;
use super::params::{Search, micros, millis, trace_id};
use super::trace::push_trace;
use crate::app::App;
use crate::clock::now_ms;
use crate::governor::Gate;
use crate::http::ApiError;
use crate::http::caller::Caller;
use crate::http::json::{list, object, text};
use crate::http::params::Params;
use crate::http::prom::governed::{Held, governed};
use crate::spans::Asking;

/// The day that dependencies are counted over when nothing is said, in nanoseconds.
const LOOKBACK_DEFAULT: i64 = 86_400_000_000_000;

type Reply = Result<Response, FailedV1>;

/// The names of span kinds by their numbers in OTLP.
pub(super) const KINDS: [&str; 6] = ["", "internal", "server", "client", "producer", "consumer"];

/// Runs a question; without data there is nobody to ask.
pub(super) async fn ask<T: Held>(
    app: &Arc<App>,
    caller: &Caller,
    (gate, kind, asked): (Gate, &str, &str),
    times: Option<(i64, i64)>,
    work: impl FnOnce(Option<&Asking<'_>>) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, Failed> {
    let (start, end) = times.unwrap_or((0, 0));
    let listed = caller.asks(kind, asked, (start / 1_000_000, end / 1_000_000, 0));
    let timeout = Duration::from_millis(app.config.query.timeout_ms);
    let db = app.reading(&caller.tenant);
    let with = Arc::clone(app);
    let done = governed(app, gate, listed, timeout, move |admitted, _| {
        let asking = db.as_ref().map(|db| Asking::now(db, &with, &admitted.running));
        work(asking.as_ref())
    });
    Ok(done.await?)
}

/// Whole traces that a search finds.
pub(super) fn found(asking: Option<&Asking<'_>>, search: &Search) -> Result<Vec<Trace>, ApiError> {
    let Some(asking) = asking else {
        return Ok(Vec::new());
    };
    let query = parse(&search.query()).map_err(|error| ApiError::bad_data(error.to_string()))?;
    let options = SearchOptions {
        limit: search.limit,
        spans_per_spanset: 1,
        times: search.times(),
    };
    match &search.filter {
        None => asking.whole_traces(&query, &options),
        Some(filter) => filtered(asking, filter, &query, options),
    }
}

/// Tests traces until there are enough for which a filter holds, the newest first.
fn filtered(
    asking: &Asking<'_>,
    filter: &Filter,
    query: &Query,
    mut options: SearchOptions,
) -> Result<Vec<Trace>, ApiError> {
    /// Traces that are tested at first, and how many times more when they were not enough.
    const TESTED: usize = 256;
    const MORE: usize = 4;
    let wanted = options.limit;
    let (mut kept, mut tested) = (Vec::new(), 0);
    options.limit = wanted.max(TESTED);
    loop {
        let found = asking.search(query, &options)?.traces;
        for one in found.iter().skip(tested) {
            asking.check()?;
            let trace = asking.snapshot.trace(&one.id)?;
            if !trace.is_some_and(|trace| filter.holds(&trace)) {
                continue;
            }
            kept.extend(asking.trace(&one.id)?);
            if kept.len() == wanted {
                return Ok(kept);
            }
        }
        if found.len() < options.limit {
            return Ok(kept);
        }
        tested = found.len();
        options.limit = options.limit.saturating_mul(MORE);
    }
}

pub(super) async fn services(State(app): State<Arc<App>>, caller: Result<Caller, ApiError>) -> Reply {
    let work = |asking: Option<&Asking<'_>>| {
        let services = asking.map_or_else(|| Ok(Vec::new()), Asking::services)?;
        Ok(answer(services.len(), |out| {
            list(out, &services, |out, service| text(out, service));
        }))
    };
    let what = (Gate::Lookup, "jaeger_services", "");
    Ok(ask(&app, &caller?, what, None, work).await?.into_response())
}

pub(super) async fn operations_of(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    Path(service): Path<String>,
) -> Reply {
    let asked = service.clone();
    let work = move |asking: Option<&Asking<'_>>| {
        let operations = asking.map_or_else(|| Ok(Vec::new()), |a| a.operations(&service))?;
        let mut names: Vec<String> = operations.into_iter().map(|o| o.name).collect();
        names.dedup();
        Ok(answer(names.len(), |out| {
            list(out, &names, |out, name| text(out, name));
        }))
    };
    let what = (Gate::Lookup, "jaeger_operations", asked.as_str());
    Ok(ask(&app, &caller?, what, None, work).await?.into_response())
}

pub(super) async fn operations(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    params: Result<Params, ApiError>,
) -> Reply {
    let params = params?;
    let (service, kind) = (
        params.first("service").to_owned(),
        params.first("spanKind").to_owned(),
    );
    if service.is_empty() {
        return Err(Failed::bad("unable to parse param 'service': parameter is required").into());
    }
    let asked = service.clone();
    let work = move |asking: Option<&Asking<'_>>| {
        let mut operations = asking.map_or_else(|| Ok(Vec::new()), |a| a.operations(&service))?;
        operations.retain(|o| kind.is_empty() || kind_name(o.kind) == kind);
        Ok(answer(operations.len(), |out| {
            list(out, &operations, |out, operation| {
                object(out, |o| {
                    o.text_even_empty("name", &operation.name);
                    o.text_even_empty("spanKind", kind_name(operation.kind));
                });
            });
        }))
    };
    let what = (Gate::Lookup, "jaeger_operations", asked.as_str());
    Ok(ask(&app, &caller?, what, None, work).await?.into_response())
}

/// The name of a kind, empty for what has none.
pub(in crate::http) fn kind_name(kind: i64) -> &'static str {
    let known = usize::try_from(kind).ok().and_then(|n| KINDS.get(n));
    known.copied().unwrap_or_default()
}

pub(super) async fn traces(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    params: Result<Params, ApiError>,
) -> Reply {
    let (caller, params) = (caller?, params?);
    let ids: Result<Vec<_>, Failed> = params.all("traceID").map(trace_id).collect();
    let ids = ids?;
    if !ids.is_empty() {
        let work = move |asking: Option<&Asking<'_>>| {
            let mut all = Vec::new();
            for id in &ids {
                all.extend(read(asking, id)?);
            }
            Ok(answer(all.len(), |out| {
                list(out, &all, push_trace);
            }))
        };
        let what = (Gate::Lookup, "trace", params.first("traceID"));
        return Ok(ask(&app, &caller, what, None, work).await?.into_response());
    }
    let search = Search::of_v1(&params)?;
    let (asked, times) = (search.query(), search.times());
    let work = move |asking: Option<&Asking<'_>>| {
        let all = found(asking, &search)?;
        Ok(answer(all.len(), |out| {
            list(out, &all, push_trace);
        }))
    };
    let what = (Gate::Samples, "jaeger_search", asked.as_str());
    Ok(ask(&app, &caller, what, times, work).await?.into_response())
}

/// A trace by its id.
pub(super) fn read(
    asking: Option<&Asking<'_>>,
    id: &kymo_engine::traces::TraceId,
) -> Result<Option<Trace>, ApiError> {
    match asking {
        Some(asking) => asking.trace(id),
        None => Ok(None),
    }
}

pub(super) async fn trace(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    Path(id): Path<String>,
    params: Result<Params, ApiError>,
) -> Reply {
    let found = trace_id(&id)?;
    let params = params?;
    // The times help others to find the trace; here they are only checked.
    let times = micros(&params, "start")?.zip(micros(&params, "end")?);
    let work = move |asking: Option<&Asking<'_>>| {
        Ok(read(asking, &found)?
            .map(|trace| answer(0, |out| list(out, [trace], |out, trace| push_trace(out, &trace)))))
    };
    let what = (Gate::Lookup, "trace", id.as_str());
    match ask(&app, &caller?, what, times, work).await? {
        Some(document) => Ok(document.into_response()),
        None => Err(Failed::absent("trace not found").into()),
    }
}

pub(super) async fn dependencies(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    params: Result<Params, ApiError>,
) -> Reply {
    let params = params?;
    let end = millis(&params, "endTs")?.unwrap_or_else(|| now_ms().saturating_mul(1_000_000));
    let start = end.saturating_sub(millis(&params, "lookback")?.unwrap_or(LOOKBACK_DEFAULT));
    let service = params.first("service").to_owned();
    let work = move |asking: Option<&Asking<'_>>| {
        let mut calls = asking.map_or_else(|| Ok(Default::default()), |a| a.dependencies((start, end)))?;
        calls.retain(|(from, to), _| service.is_empty() || *from == service || *to == service);
        Ok(answer(0, |out| {
            list(out, &calls, |out, ((from, to), n)| {
                object(out, |o| {
                    o.text_even_empty("parent", from);
                    o.text_even_empty("child", to);
                    o.integer("callCount", i64::try_from(*n).unwrap_or(i64::MAX));
                });
            });
        }))
    };
    let what = (Gate::Samples, "jaeger_dependencies", "");
    let times = Some((start, end));
    Ok(ask(&app, &caller?, what, times, work).await?.into_response())
}
