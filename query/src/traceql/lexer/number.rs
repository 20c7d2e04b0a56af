//! Integers, floats and durations: the longest number at the start of a text. Not for signs, which are operators.

use super::super::token::{Kind, Payload};
use crate::lex::{duration, go_duration, string};

/// A number and its spelling.
#[derive(Debug, PartialEq)]
pub(super) struct Scanned {
    pub(super) kind: Kind,
    pub(super) payload: Payload,
    /// Bytes.
    pub(super) len: usize,
    /// Letters of units were read behind the digits.
    pub(super) extended: bool,
}

/// Scans the number at the start of `text`, which starts with a digit or with a point and a digit.
///
/// # Errors
/// What Go says of the number.
pub(super) fn scan(text: &str) -> Result<Scanned, String> {
    let (len, float) = digits(text)?;
    if let Some((longer, nanos)) = with_units(text, len) {
        return Ok(Scanned {
            kind: Kind::Duration,
            payload: Payload::Duration(nanos),
            len: longer,
            extended: true,
        });
    }
    let spelled = &text[..len];
    let bad = |function: &str, why: &str| {
        let shown = string::quote(spelled);
        format!("strconv.{function}: parsing {shown}: {why}")
    };
    let (kind, payload) = if float {
        let value: f64 = spelled.parse().map_err(|_| bad("ParseFloat", "invalid syntax"))?;
        if value.is_infinite() {
            return Err(bad("ParseFloat", "value out of range"));
        }
        (Kind::Float, Payload::Float(value))
    } else {
        if !spelled.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad("Atoi", "invalid syntax"));
        }
        let value = spelled.parse().map_err(|_| bad("Atoi", "value out of range"))?;
        (Kind::Integer, Payload::Integer(value))
    };
    Ok(Scanned {
        kind,
        payload,
        len,
        extended: false,
    })
}

/// The length of a Go number without units, and whether it is a float.
fn digits(text: &str) -> Result<(usize, bool), String> {
    let bytes = text.as_bytes();
    let run = |from: usize| {
        bytes[from..]
            .iter()
            .take_while(|b| b.is_ascii_digit() || **b == b'_')
            .count()
    };
    if bytes[0] == b'0' && bytes.get(1).is_some_and(|b| b"xXoObB".contains(b)) {
        let hex = bytes[2..]
            .iter()
            .take_while(|b| b.is_ascii_hexdigit() || **b == b'_')
            .count();
        return Ok((2 + hex, false));
    }
    let (mut len, mut float) = (run(0), false);
    if bytes.get(len) == Some(&b'.') {
        float = true;
        len += 1;
        len += run(len);
    }
    if bytes.get(len).is_some_and(|b| b"eE".contains(b)) {
        let sign = usize::from(bytes.get(len + 1).is_some_and(|b| b"+-".contains(b)));
        let exponent = run(len + 1 + sign);
        if exponent == 0 {
            return Err("exponent has no digits".to_owned());
        }
        float = true;
        len += 1 + sign + exponent;
    }
    Ok((len, float))
}

/// The duration that the digits and what follows them make: its length and its nanoseconds.
fn with_units(text: &str, digits: usize) -> Option<(usize, i64)> {
    let tail = &text[digits..];
    let more = tail
        .find(|c: char| !(c.is_numeric() || "nu\u{b5}\u{3bc}mshdwy.".contains(c)))
        .unwrap_or(tail.len());
    if more == 0 {
        return None;
    }
    let spelled = &text[..digits + more];
    let nanos = match duration::parse(spelled) {
        Ok(millis) => millis.checked_mul(1_000_000),
        Err(_) => go_duration::parse(spelled),
    };
    nanos.map(|nanos| (spelled.len(), nanos))
}
