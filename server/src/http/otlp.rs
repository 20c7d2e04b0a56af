//! OTLP over HTTP: `POST /v1/traces`, `/v1/metrics`, `/v1/logs` and, as Prometheus has it, `/api/v1/otlp/v1/metrics`. Protobuf and JSON, answered in
//! the form of the request. <https://opentelemetry.io/docs/specs/otlp/#otlphttp>. What is stored is ingest's to say.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use bytes::Bytes;
use kymo_proto::otlp::{json, reply};

use super::answer::ApiError;
use super::edge::edge;
use super::tenant::Tenant;
use super::{remote_write, when_ready};
use crate::app::App;
use crate::ingest::{Coding, Fault, Format, LogFormat, Rejects, Reserved};

/// How much larger than its compressed form a body is taken to be before it is known.
const EXPANSION: usize = 8;

/// The two forms of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Protobuf,
    Json,
}

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Metrics.
    Metrics,
    /// Spans.
    Traces,
    /// Log records.
    Logs,
}

/// What was refused of an export: data points, spans or records, and why.
#[derive(Debug, Default)]
pub(crate) struct Partial {
    pub(crate) rejected: u64,
    pub(crate) text: String,
}

/// The routes on the listener of OTLP alone.
pub(crate) fn router(app: Arc<App>) -> Router {
    routes()
        .layer(from_fn_with_state(Arc::clone(&app), when_ready))
        .fallback(super::unknown)
        .layer(from_fn_with_state(Arc::clone(&app), edge))
        .with_state(app)
}

/// The routes that the main listener shares.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/metrics", post(metrics))
        .route("/v1/traces", post(traces))
        .route("/v1/logs", post(logs))
        .route("/v1/profiles", any(no_profiles))
}

async fn no_profiles() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "profiles are not stored by this server\n")
}

/// Handles one export of metrics.
pub(super) async fn metrics(
    state: State<Arc<App>>,
    tenant: Result<Tenant, ApiError>,
    request: Request,
) -> Response {
    export(state, tenant, Signal::Metrics, request).await
}

/// Handles one export of traces.
async fn traces(state: State<Arc<App>>, tenant: Result<Tenant, ApiError>, request: Request) -> Response {
    export(state, tenant, Signal::Traces, request).await
}

/// Handles one export of log records.
async fn logs(state: State<Arc<App>>, tenant: Result<Tenant, ApiError>, request: Request) -> Response {
    export(state, tenant, Signal::Logs, request).await
}

async fn export(
    State(app): State<Arc<App>>,
    tenant: Result<Tenant, ApiError>,
    signal: Signal,
    request: Request,
) -> Response {
    let Tenant(tenant) = match tenant {
        Ok(tenant) => tenant,
        Err(error) => return error.into_response(),
    };
    let (form, coding) = match negotiate(request.headers()) {
        Ok(found) => found,
        Err(text) => return (StatusCode::UNSUPPORTED_MEDIA_TYPE, text).into_response(),
    };
    match accept(&app, tenant, signal, (form, coding), request).await {
        Ok(partial) => form.taken(signal, &partial),
        Err(fault) => form.failed(&app, &fault),
    }
}

fn negotiate(headers: &HeaderMap) -> Result<(Form, Coding), String> {
    let text = |name: HeaderName| {
        let value = headers.get(name).map(|v: &HeaderValue| v.to_str().unwrap_or("?"));
        value.unwrap_or_default()
    };
    let content_type = text(header::CONTENT_TYPE);
    let media = content_type.split(';').next().unwrap_or_default().trim();
    let form = match media.to_ascii_lowercase().as_str() {
        "application/x-protobuf" | "application/protobuf" => Form::Protobuf,
        "application/json" => Form::Json,
        _ => {
            return Err(format!(
                "unsupported content type {content_type:?}; supported: application/json, application/x-protobuf\n"
            ));
        }
    };
    let coding = text(header::CONTENT_ENCODING);
    match Coding::of(coding) {
        Some(coding) => Ok((form, coding)),
        None => Err(format!(
            "unsupported compression {coding:?}; supported: gzip, zstd, lz4, deflate, identity\n"
        )),
    }
}

async fn accept(
    app: &Arc<App>,
    tenant: String,
    signal: Signal,
    (form, coding): (Form, Coding),
    request: Request,
) -> Result<Partial, Fault> {
    let limit = usize::try_from(app.config.limits.body_bytes_max).unwrap_or(usize::MAX);
    let (room, body) = remote_write::receive(app, request, limit).await?;
    let compressed = body.len();
    let expected = match coding {
        Coding::Identity => compressed,
        _ => compressed.saturating_mul(EXPANSION),
    };
    let open = move |room: &mut Reserved| {
        let body = coding.inflate(body, limit)?;
        room.grow(compressed + body.len())?;
        match form {
            Form::Protobuf => Ok(body),
            Form::Json => match signal {
                Signal::Metrics => json::metrics_request(&body),
                Signal::Traces => json::trace_request(&body),
                Signal::Logs => json::logs_request(&body),
            }
            .map(Bytes::from)
            .map_err(|e| Fault::Bad(e.to_string())),
        }
    };
    signal.write(app, tenant, (room, expected), open).await
}

impl Signal {
    /// Stores what is good of a body; gives what was refused.
    pub(crate) async fn write(
        self,
        app: &Arc<App>,
        tenant: String,
        room: (Reserved, usize),
        open: impl FnOnce(&mut Reserved) -> Result<Bytes, Fault> + Send + 'static,
    ) -> Result<Partial, Fault> {
        match self {
            Signal::Metrics => {
                let written = crate::ingest::write(app, tenant, Format::OtlpMetrics, room, open).await;
                written.map(|outcome| Partial::of(&outcome.rejects))
            }
            Signal::Traces => {
                let written = crate::ingest::write_traces(app, tenant, room, open).await;
                written.map(|rejects| Partial::of(&rejects))
            }
            Signal::Logs => {
                let written = crate::ingest::write_logs(app, tenant, LogFormat::Otlp, room, open).await;
                written.map(|outcome| Partial {
                    rejected: outcome.refused.total(),
                    text: outcome.refused.text(),
                })
            }
        }
    }
}

impl Form {
    fn response(self, status: StatusCode, protobuf: Vec<u8>, json: String) -> Response {
        let (content_type, body) = match self {
            Form::Protobuf => ("application/x-protobuf", protobuf),
            Form::Json => ("application/json", json.into_bytes()),
        };
        (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
    }

    /// 200, with what was rejected when not everything was taken.
    fn taken(self, signal: Signal, Partial { rejected, text }: &Partial) -> Response {
        let name = match signal {
            Signal::Metrics => "rejectedDataPoints",
            Signal::Traces => "rejectedSpans",
            Signal::Logs => "rejectedLogRecords",
        };
        self.response(
            StatusCode::OK,
            reply::export_response(*rejected, text),
            reply::export_response_json(name, *rejected, text),
        )
    }

    fn failed(self, app: &App, fault: &Fault) -> Response {
        let plain = remote_write::failed(app, fault);
        let code = fault.grpc_code();
        let mut response = self.response(
            plain.status(),
            reply::status(code, fault.text(), None),
            reply::status_json(code, fault.text()),
        );
        if let Some(after) = plain.headers().get(header::RETRY_AFTER) {
            response.headers_mut().insert(header::RETRY_AFTER, after.clone());
        }
        response
    }
}

impl Partial {
    fn of(rejects: &Rejects) -> Partial {
        match rejects.is_empty() {
            true => Partial::default(),
            false => Partial {
                rejected: rejects.total(),
                text: rejects.reasons(),
            },
        }
    }
}
