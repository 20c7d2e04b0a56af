//! `/ready`, `/api/status/buildinfo` and the pages below `/status`. What Tempo shows of its modules and rings does not exist
//! here: there is one process, and its one service runs.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::app::App;
use crate::http::json::object;
use crate::http::params::Params;

/// The version of Tempo whose API this is.
const API_VERSION: &str = "3.0.2";

const TEXT: &str = "text/plain; charset=utf-8";

pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/status/buildinfo", get(buildinfo))
        .route("/status", get(all))
        .route("/status/{page}", get(page))
}

pub(super) async fn ready() -> &'static str {
    "ready\n"
}

async fn buildinfo() -> Response {
    let mut body = Vec::new();
    object(&mut body, |o| {
        o.text("version", API_VERSION);
        o.text("revision", concat!("kymo-", env!("CARGO_PKG_VERSION")));
        for name in ["branch", "buildDate", "buildUser", "goVersion"] {
            o.text_even_empty(name, "");
        }
    });
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn all(State(app): State<Arc<App>>) -> Response {
    let pages = [version(), services(&app), config(&app)];
    ([(header::CONTENT_TYPE, TEXT)], pages.join("\n")).into_response()
}

async fn page(State(app): State<Arc<App>>, Path(page): Path<String>, params: Params) -> Response {
    let body = match page.as_str() {
        "version" => version(),
        "services" => services(&app),
        "endpoints" => ENDPOINTS.join("\n") + "\n",
        "config" if params.first("mode") == "diff" => app.config.differences(),
        "config" if params.first("mode") == "defaults" => crate::config::Config::default().to_yaml(),
        "config" => config(&app),
        _ => {
            let text = format!("no such page: {page}\n");
            return (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, TEXT)], text).into_response();
        }
    };
    ([(header::CONTENT_TYPE, TEXT)], body).into_response()
}

const ENDPOINTS: [&str; 15] = [
    "GET /ready",
    "GET /metrics",
    "GET /api/echo",
    "GET /api/traces/{id}",
    "GET /api/v2/traces/{id}",
    "GET /api/search",
    "GET /api/search/tags",
    "GET /api/v2/search/tags",
    "GET /api/search/tag/{name}/values",
    "GET /api/v2/search/tag/{name}/values",
    "GET /api/metrics/query_range",
    "GET /api/metrics/query",
    "GET /api/status/buildinfo",
    "GET /status",
    "GET /status/{version,services,endpoints,config}",
];

fn version() -> String {
    format!(
        "kymo, version {} (Tempo API {API_VERSION})\n",
        env!("CARGO_PKG_VERSION")
    )
}

fn services(app: &App) -> String {
    let state = match (app.node().is_some(), app.is_stopping()) {
        (_, true) => "Stopping",
        (true, false) => "Running",
        (false, false) => "Starting",
    };
    format!("kymo: {state}\n")
}

fn config(app: &App) -> String {
    app.config.to_yaml()
}
