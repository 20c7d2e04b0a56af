//! OTLP over gRPC. `tonic` does the transport; the bytes of a message go to the same decoder as those of OTLP over HTTP.
//! Services that are not there answer UNIMPLEMENTED.

mod body;
mod codec;
mod export;

use std::sync::Arc;

pub(crate) use codec::Raw;

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::post;
use tonic::{Code, Status};

use crate::app::App;
use crate::http::edge;

/// The routes on the listener of OTLP alone.
pub(crate) fn router(app: Arc<App>) -> Router {
    routes()
        .fallback(unknown)
        .layer(from_fn_with_state(Arc::clone(&app), edge))
        .with_state(app)
}

/// The routes that the main listener shares.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(
            "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            post(export::metrics),
        )
        .route(
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            post(export::traces),
        )
        .route(
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            post(export::logs),
        )
        .route("/opentelemetry.proto.collector.{signal}/Export", post(not_there))
}

async fn not_there(request: Request) -> Response {
    let path = request.uri().path();
    let signal = path.split('.').nth(3).unwrap_or("this signal");
    answer(&Status::new(
        Code::Unimplemented,
        format!("{signal} are not stored by this server"),
    ))
}

async fn unknown(request: Request) -> Response {
    answer(&Status::new(
        Code::Unimplemented,
        format!("no such method: {}", request.uri().path()),
    ))
}

/// A response that is a status alone.
fn answer(status: &Status) -> Response {
    status.clone().into_http::<axum::body::Body>()
}
