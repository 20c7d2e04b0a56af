//! `MetricsService/Export`, `TraceService/Export` and `LogsService/Export`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::response::Response;
use bytes::Bytes;
use kymo_proto::otlp::reply;
use parking_lot::Mutex;
use tonic::codec::CompressionEncoding;
use tonic::server::Grpc;
use tonic::{Code, Status};

use super::answer;
use super::body::{Metered, Room};
use super::codec::Raw;
use crate::app::App;
use crate::http::otlp::Signal;
use crate::http::{ApiError, Tenant};
use crate::ingest::{Fault, Reserved};

/// When a client that was told to come again should do so.
const RETRY_SECONDS: u64 = 5;

/// Handles one export of metrics.
pub(super) async fn metrics(
    state: State<Arc<App>>,
    tenant: Result<Tenant, ApiError>,
    request: Request,
) -> Response {
    export(state, tenant, Signal::Metrics, request).await
}

/// Handles one export of traces.
pub(super) async fn traces(
    state: State<Arc<App>>,
    tenant: Result<Tenant, ApiError>,
    request: Request,
) -> Response {
    export(state, tenant, Signal::Traces, request).await
}

/// Handles one export of log records.
pub(super) async fn logs(
    state: State<Arc<App>>,
    tenant: Result<Tenant, ApiError>,
    request: Request,
) -> Response {
    export(state, tenant, Signal::Logs, request).await
}

async fn export(
    State(app): State<Arc<App>>,
    tenant: Result<Tenant, ApiError>,
    signal: Signal,
    request: Request,
) -> Response {
    let tenant = match tenant {
        Ok(Tenant(tenant)) => tenant,
        Err(error) => return answer(&Status::unauthenticated(error.text)),
    };
    if app.node().is_none() || app.is_stopping() {
        return answer(&status(&Fault::Unavailable("the server is not ready".to_owned())));
    }
    let room: Room = match Reserved::bytes(&app, 1) {
        Ok(room) => Arc::new(Mutex::new(Some(room))),
        Err(fault) => return counted(&app, answer(&status(&fault))),
    };
    let limit = usize::try_from(app.config.limits.body_bytes_max).unwrap_or(usize::MAX);
    let mut grpc = Grpc::new(Raw)
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd)
        .max_decoding_message_size(limit);
    let request = request.map(|body| Metered::new(body, Arc::clone(&room)));
    let with = Arc::clone(&app);
    let service = tower::service_fn(move |message: tonic::Request<Bytes>| {
        let (app, tenant, room) = (Arc::clone(&with), tenant.clone(), Arc::clone(&room));
        async move { store(&app, tenant, signal, &room, message.into_inner()).await }
    });
    let mut response = grpc.unary(service, request).await;
    // The transport says OUT_OF_RANGE to what is too large, which senders take for a reason to try again.
    if response
        .headers()
        .get("grpc-status")
        .is_some_and(|code| code == "11")
    {
        let code = HeaderValue::from(Code::InvalidArgument as i32);
        response.headers_mut().insert("grpc-status", code);
    }
    counted(&app, response.map(axum::body::Body::new))
}

async fn store(
    app: &Arc<App>,
    tenant: String,
    signal: Signal,
    room: &Room,
    message: Bytes,
) -> Result<tonic::Response<Vec<u8>>, Status> {
    let Some(room) = room.lock().take() else {
        return Err(Status::internal("a call has one message"));
    };
    let expected = message.len();
    let open = move |room: &mut Reserved| {
        room.grow(message.len())?;
        Ok(message)
    };
    match signal.write(app, tenant, (room, expected), open).await {
        Ok(partial) => {
            let reply = reply::export_response(partial.rejected, &partial.text);
            Ok(tonic::Response::new(reply))
        }
        Err(fault) => Err(status(&fault)),
    }
}

/// Counts a call that is to come again.
fn counted(app: &App, response: Response) -> Response {
    let unavailable = HeaderValue::from(Code::Unavailable as i32);
    if response.headers().get("grpc-status") == Some(&unavailable) {
        app.counters.writes_deferred.add(1);
    }
    response
}

/// The status of a fault. What may pass says when to try again.
pub(super) fn status(fault: &Fault) -> Status {
    let code = fault.grpc_code();
    let text = fault.text();
    let again = matches!(fault, Fault::Unavailable(_) | Fault::Limited(_)).then_some(RETRY_SECONDS);
    let details = match again {
        Some(_) => Bytes::from(reply::status(code, text, again)),
        None => Bytes::new(),
    };
    Status::with_details(Code::from(code.cast_signed()), text, details)
}
