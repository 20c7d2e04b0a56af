//! What is asked of Jaeger's API: a search from the parameters of either generation.

use kymo_engine::traces::TraceId;
use serde_json::Value as Json;

use super::error::Failed;
use super::filter::Filter;
use crate::http::params::Params;
use crate::http::tempo;
use crate::units::parse_go_duration;

/// Traces of a search that does not say how many.
const LIMIT_DEFAULT: usize = 100;

/// Times in microseconds are beyond this since 1973; those below are milliseconds.
const MICROSECONDS_MIN: i64 = 100_000_000_000_000;

/// A search for traces. Times and durations are nanoseconds.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Search {
    pub(super) service: String,
    pub(super) operation: String,
    /// What a span, its resource, its scope, one of its events or links must have.
    pub(super) tags: Vec<(String, String)>,
    pub(super) start: Option<i64>,
    pub(super) end: Option<i64>,
    pub(super) shortest: Option<i64>,
    pub(super) longest: Option<i64>,
    pub(super) limit: usize,
    /// Stands alone: none of the conditions above goes with it.
    pub(super) filter: Option<Filter>,
}

/// Reads an id: hex, or the 16 bytes in base64 as protobuf's JSON has them.
///
/// # Errors
/// What is neither.
pub(super) fn trace_id(text: &str) -> Result<TraceId, Failed> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    match tempo::trace_id(text) {
        Ok(id) => Ok(id),
        Err(cause) => match STANDARD.decode(text).map(TraceId::try_from) {
            Ok(Ok(id)) => Ok(id),
            _ => Err(Failed::bad(format!("malformed parameter trace_id: {cause}"))),
        },
    }
}

impl Search {
    /// Reads the parameters of the older API.
    ///
    /// # Errors
    /// What cannot be read, and a search without a service.
    pub(super) fn of_v1(params: &Params) -> Result<Search, Failed> {
        let service = params.first("service");
        if service.is_empty() {
            return Err(Failed::bad("parameter 'service' is required"));
        }
        let mut tags = Vec::new();
        for text in params.all("tag") {
            let (key, value) = text.split_once(':').ok_or_else(|| {
                Failed::bad(format!(
                    "malformed 'tag' parameter, expecting key:value, received: {text}"
                ))
            })?;
            tags.push((key.to_owned(), value.to_owned()));
        }
        for text in params.all("tags") {
            tags.extend(json_tags(text).map_err(|cause| {
                Failed::bad(format!(
                    "malformed 'tags' parameter, cannot unmarshal JSON: {cause}"
                ))
            })?);
        }
        let search = Search {
            service: service.to_owned(),
            operation: params.first("operation").to_owned(),
            tags,
            start: micros(params, "start")?,
            end: micros(params, "end")?,
            shortest: duration(params, "minDuration")?,
            longest: duration(params, "maxDuration")?,
            limit: limit(params, "limit")?,
            filter: None,
        };
        search.checked("'maxDuration' should be greater than 'minDuration'")
    }

    /// Reads the parameters of the third API, under `query.` in camel or snake case.
    ///
    /// # Errors
    /// What cannot be read, and a search without times.
    pub(super) fn of_v3(params: &Params) -> Result<Search, Failed> {
        let name = |camel: &str| found_name(params, camel);
        let text = |camel: &str| params.first(&name(camel)).to_owned();
        let filter = filter(params)?;
        let time = |camel: &str| match text(camel).as_str() {
            "" => Err(Failed::bad(format!("{camel} is required"))),
            text => rfc3339(text)
                .ok_or_else(|| Failed::bad(format!("malformed parameter {camel}: {text:?} is no time"))),
        };
        let attributes = text("query.attributes");
        let search = Search {
            service: text("query.serviceName"),
            operation: text("query.operationName"),
            tags: match attributes.as_str() {
                "" => Vec::new(),
                text => json_tags(text)
                    .map_err(|cause| Failed::bad(format!("malformed parameter query.attributes: {cause}")))?,
            },
            start: Some(time("query.startTimeMin")?),
            end: Some(time("query.startTimeMax")?),
            shortest: duration(params, &name("query.durationMin"))?,
            longest: duration(params, &name("query.durationMax"))?,
            limit: limit(params, &name("query.searchDepth"))?,
            filter,
        };
        search.checked("query.durationMax must not be below query.durationMin")
    }

