//! Parameters of Loki's API, with the texts of its errors (`pkg/loghttp/params.go`, `query.go`).

use super::error::LokiError;
use crate::http::params::Params;
use crate::units::parse_duration_ms;

const SECOND: i64 = 1_000_000_000;
const MILLISECOND: i64 = 1_000_000;

/// How far back a question goes that does not say so.
const SINCE_DEFAULT: i64 = 3600 * SECOND;

/// Entries of an answer where the question does not say.
const LIMIT_DEFAULT: usize = 100;

/// Most times of a range query.
const POINTS_MAX: i64 = 11_000;

/// A time, nanoseconds since 1970.
///
/// # Errors
/// What is no time.
pub(super) fn time(params: &Params, name: &str, default: i64) -> Result<i64, LokiError> {
    match params.first(name) {
        "" => Ok(default),
        text => parse_time(text).ok_or_else(|| {
            LokiError::bad(format!(
                "could not parse '{name}' parameter: cannot parse {text:?} to a valid time"
            ))
        }),
    }
}

/// Seconds with a fraction, seconds of up to ten characters, nanoseconds, or RFC 3339.
fn parse_time(text: &str) -> Option<i64> {
    if text.contains('.')
        && let Ok(seconds) = text.parse::<f64>()
    {
        let whole = seconds.floor();
        let nanos = ((seconds - whole) * 1000.0).round() / 1000.0 * SECOND as f64;
        let fits = (-9.2e9..9.2e9).contains(&whole);
        return fits.then(|| whole as i64 * SECOND + nanos as i64);
    }
    match text.parse::<i64>() {
        Ok(n) if text.len() <= 10 => n.checked_mul(SECOND),
        Ok(n) => Some(n),
        Err(_) => i64::try_from(text.parse::<jiff::Timestamp>().ok()?.as_nanosecond()).ok(),
    }
}

/// `start` and `end`, or `since` before the end; nanoseconds.
///
/// # Errors
/// What is no time, and an end before the start.
pub(super) fn range(params: &Params, now: i64) -> Result<(i64, i64), LokiError> {
    let since = match params.first("since") {
        "" => SINCE_DEFAULT,
        text => parse_duration_ms(text)
            .and_then(|ms| i64::try_from(ms).ok())
            .map(|ms| ms.saturating_mul(MILLISECOND))
            .ok_or_else(|| {
                LokiError::bad(format!(
                    "could not parse 'since' parameter: not a valid duration string: {text:?}"
                ))
            })?,
    };
    let end = time(params, "end", now)?;
    let start = time(params, "start", end.min(now).saturating_sub(since))?;
    if end < start {
        return Err(LokiError::bad(
            "end timestamp must not be before or equal to start time",
        ));
    }
    Ok((start, end))
}

/// Most entries of an answer.
///
/// # Errors
/// What is no number, and 0 and less.
pub(super) fn limit(params: &Params) -> Result<usize, LokiError> {
    count(params, "limit", LIMIT_DEFAULT)
}

/// A number over 0.
///
/// # Errors
/// What is none.
pub(super) fn count(params: &Params, name: &str, default: usize) -> Result<usize, LokiError> {
    match params.first(name) {
        "" => Ok(default),
        text => match text.parse::<i64>().map(usize::try_from) {
            Ok(Ok(n)) if n > 0 => Ok(n),
            Ok(_) => Err(LokiError::bad(format!("{name} must be a positive value"))),
            Err(_) => Err(LokiError::bad(format!(
                "strconv.ParseInt: parsing {text:?}: invalid syntax"
            ))),
        },
    }
}

/// A step or an interval in nanoseconds: seconds or a duration.
fn duration(text: &str) -> Result<i64, LokiError> {
    let nanos = match text.parse::<f64>() {
        Ok(seconds) => Some(seconds * SECOND as f64),
        // The short form of Grafana has fractions of milliseconds nowhere, Go's has.
        Err(_) => crate::units::parse_go_duration(text)
            .map(|nanos| nanos as f64)
            .or_else(|| parse_duration_ms(text).map(|ms| ms as f64 * MILLISECOND as f64)),
    };
    match nanos {
        Some(nanos) if nanos.abs() < 9.2e18 => Ok(nanos as i64),
        _ => Err(LokiError::bad(format!(
            "cannot parse {text:?} to a valid duration"
        ))),
    }
}

/// The step of a range query in nanoseconds.
///
/// # Errors
/// What is no step, and one that makes too many times.
pub(super) fn step(params: &Params, (start, end): (i64, i64)) -> Result<i64, LokiError> {
    let step = match params.first("step") {
        "" => ((end.saturating_sub(start) / SECOND) / 250).max(1) * SECOND,
        text => duration(text)?,
    };
    if step <= 0 {
        return Err(LokiError::bad(
            "zero or negative query resolution step widths are not accepted. Try a positive integer",
        ));
    }
    if end.saturating_sub(start) / step > POINTS_MAX {
        return Err(LokiError::bad(
            "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter",
        ));
    }
    Ok(step)
}

/// Least nanoseconds between entries of a stream; 0 for all.
///
/// # Errors
/// What is no duration, and less than 0.
pub(super) fn interval(params: &Params) -> Result<i64, LokiError> {
    let interval = match params.first("interval") {
        "" => 0,
        text => duration(text)?,
    };
    match interval < 0 {
        true => Err(LokiError::bad("interval must be >= 0")),
        false => Ok(interval),
    }
}

/// True when the oldest entries come first.
///
/// # Errors
/// Another word than the two.
pub(super) fn forward(params: &Params) -> Result<bool, LokiError> {
    match params.first("direction").to_ascii_lowercase().as_str() {
        "" | "backward" => Ok(false),
        "forward" => Ok(true),
        _ => Err(LokiError::bad(format!(
            "invalid direction '{}'",
            params.first("direction")
        ))),
    }
}

#[cfg(test)]
mod tests;
