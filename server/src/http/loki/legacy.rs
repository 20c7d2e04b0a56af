//! The first version of Loki's API, below `/api/prom`: the same questions, answered in older forms (`pkg/loghttp/legacy`). Only
//! lines can be asked for.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use kymo_proto::loki::put_labels;
use kymo_query::logql::ast::{LineFilter, LineOp, LineText, Stage};
use kymo_query::logql::eval::{Direction, LabelSet, Line, Lines, SelectOptions};
use kymo_query::logql::{Expr, parse};

use super::ask::{Shown, ask_within};
use super::error::LokiError;
use super::limits::Limits;
use super::query::selected;
use super::stats::put_stats;
use super::{JSON, labels, now, params, tail};
use crate::app::App;
use crate::http::ApiError;
use crate::http::caller::Caller;
use crate::http::document::Document;
use crate::http::json::{list, object};
use crate::http::params::Params;

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/prom/query", get(query).post(query))
        .route("/api/prom/label", get(names).post(names))
        .route("/api/prom/label/{name}/values", get(values).post(values))
        .route("/api/prom/series", get(labels::series).post(labels::series))
        .route("/api/prom/tail", get(tail::tail))
}

async fn query(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    headers: HeaderMap,
    params: Result<Params, ApiError>,
) -> Result<Response, LokiError> {
    let (params, now) = (params?, now());
    let limits = Limits::of(&app, &headers)?;
    let text = params.first("query");
    let mut expr = parse(text).map_err(|error| LokiError::bad(error.to_string()))?;
    limits.check(&expr)?;
    let times = limits.times(params::range(&params, now)?, now)?;
    let Expr::Log(log) = &mut expr else {
        return Err(LokiError::bad(
            "legacy endpoints only support streams result type, current type is matrix",
        ));
    };
    match params.first("regexp") {
        "" => {}
        pattern => log.stages.insert(
            0,
            Stage::Line(LineFilter {
                op: LineOp::Matches,
                any: vec![LineText::Text(pattern.to_owned())],
            }),
        ),
    }
    let options = SelectOptions {
        from: times.0,
        until: times.1,
        limit: limits.entries(params::limit(&params)?)?,
        direction: match params::forward(&params)? {
            true => Direction::Forward,
            false => Direction::Backward,
        },
        interval: 0,
        now,
    };
    let shown = Shown {
        kind: "logql",
        text,
        times: (times.0, times.1, 0),
    };
    let document = ask_within(&app, caller, shown, limits.timeout, move |asking, cost| {
        let (found, took) = selected(asking, &expr, &options, limits.bytes)?;
        cost.samples_read = took.stats.lines;
        let mut body = Vec::new();
        object(&mut body, |o| {
            put_streams(o.name("streams"), &found);
            o.object("stats", |o| put_stats(o, took));
        });
        Ok(Document::new(JSON, body))
    });
    Ok(document.await?.into_response())
}

/// Labels as their text.
pub(super) fn labels_text<'l>(labels: impl Iterator<Item = (&'l str, &'l str)>) -> String {
    let mut text = String::new();
    put_labels(&mut text, labels);
    text
}

/// A time as RFC 3339 has it, with nanoseconds.
pub(super) fn time_text(nanos: i64) -> String {
    jiff::Timestamp::from_nanosecond(nanos.into()).map_or_else(|_| nanos.to_string(), |time| time.to_string())
}

/// Lines by stream.
pub(super) fn put_streams(out: &mut Vec<u8>, lines: &Lines) {
    list(
        out,
        lines.streams(false),
        |out, (labels, entries): (LabelSet, Vec<&Line>)| {
            object(out, |o| {
                o.text("labels", &labels_text(labels.iter()));
                list(o.name("entries"), entries, |out, line| {
                    object(out, |o| {
                        o.text("ts", &time_text(line.time));
                        o.text_even_empty("line", &line.line);
                    });
                });
            });
        },
    );
}

async fn names(
    app: State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    params: Result<Params, ApiError>,
) -> Result<Response, LokiError> {
    labels::texts(&app, caller, &params?, labels::Form::Legacy, labels::add_names).await
}

async fn values(
    app: State<Arc<App>>,
    Path(name): Path<String>,
    caller: Result<Caller, ApiError>,
    params: Result<Params, ApiError>,
) -> Result<Response, LokiError> {
    labels::texts(
        &app,
        caller,
        &params?,
        labels::Form::Legacy,
        labels::values_of(name),
    )
    .await
}
