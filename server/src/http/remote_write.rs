//! `POST /api/v1/write`: remote write 1.0. Headers, sizes and decoding here; the rules of what is stored are ingest's.
//! A 204 is sent only once the batch is durable; what is refused is named in a 400 while the rest is stored.

use std::sync::Arc;

use axum::body::{Bytes, HttpBody, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kymo_engine::metrics::{Applied, Input};
use kymo_engine::ticket::Ticket;
use kymo_engine::{Error, ErrorKind};
use kymo_proto::{remote_write::WriteRequest, snappy};
use tokio::sync::SemaphorePermit;

use super::answer::ApiError;
use super::tenant::Tenant;
use crate::app::App;
use crate::clock::now_ms;
use crate::ingest::metrics::{Rules, check, label_text};
use crate::ingest::{Reason, Rejects};

/// Bodies up to this size are decoded on the thread that serves the connection: handing them over costs more.
const INLINE_BYTES_MAX: usize = 128 << 10;

/// A refusal before anything was stored: status and reason.
struct Refusal(StatusCode, String);

/// A decompressed body whose accepted part waits to become durable.
struct Pending {
    body: Bytes,
    rules: Rules,
    rejects: Rejects,
    ticket: Ticket<Applied>,
}

/// Handles one write.
pub(crate) async fn write(
    State(app): State<Arc<App>>,
    tenant: Result<Tenant, ApiError>,
    request: Request,
) -> Response {
    let tenant = match tenant {
        Ok(tenant) => tenant,
        Err(error) => return error.into_response(),
    };
    match accept(&app, tenant, request).await {
        Ok(response) => response,
        Err(Refusal(status, text)) => {
            if status == StatusCode::SERVICE_UNAVAILABLE {
                app.counters.writes_deferred.add(1);
            }
            refusal(status, text)
        }
    }
}

async fn accept(app: &Arc<App>, Tenant(tenant): Tenant, request: Request) -> Result<Response, Refusal> {
    check_headers(request.headers())?;
    let limit = usize::try_from(app.config.limits.body_bytes_max).unwrap_or(usize::MAX);
    // Snappy never grows its input by more than a sixth, so the compressed body has a limit too.
    let compressed_max = limit.saturating_add(limit / 6 + 32);
    let announced =
        usize::try_from(request.body().size_hint().upper().unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    let _compressed = reserve(app, announced.min(compressed_max))?;
    let body = to_bytes(request.into_body(), compressed_max)
        .await
        .map_err(|e| too_large_or_broken(&e))?;
    let declared = declared_len(&body, limit)?;
    let _decompressed = reserve(app, declared)?;
    let pending = if declared <= INLINE_BYTES_MAX {
        append(app, &tenant, &body, limit)?
    } else {
        let app = Arc::clone(app);
        tokio::task::spawn_blocking(move || append(&app, &tenant, &body, limit))
            .await
            .map_err(|e| Refusal(StatusCode::INTERNAL_SERVER_ERROR, format!("{e}\n")))??
    };
    finish(app, pending).await
}

/// Takes room for so many bytes out of what all writes may have in work together.
fn reserve(app: &App, bytes: usize) -> Result<SemaphorePermit<'_>, Refusal> {
    let permits = u32::try_from(bytes >> 10).unwrap_or(u32::MAX).max(1);
    app.in_flight.try_acquire_many(permits).map_err(|_| {
        Refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many bytes of writes are in work, retry later\n".to_owned(),
        )
    })
}

/// Decompresses, decodes, validates and hands the good part to the store.
fn append(app: &App, tenant: &str, compressed: &[u8], limit: usize) -> Result<Pending, Refusal> {
    let bad = |e: kymo_proto::Error| Refusal(StatusCode::BAD_REQUEST, format!("{e}\n"));
    let body = Bytes::from(snappy::decompress(compressed, limit).map_err(bad)?);
    let config = &app.config;
    let received_ms = now_ms();
    let rules = Rules::at(received_ms, config.limits, config.retention.time_ms);
    let request = WriteRequest::decode(&body).map_err(bad)?;
    let checked = check(&request, &rules);
    app.counters.exemplars_skipped.add(checked.exemplars);
    let input = Input {
        batch: &checked.batch,
        labels: &checked.batch,
        series_max: config.limits.series_max,
        received_ms,
    };
    let ticket = store(app, tenant, &input).map_err(|e| from_engine(&e))?;
    let rejects = checked.rejects;
    drop(request);
    Ok(Pending {
        body,
        rules,
        rejects,
        ticket,
    })
}

