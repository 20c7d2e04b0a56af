//! Times and durations of the Prometheus API: float seconds, RFC 3339, `1h30m`. All results are milliseconds.

use super::answer::ApiError;
use super::params::Params;
use crate::units::parse_duration_ms;

/// The earliest and latest times Prometheus writes, in the texts it writes them.
const MIN_TIME: (&str, i64) = ("-292273086-05-16T16:47:06Z", i64::MIN);
const MAX_TIME: (&str, i64) = ("292277025-08-18T07:12:54.999999999Z", i64::MAX);

/// Reads a time; seconds far outside the calendar saturate, so that millisecond values given as seconds do no harm.
pub(crate) fn parse_time(text: &str) -> Result<i64, String> {
    let bad = || format!("cannot parse {text:?} to a valid timestamp");
    if let Some(seconds) = parse_float(text) {
        return if seconds.is_nan() {
            Err(bad())
        } else {
            Ok(seconds_to_millis(seconds))
        };
    }
    if let Ok(time) = text.parse::<jiff::Timestamp>()
        && text.contains(['T', 't'])
    {
        return Ok(time.as_millisecond());
    }
    [MIN_TIME, MAX_TIME]
        .iter()
        .find(|(name, _)| *name == text)
        .map(|(_, time)| *time)
        .ok_or_else(bad)
}

/// Reads a duration: float seconds or Prometheus' units.
pub(crate) fn parse_duration(text: &str) -> Result<i64, String> {
    if let Some(seconds) = parse_float(text) {
        if (seconds * 1e9).abs() > i64::MAX as f64 || seconds.is_nan() {
            return Err(format!(
                "cannot parse {text:?} to a valid duration. It overflows int64"
            ));
        }
        return Ok(seconds_to_millis(seconds));
    }
    parse_duration_ms(text)
        .map(u64::cast_signed)
        .ok_or_else(|| format!("cannot parse {text:?} to a valid duration"))
}

/// An optional time parameter, worded as `parseTimeParam` words it.
///
/// # Errors
/// A value that is not a time.
pub(crate) fn time_param(params: &Params, name: &str, default: i64) -> Result<i64, ApiError> {
    match params.first(name) {
        "" => Ok(default),
        text => parse_time(text)
            .map_err(|cause| ApiError::parameter(name, format!("invalid time value for '{name}': {cause}"))),
    }
}

fn seconds_to_millis(seconds: f64) -> i64 {
    let (whole, fraction) = (seconds.trunc(), seconds.fract());
    // Whole and fraction apart, as Go does: a product with 1000 would round away from the nearest millisecond.
    (whole as i64)
        .saturating_mul(1000)
        .saturating_add((fraction * 1000.0).round() as i64)
}

/// Go's `ParseFloat` as far as people use it; Rust's differs by accepting `infinity` in the same spellings.
fn parse_float(text: &str) -> Option<f64> {
    text.parse::<f64>().ok()
}

#[cfg(test)]
mod tests;
