//! What a receiver of OTLP answers, in both forms: partial success (the same fields for all signals) and `google.rpc.Status`.

use crate::wire::{Reader, put_bytes, put_integer};

/// An export response. With nothing to say it is the empty message: everything was taken.
pub fn export_response(rejected: u64, message: &str) -> Vec<u8> {
    let mut partial = Vec::new();
    put_integer(&mut partial, 1, rejected);
    if !message.is_empty() {
        put_bytes(&mut partial, 2, message.as_bytes());
    }
    let mut out = Vec::new();
    if !partial.is_empty() {
        put_bytes(&mut out, 1, &partial);
    }
    out
}

/// The same as JSON; `rejected_name` is the signal's name of the number, such as `rejectedDataPoints`.
pub fn export_response_json(rejected_name: &str, rejected: u64, message: &str) -> String {
    if rejected == 0 && message.is_empty() {
        return "{}".to_owned();
    }
    serde_json::json!({"partialSuccess": {rejected_name: rejected.to_string(), "errorMessage": message}})
        .to_string()
}

/// A `google.rpc.Status` with a gRPC code; with `retry_seconds` it says when to try again (`google.rpc.RetryInfo`).
pub fn status(code: u32, message: &str, retry_seconds: Option<u64>) -> Vec<u8> {
    let mut out = Vec::new();
    put_integer(&mut out, 1, u64::from(code));
    put_bytes(&mut out, 2, message.as_bytes());
    if let Some(seconds) = retry_seconds {
        let mut delay = Vec::new();
        put_integer(&mut delay, 1, seconds);
        let mut info = Vec::new();
        put_bytes(&mut info, 1, &delay);
        let mut any = Vec::new();
        put_bytes(&mut any, 1, b"type.googleapis.com/google.rpc.RetryInfo");
        put_bytes(&mut any, 2, &info);
        put_bytes(&mut out, 3, &any);
    }
    out
}

/// The same as JSON, without the time to try again, which HTTP has a header for.
pub fn status_json(code: u32, message: &str) -> String {
    serde_json::json!({"code": code, "message": message}).to_string()
}

/// Reads an export response: what was rejected, and why. For clients and tests.
///
/// # Errors
/// Bytes that are not a protobuf message of this schema.
pub fn read_export_response(body: &[u8]) -> crate::Result<(u64, String)> {
    let mut found = (0, String::new());
    let mut reader = Reader::new(body);
    while let Some(field) = reader.next_field()? {
        if field.number != 1 {
            continue;
        }
        let mut partial = field.message()?;
        while let Some(field) = partial.next_field()? {
            match field.number {
                1 => found.0 = field.varint()?,
                2 => found.1 = String::from_utf8_lossy(field.bytes()?).into_owned(),
                _ => {}
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
