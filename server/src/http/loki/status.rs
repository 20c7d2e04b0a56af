//! `/ready`, `/config`, `/services` and `/loki/api/v1/status/buildinfo`. What Loki shows of its modules and rings does not exist
//! here: there is one process, and its one service runs.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::error::LokiError;
use crate::app::App;
use crate::http::ApiError;
use crate::http::admin::work;
use crate::http::json::object;
use crate::http::params::Params;
use crate::http::tenant::Tenant;

/// The version of Loki whose API this is.
pub(super) const API_VERSION: &str = "3.8.0";

const TEXT: &str = "text/plain; charset=utf-8";

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/ready", get(ready))
        .route("/config", get(config))
        .route("/config/tenant/v1/limits", get(limits))
        .route("/services", get(services))
        .route("/log_level", get(log_level).post(no_log_level))
        .route("/flush", post(flush))
        .route("/ring", get(no_ring))
        .route("/memberlist", get(no_ring))
        .route("/{component}/ring", get(no_ring))
}

async fn ready(State(app): State<Arc<App>>) -> Response {
    match (app.node().is_some(), app.is_stopping()) {
        (true, false) => "ready\n".into_response(),
        (_, true) => (StatusCode::SERVICE_UNAVAILABLE, "the server is stopping\n").into_response(),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, "the data is not open yet\n").into_response(),
    }
}

async fn config(State(app): State<Arc<App>>, params: Params) -> Response {
    let body = match params.first("mode") {
        "diffs" | "diff" => app.config.differences(),
        "defaults" => crate::config::Config::default().to_yaml(),
        _ => app.config.to_yaml(),
    };
    ([(header::CONTENT_TYPE, TEXT)], body).into_response()
}

/// What the tenant may do: the keys of logs.
async fn limits(
    State(app): State<Arc<App>>,
    tenant: Result<Tenant, ApiError>,
) -> Result<Response, LokiError> {
    tenant?;
    let all = app.config.to_yaml();
    let of_logs = all.lines().skip_while(|line| *line != "logs:").skip(1);
    let of_logs = of_logs.take_while(|line| line.starts_with("  "));
    let body: String = of_logs.map(|line| format!("{}\n", &line[2..])).collect();
    Ok(([(header::CONTENT_TYPE, TEXT)], body).into_response())
}

async fn log_level(State(app): State<Arc<App>>) -> Response {
    let mut body = Vec::new();
    let message = format!("Current log level is {}", app.config.log.level);
    object(&mut body, |o| o.text("message", &message));
    ([(header::CONTENT_TYPE, super::JSON)], body).into_response()
}

async fn no_log_level() -> LokiError {
    LokiError {
        status: StatusCode::NOT_IMPLEMENTED,
        text: "the log level is set by the configuration (log.level) when the server starts".to_owned(),
    }
}

/// Puts what is in no block yet in blocks.
async fn flush(State(app): State<Arc<App>>) -> Result<StatusCode, LokiError> {
    work(&app, |node| node.flush().map(|_| serde_json::Value::Null)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn no_ring() -> LokiError {
    LokiError {
        status: StatusCode::NOT_FOUND,
        text: "there are no rings: the server is one process".to_owned(),
    }
}

async fn services(State(app): State<Arc<App>>) -> Response {
    let state = match (app.node().is_some(), app.is_stopping()) {
        (_, true) => "Stopping",
        (true, false) => "Running",
        (false, false) => "Starting",
    };
    ([(header::CONTENT_TYPE, TEXT)], format!("kymo => {state}\n")).into_response()
}

pub(super) async fn buildinfo() -> Response {
    let mut body = Vec::new();
    object(&mut body, |o| {
        o.text("version", API_VERSION);
        o.text("revision", concat!("kymo-", env!("CARGO_PKG_VERSION")));
        for name in ["branch", "buildUser", "buildDate", "goVersion"] {
            o.text_even_empty(name, "");
        }
    });
    ([(header::CONTENT_TYPE, super::JSON)], body).into_response()
}
