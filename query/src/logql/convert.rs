//! Values of labels read as quantities, with the errors of the Go functions that Loki reads them with.

use crate::lex::go_duration;

/// What is wrong with a value.
type Read<T> = Result<T, String>;

/// A number as `strconv.ParseFloat` reads it.
pub(super) fn number(text: &str) -> Read<f64> {
    let is_named = |c: char| matches!(c, 'i' | 'I' | 'n' | 'N');
    let fault = |what: &str| format!("strconv.ParseFloat: parsing {text:?}: {what}");
    match text.parse::<f64>() {
        Ok(n) if n.is_infinite() && !text.contains(is_named) => Err(fault("value out of range")),
        Ok(n) => Ok(n),
        Err(_) => Err(fault("invalid syntax")),
    }
}

/// Nanoseconds of a duration as `time.ParseDuration` reads it.
pub(super) fn duration(text: &str) -> Read<i64> {
    let (negative, body) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    match go_duration::parse(body) {
        Some(nanos) => Ok(if negative { -nanos } else { nanos }),
        None => Err(no_duration(text, body)),
    }
}

fn no_duration(text: &str, body: &str) -> String {
    let mut rest = body;
    while !rest.is_empty() {
        let is_number = |c: char| c.is_ascii_digit() || c == '.';
        let digits = rest.find(|c| !is_number(c)).unwrap_or(rest.len());
        if digits == 0 || !rest[..digits].contains(|c: char| c.is_ascii_digit()) {
            break;
        }
        let unit = &rest[digits..];
        let unit = &unit[..unit.find(is_number).unwrap_or(unit.len())];
        if unit.is_empty() {
            return format!("time: missing unit in duration {text:?}");
        }
        if go_duration::parse(&format!("1{unit}")).is_none() {
            return format!("time: unknown unit {unit:?} in duration {text:?}");
        }
        rest = &rest[digits + unit.len()..];
    }
    format!("time: invalid duration {text:?}")
}

/// Bytes of a quantity such as `1.5KB`, as go-humanize reads it.
pub(super) fn bytes(text: &str) -> Read<u64> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',')
        .unwrap_or(text.len());
    let n = match text[..digits].contains(',') {
        true => number(&text[..digits].replace(',', ""))?,
        false => number(&text[..digits])?,
    };
    let unit = text[digits..].trim().to_lowercase();
    let power = |letter: &str| {
        ["", "k", "m", "g", "t", "p", "e"]
            .iter()
            .position(|l| *l == letter)
    };
    let stem = unit.strip_suffix('b').unwrap_or(&unit);
    let (letter, scale) = match stem.strip_suffix('i') {
        Some(letter) if !letter.is_empty() => (letter, 1024f64),
        _ => (stem, 1000f64),
    };
    let power = power(letter).ok_or_else(|| format!("unhandled size name: {unit}"))?;
    let bytes = n * scale.powi(power as i32);
    match bytes >= u64::MAX as f64 {
        true => Err(format!("too large: {text}")),
        false => Ok(bytes as u64),
    }
}
