//! `/loki/api/v1/query`, `/loki/api/v1/query_range` and `/loki/api/v1/format_query`.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kymo_query::logql::ast::Metric;
use kymo_query::logql::eval::metric::{Grid, Value};
use kymo_query::logql::eval::range::Numbers;
use kymo_query::logql::eval::{Direction, Lines, RangeOptions, SelectOptions, range, select};
use kymo_query::logql::{Expr, LogExpr, parse};
use kymo_query::promql::eval::Budget;

use super::ask::{Asking, Shown, ask_within, failed};
use super::error::LokiError;
use super::limits::Limits;
use super::render::{Points, answer, put_matrix, put_point, put_streams, put_vector};
use super::stats::Took;
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

/// A query that is allowed, and how it is asked.
struct Question<'q> {
    app: &'q Arc<App>,
    caller: Result<Caller, ApiError>,
    text: &'q str,
    limits: Limits,
}

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
    let (limits, text) = (Limits::of(&app, &headers)?, params.first("query"));
    let expr = parsed(text)?;
    limits.check(&expr)?;
    limits.times((time, time), now)?;
    let metric = match expr {
        Expr::Log(_) => return Err(LokiError::bad(NO_INSTANT)),
        Expr::Metric(metric) => metric,
    };
    let options = RangeOptions {
        grid: Grid::instant(time),
        max_series: limits.series,
        partial: is_drilldown(&headers),
        now,
    };
    let question = Question {
        app: &app,
        caller,
        text,
        limits,
    };
    question.numbers(metric, options).await
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
    let (limits, text) = (Limits::of(&app, &headers)?, params.first("query"));
    let expr = parsed(text)?;
    limits.check(&expr)?;
    let times = limits.times(times, now)?;
    let question = Question {
        app: &app,
        caller,
        text,
        limits,
    };
    match expr {
        Expr::Metric(metric) => {
            let options = RangeOptions {
                grid: Grid {
                    start: times.0,
                    end: times.1,
                    step,
                },
                max_series: question.limits.series,
                partial: is_drilldown(&headers),
                now,
            };
            question.numbers(metric, options).await
        }
        Expr::Log(log) => {
            let options = SelectOptions {
                from: times.0,
                until: times.1,
                limit: question.limits.entries(limit)?,
                direction: if forward {
                    Direction::Forward
                } else {
                    Direction::Backward
                },
                interval,
                now,
            };
            question.lines(log, options, flags(&headers)).await
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

impl Question<'_> {
    async fn lines(
        self,
        log: LogExpr,
        options: SelectOptions,
        flags: Vec<String>,
    ) -> Result<Response, LokiError> {
        let times = (options.from, options.until);
        let shown = Shown {
            kind: "logql",
            text: self.text,
            times: (times.0, times.1, 0),
        };
        let (bytes, timeout) = (self.limits.bytes, self.limits.timeout);
        let document = ask_within(self.app, self.caller, shown, timeout, move |asking, cost| {
            let (found, took) = selected(asking, &Expr::Log(log), &options, bytes)?;
            cost.samples_read = took.stats.lines;
            let mut body = Vec::new();
            answer(&mut body, "streams", &flags, &[], took, |out| {
                put_streams(out, &found, !flags.is_empty());
            });
            Ok(Document::new(JSON, body))
        });
        Ok(document.await?.into_response())
    }

    async fn numbers(self, metric: Metric, options: RangeOptions) -> Result<Response, LokiError> {
        let grid = options.grid;
        let shown = Shown {
            kind: "logql",
            text: self.text,
            times: (grid.start, grid.end, grid.step),
        };
        let (bytes, timeout) = (self.limits.bytes, self.limits.timeout);
        let document = ask_within(self.app, self.caller, shown, timeout, move |asking, cost| {
            let started = Instant::now();
            let found = counted(asking, metric, &options, bytes)?;
            cost.samples_read = found.stats.lines;
            let (kind, series) = shape(found.value, &grid);
            let took = Took {
                stats: found.stats,
                seconds: started.elapsed().as_secs_f64(),
                waited: asking.map_or(0.0, Asking::waited),
                returned: match kind {
                    "scalar" => 0,
                    _ => series.iter().map(|one| one.points.len() as u64).sum(),
                },
            };
            let mut body = Vec::new();
            answer(&mut body, kind, &[], &found.warnings, took, |out| match kind {
                "scalar" => put_point(out, series[0].points[0]),
                "vector" => put_vector(out, &series),
                _ => put_matrix(out, &series),
            });
            Ok(Document::new(JSON, body))
        });
        Ok(document.await?.into_response())
    }
}

/// Numbers of lines that match.
fn counted(
    asking: Option<&Asking<'_>>,
    metric: Metric,
    options: &RangeOptions,
    bytes: u64,
) -> Result<Numbers, ApiError> {
    let store = |scan: &kymo_engine::logs::Scan| asking.map_or(Ok(Vec::new()), |asking| asking.parts(scan));
    let expr = Expr::Metric(metric);
    if let Some(asking) = asking {
        asking.check_bytes(&expr, (options.grid.start, options.grid.end), bytes)?;
    }
    let Expr::Metric(metric) = &expr else {
        return Err(ApiError::bad_data("not a query for numbers"));
    };
    let found = match asking {
        Some(asking) => asking.with_budget(|budget| range(metric, &store, options, budget)),
        None => range(metric, &store, options, &Budget::default()),
    };
    found.map_err(failed)
}

/// Lines that match, and what it took to find them; `bytes` is how many may be read. Nothing where nothing is asked of.
///
/// # Errors
/// More to read, and those of evaluation.
pub(super) fn selected(
    asking: Option<&Asking<'_>>,
    expr: &Expr,
    options: &SelectOptions,
    bytes: u64,
) -> Result<(Lines, Took), ApiError> {
    let started = Instant::now();
    let found = match (asking, expr) {
        (Some(asking), Expr::Log(log)) => {
            asking.check_bytes(expr, (options.from, options.until), bytes)?;
            select_lines(asking, log, options)?
        }
        _ => Lines::default(),
    };
    let took = Took {
        stats: found.stats,
        seconds: started.elapsed().as_secs_f64(),
        waited: asking.map_or(0.0, Asking::waited),
        returned: found.entries.len() as u64,
    };
    Ok((found, took))
}

/// Lines that match.
///
/// # Errors
/// Those of evaluation.
pub(super) fn select_lines(
    asking: &Asking<'_>,
    log: &LogExpr,
    options: &SelectOptions,
) -> Result<Lines, ApiError> {
    let store = |scan: &kymo_engine::logs::Scan| asking.parts(scan);
    let found = asking.with_budget(|budget| select(log, &store, options, budget));
    found.map_err(failed)
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
