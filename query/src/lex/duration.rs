//! Prometheus durations such as `1h30m`: parsing, and printing in their canonical form.
//! Not for Go durations (`1.5h`), which LogQL and TraceQL accept as well.

use std::fmt::Write as _;

/// The units of a duration in the order in which they must appear, with their milliseconds.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// The text is empty.
    #[error("empty duration string")]
    Empty,
    /// The text has another form.
    #[error("not a valid duration string: {0:?}")]
    Invalid(String),
    /// More than 2^63 nanoseconds.
    #[error("duration out of range")]
    OutOfRange,
}

/// Parses a duration such as `1h30m` or `0` to milliseconds. Units go from large to small, each at most once.
///
/// # Errors
/// [`DurationError`] in the words of Prometheus' `model.ParseDuration`.
pub fn parse(text: &str) -> Result<i64, DurationError> {
    match text {
        "" => return Err(DurationError::Empty),
        "0" => return Ok(0),
        _ => {}
    }
    let (len, millis) = prefix(text).ok_or_else(|| DurationError::Invalid(text.to_owned()))?;
    if len != text.len() {
        return Err(DurationError::Invalid(text.to_owned()));
    }
    millis
        .filter(|ms| *ms <= i64::MAX / 1_000_000)
        .ok_or(DurationError::OutOfRange)
}

/// The longest duration at the start of `text`: its length in bytes and its milliseconds (`None` inside when they overflow).
pub fn prefix(text: &str) -> Option<(usize, Option<i64>)> {
    let (mut at, mut next_unit, mut total) = (0, 0, Some(0i64));
    loop {
        let digits = text[at..].bytes().take_while(u8::is_ascii_digit).count();
        let rest = &text[at + digits..];
        let unit = (next_unit..UNITS.len()).rev().find(|i| {
            let name = UNITS[*i].0;
            // `m` must not take the first letter of `ms`; the search from the back tries `ms` first.
            rest.starts_with(name)
        });
        let (Some(unit), true) = (unit, digits > 0) else {
            break;
        };
        let amount = text[at..at + digits]
            .parse::<i64>()
            .ok()
            .and_then(|n| n.checked_mul(UNITS[unit].1));
        total = total.zip(amount).and_then(|(a, b)| a.checked_add(b));
        at += digits + UNITS[unit].0.len();
        next_unit = unit + 1;
    }
    (at > 0).then_some((at, total))
}

/// Prints milliseconds as Prometheus does: years, weeks and days only when they divide the rest evenly.
pub fn format(millis: i64) -> String {
    if millis == 0 {
        return "0s".to_owned();
    }
    let mut out = String::new();
    let mut rest = millis.unsigned_abs();
    if millis < 0 {
        out.push('-');
    }
    for (i, (unit, size)) in UNITS.iter().enumerate() {
        let size = size.unsigned_abs();
        if i < 3 && !rest.is_multiple_of(size) {
            continue;
        }
        if rest / size > 0 {
            let _infallible = write!(out, "{}{unit}", rest / size);
            rest %= size;
        }
    }
    out
}

#[cfg(test)]
mod tests;
