//! Which fields lines have: `/loki/api/v1/detected_fields` and `/loki/api/v1/detected_field/{name}/values`. For a selector they
//! are those of all its lines in the times asked for, from the store's columns; where stages stand behind it, those of the newest
//! lines that pass them. What a field is called and of which type it is, is decided here; values are counted in `count`.

mod count;
mod types;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use kymo_engine::labels::Labels;
use kymo_engine::logs::{FieldName, FieldSink};
use kymo_query::logql::eval::{Direction, SelectOptions};
use kymo_query::logql::{LogExpr, parse_log};

use super::ask::{Asking, Shown, ask};
use super::error::LokiError;
use super::params::{count as number, range};
use super::query::select_lines;
use super::{JSON, now};
use crate::app::App;
use crate::http::ApiError;
use crate::http::caller::Caller;
use crate::http::document::Document;
use crate::http::json::{list, object, text};
use crate::http::params::Params;
use count::Distinct;
use types::{Types, pairs};

/// Most fields where the question does not say.
const FIELDS_DEFAULT: usize = 1000;

/// Lines that are looked at behind stages where the question does not say.
const LINES_DEFAULT: usize = 1000;

/// A field.
#[derive(Debug, Default)]
struct Field {
    distinct: Distinct,
    types: Types,
    /// Where its values come from, by number.
    sources: Vec<usize>,
    /// The first values in order, where they are asked for.
    values: BTreeSet<String>,
}

/// Where values of a field come from.
#[derive(Debug)]
struct Source {
    field: usize,
    /// None for metadata.
    parser: Option<&'static str>,
    path: Vec<String>,
    has_values: bool,
}

/// Fields being found.
struct Fields<'a> {
    asking: &'a Asking<'a>,
    names: BTreeMap<String, usize>,
    fields: Vec<Field>,
    sources: Vec<Source>,
    /// The one field that is asked for, and how many of its values.
    only: Option<(&'a str, usize)>,
    failed: Option<ApiError>,
}

impl FieldSink for Fields<'_> {
    fn field(&mut self, stream: &Labels, name: FieldName<'_>) -> Option<usize> {
        match name {
            FieldName::Metadata(name) => self.source(name.to_owned(), None, &[]),
            FieldName::Json(path) => {
                let names: Vec<String> = path.iter().map(|part| label_name(part)).collect();
                self.parsed(stream, &names.join("_"), "json", path)
            }
            FieldName::Logfmt(key) => self.parsed(stream, &label_name(key), "logfmt", &[]),
        }
    }

    fn value(&mut self, source: usize, value: &[u8]) {
        let limit = self.only.map_or(0, |(_, limit)| limit);
        let Some(source) = self.sources.get_mut(source) else {
            return;
        };
        source.has_values = true;
        let field = &mut self.fields[source.field];
        let grown = field.distinct.add(value);
        let text = String::from_utf8_lossy(value);
        field.types.add(&text);
        if limit > 0 && !field.values.contains(text.as_ref()) {
            field.values.insert(text.into_owned());
            if field.values.len() > limit {
                field.values.pop_last();
            }
        }
        if grown > 0 && self.failed.is_none() {
            self.failed = self.asking.reserve(grown).err();
        }
    }

    fn line(&mut self, stream: &Labels, line: &[u8]) {
        for (name, value) in pairs(&String::from_utf8_lossy(line)) {
            if let Some(field) = self.parsed(stream, &label_name(name), "logfmt", &[]) {
                self.value(field, value.as_bytes());
            }
        }
    }

    fn goes_on(&mut self) -> bool {
        if self.failed.is_none() {
            self.failed = self.asking.interrupted();
        }
        self.failed.is_none()
    }
}