fn store(app: &App, tenant: &str, input: &Input<'_>) -> Result<Ticket<Applied>, Error> {
    let node = app.node().ok_or(Error::Closed)?;
    node.tenant(tenant)?.metrics.append(node.log(), input)
}

async fn finish(app: &App, pending: Pending) -> Result<Response, Refusal> {
    let Pending {
        body,
        rules,
        mut rejects,
        ticket,
    } = pending;
    let applied = ticket.await.map_err(|e| from_engine(&e))?;
    note_refused(&applied, &body, &rules, &mut rejects);
    app.counters.samples_stored.add(applied.stored);
    app.counters.samples_duplicate.add(applied.duplicates);
    rejects.count_into(&app.counters);
    if rejects.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    tracing::debug!(stored = applied.stored, "write refused in part");
    Ok(refusal(
        StatusCode::BAD_REQUEST,
        rejects.text(applied.stored + applied.duplicates),
    ))
}

/// Adds what the store refused. The series' labels are read again from the body, because keeping them for every batch
/// would cost all of them.
fn note_refused(applied: &Applied, body: &[u8], rules: &Rules, rejects: &mut Rejects) {
    if applied.conflicts.is_empty() && applied.over_limit.is_empty() {
        return;
    }
    let Ok(request) = WriteRequest::decode(body) else {
        return;
    };
    let batch = check(&request, rules).batch;
    for conflict in &applied.conflicts {
        rejects.add(Reason::DuplicateTimestamp, 1, || {
            let labels = label_text(batch.own_labels(conflict.series as usize));
            format!(
                "{labels} at {} ms has another value than {}",
                conflict.timestamp, conflict.value
            )
        });
    }
    for series in &applied.over_limit {
        let i = *series as usize;
        let n = batch.series_at(i).samples.len() as u64;
        rejects.add(Reason::SeriesLimit, n, || label_text(batch.own_labels(i)));
    }
}

fn check_headers(headers: &HeaderMap) -> Result<(), Refusal> {
    let unsupported = |text: String| Err(Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    let text = |name| headers.get(name).map(|v: &HeaderValue| v.to_str().unwrap_or("?"));
    match text(header::CONTENT_ENCODING) {
        None | Some("") => {}
        Some(coding) if coding.eq_ignore_ascii_case("snappy") => {}
        Some(coding) => {
            return unsupported(format!(
                "{coding} encoding (compression) is not accepted by this server; only snappy is acceptable\n"
            ));
        }
    }
    let Some(content_type) = text(header::CONTENT_TYPE) else {
        return Ok(());
    };
    let mut parts = content_type.split(';').map(str::trim);
    if !parts
        .next()
        .is_some_and(|media| media.eq_ignore_ascii_case("application/x-protobuf"))
    {
        return unsupported(format!(
            "expected application/x-protobuf as the content type, got {content_type}\n"
        ));
    }
    let proto = parts.find_map(|part| part.strip_prefix("proto="));
    match proto.map(|p| p.trim_matches('"')) {
        None | Some("prometheus.WriteRequest") => Ok(()),
        Some("io.prometheus.write.v2.Request") => unsupported(
            "remote write 2.0 (io.prometheus.write.v2.Request) is not accepted by this server; accepted: prometheus.WriteRequest\n".to_owned(),
        ),
        Some(other) => unsupported(format!("unknown remote write protobuf message {other}; accepted: prometheus.WriteRequest\n")),
    }
}

fn declared_len(body: &[u8], limit: usize) -> Result<usize, Refusal> {
    match snappy::declared_len(body) {
        Ok(declared) if declared > limit => Err(Refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body declares {declared} decompressed bytes, the limit is {limit}\n"),
        )),
        Ok(declared) => Ok(declared),
        Err(e) => Err(Refusal(StatusCode::BAD_REQUEST, format!("{e}\n"))),
    }
}

fn too_large_or_broken(error: &axum::Error) -> Refusal {
    let text = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    if text.contains("length limit exceeded") {
        Refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is over the limit\n".to_owned(),
        )
    } else {
        Refusal(
            StatusCode::BAD_REQUEST,
            format!("the body did not arrive whole: {text}\n"),
        )
    }
}

fn from_engine(error: &Error) -> Refusal {
    let status = match error.kind() {
        ErrorKind::Invalid | ErrorKind::TooLarge => StatusCode::BAD_REQUEST,
        // Everything else may pass, so the sender must keep its data and try again.
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    Refusal(status, format!("{error}\n"))
}

fn refusal(status: StatusCode, text: String) -> Response {
    let mut response = (status, text).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}

#[cfg(test)]
mod tests;
