//! Which message a remote write is, by its headers: the rules and the refusals (415) of Prometheus' receiver.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::config::AcceptedMessages;
use crate::config::keys::{REMOTE_WRITE_V1 as V1, REMOTE_WRITE_V2 as V2};
use crate::ingest::Format;

/// The message that the headers announce.
///
/// # Errors
/// Why it is not taken.
pub(super) fn format(headers: &HeaderMap, accepted: &AcceptedMessages) -> Result<Format, String> {
    let text = |name: HeaderName| headers.get(name).map(|v: &HeaderValue| v.to_str().unwrap_or("?"));
    match text(header::CONTENT_ENCODING) {
        None | Some("") => {}
        Some(coding) if coding.eq_ignore_ascii_case("snappy") => {}
        Some(coding) => {
            return Err(format!(
                "{coding} encoding (compression) is not accepted by this server; only snappy is acceptable"
            ));
        }
    }
    let message = message(text(header::CONTENT_TYPE).unwrap_or(""))?;
    let (format, taken) = match message {
        V1 => (Format::RemoteWrite, accepted.v1),
        V2 => (Format::RemoteWriteV2, accepted.v2),
        other => return Err(format!("unknown remote write protobuf message {other}")),
    };
    if taken {
        Ok(format)
    } else {
        Err(format!(
            "{message} protobuf message is not accepted by this server; only accepts {accepted}"
        ))
    }
}

/// The message that a content type names; without one it is that of 1.0.
fn message(content_type: &str) -> Result<&str, String> {
    if content_type.is_empty() {
        return Ok(V1);
    }
    let mut parts = content_type.split(';').map(str::trim);
    if !parts
        .next()
        .is_some_and(|media| media.eq_ignore_ascii_case("application/x-protobuf"))
    {
        return Err(format!(
            "expected application/x-protobuf as the content type, got {content_type}"
        ));
    }
    let proto = parts.find_map(|part| part.strip_prefix("proto="));
    Ok(proto.map_or(V1, |name| name.trim_matches('"')))
}
