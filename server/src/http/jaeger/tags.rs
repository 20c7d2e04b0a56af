//! Values of attributes as Jaeger's typed tags. Lists have no type there and become JSON in a string.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kymo_engine::traces::Value;

use crate::http::json::{base64, double, object, text};

/// Integers beyond this are no numbers to a browser.
const SAFE_INTEGER_MAX: u64 = (1 << 53) - 1;

/// A typed value.
pub(super) enum Tag<'v> {
    Text(Cow<'v, str>),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(&'v [u8]),
}

/// The tag of a value.
pub(super) fn tag(value: &Value) -> Tag<'_> {
    match value {
        Value::Empty => Tag::Text("".into()),
        Value::String(value) => Tag::Text((&**value).into()),
        Value::Bool(value) => Tag::Bool(*value),
        Value::Int(value) => Tag::Int(*value),
        Value::Double(value) => Tag::Double(*value),
        Value::Bytes(value) => Tag::Bytes(value),
        Value::Array(_) | Value::KvList(_) => {
            let mut out = Vec::new();
            push_plain(&mut out, value);
            Tag::Text(String::from_utf8_lossy(&out).into_owned().into())
        }
    }
}

/// A value as text.
pub(super) fn value_text(value: &Value) -> String {
    match tag(value) {
        Tag::Text(value) => value.into_owned(),
        Tag::Bool(value) => value.to_string(),
        Tag::Int(value) => value.to_string(),
        Tag::Double(value) => crate::go_float::value_text(value),
        Tag::Bytes(value) => STANDARD.encode(value),
    }
}

/// Appends a value as plain JSON, without its type.
fn push_plain(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Empty => out.extend_from_slice(b"null"),
        Value::String(value) => text(out, value),
        Value::Bool(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Value::Int(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Value::Double(value) => double(out, *value),
        Value::Bytes(value) => base64(out, value),
        Value::Array(values) => crate::http::json::list(out, values.iter(), push_plain),
        Value::KvList(pairs) => object(out, |o| {
            for (key, value) in pairs.iter() {
                push_plain(o.any_name(key), value);
            }
        }),
    }
}

impl Tag<'_> {
    /// Appends the tag under a key.
    pub(super) fn push(&self, out: &mut Vec<u8>, key: &str) {
        object(out, |o| {
            o.text_even_empty("key", key);
            let kind = match self {
                Tag::Text(_) => "string",
                Tag::Bool(_) => "bool",
                Tag::Int(_) => "int64",
                Tag::Double(_) => "float64",
                Tag::Bytes(_) => "binary",
            };
            o.text("type", kind);
            let out = o.name("value");
            match self {
                Tag::Text(value) => text(out, value),
                Tag::Bool(value) => out.extend_from_slice(value.to_string().as_bytes()),
                Tag::Int(value) if value.unsigned_abs() > SAFE_INTEGER_MAX => text(out, &value.to_string()),
                Tag::Int(value) => out.extend_from_slice(value.to_string().as_bytes()),
                Tag::Double(value) => double(out, *value),
                Tag::Bytes(value) => base64(out, value),
            }
        });
    }
}
