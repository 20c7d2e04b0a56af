//! Attribute values as label values: the text that the OpenTelemetry Collector and Prometheus make of them - plain for
//! scalars, base64 for bytes, JSON for arrays and maps.

use std::collections::BTreeMap;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kymo_proto::otlp::AnyValue;

use crate::go_float::push_exponent;
use crate::ingest::Reason;

/// Levels of arrays and maps that are followed.
const DEPTH_MAX: usize = 64;

/// Why a value has no text.
pub(in crate::ingest) type ValueFault = (Reason, String);

/// The text of a value; empty for one that was not sent.
///
/// # Errors
/// Text that is not UTF-8, messages that do not decode, and values nested too deep.
pub(in crate::ingest) fn text(value: AnyValue<'_>) -> Result<String, ValueFault> {
    Ok(match value {
        AnyValue::Empty => String::new(),
        AnyValue::String(bytes) => utf8(bytes)?.to_owned(),
        AnyValue::Bool(b) => b.to_string(),
        AnyValue::Int(n) => n.to_string(),
        AnyValue::Double(n) if !n.is_finite() => format!("json: unsupported value: {}", not_finite(n)),
        AnyValue::Double(n) => number(n),
        AnyValue::Bytes(bytes) => STANDARD.encode(bytes),
        nested => {
            let mut out = String::new();
            // Go's encoder gives up at values that JSON cannot say, and leaves nothing.
            if push_json(&mut out, nested, 0)? {
                out
            } else {
                String::new()
            }
        }
    })
}

/// A string as UTF-8.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, ValueFault> {
    std::str::from_utf8(bytes).map_err(|_| (Reason::InvalidUtf8, String::from_utf8_lossy(bytes).into_owned()))
}

fn not_finite(n: f64) -> &'static str {
    match (n.is_nan(), n > 0.0) {
        (true, _) => "NaN",
        (false, true) => "+Inf",
        (false, false) => "-Inf",
    }
}

/// A finite number as JavaScript writes it: an exponent below 1e-6 and from 1e21 on, of as few digits as it needs.
fn number(n: f64) -> String {
    let mut out = String::new();
    if n != 0.0 && !(1e-6..1e21).contains(&n.abs()) {
        push_exponent(&mut out, n);
        out = out.replace("e-0", "e-");
    } else {
        let _ = write!(out, "{n}");
    }
    out
}

fn bad(error: kymo_proto::Error) -> ValueFault {
    (Reason::InvalidPoint, error.to_string())
}

/// Appends a value as JSON; false when it has a part that JSON cannot say.
fn push_json(out: &mut String, value: AnyValue<'_>, depth: usize) -> Result<bool, ValueFault> {
    if depth > DEPTH_MAX {
        return Err(bad(kymo_proto::Error::TooDeep { limit: DEPTH_MAX }));
    }
    match value {
        AnyValue::Empty => out.push_str("null"),
        AnyValue::String(bytes) => push_quoted(out, utf8(bytes)?),
        AnyValue::Bool(b) => out.push_str(if b { "true" } else { "false" }),
        AnyValue::Int(n) => out.push_str(&n.to_string()),
        AnyValue::Double(n) if !n.is_finite() => return Ok(false),
        AnyValue::Double(n) => out.push_str(&number(n)),
        AnyValue::Bytes(bytes) => push_quoted(out, &STANDARD.encode(bytes)),
        AnyValue::Array(mut values) => {
            out.push('[');
            let mut first = true;
            while let Some(value) = values.next_value().map_err(bad)? {
                push_comma(out, &mut first);
                if !push_json(out, value, depth + 1)? {
                    return Ok(false);
                }
            }
            out.push(']');
        }
        AnyValue::Map(mut map) => {
            // Keys are written in order, the last of equal ones stays.
            let mut members = BTreeMap::new();
            while let Some(member) = map.next_value().map_err(bad)? {
                members.insert(utf8(member.key)?, member.value);
            }
            out.push('{');
            let mut first = true;
            for (key, value) in members {
                push_comma(out, &mut first);
                push_quoted(out, key);
                out.push(':');
                if !push_json(out, value, depth + 1)? {
                    return Ok(false);
                }
            }
            out.push('}');
        }
    }
    Ok(true)
}

fn push_comma(out: &mut String, first: &mut bool) {
    if !std::mem::take(first) {
        out.push(',');
    }
}

/// A JSON string as Go writes it, which also escapes what HTML gives a meaning.
fn push_quoted(out: &mut String, text: &str) {
    let quoted = serde_json::to_string(text).unwrap_or_default();
    for c in quoted.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests;