impl<'a> Fields<'a> {
    fn new(asking: &'a Asking<'a>, only: Option<(&'a str, usize)>) -> Fields<'a> {
        Fields {
            asking,
            names: BTreeMap::new(),
            fields: Vec::new(),
            sources: Vec::new(),
            only,
            failed: None,
        }
    }

    fn source(&mut self, name: String, parser: Option<&'static str>, path: &[String]) -> Option<usize> {
        if self.only.is_some_and(|(only, _)| only != name) {
            return None;
        }
        let next = self.fields.len();
        let n = *self.names.entry(name).or_insert(next);
        if n == next {
            self.fields.push(Field::default());
        }
        let field = &mut self.fields[n];
        let is_same = |source: &&usize| {
            let source = &self.sources[**source];
            source.parser == parser && source.path == path
        };
        if let Some(known) = field.sources.iter().find(is_same) {
            return Some(*known);
        }
        field.sources.push(self.sources.len());
        self.sources.push(Source {
            field: n,
            parser,
            path: path.to_vec(),
            has_values: false,
        });
        Some(self.sources.len() - 1)
    }

    /// The fields that have values, by name, each with its sources.
    fn found(&self) -> impl Iterator<Item = (&str, &Field, Vec<&Source>)> {
        self.names.iter().filter_map(|(name, n)| {
            let field = &self.fields[*n];
            let sources = field.sources.iter().map(|source| &self.sources[*source]);
            let sources: Vec<&Source> = sources.filter(|source| source.has_values).collect();
            (!sources.is_empty()).then_some((name.as_str(), field, sources))
        })
    }

    /// A field of the line: one with the name of a label of the stream has another name, as parsers of LogQL give it.
    fn parsed(
        &mut self,
        stream: &Labels,
        name: &str,
        parser: &'static str,
        path: &[String],
    ) -> Option<usize> {
        let taken = stream.get(name).is_some();
        let name = match taken {
            true => format!("{name}_extracted"),
            false => name.to_owned(),
        };
        self.source(name, Some(parser), path)
    }
}

/// What is asked.
struct Question {
    log: LogExpr,
    text: String,
    times: (i64, i64),
    limit: usize,
    lines: usize,
    now: i64,
}

impl Question {
    fn of(params: &Params) -> Result<Question, LokiError> {
        let now = now();
        let by_old_name = number(params, "field_limit", FIELDS_DEFAULT)?;
        let query = params.first("query");
        Ok(Question {
            log: match query.trim() {
                "" | "{}" => LogExpr::default(),
                query => parse_log(query).map_err(|error| LokiError::bad(error.to_string()))?,
            },
            text: query.to_owned(),
            times: range(params, now)?,
            limit: number(params, "limit", by_old_name)?,
            lines: number(params, "line_limit", LINES_DEFAULT)?,
            now,
        })
    }

    /// The fields.
    fn find<'a>(
        &self,
        asking: &'a Asking<'a>,
        only: Option<(&'a str, usize)>,
    ) -> Result<Fields<'a>, ApiError> {
        let mut fields = Fields::new(asking, only);
        let (from, until) = self.times;
        if self.log.stages.is_empty() && self.log.tail.is_empty() {
            let times = (from, until.saturating_add(1));
            asking.snapshot.fields(&self.log.selector, times, &mut fields)?;
        } else {
            self.of_lines(asking, &mut fields)?;
        }
        match fields.failed.take() {
            Some(failed) => Err(failed),
            None => Ok(fields),
        }
    }

    /// Fields of the newest lines that pass the stages.
    fn of_lines(&self, asking: &Asking<'_>, fields: &mut Fields<'_>) -> Result<(), ApiError> {
        let options = SelectOptions {
            from: self.times.0,
            until: self.times.1,
            limit: self.lines,
            direction: Direction::Backward,
            interval: 0,
            now: self.now,
        };
        for line in select_lines(asking, &self.log, &options)?.entries {
            let stream = Labels::from_pairs(line.labels.stream.iter());
            for (name, value) in line.labels.metadata.iter() {
                if let Some(field) = fields.field(&stream, FieldName::Metadata(name)) {
                    fields.value(field, value.as_bytes());
                }
            }
            kymo_engine::logs::fields::of_line(&stream, line.line.as_bytes(), fields);
        }
        Ok(())
    }
}

pub(super) async fn names(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    params: Result<Params, ApiError>,
) -> Result<Response, LokiError> {
    let question = Question::of(&params?)?;
    let document = answer(&app, caller, question, |question, asking, body| {
        let found = asking.map(|asking| question.find(asking, None)).transpose()?;
        let shown = found.iter().flat_map(Fields::found);
        object(body, |o| {
            list(o.name("fields"), shown.take(question.limit), put_field);
            o.integer("limit", i64::try_from(question.limit).unwrap_or(i64::MAX));
        });
        Ok(())
    });
    document.await
}

pub(super) async fn values(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    caller: Result<Caller, ApiError>,
    params: Result<Params, ApiError>,
) -> Result<Response, LokiError> {
    let question = Question::of(&params?)?;
    let document = answer(&app, caller, question, move |question, asking, body| {
        let only = Some((name.as_str(), question.limit));
        let found = asking.map(|asking| question.find(asking, only)).transpose()?;
        let values = found.iter().flat_map(|found| &found.fields);
        object(body, |o| {
            let values = values.flat_map(|field| &field.values);
            list(o.name("values"), values, |out, value| text(out, value));
            o.integer("limit", i64::try_from(question.limit).unwrap_or(i64::MAX));
        });
        Ok(())
    });
    document.await
}

fn put_field(out: &mut Vec<u8>, (name, field, sources): (&str, &Field, Vec<&Source>)) {
    let parsers: BTreeSet<&str> = sources.iter().filter_map(|source| source.parser).collect();
    let path = sources.iter().find(|source| !source.path.is_empty());
    object(out, |o| {
        o.text("label", name);
        o.text("type", field.types.name());
        o.integer("cardinality", field.distinct.count());
        match parsers.is_empty() {
            true => o.name("parsers").extend_from_slice(b"null"),
            false => o.texts("parsers", &Vec::from_iter(&parsers)),
        }
        if let Some(source) = path {
            o.texts("jsonPath", &source.path);
        }
    });
}

async fn answer(
    app: &Arc<App>,
    caller: Result<Caller, ApiError>,
    question: Question,
    write: impl FnOnce(&Question, Option<&Asking<'_>>, &mut Vec<u8>) -> Result<(), ApiError> + Send + 'static,
) -> Result<Response, LokiError> {
    let shown_text = question.text.clone();
    let shown = Shown {
        kind: "logql_detected_fields",
        text: &shown_text,
        times: (question.times.0, question.times.1, 0),
    };
    let document = ask(app, caller, shown, move |asking, _| {
        let mut body = Vec::new();
        write(&question, asking, &mut body)?;
        Ok(Document::new(JSON, body))
    });
    Ok(document.await?.into_response())
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

#[cfg(test)]
mod tests;
