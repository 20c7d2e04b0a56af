//! Fields of lines that nobody declared: `/loki/api/v1/detected_fields` and `/loki/api/v1/detected_field/{name}/values`, told
//! from the newest `line_limit` lines of a query: structured metadata, members of JSON and pairs of logfmt.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use kymo_query::logql::eval::{Direction, Line, SelectOptions};
use kymo_query::logql::{LogExpr, parse_log};
use serde_json::Value;

use super::ask::{Shown, ask};
use super::error::LokiError;
use super::params::{count, range};
use super::query::selected;
use super::{JSON, now};
use crate::app::App;
use crate::http::ApiError;
use crate::http::caller::Caller;
use crate::http::document::Document;
use crate::http::json::{list, object, text};
use crate::http::params::Params;
use crate::units::{parse_go_duration, parse_size_bytes};

/// Most fields where the question does not say.
const FIELDS_DEFAULT: usize = 1000;

/// Lines that are looked at where the question does not say.
const LINES_DEFAULT: usize = 100;

/// How deep in JSON a field may stand.
const DEPTH_MAX: usize = 16;

/// A field.
#[derive(Debug, Default)]
struct Field {
    values: BTreeSet<String>,
    parsers: BTreeSet<&'static str>,
    path: Vec<String>,
}

type Fields = BTreeMap<String, Field>;

pub(super) async fn names(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    params: Result<Params, ApiError>,
) -> Result<Response, LokiError> {
    found(&app, caller, &params?, |fields, limit, body| {
        object(body, |o| {
            let shown = fields.iter().take(limit);
            list(o.name("fields"), shown, |out, (name, field)| {
                object(out, |o| {
                    o.text("label", name);
                    o.text("type", kind(&field.values));
                    let cardinality = i64::try_from(field.values.len()).unwrap_or(i64::MAX);
                    o.integer("cardinality", cardinality);
                    match field.parsers.is_empty() {
                        true => o.name("parsers").extend_from_slice(b"null"),
                        false => o.texts("parsers", &Vec::from_iter(&field.parsers)),
                    }
                    o.texts("jsonPath", &field.path);
                });
            });
            o.integer("limit", i64::try_from(limit).unwrap_or(i64::MAX));
        });
    })
    .await
}

pub(super) async fn values(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    caller: Result<Caller, ApiError>,
    params: Result<Params, ApiError>,
) -> Result<Response, LokiError> {
    found(&app, caller, &params?, move |fields, limit, body| {
        object(body, |o| {
            let values = fields.get(&name).into_iter().flat_map(|field| &field.values);
            list(o.name("values"), values.take(limit), |out, value| {
                text(out, value)
            });
            o.integer("limit", i64::try_from(limit).unwrap_or(i64::MAX));
        });
    })
    .await
}

async fn found(
    app: &Arc<App>,
    caller: Result<Caller, ApiError>,
    params: &Params,
    write: impl FnOnce(&Fields, usize, &mut Vec<u8>) + Send + 'static,
) -> Result<Response, LokiError> {
    let now = now();
    let (from, until) = range(params, now)?;
    let by_old_name = count(params, "field_limit", FIELDS_DEFAULT)?;
    let limit = count(params, "limit", by_old_name)?;
    let query = params.first("query");
    let log = match query.trim() {
        "" | "{}" => LogExpr::default(),
        query => parse_log(query).map_err(|error| LokiError::bad(error.to_string()))?,
    };
    let options = SelectOptions {
        from,
        until,
        limit: count(params, "line_limit", LINES_DEFAULT)?,
        direction: Direction::Backward,
        interval: 0,
        now,
    };
    let shown = Shown {
        kind: "logql_detected_fields",
        text: query,
        times: (from, until, 0),
    };
    let document = ask(app, caller, shown, move |asking, cost| {
        let mut fields = Fields::new();
        if let Some(asking) = asking {
            let lines = selected(asking, &log, &options)?;
            cost.samples_read = lines.stats.lines;
            lines.entries.iter().for_each(|line| add(line, &mut fields));
        }
        let mut body = Vec::new();
        write(&fields, limit, &mut body);
        Ok(Document::new(JSON, body))
    });
    Ok(document.await?.into_response())
}

/// Adds the fields of a line.
fn add(line: &Line, fields: &mut Fields) {
    for (name, value) in line.labels.metadata.iter() {
        fields
            .entry(name.to_owned())
            .or_default()
            .values
            .insert(value.to_owned());
    }
    let mut put = |name: &str, parser, path: &[String], value: String| {
        let taken = line.labels.stream.get(name).is_some();
        let name = if taken {
            format!("{name}_extracted")
        } else {
            name.to_owned()
        };
        let field = fields.entry(name).or_default();
        field.values.insert(value);
        field.parsers.insert(parser);
        if field.path.is_empty() {
            field.path = path.to_vec();
        }
    };
    if let Ok(value @ Value::Object(_)) = serde_json::from_str(&line.line) {
        members(&value, &mut Vec::new(), &mut |path, value| {
            let name: Vec<String> = path.iter().map(|part| label_name(part)).collect();
            put(&name.join("_"), "json", path, value);
        });
        return;
    }
    for (name, value) in pairs(&line.line) {
        put(&label_name(name), "logfmt", &[], value);
    }
}

/// Calls `visit` with path and text of each member that is no object and no list.
fn members(value: &Value, path: &mut Vec<String>, visit: &mut impl FnMut(&[String], String)) {
    match value {
        Value::Object(of) if path.len() < DEPTH_MAX => {
            for (name, value) in of {
                path.push(name.clone());
                members(value, path, visit);
                path.pop();
            }
        }
        Value::String(value) => visit(path, value.clone()),
        Value::Bool(_) | Value::Number(_) => visit(path, value.to_string()),
        _ => {}
    }
}

/// The pairs `key=value` of a line.
fn pairs(line: &str) -> Vec<(&str, String)> {
    let mut pairs = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find('=') {
        let key = rest[..at].rsplit(char::is_whitespace).next().unwrap_or_default();
        let after = &rest[at + 1..];
        let (value, len) = match after.strip_prefix('"') {
            Some(quoted) => {
                let mut escaped = false;
                let end = quoted.find(|c| {
                    let ends = c == '"' && !escaped;
                    escaped = c == '\\' && !escaped;
                    ends
                });
                let end = end.unwrap_or(quoted.len());
                let raw = &quoted[..end];
                let text = serde_json::from_str(&format!("\"{raw}\"")).unwrap_or_else(|_| raw.to_owned());
                (text, (end + 2).min(after.len()))
            }
            None => {
                let end = after.find(char::is_whitespace).unwrap_or(after.len());
                (after[..end].to_owned(), end)
            }
        };
        if !key.is_empty() {
            pairs.push((key, value));
        }
        rest = &after[len..];
    }
    pairs
}

/// A name as a parser of LogQL makes it a label's.
fn label_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        out.push('_');
    }
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    out.extend(name.chars().map(plain));
    out
}

/// The type that all values are of.
fn kind(values: &BTreeSet<String>) -> &'static str {
    let all = |is: fn(&str) -> bool| values.iter().all(|value| is(value));
    if all(|value| value.parse::<i64>().is_ok()) {
        "int"
    } else if all(|value| value.parse::<f64>().is_ok()) {
        "float"
    } else if all(|value| matches!(value, "true" | "false")) {
        "boolean"
    } else if all(|value| parse_go_duration(value).is_some()) {
        "duration"
    } else if all(|value| parse_size_bytes(value).is_some()) {
        "bytes"
    } else {
        "string"
    }
}

#[cfg(test)]
mod tests;
