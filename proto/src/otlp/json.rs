//! OTLP/JSON turned into the binary form, so that one decoder reads both. The rules are those of
//! <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>: names in lowerCamelCase, 64-bit integers as
//! strings or numbers, ids in hex, bytes in base64, enums as numbers, unknown names ignored.

mod schema;

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use schema::{Field, Kind, Schema};
use serde_json::Value;

use crate::wire::{put_bytes, put_fixed32, put_fixed64, put_varint, zigzag};

/// Why a text is no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// It is not JSON.
    #[error("not JSON: {cause}")]
    Syntax {
        /// What the JSON parser says.
        cause: String,
    },
    /// A value is of another type than its name says.
    #[error("{name} is not {expected}")]
    Type {
        /// The name.
        name: &'static str,
        /// What is expected.
        expected: &'static str,
    },
}

type Result<T, E = JsonError> = std::result::Result<T, E>;

/// The binary form of a JSON `ExportMetricsServiceRequest`.
///
/// # Errors
/// [`JsonError`].
pub fn metrics_request(text: &[u8]) -> Result<Vec<u8>> {
    request(text, &schema::METRICS_REQUEST)
}

/// The binary form of a JSON `ExportTraceServiceRequest`.
///
/// # Errors
/// [`JsonError`].
pub fn trace_request(text: &[u8]) -> Result<Vec<u8>> {
    request(text, &schema::TRACE_REQUEST)
}

/// The binary form of a JSON `ExportLogsServiceRequest`.
///
/// # Errors
/// [`JsonError`].
pub fn logs_request(text: &[u8]) -> Result<Vec<u8>> {
    request(text, &schema::LOGS_REQUEST)
}

fn request(text: &[u8], schema: &Schema) -> Result<Vec<u8>> {
    let value: Value =
        serde_json::from_slice(text).map_err(|e| JsonError::Syntax { cause: e.to_string() })?;
    let mut out = Vec::with_capacity(text.len() / 2);
    put_message(&mut out, schema, &value, "the request")?;
    Ok(out)
}

fn put_message(out: &mut Vec<u8>, schema: &Schema, value: &Value, name: &'static str) -> Result<()> {
    let Value::Object(members) = value else {
        return wrong(name, "an object");
    };
    for field in schema.0 {
        let Some(value) = members.get(field.name).filter(|v| !v.is_null()) else {
            continue;
        };
        match (field.repeated, value) {
            (false, value) => put_single(out, field, value)?,
            (true, Value::Array(items)) => {
                for item in items {
                    put_field(out, field, item)?;
                }
            }
            (true, _) => return wrong(field.name, "an array"),
        }
    }
    Ok(())
}

/// Puts a field, but not the default of one that says nothing by being there, as encoders of protobuf do.
fn put_single(out: &mut Vec<u8>, field: &Field, value: &Value) -> Result<()> {
    let before = out.len();
    put_field(out, field, value)?;
    let tells = field.chosen || matches!(field.kind, Kind::Message(_) | Kind::Double);
    let tag = if field.number < 16 { 1 } else { 2 };
    if !tells && out[before + tag..].iter().all(|byte| *byte == 0) {
        out.truncate(before);
    }
    Ok(())
}

fn put_field(out: &mut Vec<u8>, field: &Field, value: &Value) -> Result<()> {
    let name = field.name;
    match field.kind {
        Kind::String => match value {
            Value::String(text) => put_bytes(out, field.number, text.as_bytes()),
            _ => return wrong(name, "a string"),
        },
        Kind::Base64 => put_bytes(out, field.number, &base64(name, value)?),
        Kind::Hex => put_bytes(out, field.number, &hex(name, value)?),
        Kind::Bool => match value {
            Value::Bool(b) => put_tagged(out, field.number, u64::from(*b)),
            _ => return wrong(name, "a boolean"),
        },
        Kind::Varint => put_tagged(out, field.number, integer(name, value)?),
        Kind::Zigzag => put_tagged(out, field.number, zigzag(integer(name, value)?.cast_signed())),
        Kind::Fixed64 => put_fixed64(out, field.number, integer(name, value)?),
        Kind::Fixed32 => put_fixed32(out, field.number, integer(name, value)? as u32),
        Kind::Double => put_fixed64(out, field.number, double(name, value)?.to_bits()),
        Kind::Enum(names) => put_tagged(out, field.number, enumerated(names, name, value)?),
        Kind::Message(schema) => {
            let mut message = Vec::new();
            put_message(&mut message, schema, value, name)?;
            put_bytes(out, field.number, &message);
        }
    }
    Ok(())
}

fn put_tagged(out: &mut Vec<u8>, field: u32, n: u64) {
    put_varint(out, u64::from(field) << 3);
    put_varint(out, n);
}

fn wrong<T>(name: &'static str, expected: &'static str) -> Result<T> {
    Err(JsonError::Type { name, expected })
}

fn base64(name: &'static str, value: &Value) -> Result<Vec<u8>> {
    let text = value.as_str().unwrap_or("?");
    // As protobuf's JSON has it: either alphabet, with padding or without.
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if text.contains(['-', '_']) {
        &URL_SAFE
    } else {
        &STANDARD
    };
    GeneralPurpose::new(alphabet, config)
        .decode(text)
        .or(wrong(name, "bytes in base64"))
}

fn hex(name: &'static str, value: &Value) -> Result<Vec<u8>> {
    let digits: Option<Vec<u8>> = value
        .as_str()
        .map(|text| text.chars().map(|c| c.to_digit(16).map(|d| d as u8)))
        .and_then(Iterator::collect);
    match digits {
        Some(digits) if digits.len().is_multiple_of(2) => Ok(digits
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect()),
        _ => wrong(name, "an id in hex"),
    }
}

/// A 64-bit integer, signed or not, as its bits.
fn integer(name: &'static str, value: &Value) -> Result<u64> {
    let found = match value {
        Value::String(text) => text
            .parse::<u64>()
            .ok()
            .or_else(|| text.parse::<i64>().ok().map(i64::cast_unsigned)),
        Value::Number(n) => n
            .as_u64()
            .or_else(|| n.as_i64().map(i64::cast_unsigned))
            .or_else(|| n.as_f64().and_then(whole)),
        _ => None,
    };
    found.map_or_else(|| wrong(name, "an integer"), Ok)
}

/// A number such as `1e3` that is an integer all the same.
fn whole(n: f64) -> Option<u64> {
    let fits = n.fract() == 0.0 && (-9.2e18..9.2e18).contains(&n);
    fits.then_some((n as i64).cast_unsigned())
}

fn double(name: &'static str, value: &Value) -> Result<f64> {
    let found = match value {
        Value::Number(n) => n.as_f64(),
        Value::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            text => text.parse().ok(),
        },
        _ => None,
    };
    found.map_or_else(|| wrong(name, "a number"), Ok)
}

/// An enum by its number, or by its name as plain protobuf JSON writes it.
fn enumerated(names: &[&str], name: &'static str, value: &Value) -> Result<u64> {
    if let Value::String(text) = value
        && let Some(n) = names.iter().position(|known| known == text)
    {
        return Ok(n as u64);
    }
    integer(name, value)
}

#[cfg(test)]
mod tests;
