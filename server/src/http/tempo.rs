//! Tempo's API: at its own paths on its own listener, below `/tempo` on the main one. Handlers live in the modules; this file
//! says which path goes where. Times in parameters are what Tempo makes of them; what is asked is the query crate's to answer.

mod absent;
mod by_id;
mod diff;
mod error;
mod filtered;
mod overrides;
mod params;
mod pruned;
mod querier;
mod render;
mod search;
mod search_params;
mod series;
mod status;
pub(crate) mod streaming;
mod tags;
pub(crate) mod tags_query;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use super::document::Document;
use super::{edge, when_ready};
use crate::app::App;
pub(crate) use params::trace_id;
use render::Message;

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Accepted {
    Json,
    Protobuf,
    /// Told briefly, for language models; only some answers have that form.
    Llm,
}

impl Accepted {
    /// What a client says that it takes; JSON when it says nothing of use.
    fn of(headers: &HeaderMap) -> Accepted {
        match Accepted::or_llm(headers) {
            Accepted::Llm => Accepted::Json,
            other => other,
        }
    }

    /// The same where there is a form for language models.
    fn or_llm(headers: &HeaderMap) -> Accepted {
        let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok());
        let accept = accept.unwrap_or_default();
        if accept.contains("application/protobuf") {
            Accepted::Protobuf
        } else if accept.contains("application/vnd.grafana.llm") && !accept.contains("application/json") {
            Accepted::Llm
        } else {
            Accepted::Json
        }
    }

    /// A message in this form.
    fn document(self, message: &impl Message) -> Document {
        match self {
            Accepted::Json | Accepted::Llm => Document::json(message.json()),
            Accepted::Protobuf => Document::new("application/protobuf", message.protobuf()),
        }
    }
}

/// The routes of the listener of Tempo's API alone.
pub(crate) fn router(app: Arc<App>) -> Router {
    routes(&app)
        .merge(streaming::routes())
        .layer(from_fn_with_state(Arc::clone(&app), edge))
        .with_state(app)
}

/// The routes that the main listener has below `/tempo`.
pub(super) fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    let ready = from_fn_with_state(Arc::clone(app), when_ready);
    data_routes()
        .nest("/querier", querier::only_whole(queries()))
        .route("/ready", get(status::ready))
        .layer(ready)
        .merge(always_routes())
        .fallback(unknown)
}

fn data_routes() -> Router<Arc<App>> {
    queries().route("/api/v2/traces/diff", post(diff::diff)).route(
        "/api/overrides",
        get(overrides::get)
            .post(overrides::post)
            .patch(overrides::patch)
            .delete(overrides::delete),
    )
}

/// What a querier of Tempo answers, too.
fn queries() -> Router<Arc<App>> {
    Router::new()
        .route("/api/traces/{id}", get(by_id::v1))
        .route("/api/v2/traces/{id}", get(by_id::v2))
        .route("/api/search", get(search::search))
        .route("/api/search/tags", get(tags::names_v1))
        .route("/api/v2/search/tags", get(tags::names_v2))
        .route("/api/search/tag/{*rest}", get(tags::values_v1))
        .route("/api/v2/search/tag/{*rest}", get(tags::values_v2))
        .route("/api/metrics/query_range", get(series::range))
        .route("/api/metrics/query", get(series::instant))
}

fn always_routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/echo", get(async || "echo"))
        .route("/metrics", get(super::own::metrics))
        .merge(status::routes())
        .merge(absent::routes())
}

async fn unknown() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "404 page not found\n")
}
