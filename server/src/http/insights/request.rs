//! What is asked of `/api/v1/insights/query`: a document in JSON, or parameters. Not for the query's own text.

use axum::http::{HeaderMap, header};
use kymo_engine::metrics::matcher::{MatchOp, Matcher};
use kymo_query::logql::parse_matchers;
use serde::Deserialize;
use serde_json::Value;

use crate::http::ApiError;

/// The label that stands for a log group.
const GROUP: &str = "service_name";

/// A question.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) query: String,
    /// Earliest time in nanoseconds since 1970, and the one behind the latest; everything where none is given.
    pub(super) from: i64,
    pub(super) until: i64,
    pub(super) limit: Option<usize>,
    pub(super) selector: Vec<Matcher>,
}

/// The document, with the names of CloudWatch's `StartQuery` as well.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default, alias = "queryString")]
    query: String,
    #[serde(default, alias = "startTime")]
    start: Value,
    #[serde(default, alias = "endTime")]
    end: Value,
    #[serde(default)]
    limit: Value,
    #[serde(default)]
    selector: String,
    #[serde(default, rename = "logGroupName")]
    group: String,
    #[serde(default, rename = "logGroupNames")]
    groups: Vec<String>,
}

impl Asked {
    /// Reads a question.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(headers: &HeaderMap, query: &str, body: &[u8]) -> Result<Asked, ApiError> {
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
        let is_form = content_type.is_some_and(|v| v.starts_with("application/x-www-form-urlencoded"));
        let document = match (body.is_empty(), is_form) {
            (false, false) => serde_json::from_slice(body)
                .map_err(|error| ApiError::bad_data(format!("the body is no question: {error}")))?,
            _ => form(query.as_bytes(), body),
        };
        document.asked()
    }
}

fn form(query: &[u8], body: &[u8]) -> Document {
    let mut document = Document::default();
    let pairs = form_urlencoded::parse(query).chain(form_urlencoded::parse(body));
    for (name, value) in pairs {
        let value = value.into_owned();
        match &*name {
            "query" => document.query = value,
            "start" => document.start = value.into(),
            "end" => document.end = value.into(),
            "limit" => document.limit = value.into(),
            "selector" => document.selector = value,
            _ => {}
        }
    }
    document
}

impl Document {
    fn asked(self) -> Result<Asked, ApiError> {
        let mut selector = match self.selector.trim() {
            "" | "{}" => Vec::new(),
            text => {
                parse_matchers(text).map_err(|error| ApiError::parameter("selector", error.to_string()))?
            }
        };
        let groups: Vec<String> = std::iter::once(self.group)
            .chain(self.groups)
            .filter(|name| !name.is_empty())
            .map(|name| regex::escape(&name))
            .collect();
        if !groups.is_empty() {
            let any = Matcher::new(GROUP, MatchOp::Regex, groups.join("|"));
            selector.push(any.map_err(|error| ApiError::parameter("logGroupNames", error.to_string()))?);
        }
        let from = time("start", &self.start)?.unwrap_or(i64::MIN);
        // The latest time belongs to what is asked for.
        let until = time("end", &self.end)?.map_or(i64::MAX, |end| end.saturating_add(1));
        if until <= from {
            return Err(ApiError::parameter("end", "it is before the start".to_owned()));
        }
        Ok(Asked {
            query: self.query,
            from,
            until,
            limit: limit(&self.limit)?,
            selector,
        })
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn limit(value: &Value) -> Result<Option<usize>, ApiError> {
    match written(value).as_str() {
        "" => Ok(None),
        text => match text.parse() {
            Ok(0) | Err(_) => Err(ApiError::parameter(
                "limit",
                format!("{text:?} is no number from 1 on"),
            )),
            Ok(most) => Ok(Some(most)),
        },
    }
}

/// A time by its size: seconds, milliseconds, microseconds or nanoseconds since 1970; or RFC 3339.
fn time(name: &'static str, value: &Value) -> Result<Option<i64>, ApiError> {
    let text = written(value);
    if text.is_empty() {
        return Ok(None);
    }
    let nanos = match text.parse::<i64>() {
        Ok(n) => {
            let unit = match n.unsigned_abs() {
                0..100_000_000_000 => 1_000_000_000,
                100_000_000_000..100_000_000_000_000 => 1_000_000,
                100_000_000_000_000..100_000_000_000_000_000 => 1_000,
                _ => 1,
            };
            n.checked_mul(unit)
        }
        Err(_) => text
            .parse::<jiff::Timestamp>()
            .ok()
            .and_then(|time| i64::try_from(time.as_nanosecond()).ok()),
    };
    match nanos {
        Some(nanos) => Ok(Some(nanos)),
        None => Err(ApiError::parameter(
            name,
            format!("{text:?} is no time: seconds to nanoseconds since 1970, or RFC 3339"),
        )),
    }
}
