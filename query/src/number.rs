//! Numbers as Go writes and reads them, which the Prometheus dialect shows to its clients.
//! Not for wire integers.

/// The form of values in Prometheus' JSON: shortest digits, plain unless below 1e-6 or from 1e21 on.
pub fn format_json(value: f64) -> String {
    with_exponent_when(value, |abs| abs != 0.0 && !(1e-6..1e21).contains(&abs))
}

/// Go's `%v` and `%g`: shortest digits, exponent below 1e-4 and from 1e6 on. PromQL's printer and messages use it.
pub fn format_go(value: f64) -> String {
    with_exponent_when(value, |abs| abs != 0.0 && !(1e-4..1e6).contains(&abs))
}

/// Shortest digits, never an exponent (Go's `strconv` 'f', -1).
pub fn format_plain(value: f64) -> String {
    with_exponent_when(value, |_| false)
}

fn with_exponent_when(value: f64, exponent: impl Fn(f64) -> bool) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    if !exponent(value.abs()) {
        return format!("{value}");
    }
    let text = format!("{value:e}");
    let (mantissa, exp) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = match exp.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exp),
    };
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// Reads a PromQL number: decimal, hexadecimal, octal with leading zero, underscores between digits, `Inf` and `NaN` in any case.
pub fn parse(text: &str) -> Option<f64> {
    if let Some(special) = parse_special(text) {
        return Some(special);
    }
    let plain = strip_underscores(text)?;
    let lower = plain.to_ascii_lowercase();
    if let Some(hex) = lower.strip_prefix("0x") {
        return parse_hex(hex);
    }
    for (prefix, radix) in [("0b", 2), ("0o", 8)] {
        if let Some(digits) = lower.strip_prefix(prefix) {
            return i64::from_str_radix(digits, radix).ok().map(|n| n as f64);
        }
    }
    if plain.len() > 1
        && plain.starts_with('0')
        && plain.bytes().all(|b| b.is_ascii_digit())
        && let Ok(octal) = i64::from_str_radix(&plain, 8)
    {
        return Some(octal as f64);
    }
    plain
        .parse()
        .ok()
        .filter(|_| !plain.ends_with(|c: char| c.is_ascii_alphabetic()))
}

fn parse_special(text: &str) -> Option<f64> {
    let (sign, body) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    if body.eq_ignore_ascii_case("inf") || body.eq_ignore_ascii_case("infinity") {
        return Some(sign * f64::INFINITY);
    }
    body.eq_ignore_ascii_case("nan").then_some(f64::NAN)
}

fn strip_underscores(text: &str) -> Option<String> {
    if !text.contains('_') {
        return Some(text.to_owned());
    }
    let bytes = text.as_bytes();
    for (i, b) in bytes.iter().enumerate() {
        let around = |j: Option<usize>| {
            j.and_then(|j| bytes.get(j))
                .is_some_and(u8::is_ascii_alphanumeric)
        };
        if *b == b'_' && !(around(i.checked_sub(1)) && around(Some(i + 1))) {
            return None;
        }
    }
    Some(text.replace('_', ""))
}

/// Hexadecimal digits without prefix, lower case, with an optional fraction and binary exponent.
fn parse_hex(hex: &str) -> Option<f64> {
    let (mantissa, exponent) = match hex.split_once('p') {
        Some((m, e)) => (m, e.parse::<i32>().ok()?),
        None => (hex, 0),
    };
    let (int, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if int.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0.0;
    for c in int.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(c.to_digit(16)?);
    }
    Some(value * 2f64.powi(exponent - 4 * i32::try_from(fraction.len()).ok()?))
}

#[cfg(test)]
mod tests;
