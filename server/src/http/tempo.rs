//! Tempo's API: at its own paths on its own listener, below `/tempo` on the main one. Handlers live in the modules; this file
//! says which path goes where. Times in parameters are what Tempo makes of them; what is asked is the query crate's to answer.

mod by_id;
mod error;
mod params;
mod status;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::get;

use super::{edge, when_ready};
use crate::app::App;
use error::TempoError;

/// The routes of the listener of Tempo's API alone.
pub(crate) fn router(app: Arc<App>) -> Router {
    let ready = from_fn_with_state(Arc::clone(&app), when_ready);
    data_routes()
        .route("/ready", get(status::ready))
        .layer(ready)
        .merge(always_routes())
        .route("/metrics", get(super::own::metrics))
        .fallback(unknown)
        .layer(from_fn_with_state(Arc::clone(&app), edge))
        .with_state(app)
}

/// The routes that the main listener has below `/tempo`.
pub(super) fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    let ready = from_fn_with_state(Arc::clone(app), when_ready);
    data_routes()
        .route("/ready", get(status::ready))
        .layer(ready)
        .merge(always_routes())
        .fallback(unknown)
}

fn data_routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/traces/{id}", get(by_id::v1))
        .route("/api/v2/traces/{id}", get(by_id::v2))
}

fn always_routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/echo", get(async || "echo"))
        .merge(status::routes())
}

async fn unknown() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "404 page not found\n")
}
