//! `/ready`, `/api/status/buildinfo` and the pages below `/status`. What Tempo shows of its modules and rings does not exist
//! here: there is one process, and its one service runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use serde::Serialize;

use super::error::TempoError;
use crate::app::App;
use crate::generate::overrides::Limits;
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
        .route("/status/overrides/{tenant}", get(tenant_overrides))
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
        "runtime_config" => match runtime_config(&app) {
            Ok(text) => text,
            Err(error) => return error.into_response(),
        },
        "overrides" => overrides(&app),
        "usage-stats" => USAGE.to_owned(),
        _ => {
            let text = format!("no such page: {page}\n");
            return (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, TEXT)], text).into_response();
        }
    };
    ([(header::CONTENT_TYPE, TEXT)], body).into_response()
}

/// What a tenant's metrics from spans are made with: the configuration with what is set through `/api/overrides`.
async fn tenant_overrides(State(app): State<Arc<App>>, Path(tenant): Path<String>) -> Response {
    match yaml(&Limits::of(&app.generator.settings(&tenant))) {
        Ok(body) => ([(header::CONTENT_TYPE, TEXT)], body).into_response(),
        Err(error) => error.into_response(),
    }
}

/// What can change while the server runs, and does not stand in its configuration.
fn runtime_config(app: &App) -> Result<String, TempoError> {
    let all = app.generator.overrides.all();
    let limits: BTreeMap<&str, &Limits> = all
        .iter()
        .map(|(tenant, s)| (tenant.as_str(), &s.limits))
        .collect();
    yaml(&BTreeMap::from([("overrides", limits)]))
}

fn yaml(value: &impl Serialize) -> Result<String, TempoError> {
    serde_saphyr::to_string(value).map_err(|error| TempoError {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        text: error.to_string(),
    })
}

/// The tenants that have set anything through `/api/overrides`.
fn overrides(app: &App) -> String {
    let all = app.generator.overrides.all();
    let lines = all
        .iter()
        .map(|(tenant, stored)| format!("{tenant}: version {}\n", stored.version));
    match all.is_empty() {
        true => "no tenant has overrides\n".to_owned(),
        false => lines.collect(),
    }
}

const USAGE: &str = "usage statistics are neither collected nor sent\n";

const ENDPOINTS: [&str; 18] = [
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
    "GET,POST,PATCH,DELETE /api/overrides",
    "POST /api/v2/traces/diff",
    "GET /querier/api/...",
    "GET /status",
    "GET /status/{version,services,endpoints,config,runtime_config,overrides,overrides/{tenant},usage-stats}",
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
