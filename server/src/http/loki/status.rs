//! `/ready`, `/config`, `/services` and `/loki/api/v1/status/buildinfo`. What Loki shows of its modules and rings does not exist
//! here: there is one process, and its one service runs.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::app::App;
use crate::http::json::object;
use crate::http::params::Params;

/// The version of Loki whose API this is.
pub(super) const API_VERSION: &str = "3.8.0";

const TEXT: &str = "text/plain; charset=utf-8";

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/ready", get(ready))
        .route("/config", get(config))
        .route("/services", get(services))
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
