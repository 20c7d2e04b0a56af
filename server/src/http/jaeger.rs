//! Jaeger's query API: at its own paths on its own listener, below `/jaeger` on the main one.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;

use super::{edge, when_ready};
use crate::app::App;

/// The routes of the listener of Jaeger's API alone.
pub(crate) fn router(app: Arc<App>) -> Router {
    routes(&app)
        .layer(from_fn_with_state(Arc::clone(&app), edge))
        .with_state(app)
}

/// The routes that the main listener has below `/jaeger`.
pub(super) fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    let ready = from_fn_with_state(Arc::clone(app), when_ready);
    Router::new().fallback(unknown).layer(ready)
}

async fn unknown() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "404 page not found\n")
}
