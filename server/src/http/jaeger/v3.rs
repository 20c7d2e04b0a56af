//! Jaeger's third API over HTTP: traces as OTLP/JSON, and summaries of traces.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use kymo_engine::traces::{SpanId, Trace};

use super::error::{Failed, FailedV3};
use super::params::{Search, found_name, rfc3339, trace_id};
use super::trace::service_of;
use super::v1::{ask, found, kind_name, read};
use crate::app::App;
use crate::governor::Gate;
use crate::http::ApiError;
use crate::http::caller::Caller;
use crate::http::document::Document;
use crate::http::json::{Object, hex, list, object};
use crate::http::params::Params;
use crate::spans::Asking;
use crate::trace_out::json::{Form, push_resource_spans};

type Reply = Result<Response, FailedV3>;

pub(super) async fn services(State(app): State<Arc<App>>, caller: Result<Caller, ApiError>) -> Reply {
    let work = |asking: Option<&Asking<'_>>| {
        let services = asking.map_or_else(|| Ok(Vec::new()), Asking::services)?;
        Ok(written(|o| o.texts_even_none("services", &services)))
    };
    let what = (Gate::Lookup, "jaeger_services", "");
    Ok(ask(&app, &caller?, what, None, work).await?.into_response())
}

pub(super) async fn operations(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    params: Result<Params, ApiError>,
) -> Reply {
    let params = params?;
    let text = |camel: &str| params.first(&found_name(&params, camel)).to_owned();
    let (service, kind) = (text("service"), text("spanKind"));
    if service.is_empty() {
        return Err(Failed::bad("malformed parameter service: missing").into());
    }
    let asked = service.clone();
    let work = move |asking: Option<&Asking<'_>>| {
        let mut operations = asking.map_or_else(|| Ok(Vec::new()), |a| a.operations(&service))?;
        operations.retain(|o| kind.is_empty() || kind_name(o.kind) == kind);
        Ok(written(|o| {
            list(o.name("operations"), &operations, |out, operation| {
                object(out, |o| {
                    o.text("name", &operation.name);
                    o.text("spanKind", kind_name(operation.kind));
                });
            });
        }))
    };
    let what = (Gate::Lookup, "jaeger_operations", asked.as_str());
    Ok(ask(&app, &caller?, what, None, work).await?.into_response())
}

pub(super) async fn trace(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    Path(id): Path<String>,
    params: Result<Params, ApiError>,
) -> Reply {
    let found = trace_id(&id)?;
    let params = params?;
    for camel in ["startTime", "endTime"] {
        let text = params.first(&found_name(&params, camel));
        if !text.is_empty() && rfc3339(text).is_none() {
            return Err(Failed::bad(format!("malformed parameter {camel}: {text:?} is no time")).into());
        }
    }
    let work = move |asking: Option<&Asking<'_>>| Ok(read(asking, &found)?.map(|trace| result(&[trace])));
    let what = (Gate::Lookup, "trace", id.as_str());
    match ask(&app, &caller?, what, None, work).await? {
        Some(document) => Ok(document.into_response()),
        None => Err(none()),
    }
}

pub(super) async fn traces(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    params: Result<Params, ApiError>,
) -> Reply {
    let search = Search::of_v3(&params?)?;
    let (asked, times) = (search.query(), search.times());
    let work = move |asking: Option<&Asking<'_>>| {
        let all = found(asking, &search)?;
        Ok((!all.is_empty()).then(|| result(&all)))
    };
    let what = (Gate::Samples, "jaeger_search", asked.as_str());
    match ask(&app, &caller?, what, times, work).await? {
        Some(document) => Ok(document.into_response()),
        None => Err(none()),
    }
}

fn none() -> FailedV3 {
    Failed::absent("No traces found").into()
}

/// Traces as one document of OTLP/JSON.
fn result(traces: &[Trace]) -> Document {
    written(|o| {
        o.object("result", |o| {
            push_resource_spans(o, "resourceSpans", traces, Form::Otlp);
        });
    })
}

fn written(members: impl FnOnce(&mut Object<'_>)) -> Document {
    let mut out = Vec::new();
    object(&mut out, members);
    Document::json(out)
}

pub(super) async fn summaries(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    params: Result<Params, ApiError>,
) -> Reply {
    let search = Search::of_v3(&params?)?;
    let (asked, times) = (search.query(), search.times());
    let work = move |asking: Option<&Asking<'_>>| {
        let all = found(asking, &search)?;
        Ok(written(|o| {
            list(o.name("summaries"), &all, |out, trace| {
                object(out, |o| summary(o, trace));
            });
        }))
    };
    let what = (Gate::Samples, "jaeger_search", asked.as_str());
    Ok(ask(&app, &caller?, what, times, work).await?.into_response())
}

/// What a list of traces shows of one.
fn summary(o: &mut Object<'_>, trace: &Trace) {
    const ERROR: i32 = 2;
    let spans = &trace.spans;
    let ids: HashSet<SpanId> = spans.iter().map(|span| span.id).collect();
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    o.text("traceId", &hex(&trace.id));
    let services: Vec<String> = trace.resources.iter().map(service_of).collect();
    if let Some(root) = spans.iter().find(|span| span.parent == [0; 8]) {
        o.text("rootServiceName", &services[root.resource as usize]);
        o.text("rootOperationName", &root.name);
    }
    o.long(
        "minStartTimeUnixNano",
        spans.iter().map(|s| s.start).min().unwrap_or(0),
    );
    o.long(
        "maxEndTimeUnixNano",
        spans.iter().map(|s| s.end).max().unwrap_or(0),
    );
    o.number("spanCount", count(spans.len()));
    let errors = spans.iter().filter(|span| span.status_code == ERROR);
    o.number("errorSpanCount", count(errors.count()));
    let orphans = spans
        .iter()
        .filter(|span| span.parent != [0; 8] && !ids.contains(&span.parent));
    o.number("orphanSpanCount", count(orphans.count()));
    let mut by_service: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for span in spans {
        let counts = by_service.entry(&services[span.resource as usize]).or_default();
        counts.0 += 1;
        counts.1 += usize::from(span.status_code == ERROR);
    }
    list(o.name("services"), by_service, |out, (name, (spans, errors))| {
        object(out, |o| {
            o.text("name", name);
            o.number("spanCount", count(spans));
            o.number("errorSpanCount", count(errors));
        });
    });
}

pub(super) async fn dependencies(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    params: Result<Params, ApiError>,
) -> Reply {
    let params = params?;
    let time = |camel: &str| match params.first(&found_name(&params, camel)) {
        "" => Err(Failed::bad(format!("{camel} is required"))),
        text => rfc3339(text)
            .ok_or_else(|| Failed::bad(format!("malformed parameter {camel}: {text:?} is no time"))),
    };
    let times = (time("startTime")?, time("endTime")?);
    let work = move |asking: Option<&Asking<'_>>| {
        let calls = asking.map_or_else(|| Ok(Default::default()), |a| a.dependencies(times))?;
        Ok(written(|o| {
            list(o.name("dependencies"), &calls, |out, ((from, to), n)| {
                object(out, |o| {
                    o.text("parent", from);
                    o.text("child", to);
                    o.long("callCount", *n);
                });
            });
        }))
    };
    let what = (Gate::Samples, "jaeger_dependencies", "");
    Ok(ask(&app, &caller?, what, Some(times), work)
        .await?
        .into_response())
}
