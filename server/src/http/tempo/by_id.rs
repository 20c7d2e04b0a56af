//! `/api/traces/{id}` and `/api/v2/traces/{id}`: one whole trace, wherever its spans lie. A time range is accepted and not
//! needed: the directory of ids knows where to look.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use kymo_engine::traces::Trace;
use kymo_proto::wire::{put_bytes, put_integer, put_message};

use super::Accepted;
use super::error::TempoError;
use super::filtered::Kept;
use super::params::{open_range, trace_id};
use super::pruned::Pruning;
use crate::app::App;
use crate::governor::Gate;
use crate::http::ApiError;
use crate::http::caller::Caller;
use crate::http::document::Document;
use crate::http::json::object;
use crate::http::params::Params;
use crate::http::prom::governed::governed;
use crate::spans::Asking;
use crate::trace_out::json::{Form, resource_spans};
use crate::trace_out::llm;
use crate::trace_out::protobuf::put_trace;

pub(super) async fn v1(
    state: State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    Path(id): Path<String>,
    headers: HeaderMap,
    params: Result<Params, ApiError>,
) -> Result<Response, TempoError> {
    let accepted = Accepted::of(&headers);
    let write = move |trace: Option<Trace>, _: Option<&Asking<'_>>| {
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
            Accepted::Json | Accepted::Llm => {
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
    let accepted = Accepted::or_llm(&headers);
    let kept = Kept::of(&params)?;
    let pruning = Pruning::of(&params)?;
    let write = move |trace: Option<Trace>, asking: Option<&Asking<'_>>| {
        let Some(mut trace) = trace else {
            return Ok(answer(&Trace::default(), None, accepted));
        };
        let partial = match (&kept, asking) {
            (Some(kept), Some(asking)) => Some(kept.of_trace(asking, &mut trace)?),
            _ => None,
        };
        if let Some(pruning) = &pruning {
            pruning.prune(&mut trace)?;
        }
        Ok(answer(&trace, partial.as_deref(), accepted))
    };
    find(state, caller?, &id, &params, write).await
}

/// A `TraceByIDResponse`; `partial` says why it is not the whole trace.
fn answer(trace: &Trace, partial: Option<&str>, accepted: Accepted) -> Document {
    /// `PartialStatus.PARTIAL`.
    const PARTIAL: u64 = 1;
    let mut body = Vec::new();
    match accepted {
        Accepted::Protobuf => {
            put_message(&mut body, 1, |body| put_trace(body, trace));
            put_message(&mut body, 2, |_| {});
            if let Some(message) = partial {
                put_integer(&mut body, 3, PARTIAL);
                put_bytes(&mut body, 4, message.as_bytes());
            }
            Document::new("application/protobuf", body)
        }
        Accepted::Llm => {
            object(&mut body, |o| {
                o.object("trace", |o| llm::trace(o, trace));
                if let Some(message) = partial {
                    o.text("status", "PARTIAL");
                    o.text("message", message);
                }
            });
            Document::new(llm::CONTENT_TYPE, body)
        }
        Accepted::Json => {
            object(&mut body, |o| {
                o.object("trace", |o| {
                    resource_spans(o, "resourceSpans", trace, Form::Protobuf);
                });
                o.object("metrics", |_| {});
                if let Some(message) = partial {
                    o.text("status", "PARTIAL");
                    o.text("message", message);
                }
            });
            Document::json(body)
        }
    }
}

/// Reads a trace and writes the answer, as queries are run.
async fn find(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: &str,
    params: &Params,
    write: impl FnOnce(Option<Trace>, Option<&Asking<'_>>) -> Result<Document, ApiError> + Send + 'static,
) -> Result<Response, TempoError> {
    let found = trace_id(id).map_err(TempoError::bad)?;
    let range = open_range(params)?;
    let times = (i64::from(range.0) * 1000, i64::from(range.1) * 1000, 0);
    let asked = caller.asks("trace", id, times);
    let timeout = Duration::from_millis(app.config.query.timeout_ms);
    let db = app.reading(&caller.tenant);
    let with = Arc::clone(&app);
    let document = governed(&app, Gate::Lookup, asked, timeout, move |admitted, _| {
        let asking = db.as_ref().map(|db| Asking::now(db, &with, &admitted.running));
        let trace = match &asking {
            Some(asking) => asking.trace(&found)?,
            None => None,
        };
        write(trace, asking.as_ref())
    });
    Ok(document.await?.into_response())
}
