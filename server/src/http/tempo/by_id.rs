//! `/api/traces/{id}` and `/api/v2/traces/{id}`: one whole trace, wherever its spans lie. A time range is accepted and not
//! needed: the directory of ids knows where to look.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use kymo_engine::traces::{Trace, TraceId};
use kymo_proto::wire::put_message;

use super::Accepted;
use super::error::TempoError;
use super::params::{seconds_range, trace_id};
use crate::app::App;
use crate::governor::Gate;
use crate::http::ApiError;
use crate::http::caller::Caller;
use crate::http::document::Document;
use crate::http::json::object;
use crate::http::params::Params;
use crate::http::prom::governed::governed;
use crate::trace_out::json::{Form, resource_spans};
use crate::trace_out::protobuf::put_trace;

pub(super) async fn v1(
    state: State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    Path(id): Path<String>,
    headers: HeaderMap,
    params: Result<Params, ApiError>,
) -> Result<Response, TempoError> {
    let accepted = Accepted::of(&headers);
    let write = move |trace: Option<Trace>| {
        let Some(trace) = trace else {
            let mut none = Document::new("text/plain; charset=utf-8", Vec::new());
            none.status = StatusCode::NOT_FOUND;
            return Ok(none);
        };
        let mut body = Vec::new();
        Ok(match accepted {
            Accepted::Protobuf => {
                put_trace(&mut body, &trace);
                Document::new("application/protobuf", body)
            }
            Accepted::Json => {
                object(&mut body, |o| {
                    resource_spans(o, "batches", &trace, Form::Protobuf)
                });
                Document::json(body)
            }
        })
    };
    find(state, caller?, &id, &params?, write).await
}

pub(super) async fn v2(
    state: State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    Path(id): Path<String>,
    headers: HeaderMap,
    params: Result<Params, ApiError>,
) -> Result<Response, TempoError> {
    let params = params?;
    if params.all("span_pruning").any(|value| value == "true") {
        return Err(TempoError::bad("span_pruning is not supported"));
    }
    let accepted = Accepted::of(&headers);
    let write = move |trace: Option<Trace>| {
        let trace = trace.unwrap_or_default();
        let mut body = Vec::new();
        Ok(match accepted {
            Accepted::Protobuf => {
                put_message(&mut body, 1, |body| put_trace(body, &trace));
                put_message(&mut body, 2, |_| {});
                Document::new("application/protobuf", body)
            }
            Accepted::Json => {
                object(&mut body, |o| {
                    o.object("trace", |o| {
                        resource_spans(o, "resourceSpans", &trace, Form::Protobuf);
                    });
                    o.object("metrics", |_| {});
                });
                Document::json(body)
            }
        })
    };
    find(state, caller?, &id, &params, write).await
}

/// Reads a trace and writes the answer, as queries are run.
async fn find(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: &str,
    params: &Params,
    write: impl FnOnce(Option<Trace>) -> Result<Document, ApiError> + Send + 'static,
) -> Result<Response, TempoError> {
    let found = trace_id(id).map_err(TempoError::bad)?;
    let range = seconds_range(params)?.unwrap_or((0, 0));
    let times = (i64::from(range.0) * 1000, i64::from(range.1) * 1000, 0);
    let asked = caller.asks("trace", id, times);
    let timeout = Duration::from_millis(app.config.query.timeout_ms);
    let db = app.reading(&caller.tenant);
    let document = governed(&app, Gate::Lookup, asked, timeout, move |_, _| {
        let trace = match &db {
            Some(db) => read(db, &found)?,
            None => None,
        };
        write(trace)
    });
    Ok(document.await?.into_response())
}

/// A trace of a tenant.
fn read(db: &kymo_engine::db::Db, id: &TraceId) -> Result<Option<Trace>, ApiError> {
    Ok(db.traces.snapshot().trace(id)?)
}
