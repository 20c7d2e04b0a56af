//! Parameters of Tempo's API, with the texts of its errors (`pkg/api/http.go`, `pkg/util/traceid.go`).

use kymo_engine::traces::TraceId;

use super::error::TempoError;
use crate::http::params::Params;
use crate::units::{parse_duration_ms, parse_go_duration};

/// Reads a trace id: hex of at most 16 bytes, without the zeros it begins with where they were left out.
///
/// # Errors
/// Another character, or too many.
pub(crate) fn trace_id(text: &str) -> Result<TraceId, String> {
    if let Some((place, other)) = text.chars().enumerate().find(|(_, c)| !c.is_ascii_hexdigit()) {
        return Err(format!(
            "trace IDs can only contain hex characters: invalid character '{other}' at position {}",
            place + 1
        ));
    }
    if text.len() > 32 {
        return Err("trace IDs can't be larger than 128 bits".to_owned());
    }
    // No digits are zero, which no trace has.
    Ok(u128::from_str_radix(text, 16).unwrap_or(0).to_be_bytes())
}

/// The time range of a request in seconds, `None` when neither bound is given or both are zero.
///
/// # Errors
/// What is no number, a range without any time in it, and a bound without the other.
pub(crate) fn seconds_range(params: &Params) -> Result<Option<(u32, u32)>, TempoError> {
    match bounds(params)? {
        (None | Some(0), None | Some(0)) => Ok(None),
        (Some(start), Some(end)) if start < end => Ok(Some((start, end))),
        (start, end) => Err(not_before(start.unwrap_or(0).into(), end.unwrap_or(0).into())),
    }
}

/// The time range of a request for one trace in seconds, where either bound may be missing or zero.
///
/// # Errors
/// What is no number, and a range without any time in it.
pub(super) fn open_range(params: &Params) -> Result<(u32, u32), TempoError> {
    let (start, end) = bounds(params)?;
    match (start.unwrap_or(0), end.unwrap_or(0)) {
        (start @ 1.., end @ 1..) if end <= start => Err(not_before(start.into(), end.into())),
        range => Ok(range),
    }
}

fn bounds(params: &Params) -> Result<(Option<u32>, Option<u32>), TempoError> {
    let bound = |name: &str| match params.first(name) {
        "" => Ok(None),
        text => parse_seconds(text)
            .map(Some)
            .map_err(|cause| TempoError::bad(format!("invalid {name}: {cause}"))),
    };
    Ok((bound("start")?, bound("end")?))
}

/// The error of an empty range.
pub(super) fn not_before(start: i64, end: i64) -> TempoError {
    TempoError::bad(format!(
        "http parameter start must be before end. received start={start} end={end}"
    ))
}

fn parse_seconds(text: &str) -> Result<u32, String> {
    let error = |what: &str| format!("strconv.ParseInt: parsing {text:?}: {what}");
    match text.parse::<i64>() {
        Ok(n) => u32::try_from(n).map_err(|_| error("value out of range")),
        Err(_) => Err(error("invalid syntax")),
    }
}

/// How far back a metrics query goes that does not say so.
const SINCE_DEFAULT: u64 = 3600 * SECOND;

const SECOND: u64 = 1_000_000_000;
const MILLISECOND: u64 = 1_000_000;

/// The step of a metrics query in nanoseconds, `None` when it is to be chosen.
///
/// # Errors
/// What is no step.
pub(crate) fn step(params: &Params) -> Result<Option<i64>, TempoError> {
    match params.first("step") {
        "" => Ok(None),
        text => parse_step(text)
            .map(Some)
            .ok_or_else(|| TempoError::bad(format!("cannot parse {text:?} to a valid duration"))),
    }
}

/// The range of a metrics query: `start` and `end`, or `since` before the end.
///
/// # Errors
/// What is no time.
pub(crate) fn nanos_range(params: &Params, now_nanos: u64) -> Result<(i64, i64), TempoError> {
    let wrong = |name: &str, text: &str| {
        TempoError::bad(format!(
            "could not parse '{name}' parameter: cannot parse {text:?}"
        ))
    };
    let time = |name: &str, default: u64| match params.first(name) {
        "" => Ok(default),
        text => parse_time(text).ok_or_else(|| wrong(name, text)),
    };
    let since = match params.first("since") {
        "" => SINCE_DEFAULT,
        text => parse_duration_ms(text)
            .map(|ms| ms.saturating_mul(MILLISECOND))
            .ok_or_else(|| wrong("since", text))?,
    };
    let end = time("end", now_nanos)?;
    let start = time("start", end.min(now_nanos).saturating_sub(since))?;
    let signed = |nanos: u64| i64::try_from(nanos).unwrap_or(i64::MAX);
    Ok((signed(start), signed(end)))
}

/// A time: seconds of up to ten digits, with or without a fraction, nanoseconds, or RFC 3339.
fn parse_time(text: &str) -> Option<u64> {
    if text.contains('.')
        && let Ok(seconds) = text.parse::<f64>()
    {
        let nanos = seconds * SECOND as f64;
        return (0.0..1.8e19).contains(&nanos).then_some(nanos as u64);
    }
    match text.parse::<u64>() {
        Ok(n) if text.len() <= 10 => n.checked_mul(SECOND),
        Ok(n) => Some(n),
        Err(_) => u64::try_from(text.parse::<jiff::Timestamp>().ok()?.as_nanosecond()).ok(),
    }
}

/// A step: seconds as a number, or a duration as Go writes it.
fn parse_step(text: &str) -> Option<i64> {
    let nanos = match text.parse::<f64>() {
        Ok(seconds) => seconds * SECOND as f64,
        Err(_) => parse_go_duration(text)? as f64,
    };
    (1.0..9e18).contains(&nanos).then_some(nanos as i64)
}

#[cfg(test)]
mod tests;
