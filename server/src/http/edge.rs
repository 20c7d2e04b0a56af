//! What every request and response passes: CORS, preflight, compression, and the count by path and status.

use std::future::poll_fn;
use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http_body::Frame;

use crate::app::App;
use crate::config::CorsOrigin;

/// Bodies below this many bytes go out as they are.
const COMPRESS_BYTES_MIN: u64 = 512;

/// Bodies from this many bytes on are compressed away from the threads that serve connections.
const COMPRESS_INLINE_MAX: u64 = 64 << 10;

/// The layer around all routes.
pub(crate) async fn edge(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("other", |path| path.as_str())
        .to_owned();
    let origin = request.headers().get(header::ORIGIN).cloned();
    let coding = Coding::of(request.headers());
    let preflight = request.method() == Method::OPTIONS && request.uri().path().starts_with("/api/v1/");
    let response = if preflight {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let mut response = match coding {
        Some(coding) => compressed(response, coding).await,
        None => response,
    };
    add_cors(
        response.headers_mut(),
        origin.as_ref(),
        &app.config.web.cors_origin,
    );
    app.counters
        .requests
        .add(&path, response.status().as_u16(), started.elapsed());
    response
}

fn add_cors(headers: &mut HeaderMap, origin: Option<&HeaderValue>, allowed: &CorsOrigin) {
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = origin else { return };
    let matches = origin.to_str().is_ok_and(|o| allowed.regex.is_match(o));
    if !matches {
        return;
    }
    let any = HeaderValue::from_static("*");
    let allow = if allowed.text == ".*" { &any } else { origin };
    let fixed = HeaderValue::from_static;
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allow.clone());
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        fixed("Accept, Authorization, Content-Type, Origin"),
    );
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, fixed("GET, POST, OPTIONS"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, fixed("Date"));
}

/// A content coding of responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Gzip,
    /// The zlib stream that HTTP calls deflate.
    Deflate,
}

impl Coding {
    /// The first coding of `Accept-Encoding` that is known, as Prometheus picks it.
    fn of(headers: &HeaderMap) -> Option<Coding> {
        let accepted = headers.get(header::ACCEPT_ENCODING)?.to_str().ok()?;
        accepted.split(',').find_map(|item| {
            let (name, quality) = item.split_once(';').unwrap_or((item, ""));
            let refused = matches!(quality.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
            match name.trim() {
                "gzip" if !refused => Some(Coding::Gzip),
                "deflate" if !refused => Some(Coding::Deflate),
                _ => None,
            }
        })
    }

    fn name(self) -> &'static str {
        match self {
            Coding::Gzip => "gzip",
            Coding::Deflate => "deflate",
        }
    }

    /// Encodes the parts of a body as one.
    fn encode(self, parts: &[Bytes]) -> std::io::Result<Vec<u8>> {
        let level = Compression::fast();
        match self {
            Coding::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), level);
                parts.iter().try_for_each(|part| encoder.write_all(part))?;
                encoder.finish()
            }
            Coding::Deflate => {
                let mut encoder = ZlibEncoder::new(Vec::new(), level);
                parts.iter().try_for_each(|part| encoder.write_all(part))?;
                encoder.finish()
            }
        }
    }
}

async fn compressed(mut response: Response, coding: Coding) -> Response {
    response
        .headers_mut()
        .append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    let whole = response.body().size_hint().exact();
    let encoded_already = response.headers().contains_key(header::CONTENT_ENCODING);
    if encoded_already || whole.is_none_or(|len| len < COMPRESS_BYTES_MIN) {
        return response;
    }
    let (mut parts, mut body) = response.into_parts();
    // The parts of a large answer are not joined: that would hold it twice.
    let mut pieces: Vec<Bytes> = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        match frame.map(Frame::into_data) {
            Ok(Ok(piece)) => pieces.push(piece),
            Ok(Err(_)) => {}
            Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
    let encoded = if whole.is_some_and(|len| len > COMPRESS_INLINE_MAX) {
        let pieces = pieces.clone();
        tokio::task::spawn_blocking(move || coding.encode(&pieces))
            .await
            .ok()
    } else {
        Some(coding.encode(&pieces))
    };
    let body = match encoded {
        Some(Ok(encoded)) => {
            parts
                .headers
                .insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
            parts.headers.remove(header::CONTENT_LENGTH);
            Body::from(encoded)
        }
        _ => Body::from(pieces.concat()),
    };
    Response::from_parts(parts, body)
}