    fn checked(self, order: &str) -> Result<Search, Failed> {
        match (self.shortest, self.longest) {
            (Some(shortest), Some(longest)) if longest < shortest => return Err(Failed::bad(order)),
            _ => {}
        }
        match (self.start, self.end) {
            (Some(start), Some(end)) if end < start => Err(Failed::bad("min start time is above max")),
            _ => Ok(self),
        }
    }
}

/// The structured filter, which stands in for all other conditions.
fn filter(params: &Params) -> Result<Option<Filter>, Failed> {
    let sent = |camel: &str| params.first(&found_name(params, camel));
    let text = sent("query.filter");
    if text.is_empty() {
        return Ok(None);
    }
    let others = [
        "query.serviceName",
        "query.operationName",
        "query.attributes",
        "query.durationMin",
        "query.durationMax",
    ];
    if let Some(other) = others.into_iter().find(|camel| !sent(camel).is_empty()) {
        return Err(Failed::bad(format!("query.filter does not go with {other}")));
    }
    Filter::parse(text)
        .map(Some)
        .map_err(|cause| Failed::bad(format!("malformed parameter query.filter: {cause}")))
}

/// The name under which a parameter was sent: in camel case, or in snake case.
pub(super) fn found_name(params: &Params, camel: &str) -> String {
    let mut snake = String::new();
    for c in camel.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    match params.first(camel) {
        "" => snake,
        _ => camel.to_owned(),
    }
}

/// Tags as a JSON object of strings; other scalars are taken by their text.
fn json_tags(text: &str) -> Result<Vec<(String, String)>, String> {
    let parsed: serde_json::Map<String, Json> = serde_json::from_str(text).map_err(|e| e.to_string())?;
    parsed
        .into_iter()
        .map(|(key, value)| match value {
            Json::String(value) => Ok((key, value)),
            Json::Bool(value) => Ok((key, value.to_string())),
            Json::Number(value) => Ok((key, value.to_string())),
            _ => Err(format!("the value of {key:?} is not a string")),
        })
        .collect()
}

fn limit(params: &Params, name: &str) -> Result<usize, Failed> {
    match params.first(name) {
        "" => Ok(LIMIT_DEFAULT),
        text => match text.parse::<i32>().map(usize::try_from) {
            Ok(Ok(0) | Err(_)) => Ok(LIMIT_DEFAULT),
            Ok(Ok(limit)) => Ok(limit),
            Err(_) => Err(unreadable(name, text)),
        },
    }
}

fn unreadable(name: &str, text: &str) -> Failed {
    Failed::bad(format!("unable to parse param '{name}': cannot parse {text:?}"))
}

/// A time in microseconds, or in milliseconds as some clients send it.
pub(super) fn micros(params: &Params, name: &str) -> Result<Option<i64>, Failed> {
    match params.first(name) {
        "" => Ok(None),
        text => {
            let n: i64 = text.parse().map_err(|_| unreadable(name, text))?;
            let scale = if n.abs() < MICROSECONDS_MIN {
                1_000_000
            } else {
                1_000
            };
            Ok(Some(n.saturating_mul(scale)))
        }
    }
}

/// A time or a span of time in milliseconds, as nanoseconds.
pub(super) fn millis(params: &Params, name: &str) -> Result<Option<i64>, Failed> {
    match params.first(name) {
        "" => Ok(None),
        text => {
            let n: i64 = text.parse().map_err(|_| unreadable(name, text))?;
            Ok(Some(n.saturating_mul(1_000_000)))
        }
    }
}

fn duration(params: &Params, name: &str) -> Result<Option<i64>, Failed> {
    match params.first(name) {
        "" => Ok(None),
        text => parse_go_duration(text)
            .map(Some)
            .ok_or_else(|| unreadable(name, text)),
    }
}

/// A time as RFC 3339 writes it.
pub(super) fn rfc3339(text: &str) -> Option<i64> {
    i64::try_from(text.parse::<jiff::Timestamp>().ok()?.as_nanosecond()).ok()
}

#[cfg(test)]
mod tests;
