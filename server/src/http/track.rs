//! `/api/v1/track/{id}`: everything that names a tracking id: the tree of its trace, its log lines, and the exemplars of metrics
//! that point to it. Other ids lead to the lines that have them, and to the traces that do or that these lines name. No time
//! range is needed.

mod events;
mod id;
mod lines;
mod tree;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use hashbrown::HashMap;
use kymo_engine::traces::{SpanId, Table, Trace, TraceId};
use kymo_query::traceql::options::SearchOptions;

use super::answer::{Answer, ApiError, ErrorType, Reply};
use super::caller::Caller;
use super::json::{Object, hex, list, object};
use super::params::Params;
use super::prom::{exemplars, governed::governed};
use crate::app::App;
use crate::governor::Gate;
use crate::spans::Asking;
use id::Id;
use lines::{Line, Wanted};
use tree::{Node, nodes, services};

/// Most traces that an id other than a trace's leads to.
const TRACES_MAX: usize = 20;

pub(crate) async fn track(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> Reply {
    let id = Id::read(&id).map_err(|cause| ApiError::parameter("id", cause))?;
    let timeout = super::prom::query::timeout(&app, &params)?;
    let timeout = timeout.min(Duration::from_millis(app.config.query.timeout_ms));
    let asked = caller.asks("track", &id.text, (0, 0, 0));
    let (db, with) = (app.reading(&caller.tenant), Arc::clone(&app));
    governed(&app, Gate::Lookup, asked, timeout, move |admitted, _| match &db {
        Some(db) => answer(&Asking::now(db, &with, &admitted.running), &id),
        None => Err(nothing(&id)),
    })
    .await
}

fn nothing(id: &Id) -> ApiError {
    let shown = id.trace.map_or_else(|| id.text.clone(), |trace| hex(&trace));
    let text = format!("nothing that is stored has the id {shown}");
    ApiError::new(ErrorType::NotFound, text)
}

/// What an id leads to.
struct Found {
    /// Its own trace.
    trace: Option<Trace>,
    /// Traces that have it.
    traces: Vec<Trace>,
    lines: Vec<Line>,
    /// There are further lines.
    cut: bool,
}

fn answer(asking: &Asking<'_>, id: &Id) -> Reply {
    let found = find(asking, id)?;
    let pointing = match &id.trace {
        Some(trace) => asking.db.metrics.snapshot().exemplars_of_trace(trace)?,
        None => Vec::new(),
    };
    if found.trace.is_none() && found.traces.is_empty() && pointing.is_empty() && found.lines.is_empty() {
        return Err(nothing(id));
    }
    let mut out = Vec::new();
    let mut written = Ok(());
    object(&mut out, |o| {
        o.text("id", &id.text);
        if let Some(trace) = &id.trace {
            o.text("traceId", &hex(trace));
        }
        match &found.trace {
            Some(trace) => o.object("trace", |o| written = push_trace(o, trace, &found.lines)),
            None => o.name("trace").extend_from_slice(b"null"),
        }
        list(o.name("traces"), &found.traces, |out, trace| {
            object(out, |o| {
                o.text("traceId", &hex(&trace.id));
                if let Err(error) = push_trace(o, trace, &found.lines) {
                    written = Err(error);
                }
            });
        });
        o.name("exemplars")
            .extend_from_slice(exemplars::render(&pointing).as_bytes());
        lines::push(o, &found.lines, found.cut);
    });
    written?;
    let text = String::from_utf8(out).map_err(|e| ApiError::new(ErrorType::Internal, e.to_string()))?;
    Ok(Answer::raw(text))
}

fn find(asking: &Asking<'_>, id: &Id) -> Result<Found, ApiError> {
    let check = || asking.check();
    let trace = match &id.trace {
        Some(trace) => asking.trace(trace)?,
        None => None,
    };
    let (mut lines, mut cut) = match id.spellings.is_empty() {
        true => (Vec::new(), false),
        false => lines::lines(asking.db, Wanted::Texts(&id.spellings), &check)?,
    };
    let names = &asking.app.config.track_ids;
    let mut traces = Vec::new();
    if trace.is_none() && !names.is_empty() {
        if lines.is_empty() {
            (lines, cut) = lines::lines(asking.db, Wanted::Named(names, &id.text), &check)?;
        }
        traces = having(asking, names, &id.text)?;
    }
    if trace.is_none() {
        let known: BTreeSet<TraceId> = traces.iter().map(|trace| trace.id).collect();
        let named: BTreeSet<TraceId> = lines.iter().flat_map(Line::trace_ids).collect();
        for id in named.difference(&known) {
            if traces.len() >= TRACES_MAX {
                break;
            }
            traces.extend(asking.trace(id)?);
        }
        traces.sort_by_key(|trace| (trace.spans.iter().map(|span| span.start).min(), trace.id));
    }
    Ok(Found {
        trace,
        traces,
        lines,
        cut,
    })
}

/// The newest traces with a span or a resource that has a value under one of some names.
fn having(asking: &Asking<'_>, names: &[String], value: &str) -> Result<Vec<Trace>, ApiError> {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let mut conditions: Vec<String> = Vec::new();
    for name in names {
        conditions.push(format!(".{} = {}", quoted(name), quoted(value)));
        if let Ok(number) = value.parse::<i64>() {
            conditions.push(format!(".{} = {number}", quoted(name)));
        }
    }
    let text = format!("{{ {} }}", conditions.join(" || "));
    let query = kymo_query::traceql::parse(&text).map_err(|error| ApiError::bad_data(error.to_string()))?;
    let options = SearchOptions {
        limit: TRACES_MAX,
        spans_per_spanset: 1,
        times: None,
    };
    asking.whole_traces(&query, &options)
}

fn push_trace(o: &mut Object<'_>, trace: &Trace, lines: &[Line]) -> Result<(), kymo_engine::Error> {
    let start = trace.spans.iter().map(|span| span.start).min().unwrap_or(0);
    let end = trace.spans.iter().map(|span| span.end.max(span.start)).max();
    let table = Table::of_traces(vec![trace.clone()]);
    let nodes = nodes(trace, table.parents()?);
    let errors = events::by_span(&trace.spans, lines);
    o.text("startTimeUnixNano", &start.to_string());
    let length = end.unwrap_or(start).saturating_sub(start);
    o.text("durationNanos", &length.to_string());
    list(
        o.name("services"),
        services(trace),
        |out, (name, (spans, errors))| {
            object(out, |o| {
                o.text_even_empty("name", name);
                o.integer("spans", spans);
                o.integer("errors", errors);
            });
        },
    );
    list(o.name("spans"), nodes, |out, node| {
        object(out, |o| push_span(o, &node, &errors));
    });
    Ok(())
}

fn push_span(o: &mut Object<'_>, node: &Node<'_>, errors: &HashMap<SpanId, Vec<&Line>>) {
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
    let lines = errors.get(&span.id);
    if span.events.is_empty() && lines.is_none() {
        return;
    }
    // Its own events, then what log lines tell of it.
    let out = o.name("events");
    let own = span.events.iter().map(|event| (event.time, &*event.name, None));
    let logged = lines
        .into_iter()
        .flatten()
        .map(|line| (line.time, "log", Some(*line)));
    list(out, own.chain(logged), |out, (time, name, line)| {
        object(out, |o| {
            o.text_even_empty("name", name);
            o.text("timeUnixNano", &time.to_string());
            if let Some(line) = line {
                o.text("level", line.level().unwrap_or_default());
                o.text_even_empty("line", &line.line);
            }
        });
    });
}
