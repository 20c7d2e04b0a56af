//! `/loki/api/v1/query`, `/loki/api/v1/query_range` and `/loki/api/v1/format_query`.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kymo_query::logql::ast::Metric;
use kymo_query::logql::eval::metric::{Grid, Value};
use kymo_query::logql::eval::{Direction, Lines, RangeOptions, SelectOptions, range, select};
use kymo_query::logql::{Expr, LogExpr, parse};

use super::ask::{Asking, Shown, ask, failed};
use super::error::LokiError;
use super::render::{Points, Took, answer, put_matrix, put_point, put_streams, put_vector};
use super::{JSON, now, params};
use crate::app::App;
use crate::http::ApiError;
use crate::http::caller::Caller;
use crate::http::document::Document;
use crate::http::json::object;
use crate::http::params::Params;

/// Why a query for lines has no answer at one time.
const NO_INSTANT: &str =
    "log queries are not supported as an instant query type, please change your query to a range query type";

/// The flag that tells kinds of labels apart.
const CATEGORIZE: &str = "categorize-labels";

pub(super) async fn instant(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    headers: HeaderMap,
    params: Result<Params, ApiError>,
) -> Result<Response, LokiError> {
    let (params, now) = (params?, now());
    let time = params::time(&params, "time", now)?;
    params::limit(&params)?;
    params::forward(&params)?;
    let text = params.first("query");
    let metric = match parsed(text)? {
        Expr::Log(_) => return Err(LokiError::bad(NO_INSTANT)),
        Expr::Metric(metric) => metric,
    };
    let options = RangeOptions {
        grid: Grid::instant(time),
        max_series: usize::try_from(app.config.logs.asking.series_max).unwrap_or(usize::MAX),
        partial: is_drilldown(&headers),
        now,
    };
    numbers(&app, caller, text, metric, options).await
}

pub(super) async fn over_range(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    headers: HeaderMap,
    params: Result<Params, ApiError>,
) -> Result<Response, LokiError> {
    let (params, now) = (params?, now());
    let times = params::range(&params, now)?;
    let step = params::step(&params, times)?;
    let interval = params::interval(&params)?;
    let limit = params::limit(&params)?;
    let forward = params::forward(&params)?;
    let text = params.first("query");
    match parsed(text)? {
        Expr::Metric(metric) => {
            let options = RangeOptions {
                grid: Grid {
                    start: times.0,
                    end: times.1,
                    step,
                },
                max_series: usize::try_from(app.config.logs.asking.series_max).unwrap_or(usize::MAX),
                partial: is_drilldown(&headers),
                now,
            };
            numbers(&app, caller, text, metric, options).await
        }
        Expr::Log(log) => {
            let options = SelectOptions {
                from: times.0,
                until: times.1,
                limit: params::entries(&app, limit)?,
                direction: if forward {
                    Direction::Forward
                } else {
                    Direction::Backward
                },
                interval,
                now,
            };
            lines(&app, caller, text, log, options, flags(&headers)).await
        }
    }
}

fn parsed(text: &str) -> Result<Expr, LokiError> {
    parse(text).map_err(|error| LokiError::bad(error.to_string()))
}

/// A query as it is printed.
pub(super) async fn format(params: Result<Params, ApiError>) -> Result<Response, LokiError> {
    let params = params?;
    let mut body = Vec::new();
    let status = match parse(params.first("query")) {
        Ok(expr) => {
            object(&mut body, |o| {
                o.text("status", "success");
                o.text_even_empty("data", &kymo_query::logql::pretty(&expr));
            });
            StatusCode::OK
        }
        Err(error) => {
            object(&mut body, |o| {
                o.text("status", "invalid-query");
                o.text_even_empty("error", &error.to_string());
            });
            StatusCode::BAD_REQUEST
        }
    };
    Ok((status, [(header::CONTENT_TYPE, JSON)], body).into_response())
}

/// The flags of a request's answer, as they came.
pub(super) fn flags(headers: &HeaderMap) -> Vec<String> {
    let sent = headers
        .get("x-loki-response-encoding-flags")
        .and_then(|v| v.to_str().ok());
    let flags: Vec<String> = sent.unwrap_or_default().split(',').map(str::to_owned).collect();
    match flags.iter().any(|flag| flag == CATEGORIZE) {
        true => flags,
        false => Vec::new(),
    }
}

