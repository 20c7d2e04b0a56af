//! `POST /api/v1/write`: remote write 1.0 and 2.0. Headers and answers here; what is stored is ingest's to say. A 204 is sent
//! only once the write is durable; what is refused is named in a 400 while the rest is stored.

mod negotiate;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kymo_engine::metrics::Applied;
use kymo_proto::snappy;

use super::answer::ApiError;
use super::tenant::Tenant;
use crate::app::App;
use crate::ingest::{Fault, Format, Outcome, Reserved};

/// Bytes beyond the limit that are still read from a sender, to be forgotten.
const FORGOTTEN_BYTES_MAX: usize = 64 << 20;

/// The headers by which a receiver of 2.0 says how much it wrote.
const WRITTEN: [HeaderName; 3] = [
    HeaderName::from_static("x-prometheus-remote-write-samples-written"),
    HeaderName::from_static("x-prometheus-remote-write-histograms-written"),
    HeaderName::from_static("x-prometheus-remote-write-exemplars-written"),
];

/// Handles one write.
pub(crate) async fn write(
    State(app): State<Arc<App>>,
    tenant: Result<Tenant, ApiError>,
    request: Request,
) -> Response {
    let Tenant(tenant) = match tenant {
        Ok(tenant) => tenant,
        Err(error) => return error.into_response(),
    };
    let format = match negotiate::format(request.headers(), &app.config.remote_write) {
        Ok(format) => format,
        Err(text) => return (StatusCode::UNSUPPORTED_MEDIA_TYPE, text + "\n").into_response(),
    };
    let outcome = accept(&app, tenant, format, request).await;
    let (mut response, written) = match &outcome {
        Ok(outcome) => (answer(outcome), written(&outcome.applied)),
        Err(fault) => (failed(&app, fault), [0; 3]),
    };
    // A sender of 1.0 that sees these headers takes a complete write for a partial one.
    if format == Format::RemoteWriteV2 {
        add_written(response.headers_mut(), written);
    }
    response
}

async fn accept(app: &Arc<App>, tenant: String, format: Format, request: Request) -> Result<Outcome, Fault> {
    let limit = usize::try_from(app.config.limits.body_bytes_max).unwrap_or(usize::MAX);
    // Snappy never grows its input by more than a sixth, so the compressed body has a limit too.
    let compressed_max = limit.saturating_add(limit / 6 + 32);
    let (mut room, body) = receive(app, request, compressed_max).await?;
    let declared = snappy::declared_len(&body)?;
    if declared > limit {
        return Err(Fault::TooLarge(format!(
            "the body declares {declared} decompressed bytes, the limit is {limit}"
        )));
    }
    room.grow(body.len() + declared)?;
    let open = move |_: &mut Reserved| Ok(Bytes::from(snappy::decompress(&body, limit)?));
    crate::ingest::write(app, tenant, format, (room, declared), open).await
}

/// The body of a request, and the room in memory that it takes.
pub(super) async fn receive(
    app: &Arc<App>,
    request: Request,
    bytes_max: usize,
) -> Result<(Reserved, Bytes), Fault> {
    let announced =
        usize::try_from(request.body().size_hint().upper().unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    let room = Reserved::bytes(app, announced.min(bytes_max))?;
    let body = collected(request.into_body(), bytes_max).await?;
    Ok((room, body))
}

/// A whole body. One that is over the limit is read on for a while and forgotten: a connection that is closed with unread
/// bytes may take the answer with it, and the sender would try again for ever.
async fn collected(mut body: Body, bytes_max: usize) -> Result<Bytes, Fault> {
    let (mut pieces, mut len) = (Vec::new(), 0_usize);
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|error| broken(&error))?;
        let Ok(piece) = frame.into_data() else { continue };
        len += piece.len();
        if len > bytes_max.saturating_add(FORGOTTEN_BYTES_MAX) {
            break;
        }
        match len > bytes_max {
            true => pieces.clear(),
            false => pieces.push(piece),
        }
    }
    if len > bytes_max {
        return Err(Fault::TooLarge("the body is over the limit".to_owned()));
    }
    Ok(match pieces.len() {
        1 => pieces.swap_remove(0),
        _ => Bytes::from(pieces.concat()),
    })
}

fn broken(error: &axum::Error) -> Fault {
    let text = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    Fault::Bad(format!("the body did not arrive whole: {text}"))
}

fn answer(outcome: &Outcome) -> Response {
    if outcome.rejects.is_empty() {
        return StatusCode::NO_CONTENT.into_response();
    }
    let [samples, histograms, _] = written(&outcome.applied);
    tracing::debug!(samples, histograms, "write refused in part");
    (
        StatusCode::BAD_REQUEST,
        outcome.rejects.text(samples + histograms),
    )
        .into_response()
}

/// Samples, histograms and exemplars that are in the store now, as samples of their own or merged.
fn written(applied: &Applied) -> [u64; 3] {
    [
        applied.stored + applied.duplicates + applied.merged,
        applied.histograms + applied.histogram_duplicates + applied.merged_histograms,
        applied.exemplars + applied.exemplar_duplicates,
    ]
}

fn add_written(headers: &mut HeaderMap, written: [u64; 3]) {
    for (name, n) in WRITTEN.into_iter().zip(written) {
        headers.insert(name, HeaderValue::from(n));
    }
}

/// The answer to a write that failed as a whole, counted when it is to come again.
pub(super) fn failed(app: &App, fault: &Fault) -> Response {
    let status = match fault {
        Fault::Bad(_) => StatusCode::BAD_REQUEST,
        Fault::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Fault::Limited(_) => StatusCode::TOO_MANY_REQUESTS,
        Fault::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        Fault::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let mut response = (status, format!("{}\n", fault.text())).into_response();
    if matches!(fault, Fault::Unavailable(_) | Fault::Limited(_)) {
        app.counters.writes_deferred.add(1);
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}

#[cfg(test)]
mod tests;
