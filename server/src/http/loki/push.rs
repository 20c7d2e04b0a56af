//! `POST /loki/api/v1/push`, as JSON and as protobuf, and `POST /otlp/v1/logs` as Loki answers it. Headers and answers here;
//! what is stored is ingest's to say. A 204 is sent only once the entries are durable.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use kymo_proto::otlp::{json, reply};
use kymo_proto::snappy;

use super::error::LokiError;
use crate::app::App;
use crate::http::answer::ApiError;
use crate::http::remote_write::{failed, receive};
use crate::http::tenant::Tenant;
use crate::ingest::{Coding, Fault, LogFormat, LogOutcome, Refused, Reserved, write_logs};

/// How much larger than its compressed form a body is taken to be before it is known.
const EXPANSION: usize = 8;

/// What Loki says to a request without streams.
const NO_STREAMS: &str = "error at least one valid stream is required for ingestion";

/// How a body is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    format: LogFormat,
    coding: Coding,
    /// A block of snappy within the coding.
    snappy: bool,
    /// OTLP as JSON.
    json: bool,
}

/// Handles one push.
pub(super) async fn push(
    State(app): State<Arc<App>>,
    tenant: Result<Tenant, ApiError>,
    request: Request,
) -> Response {
    let tenant = match tenant {
        Ok(Tenant(tenant)) => tenant,
        Err(error) => return LokiError::from(error).into_response(),
    };
    let form = match push_form(request.headers()) {
        Ok(form) => form,
        Err(text) => return bad(&text),
    };
    match accept(&app, tenant, form, request).await {
        Ok(outcome) if outcome.streams == 0 => {
            (StatusCode::UNPROCESSABLE_ENTITY, format!("{NO_STREAMS}\n")).into_response()
        }
        Ok(outcome) if outcome.refused.is_empty() => StatusCode::NO_CONTENT.into_response(),
        Ok(outcome) => {
            tracing::debug!(stored = outcome.stored, "push refused in part");
            refusal(&outcome.refused)
        }
        Err(fault) => failed(&app, &fault),
    }
}

/// Handles one export of OTLP as Loki does: nothing is said of what is refused in part but the status.
pub(super) async fn otlp(
    State(app): State<Arc<App>>,
    tenant: Result<Tenant, ApiError>,
    request: Request,
) -> Response {
    let tenant = match tenant {
        Ok(Tenant(tenant)) => tenant,
        Err(error) => return LokiError::from(error).into_response(),
    };
    let form = match otlp_form(request.headers()) {
        Ok(form) => form,
        Err(text) => return otlp_failed(StatusCode::BAD_REQUEST, 3, &text),
    };
    match accept(&app, tenant, form, request).await {
        Ok(outcome) if outcome.refused.is_empty() => StatusCode::NO_CONTENT.into_response(),
        Ok(outcome) => otlp_failed(StatusCode::BAD_REQUEST, 3, &outcome.refused.text()),
        Err(fault) => {
            let plain = failed(&app, &fault);
            // Senders of OTLP try again after a 503, not after a 500.
            let status = match plain.status() {
                StatusCode::INTERNAL_SERVER_ERROR => StatusCode::SERVICE_UNAVAILABLE,
                status => status,
            };
            let mut response = otlp_failed(status, fault.grpc_code(), fault.text());
            if let Some(after) = plain.headers().get(header::RETRY_AFTER) {
                response.headers_mut().insert(header::RETRY_AFTER, after.clone());
            }
            response
        }
    }
}

/// 429 where some of it may be taken later.
fn refusal(refused: &Refused) -> Response {
    let status = match refused.may_pass() {
        true => StatusCode::TOO_MANY_REQUESTS,
        false => StatusCode::BAD_REQUEST,
    };
    (status, format!("{}\n", refused.text())).into_response()
}

fn bad(text: &str) -> Response {
    (StatusCode::BAD_REQUEST, format!("{text}\n")).into_response()
}

fn otlp_failed(status: StatusCode, code: u32, text: &str) -> Response {
    let content_type = [(header::CONTENT_TYPE, "application/x-protobuf")];
    (status, content_type, reply::status(code, text, None)).into_response()
}

/// A header's value; what is not ASCII is a question mark.
fn value(headers: &HeaderMap, name: HeaderName) -> &str {
    headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap_or("?"))
}

/// The media type of a request, without its parameters.
fn media_type(headers: &HeaderMap) -> String {
    let media = value(headers, header::CONTENT_TYPE).split(';').next();
    media.unwrap_or_default().trim().to_ascii_lowercase()
}

fn push_form(headers: &HeaderMap) -> Result<Form, String> {
    let media = media_type(headers);
    if media.is_empty() {
        return Err("mime: no media type".to_owned());
    }
    let json = media == "application/json";
    let coding = match value(headers, header::CONTENT_ENCODING) {
        "" | "snappy" => Coding::Identity,
        "gzip" => Coding::Gzip,
        "deflate" => Coding::Deflate,
        other => return Err(format!("Content-Encoding {other:?} not supported")),
    };
    Ok(Form {
        format: if json {
            LogFormat::PushJson
        } else {
            LogFormat::Push
        },
        coding,
        snappy: !json,
        json: false,
    })
}

fn otlp_form(headers: &HeaderMap) -> Result<Form, String> {
    let json = match media_type(headers).as_str() {
        "application/x-protobuf" => false,
        "application/json" => true,
        other => return Err(format!("content type: {other} is not supported")),
    };
    let coding = match value(headers, header::CONTENT_ENCODING) {
        "" => Coding::Identity,
        "gzip" => Coding::Gzip,
        "zstd" => Coding::Zstd,
        "lz4" => Coding::Lz4,
        other => {
            return Err(format!(
                "unsupported content encoding {other}: only gzip, lz4 and zstd are supported"
            ));
        }
    };
    Ok(Form {
        format: LogFormat::Otlp,
        coding,
        snappy: false,
        json,
    })
}

async fn accept(app: &Arc<App>, tenant: String, form: Form, request: Request) -> Result<LogOutcome, Fault> {
    let limit = usize::try_from(app.config.limits.body_bytes_max).unwrap_or(usize::MAX);
    // Snappy never grows its input by more than a sixth, so the compressed body has a limit too.
    let sent_max = limit.saturating_add(limit / 6 + 32);
    let (room, body) = receive(app, request, sent_max).await?;
    let compressed = body.len();
    let expected = match form.coding {
        Coding::Identity if form.snappy => snappy::declared_len(&body)?,
        Coding::Identity => compressed,
        _ => compressed.saturating_mul(EXPANSION),
    };
    let open = move |room: &mut Reserved| {
        let body = form.open(body, limit, sent_max)?;
        room.grow(compressed + body.len())?;
        Ok(body)
    };
    write_logs(app, tenant, form.format, (room, expected), open).await
}

impl Form {
    /// The message of a body.
    fn open(self, body: Bytes, limit: usize, sent_max: usize) -> Result<Bytes, Fault> {
        if self.snappy {
            let body = self.coding.inflate(body, sent_max)?;
            return Ok(Bytes::from(snappy::decompress(&body, limit)?));
        }
        let body = self.coding.inflate(body, limit)?;
        match self.json {
            true => json::logs_request(&body)
                .map(Bytes::from)
                .map_err(|error| Fault::Bad(error.to_string())),
            false => Ok(body),
        }
    }
}
