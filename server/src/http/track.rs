//! `/api/v1/track/{id}`: everything that names a tracking id: the tree of its trace, its log lines, and the exemplars of metrics
//! that point to it. No time range is needed.

mod lines;
mod tree;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use kymo_engine::db::Db;
use kymo_engine::traces::{Table, Trace, TraceId};

use super::answer::{Answer, ApiError, ErrorType, Reply};
use super::caller::Caller;
use super::json::{Object, hex, list, object};
use super::params::Params;
use super::prom::{exemplars, governed::governed};
use super::tempo::trace_id;
use crate::app::App;
use crate::governor::Gate;
use tree::{Node, nodes, services};

pub(crate) async fn track(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> Reply {
    let found = trace_id(&id).map_err(|cause| ApiError::parameter("id", cause))?;
    let timeout = super::prom::query::timeout(&app, &params)?;
    let timeout = timeout.min(Duration::from_millis(app.config.query.timeout_ms));
    let asked = caller.asks("track", &id, (0, 0, 0));
    let db = app.reading(&caller.tenant);
    governed(&app, Gate::Lookup, asked, timeout, move |_, _| match &db {
        Some(db) => answer(db, &found),
        None => Err(nothing(&found)),
    })
    .await
}

fn nothing(id: &TraceId) -> ApiError {
    let text = format!("nothing that is stored has the id {}", hex(id));
    ApiError::new(ErrorType::NotFound, text)
}

fn answer(db: &Db, id: &TraceId) -> Reply {
    let trace = db.traces.snapshot().trace(id)?;
    let pointing = db.metrics.snapshot().exemplars_of_trace(id)?;
    let (lines, cut) = lines::lines(db, &hex(id))?;
    if trace.is_none() && pointing.is_empty() && lines.is_empty() {
        return Err(nothing(id));
    }
    let mut out = Vec::new();
    let mut written = Ok(());
    object(&mut out, |o| {
        o.text("traceId", &hex(id));
        match trace {
            Some(trace) => written = push_trace(o, trace),
            None => o.name("trace").extend_from_slice(b"null"),
        }
        o.name("exemplars")
            .extend_from_slice(exemplars::render(&pointing).as_bytes());
        lines::push(o, &lines, cut);
    });
    written?;
    let text = String::from_utf8(out).map_err(|e| ApiError::new(ErrorType::Internal, e.to_string()))?;
    Ok(Answer::raw(text))
}

fn push_trace(o: &mut Object<'_>, trace: Trace) -> Result<(), kymo_engine::Error> {
    let start = trace.spans.iter().map(|span| span.start).min().unwrap_or(0);
    let end = trace.spans.iter().map(|span| span.end.max(span.start)).max();
    let table = Table::of_traces(vec![trace.clone()]);
    let nodes = nodes(&trace, table.parents()?);
    o.object("trace", |o| {
        o.text("startTimeUnixNano", &start.to_string());
        let length = end.unwrap_or(start).saturating_sub(start);
        o.text("durationNanos", &length.to_string());
        list(
            o.name("services"),
            services(&trace),
            |out, (name, (spans, errors))| {
                object(out, |o| {
                    o.text_even_empty("name", name);
                    o.integer("spans", spans);
                    o.integer("errors", errors);
                });
            },
        );
        list(o.name("spans"), nodes, |out, node| {
            object(out, |o| push_span(o, &node))
        });
    });
    Ok(())
}

fn push_span(o: &mut Object<'_>, node: &Node<'_>) {
    let span = node.span;
    o.text("spanId", &hex(&span.id));
    if span.parent != [0; 8] {
        o.text("parentSpanId", &hex(&span.parent));
    }
    o.integer("depth", i64::try_from(node.depth).unwrap_or(i64::MAX));
    o.text_even_empty("service", node.service);
    o.text_even_empty("name", &span.name);
    o.text("kind", super::jaeger::kind_name(span.kind.into()));
    o.text("startTimeUnixNano", &span.start.to_string());
    o.text("durationNanos", &span.end.saturating_sub(span.start).to_string());
    let status = match span.status_code {
        1 => "ok",
        2 => "error",
        _ => "",
    };
    o.text("status", status);
    o.text("statusMessage", &span.status_message);
    if node.orphan {
        o.name("orphan").extend_from_slice(b"true");
    }
}
