//! The main listener's routes: the Prometheus API at `/`, remote write, admin and the server's own pages.
//! Handlers live in the modules; this file says which path goes where.

mod admin;
pub(crate) mod answer;
mod caller;
mod document;
mod edge;
mod federate;
mod insights;
pub(crate) mod jaeger;
pub(crate) mod json;
pub(crate) mod loki;
mod openapi;
pub(crate) mod otlp;
mod own;
mod params;
mod process;
pub(crate) mod prom;
mod remote_write;
pub(crate) mod tempo;
mod tenant;
mod time;
mod track;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::app::App;
pub(crate) use answer::ApiError;
use answer::ErrorType;
pub(crate) use caller::Peer;
pub(crate) use edge::edge;
pub(crate) use json::hex;
pub(crate) use prom::status::rfc3339;
pub(crate) use tenant::Tenant;
pub(crate) use time::parse_time;

/// All routes of the main listener.
pub(crate) fn router(app: Arc<App>) -> Router {
    let prefix = app.config.web.prefix();
    let around = from_fn_with_state(Arc::clone(&app), edge);
    let routes = data_routes()
        .layer(from_fn_with_state(Arc::clone(&app), when_ready))
        .merge(always_routes())
        .nest("/loki", loki::routes())
        .nest("/tempo", tempo::routes(&app))
        .nest("/jaeger", jaeger::routes(&app))
        .layer(around.clone());
    // The paths of gRPC are those of its services, wherever the rest lies.
    let grpc = crate::grpc::routes()
        .merge(tempo::streaming::routes())
        .layer(around);
    let all = match prefix.as_str() {
        "" => routes.merge(grpc),
        prefix => Router::new().nest(prefix, routes).merge(grpc).fallback(unknown),
    };
    all.with_state(app)
}

/// Routes that need the open node.
fn data_routes() -> Router<Arc<App>> {
    Router::new()
        .route("/-/ready", get(own::ready))
        .route("/federate", get(federate::federate))
        .route("/api/v1/write", post(remote_write::write))
        .route("/api/v1/read", post(prom::read::read))
        .route("/api/v1/otlp/v1/metrics", post(otlp::metrics))
        .merge(otlp::routes())
        .merge(loki::data_routes())
        .route(
            "/api/v1/query",
            get(prom::query::instant).post(prom::query::instant),
        )
        .route(
            "/api/v1/query_range",
            get(prom::query::range).post(prom::query::range),
        )
        .route(
            "/api/v1/query_exemplars",
            get(prom::exemplars::query).post(prom::exemplars::query),
        )
        .route(
            "/api/v1/format_query",
            get(prom::syntax::format).post(prom::syntax::format),
        )
        .route(
            "/api/v1/parse_query",
            get(prom::syntax::parse).post(prom::syntax::parse),
        )
        .route(
            "/api/v1/labels",
            get(prom::labels::names).post(prom::labels::names),
        )
        .route("/api/v1/label/{name}/values", get(prom::labels::values))
        .route(
            "/api/v1/series",
            get(prom::labels::series).post(prom::labels::series),
        )
        .route("/api/v1/metadata", get(prom::metadata::metadata))
        .route("/api/v1/status/tsdb", get(prom::tsdb::tsdb))
        .route("/api/v1/status/tsdb/blocks", get(prom::tsdb::blocks))
        .merge(prom::empty::routes())
        .merge(prom::status::routes())
        .merge(prom::active::routes())
        .merge(prom::rules::routes())
        .merge(prom::search::routes())
        .route("/api/v1/track/{id}", get(track::track))
        .route(
            "/api/v1/insights/query",
            get(insights::query).post(insights::query),
        )
        .route("/api/v1/features", get(prom::features::features))
        .route("/api/v1/status/self_metrics", get(own::self_metrics))
        .merge(prom::deletes::routes())
        .merge(admin::routes())
}

/// Routes that answer before the node is open and while it closes.
fn always_routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/status/walreplay", get(prom::status::walreplay))
        .route("/api/v1/openapi.yaml", get(openapi::openapi))
        .route("/api/v1/notifications", get(prom::notices::list))
        .route("/api/v1/notifications/live", get(prom::notices::live))
        .route("/-/healthy", get(own::healthy))
        .route("/metrics", get(own::metrics))
        .route("/version", get(own::version))
        .route("/-/reload", post(own::lifecycle).put(own::lifecycle))
        .route("/-/quit", post(own::lifecycle).put(own::lifecycle))
        .route("/api/v1/{*path}", axum::routing::any(unknown_api))
        .fallback(unknown)
}

async fn unknown_api(request: Request) -> ApiError {
    let path = request.uri().path();
    ApiError::new(
        ErrorType::NotFound,
        format!("no such endpoint: {} {path}", request.method()),
    )
}

async fn unknown() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "404 page not found\n")
}

/// Answers as Prometheus does while its storage is not open.
async fn when_ready(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let stopping = app.is_stopping();
    if app.node().is_some() && !stopping {
        return next.run(request).await;
    }
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable").into_response();
    let value = HeaderValue::from_static(if stopping { "true" } else { "false" });
    response.headers_mut().insert("x-prometheus-stopping", value);
    response
        .headers_mut()
        .insert(axum::http::header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

#[cfg(test)]
mod tests;
