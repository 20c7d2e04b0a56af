//! Jaeger's query API: at its own paths on its own listener, below `/jaeger` on the main one. The JSON of the older API
//! (`/api/..`), which Grafana's data source asks, and `/api/v3/..` over HTTP. Not for Jaeger's gRPC.

mod envelope;
mod error;
mod filter;
mod find;
mod params;
mod tags;
mod trace;
mod v1;
mod v3;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::get;

pub(super) use v1::kind_name;

use super::{edge, when_ready};
use crate::app::App;

/// The routes of the listener of Jaeger's API alone.
pub(crate) fn router(app: Arc<App>) -> Router {
    routes(&app)
        .route("/metrics", get(super::own::metrics))
        .layer(from_fn_with_state(Arc::clone(&app), edge))
        .with_state(app)
}

/// The routes that the main listener has below `/jaeger`.
pub(super) fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    let ready = from_fn_with_state(Arc::clone(app), when_ready);
    Router::new()
        .route("/api/services", get(v1::services))
        .route("/api/services/{service}/operations", get(v1::operations_of))
        .route("/api/operations", get(v1::operations))
        .route("/api/traces", get(v1::traces))
        .route("/api/traces/{id}", get(v1::trace))
        .route("/api/dependencies", get(v1::dependencies))
        .route("/api/v3/services", get(v3::services))
        .route("/api/v3/operations", get(v3::operations))
        .route("/api/v3/traces", get(v3::traces))
        .route("/api/v3/traces/{id}", get(v3::trace))
        .route("/api/v3/trace-summaries", get(v3::summaries))
        .route("/api/v3/dependencies", get(v3::dependencies))
        .layer(ready)
        .fallback(unknown)
}

async fn unknown() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "404 page not found\n")
}
