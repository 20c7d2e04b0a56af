//! A request to delete lines: its parameters, and its query as data that the store tests by itself. What needs a parser of
//! lines is refused.

use std::hash::{BuildHasher, RandomState};

use kymo_engine::logs::{Condition, Deletion, LineTest};
use kymo_engine::metrics::matcher::Matcher;
use kymo_query::logql::ast::{Filter, LineFilter, LineOp, LineText, Stage};
use kymo_query::logql::{Expr, parse};

use super::super::error::LokiError;
use crate::http::params::Params;

/// Loki's `delete_max_interval`, of which `max_interval` may ask for a part. Requests are not cut into parts here.
const INTERVAL_MAX_HOURS: i64 = 24;

/// What is asked.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) deletion: Deletion,
    /// First and last time deleted, milliseconds since 1970.
    pub(super) times: (i64, i64),
}

impl Request {
    /// # Errors
    /// What is wrong, in Loki's words where it has some.
    pub(super) fn of(params: &Params, now_ms: i64) -> Result<Request, LokiError> {
        let query = params.first("query");
        if query.is_empty() {
            return Err(LokiError::bad("query not set"));
        }
        let (matchers, conditions) = conditions(query)?;
        let start = match params.first("start") {
            "" => return Err(LokiError::bad("start time not set")),
            text => time(text).ok_or_else(|| wrong_time("start"))?,
        };
        let end = match params.first("end") {
            "" => now_ms,
            text => time(text).ok_or_else(|| wrong_time("end"))?,
        };
        if end > now_ms {
            return Err(LokiError::bad("deletes in the future are not allowed"));
        }
        if start >= end {
            return Err(LokiError::bad(
                "start time can't be greater than or equal to end time",
            ));
        }
        check_interval(params.first("max_interval"))?;
        let deletion = Deletion {
            request: name_of_request(query, now_ms),
            created_ms: now_ms,
            query: query.to_owned(),
            matchers,
            conditions,
        };
        deletion
            .check()
            .map_err(|error| LokiError::bad(error.to_string()))?;
        Ok(Request {
            deletion,
            times: (start, end),
        })
    }
}

/// Eight hex digits, as Loki's.
fn name_of_request(query: &str, now_ms: i64) -> String {
    let random = RandomState::new().hash_one((query, now_ms));
    format!("{:08x}", random >> 32)
}

fn wrong_time(name: &str) -> LokiError {
    LokiError::bad(format!(
        "invalid {name} time: require unix seconds or RFC3339 format"
    ))
}

/// Seconds of at most ten digits, or a date; milliseconds since 1970.
fn time(text: &str) -> Option<i64> {
    match text.parse::<i64>() {
        Ok(seconds) if text.len() <= 10 => seconds.checked_mul(1000),
        Ok(_) => None,
        Err(_) => Some(text.parse::<jiff::Timestamp>().ok()?.as_millisecond()),
    }
}

fn check_interval(text: &str) -> Result<(), LokiError> {
    if text.is_empty() {
        return Ok(());
    }
    let is_known = text.ends_with(['s', 'm', 'h']) && !text.ends_with("ms");
    let nanos = crate::units::parse_go_duration(text).filter(|_| is_known);
    let nanos =
        nanos.ok_or_else(|| LokiError::bad("invalid max_interval: valid time units are 's', 'm', 'h'"))?;
    match nanos > INTERVAL_MAX_HOURS * 3_600_000_000_000 {
        true => Err(LokiError::bad(format!(
            "max_interval can't be greater than {INTERVAL_MAX_HOURS}h0m0s"
        ))),
        false => Ok(()),
    }
}

/// Matchers of streams and conditions of entries.
fn conditions(query: &str) -> Result<(Vec<Matcher>, Vec<Condition>), LokiError> {
    let log = match parse(query).map_err(|error| LokiError::bad(error.to_string()))? {
        Expr::Log(log) => log,
        Expr::Metric(_) => {
            return Err(LokiError::bad(
                "only log queries can be deleted by, not metric queries",
            ));
        }
    };
    if log.anywhere || log.selector.is_empty() || !log.tail.is_empty() {
        return Err(refused(
            "a query without a selector or with sort, dedup, limit or stats",
        ));
    }
    let mut conditions = Vec::new();
    for stage in &log.stages {
        match stage {
            Stage::Line(filter) => conditions.push(of_line(filter)?),
            Stage::Filter(filter) => of_labels(filter, &mut conditions)?,
            _ => return Err(refused("a parser or a stage that changes lines")),
        }
    }
    Ok((log.selector, conditions))
}

fn refused(what: &str) -> LokiError {
    LokiError::bad(format!(
        "cannot delete by {what}: only stream selectors, the line filters |= != |~ !~ and text comparisons of stream labels and structured metadata are supported"
    ))
}

fn of_line(filter: &LineFilter) -> Result<Condition, LokiError> {
    let test = match filter.op {
        LineOp::Contains => LineTest::Contains,
        LineOp::NotContains => LineTest::NotContains,
        LineOp::Matches => LineTest::Matches,
        LineOp::NotMatches => LineTest::NotMatches,
        LineOp::Pattern | LineOp::NotPattern => return Err(refused("a pattern of lines")),
    };
    let texts = filter.any.iter().map(|text| match text {
        LineText::Text(text) => Ok(text.clone()),
        LineText::Ip(_) => Err(refused("an address in lines")),
    });
    Ok(Condition::Line(test, texts.collect::<Result<_, _>>()?))
}

fn of_labels(filter: &Filter, conditions: &mut Vec<Condition>) -> Result<(), LokiError> {
    match filter {
        Filter::Text(matcher) => conditions.push(Condition::Label(matcher.clone())),
        Filter::And(a, b) => {
            of_labels(a, conditions)?;
            of_labels(b, conditions)?;
        }
        Filter::Or(..) => return Err(refused("alternatives of labels")),
        Filter::Quantity(..) | Filter::Ip(..) => return Err(refused("a quantity or an address")),
    }
    Ok(())
}
