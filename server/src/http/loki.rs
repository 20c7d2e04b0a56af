//! Loki's API: at its own paths on its own listener and on the main one. Handlers live in the modules; this file says which
//! path goes where. Times in parameters are what Loki makes of them; what is asked is the query crate's to answer.

mod error;
mod push;
mod status;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post};

use super::{edge, when_ready};
use crate::app::App;
use error::LokiError;

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
