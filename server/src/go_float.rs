//! Numbers as Go's `strconv` writes them, which is how Prometheus' JSON and text formats write values.
//! Not for parsing.

use std::fmt::Write;

/// Appends a sample's value as Prometheus' JSON codec does (`util/jsonutil.MarshalFloat`, without the quotes): shortest
/// digits, plain unless the magnitude is below 1e-6 or from 1e21 on.
pub fn push_value(out: &mut String, value: f64) {
    let whole = value as i64;
    if whole as f64 == value && whole.unsigned_abs() < 1 << 53 && (whole != 0 || value.is_sign_positive()) {
        return out.push_str(itoa::Buffer::new().format(whole));
    }
    let magnitude = value.abs();
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        push_exponent(out, value);
    } else {
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(value);
        if text.contains('e') {
            let _ = write!(out, "{value}");
        } else {
            out.push_str(text.strip_suffix(".0").unwrap_or(text));
        }
    }
}

/// The text of [`push_value`].
pub fn value_text(value: f64) -> String {
    let mut out = String::new();
    push_value(&mut out, value);
    out
}

/// Appends Go's `'e'` format with shortest digits: at least two digits of exponent, always signed.
pub fn push_exponent(out: &mut String, value: f64) {
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    let _ = write!(out, "{digits}e{sign}{exponent:0>2}");
}

/// Appends milliseconds as seconds: `.mmm` with exactly three digits unless they are zero
/// (`util/jsonutil.MarshalTimestamp`).
pub fn push_seconds(out: &mut String, millis: i64) {
    let sign = if millis < 0 { "-" } else { "" };
    let (seconds, rest) = (millis.unsigned_abs() / 1000, millis.unsigned_abs() % 1000);
    let _ = match rest {
        0 => write!(out, "{sign}{seconds}"),
        _ => write!(out, "{sign}{seconds}.{rest:03}"),
    };
}

#[cfg(test)]
mod tests;
