//! Loki's API: at its own paths on its own listener and on the main one. Handlers live in the modules; this file says which
//! path goes where. Times in parameters are what Loki makes of them; what is asked is the query crate's to answer.

pub(in crate::http) mod ask;
mod delete;
mod detected;
mod error;
mod fields;
mod labels;
mod legacy;
mod limits;
mod params;
mod patterns;
mod push;
mod query;
mod render;
mod rules;
mod shards;
mod stats;
mod status;
mod tail;
mod volume;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post};

use super::{edge, when_ready};
use crate::app::App;
use crate::clock::now_ms;
use error::LokiError;

/// The type of JSON answers, as Loki writes it.
const JSON: &str = "application/json; charset=UTF-8";

/// Nanoseconds since 1970.
fn now() -> i64 {
    now_ms().saturating_mul(1_000_000)
}

/// The routes of the listener of Loki's API alone.
pub(crate) fn router(app: Arc<App>) -> Router {
    let ready = from_fn_with_state(Arc::clone(&app), when_ready);
    data_routes()
        .layer(ready)
        .merge(routes())
        .route("/metrics", get(super::own::metrics))
        .fallback(unknown)
        .layer(from_fn_with_state(Arc::clone(&app), edge))
        .with_state(app)
}

/// The routes that the main listener has below `/loki`.
pub(super) fn routes() -> Router<Arc<App>> {
    status::routes()
}

/// The routes that need the open node; the main listener has them at the same paths.
pub(super) fn data_routes() -> Router<Arc<App>> {
    Router::new()
        .route("/loki/api/v1/push", post(push::push))
        .route("/api/prom/push", post(push::push))
        .route("/otlp/v1/logs", post(push::otlp))
        .route("/loki/api/v1/status/buildinfo", get(status::buildinfo))
        .route("/loki/api/v1/query", get(query::instant).post(query::instant))
        .route(
            "/loki/api/v1/query_range",
            get(query::over_range).post(query::over_range),
        )
        .route("/loki/api/v1/tail", get(tail::tail))
        .merge(legacy::routes())
        .merge(rules::routes())
        .route(
            "/loki/api/v1/format_query",
            get(query::format).post(query::format),
        )
        .route("/loki/api/v1/labels", get(labels::names).post(labels::names))
        .route("/loki/api/v1/label", get(labels::names).post(labels::names))
        .route(
            "/loki/api/v1/label/{name}/values",
            get(labels::values).post(labels::values),
        )
        .route("/loki/api/v1/series", get(labels::series).post(labels::series))
        .route(
            "/loki/api/v1/index/shards",
            get(shards::shards).post(shards::shards),
        )
        .route("/loki/api/v1/index/stats", get(volume::stats).post(volume::stats))
        .route(
            "/loki/api/v1/index/volume",
            get(volume::volume).post(volume::volume),
        )
        .route(
            "/loki/api/v1/index/volume_range",
            get(volume::volume_range).post(volume::volume_range),
        )
        .route(
            "/loki/api/v1/detected_labels",
            get(detected::labels).post(detected::labels),
        )
        .route(
            "/loki/api/v1/detected_fields",
            get(fields::names).post(fields::names),
        )
        .route(
            "/loki/api/v1/detected_field/{name}/values",
            get(fields::values).post(fields::values),
        )
        .route(
            "/loki/api/v1/delete",
            get(delete::all)
                .post(delete::add)
                .put(delete::add)
                .delete(delete::cancel),
        )
        .route("/loki/api/v1/cache/generation_numbers", get(delete::generation))
        .route(
            "/loki/api/v1/patterns",
            get(patterns::patterns).post(patterns::patterns),
        )
        .route("/loki/api/v1/drilldown-limits", get(detected::limits))
        .route("/loki/api/v1/{*path}", any(not_there))
}

async fn not_there(request: Request) -> LokiError {
    LokiError {
        status: StatusCode::NOT_FOUND,
        text: format!("no such endpoint: {} {}", request.method(), request.uri().path()),
    }
}

async fn unknown() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "404 page not found\n")
}
