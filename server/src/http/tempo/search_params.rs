//! What a search asks for, from the parameters of HTTP or from the message of gRPC, with the texts of Tempo's errors.

use kymo_proto::tempo;

use super::error::TempoError;
use super::params::seconds_range;
use super::tags_query::{parse_tags, query};
use crate::http::params::Params;
use crate::units::parse_go_duration;

/// Traces that are answered when nothing is said.
const LIMIT_DEFAULT: usize = 20;
/// Most traces.
const LIMIT_MAX: usize = 262_144;
/// Spans of a set that are answered when nothing is said.
const SPANS_DEFAULT: usize = 3;
/// Most spans of a set.
const SPANS_MAX: usize = 100;
/// Longest query, in bytes.
const QUERY_BYTES_MAX: usize = 128 << 10;

/// Parameters that are no tags.
const KNOWN: [&str; 9] = [
    "q",
    "tags",
    "minDuration",
    "maxDuration",
    "limit",
    "spss",
    "start",
    "end",
    "skipASTTransformations",
];

/// A search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SearchParams {
    /// TraceQL.
    pub(super) query: String,
    /// Most traces.
    pub(super) limit: usize,
    /// Most spans of a set, `None` for all.
    pub(super) spans_per_set: Option<usize>,
    /// Seconds since 1970, `None` for all times.
    pub(super) range: Option<(u32, u32)>,
}

impl SearchParams {
    /// Reads the parameters of a request.
    ///
    /// # Errors
    /// The first that is wrong.
    pub(super) fn of_params(params: &Params) -> Result<SearchParams, TempoError> {
        let range = seconds_range(params)?;
        Ok(SearchParams {
            query: query_of(params, range.is_some())?,
            limit: match number(params, "limit")? {
                None => LIMIT_DEFAULT,
                Some(limit) => limit_of(limit)?,
            },
            spans_per_set: match number(params, "spss")? {
                None => Some(SPANS_DEFAULT),
                Some(spans) => spans_of(spans)?,
            },
            range,
        })
    }

    /// Reads a message, in which zero says nothing.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub(super) fn of_message(asked: tempo::Search) -> Result<SearchParams, TempoError> {
        let ms = |ms: u32| u64::from(ms) * 1_000_000;
        let tags = (asked.tags, ms(asked.min_duration_ms), ms(asked.max_duration_ms));
        let text = match (asked.query, tags) {
            (text, (tags, 0, 0)) if tags.is_empty() => any_if_empty(&text),
            (text, (tags, shortest, longest)) if text.is_empty() => query(&tags, shortest, longest),
            _ => return Err(both()),
        };
        let range = match (asked.start, asked.end) {
            (0, 0) => None,
            (start, end) if end > start => Some((start, end)),
            (start, end) => return Err(super::params::not_before(start.into(), end.into())),
        };
        Ok(SearchParams {
            query: within_limit(text)?,
            limit: match asked.limit {
                0 => LIMIT_DEFAULT,
                limit => limit_of(limit.into())?,
            },
            spans_per_set: match asked.spans_per_span_set {
                0 => Some(SPANS_DEFAULT),
                spans => spans_of(spans.into())?,
            },
            range,
        })
    }
}

fn both() -> TempoError {
    TempoError::bad("invalid request: can't specify tags and q in the same query")
}

fn any_if_empty(text: &str) -> String {
    match text.trim() {
        "" => "{}".to_owned(),
        text => text.to_owned(),
    }
}

fn within_limit(query: String) -> Result<String, TempoError> {
    if query.len() > QUERY_BYTES_MAX {
        return Err(TempoError::bad(format!(
            "TraceQL query expression exceeds the maximum of {QUERY_BYTES_MAX} bytes"
        )));
    }
    Ok(query)
}

fn query_of(params: &Params, has_range: bool) -> Result<String, TempoError> {
    let (text, tags) = (params.first("q"), params.first("tags"));
    let bound = |name: &str| match params.first(name) {
        "" => Ok(0),
        text => parse_go_duration(text)
            .and_then(|nanos| u64::try_from(nanos).ok())
            .ok_or_else(|| TempoError::bad(format!("invalid {name}: time: invalid duration {text:?}"))),
    };
    let (shortest, longest) = (bound("minDuration")?, bound("maxDuration")?);
    if longest > 0 && shortest >= longest {
        return Err(TempoError::bad(
            "invalid maxDuration: must be greater than minDuration",
        ));
    }
    let tags = if tags.is_empty() && text.is_empty() && !has_range {
        params
            .pairs()
            .filter(|(name, _)| !KNOWN.contains(name))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    } else {
        parse_tags(tags).map_err(|cause| TempoError::bad(format!("invalid tags: {cause}")))?
    };
    let older = !tags.is_empty() || shortest > 0 || longest > 0;
    match (text.is_empty(), older) {
        (false, true) => Err(both()),
        (false, false) => within_limit(any_if_empty(text)),
        (true, _) => within_limit(query(&tags, shortest, longest)),
    }
}

fn number(params: &Params, name: &str) -> Result<Option<i64>, TempoError> {
    match params.first(name) {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| {
            TempoError::bad(format!(
                "invalid {name}: strconv.Atoi: parsing {text:?}: invalid syntax"
            ))
        }),
    }
}

fn limit_of(limit: i64) -> Result<usize, TempoError> {
    match usize::try_from(limit) {
        Ok(0) | Err(_) => Err(TempoError::bad("invalid limit: must be a positive number")),
        Ok(limit) if limit > LIMIT_MAX => Err(TempoError::bad(format!(
            "limit {limit} exceeds max limit {LIMIT_MAX}"
        ))),
        Ok(limit) => Ok(limit),
    }
}

fn spans_of(spans: i64) -> Result<Option<usize>, TempoError> {
    match usize::try_from(spans) {
        Ok(0) => Ok(None),
        Ok(spans) if spans > SPANS_MAX => Err(TempoError::bad(format!(
            "spans per span set exceeds {SPANS_MAX}. received {spans}"
        ))),
        Ok(spans) => Ok(Some(spans)),
        Err(_) => Err(TempoError::bad("invalid spss: must be a non-negative number")),
    }
}

#[cfg(test)]
mod tests;
