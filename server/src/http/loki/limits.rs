//! What one question may ask for: the configuration, and tighter limits that a request brings (`X-Loki-Query-Limits`, which what
//! stands before the server sets). Texts are Loki's (`pkg/validation`, `pkg/querier/queryrange/limits.go`).

use std::time::Duration;

use axum::http::HeaderMap;
use kymo_query::logql::Expr;
use kymo_query::logql::ast::{LogExpr, LogRange, Metric};
use serde::Deserialize;

use super::error::LokiError;
use crate::app::App;
use crate::units::{duration_text, go_duration_text, parse_duration_ms, parse_size_bytes};

const MILLISECOND: i64 = 1_000_000;

/// Limits of a question; 0 is without limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Limits {
    entries: u64,
    pub(super) series: usize,
    length_ms: u64,
    range_ms: u64,
    lookback_ms: u64,
    pub(super) bytes: u64,
    pub(super) timeout: Duration,
    required: Vec<String>,
    labels_min: usize,
    /// Nanoseconds that the user asked for before the question was cut into parts.
    asked: i64,
}

/// `X-Loki-Query-Limits`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Brought {
    max_query_length: String,
    max_query_interval: String,
    max_query_lookback: String,
    max_entries_limit_per_query: u64,
    max_query_time: String,
    required_labels: Vec<String>,
    minimum_labels_number: usize,
    max_query_bytes_read: String,
}

/// `X-Loki-Query-Limits-Context`.
#[derive(Debug, Deserialize)]
struct Asked {
    from: String,
    to: String,
}

impl Asked {
    /// From start to end in nanoseconds; 0 where that cannot be told: Grafana sends it with every question, and it only narrows.
    fn length(headers: &HeaderMap) -> i64 {
        let asked = headers.get("x-loki-query-limits-context");
        let asked = asked.and_then(|value| serde_json::from_slice::<Asked>(value.as_bytes()).ok());
        let ms = |text: &str| {
            text.parse::<jiff::Timestamp>()
                .map(jiff::Timestamp::as_millisecond)
        };
        match asked.map(|asked| (ms(&asked.from), ms(&asked.to))) {
            Some((Ok(from), Ok(to))) => to.saturating_sub(from).saturating_mul(MILLISECOND),
            _ => 0,
        }
    }
}

/// The tighter of two limits, 0 being none.
fn tighter(a: u64, b: u64) -> u64 {
    match (a, b) {
        (0, limit) | (limit, 0) => limit,
        (a, b) => a.min(b),
    }
}

impl Limits {
    /// # Errors
    /// A header that does not read.
    pub(super) fn of(app: &App, headers: &HeaderMap) -> Result<Limits, LokiError> {
        let asking = app.config.logs.asking;
        let brought = match headers.get("x-loki-query-limits") {
            Some(value) => serde_json::from_slice(value.as_bytes())
                .map_err(|error| LokiError::bad(format!("x-loki-query-limits: {error}")))?,
            None => Brought::default(),
        };
        let duration = |text: &str| match text {
            "" => Ok(0),
            text => parse_duration_ms(text).ok_or_else(|| {
                LokiError::bad(format!(
                    "x-loki-query-limits: not a valid duration string: {text:?}"
                ))
            }),
        };
        let bytes = match brought.max_query_bytes_read.as_str() {
            "" => 0,
            text => parse_size_bytes(text)
                .ok_or_else(|| LokiError::bad(format!("x-loki-query-limits: not a size: {text:?}")))?,
        };
        let timeout = tighter(app.config.query.timeout_ms, duration(&brought.max_query_time)?);
        Ok(Limits {
            entries: tighter(asking.entries_max, brought.max_entries_limit_per_query),
            series: usize::try_from(asking.series_max).unwrap_or(usize::MAX),
            length_ms: tighter(asking.length_ms_max, duration(&brought.max_query_length)?),
            range_ms: tighter(asking.range_ms_max, duration(&brought.max_query_interval)?),
            lookback_ms: tighter(asking.lookback_ms_max, duration(&brought.max_query_lookback)?),
            bytes: tighter(asking.bytes_max, bytes),
            timeout: Duration::from_millis(timeout),
            required: brought.required_labels,
            labels_min: brought.minimum_labels_number,
            asked: Asked::length(headers),
        })
    }

    /// The most entries of an answer of lines.
    ///
    /// # Errors
    /// More than there may be.
    pub(super) fn entries(&self, limit: usize) -> Result<usize, LokiError> {
        match self.entries {
            most if most > 0 && limit as u64 > most => Err(LokiError::bad(format!(
                "max entries limit per query exceeded, limit > max_entries_limit_per_query ({limit} > {most})"
            ))),
            _ => Ok(limit),
        }
    }