/// True for Logs Drilldown, which takes partial answers.
fn is_drilldown(headers: &HeaderMap) -> bool {
    let tags = headers
        .get("x-query-tags")
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    tags.split(',')
        .any(|tag| tag.trim() == "Source=grafana-lokiexplore-app")
}

async fn lines(
    app: &Arc<App>,
    caller: Result<Caller, ApiError>,
    text: &str,
    log: LogExpr,
    options: SelectOptions,
    flags: Vec<String>,
) -> Result<Response, LokiError> {
    let shown = Shown {
        kind: "logql",
        text,
        times: (options.from, options.until, 0),
    };
    let document = ask(app, caller, shown, move |asking, cost| {
        let started = Instant::now();
        let found = match asking {
            Some(asking) => selected(asking, &log, &options)?,
            None => Lines::default(),
        };
        cost.samples_read = found.stats.lines;
        let took = Took {
            stats: found.stats,
            seconds: started.elapsed().as_secs_f64(),
        };
        let mut body = Vec::new();
        answer(&mut body, "streams", &flags, &[], took, |out| {
            put_streams(out, &found, !flags.is_empty());
        });
        Ok(Document::new(JSON, body))
    });
    Ok(document.await?.into_response())
}

/// Lines that match.
///
/// # Errors
/// Those of evaluation.
pub(super) fn selected(
    asking: &Asking<'_>,
    log: &LogExpr,
    options: &SelectOptions,
) -> Result<Lines, ApiError> {
    let store = |scan: &kymo_engine::logs::Scan| asking.parts(scan);
    asking
        .with_budget(|budget| select(log, &store, options, budget))
        .map_err(failed)
}

async fn numbers(
    app: &Arc<App>,
    caller: Result<Caller, ApiError>,
    text: &str,
    metric: Metric,
    options: RangeOptions,
) -> Result<Response, LokiError> {
    let grid = options.grid;
    let shown = Shown {
        kind: "logql",
        text,
        times: (grid.start, grid.end, grid.step),
    };
    let document = ask(app, caller, shown, move |asking, cost| {
        let started = Instant::now();
        let store =
            |scan: &kymo_engine::logs::Scan| asking.map_or(Ok(Vec::new()), |asking| asking.parts(scan));
        let found = match asking {
            Some(asking) => asking.with_budget(|budget| range(&metric, &store, &options, budget)),
            None => range(
                &metric,
                &store,
                &options,
                &kymo_query::promql::eval::Budget::default(),
            ),
        };
        let found = found.map_err(failed)?;
        cost.samples_read = found.stats.lines;
        let took = Took {
            stats: found.stats,
            seconds: started.elapsed().as_secs_f64(),
        };
        let mut body = Vec::new();
        let (kind, series) = shape(found.value, &grid);
        answer(&mut body, kind, &[], &found.warnings, took, |out| match kind {
            "scalar" => put_point(out, series[0].points[0]),
            "vector" => put_vector(out, &series),
            _ => put_matrix(out, &series),
        });
        Ok(Document::new(JSON, body))
    });
    Ok(document.await?.into_response())
}

/// The kind of an answer, and its series; a scalar is one with one point.
fn shape(value: Value, grid: &Grid) -> (&'static str, Vec<Points>) {
    let time = |n: usize| grid.start + grid.step * i64::try_from(n).unwrap_or(0);
    let instant = grid.step == 0;
    match value {
        Value::Scalar(number) => {
            let points = (0..grid.len()).map(|n| (time(n), number)).collect();
            let series = Points {
                labels: Vec::new(),
                points,
            };
            (if instant { "scalar" } else { "matrix" }, vec![series])
        }
        Value::Series(all) => {
            let series = all.into_iter().map(|series| Points {
                labels: series
                    .labels
                    .iter()
                    .map(|(n, v)| (n.to_owned(), v.to_owned()))
                    .collect(),
                points: series
                    .values
                    .iter()
                    .enumerate()
                    .filter_map(|(n, value)| Some((time(n), (*value)?)))
                    .collect(),
            });
            (if instant { "vector" } else { "matrix" }, series.collect())
        }
    }
}