    /// The times that may be asked for, nanoseconds: those before the oldest are left out.
    ///
    /// # Errors
    /// Times that are all too old, and too long ones.
    pub(super) fn times(&self, (start, end): (i64, i64), now: i64) -> Result<(i64, i64), LokiError> {
        let mut start = start;
        if self.lookback_ms > 0 {
            let oldest = now.saturating_sub(nanos(self.lookback_ms));
            if end < oldest {
                return Err(LokiError::bad(format!(
                    "this data is no longer available, it is past now - max_query_lookback ({})",
                    duration_text(self.lookback_ms)
                )));
            }
            start = start.max(oldest);
        }
        let length = self.asked.max(end.saturating_sub(start));
        if self.length_ms > 0 && length > nanos(self.length_ms) {
            let length_ms = u64::try_from(length / MILLISECOND).unwrap_or(0);
            return Err(LokiError::bad(format!(
                "the query time range exceeds the limit (query length: {}, limit: {})",
                go_duration_text(length_ms),
                go_duration_text(self.length_ms)
            )));
        }
        Ok((start, end))
    }

    /// # Errors
    /// Windows that are too long, and selectors without labels that they must have.
    pub(super) fn check(&self, expr: &Expr) -> Result<(), LokiError> {
        let mut ranges = Vec::new();
        if let Expr::Metric(metric) = expr {
            ranges_of(metric, &mut ranges);
        }
        let longest = ranges.iter().map(|range| range.range).max().unwrap_or(0);
        if self.range_ms > 0 && longest > nanos(self.range_ms) {
            let longest_ms = u64::try_from(longest / MILLISECOND).unwrap_or(0);
            return Err(LokiError::bad(format!(
                "[interval] value exceeds limit: [{}] > [{}]",
                duration_text(longest_ms),
                duration_text(self.range_ms)
            )));
        }
        match expr {
            Expr::Log(log) => self.check_labels(log),
            Expr::Metric(_) => ranges.iter().try_for_each(|range| self.check_labels(&range.log)),
        }
    }

    fn check_labels(&self, log: &LogExpr) -> Result<(), LokiError> {
        let present: Vec<&str> = log.selector.iter().map(|matcher| matcher.name()).collect();
        let missing = self.required.iter().map(String::as_str);
        let missing: Vec<&str> = missing.filter(|name| !present.contains(name)).collect();
        if !missing.is_empty() {
            return Err(LokiError::bad(format!(
                "stream selector is missing required matchers [{}], labels present in the query were [{}]",
                missing.join(", "),
                present.join(", ")
            )));
        }
        if present.len() < self.labels_min {
            return Err(LokiError::bad(format!(
                "stream selector has less label matchers than required: (present: [{}], number_present: {}, required_number_label_matchers: {})",
                present.join(", "),
                present.len(),
                self.labels_min
            )));
        }
        Ok(())
    }
}

/// The selectors of an expression, and the times before the asked ones that they need, in nanoseconds.
pub(super) fn selectors(expr: &Expr) -> Vec<(&LogExpr, i64)> {
    match expr {
        Expr::Log(log) => vec![(log, 0)],
        Expr::Metric(metric) => {
            let mut ranges = Vec::new();
            ranges_of(metric, &mut ranges);
            let before = |range: &LogRange| range.range.saturating_add(range.offset.max(0));
            ranges
                .into_iter()
                .map(|range| (&range.log, before(range)))
                .collect()
        }
    }
}

fn ranges_of<'m>(metric: &'m Metric, out: &mut Vec<&'m LogRange>) {
    match metric {
        Metric::Range(of) => out.push(&of.range),
        Metric::Vector(of) => ranges_of(&of.inner, out),
        Metric::LabelReplace(of) => ranges_of(&of.inner, out),
        Metric::Binary(of) => {
            ranges_of(&of.left, out);
            ranges_of(&of.right, out);
        }
        Metric::Number(_) | Metric::VectorOf(_) => {}
    }
}

/// A query that would read more bytes than it may.
pub(super) fn too_many_bytes(read: u64, limit: u64) -> String {
    format!(
        "the query would read too many bytes (query: {}, limit: {}); consider adding more specific stream selectors or reduce the time range of the query",
        human(read),
        human(limit)
    )
}

/// Bytes in units of 1000, one decimal below ten, as Loki prints them.
fn human(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    while value >= 1000.0
        && let Some(next) = units.next()
    {
        (value, unit) = (value / 1000.0, next);
    }
    match bytes < 10 || value >= 9.95 {
        true => format!("{value:.0} {unit}"),
        false => format!("{value:.1} {unit}"),
    }
}

fn nanos(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(MILLISECOND)
}
