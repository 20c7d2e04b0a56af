//! Names and values of tags: `/api/search/tags`, `/api/search/tag/{name}/values` and their second versions. Without times they
//! are those of everything that is stored.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use kymo_engine::traces::AttributeScope;
use kymo_engine::traces::Value as Stored;
use kymo_proto::tempo::{MetadataMetrics, ScopedTagNames, TagNames, TagValues, TypedTagValues};
use kymo_query::traceql::ast::{Attribute, Body, FieldExpr, Pipeline, Scope, SpansetExpr, Stage};
use kymo_query::traceql::{Query, parse_attribute};

use super::Accepted;
use super::error::TempoError;
use super::params::seconds_range;
use super::search::nanos;
use crate::app::App;
use crate::governor::Gate;
use crate::http::ApiError;
use crate::http::caller::Caller;
use crate::http::document::Document;
use crate::http::json::object;
use crate::http::params::Params;
use crate::http::prom::governed::{Held, governed};
use crate::spans::Asking;
use crate::spans::catalogue::Values;
use crate::spans::services::plain_text;
use crate::trace_out::llm;

/// Scopes of attributes in the order of answers, with their names.
const SCOPES: [(AttributeScope, &str); 5] = [
    (AttributeScope::Resource, "resource"),
    (AttributeScope::Span, "span"),
    (AttributeScope::Event, "event"),
    (AttributeScope::Link, "link"),
    (AttributeScope::Instrumentation, "instrumentation"),
];

/// What spans and traces have beside attributes, as people may type it.
const INTRINSICS: [&str; 25] = [
    "duration",
    "event:name",
    "event:timeSinceStart",
    "instrumentation:name",
    "instrumentation:version",
    "kind",
    "link:spanID",
    "link:traceID",
    "name",
    "rootName",
    "rootServiceName",
    "span:duration",
    "span:id",
    "span:kind",
    "span:name",
    "span:parentID",
    "span:status",
    "span:statusMessage",
    "status",
    "statusMessage",
    "trace:duration",
    "trace:id",
    "trace:rootName",
    "trace:rootService",
    "traceDuration",
];

/// Which names are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    All,
    Intrinsic,
    Scope(AttributeScope),
}

/// A question for names or values.
#[derive(Debug, Clone)]
pub(super) struct TagParams {
    pub(super) query: String,
    pub(super) range: Option<(u32, u32)>,
    /// Most names of a scope, or most values.
    pub(super) limit: usize,
}

impl Wanted {
    /// Reads the name of a scope.
    ///
    /// # Errors
    /// A name that is none.
    pub(super) fn of(name: &str) -> Result<Wanted, TempoError> {
        match name {
            "" | "none" => Ok(Wanted::All),
            "intrinsic" => Ok(Wanted::Intrinsic),
            name => match SCOPES.iter().find(|(_, known)| *known == name) {
                Some((scope, _)) => Ok(Wanted::Scope(*scope)),
                None => Err(TempoError::bad(format!("invalid scope: {name}"))),
            },
        }
    }
}

impl TagParams {
    fn of(params: &Params) -> Result<TagParams, TempoError> {
        let limit = match params.first("limit") {
            "" => 0,
            text => text.parse().map_err(|_| {
                TempoError::bad(format!(
                    "invalid limit: strconv.Atoi: parsing {text:?}: invalid syntax"
                ))
            })?,
        };
        Ok(TagParams {
            query: params.first("q").to_owned(),
            range: seconds_range(params)?,
            limit: limit_of(limit),
        })
    }

    /// What can be understood of the query that names and values are asked for with, which somebody may still be typing.
    fn filter(&self) -> Result<Option<Query>, TempoError> {
        let found = kymo_query::traceql::lenient(&self.query)
            .map_err(|error| TempoError::bad(format!("invalid TraceQL query: {error}")))?;
        Ok(found.map(matching))
    }
}

/// The query for spans for which an expression holds.
fn matching(expr: FieldExpr) -> Query {
    let filter = SpansetExpr::Filter(Some(Box::new(expr)));
    Query {
        body: Body::Search(Pipeline {
            stages: vec![Stage::Spansets(filter)],
        }),
        hints: Vec::new(),
    }
}

/// Zero is no limit.
pub(super) fn limit_of(limit: usize) -> usize {
    if limit == 0 { usize::MAX } else { limit }
}

pub(super) async fn names_v1(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    headers: HeaderMap,
    params: Result<Params, ApiError>,
) -> Result<Response, TempoError> {
    let params = params?;
    let (wanted, asked) = (Wanted::of(params.first("scope"))?, TagParams::of(&params)?);
    let accepted = Accepted::of(&headers);
    let write = move |scoped| accepted.document(&flat(scoped, wanted));
    let document = names(&app, &caller?, wanted, asked, write).await?;
    Ok(document.into_response())
}

pub(super) async fn names_v2(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    headers: HeaderMap,
    params: Result<Params, ApiError>,
) -> Result<Response, TempoError> {
    let params = params?;
    let (wanted, asked) = (Wanted::of(params.first("scope"))?, TagParams::of(&params)?);
    let accepted = Accepted::of(&headers);
    let write = move |scoped: ScopedTagNames| accepted.document(&scoped);
    let document = names(&app, &caller?, wanted, asked, write).await?;
    Ok(document.into_response())
}

/// The names of all scopes as one list. Intrinsics are in it only when they are asked for.
pub(super) fn flat(scoped: ScopedTagNames, wanted: Wanted) -> TagNames {
    let mut names = BTreeSet::new();
    for (scope, tags) in scoped.scopes {
        if scope != "intrinsic" || wanted == Wanted::Intrinsic {
            names.extend(tags);
        }
    }
    TagNames {
        names: names.into_iter().collect(),
        metrics: scoped.metrics,
    }
}

/// Finds names as lookups are run, and writes the answer by `write`.
///
/// # Errors
/// Those of reading.
pub(super) async fn names<T: Held>(
    app: &Arc<App>,
    caller: &Caller,
    wanted: Wanted,
    asked: TagParams,
    write: impl FnOnce(ScopedTagNames) -> T + Send + 'static,
) -> Result<T, TempoError> {
    let filter = asked.filter()?;
    look_up(app, caller, "trace_tags", asked, move |asking, asked| {
        let times = asked.range.map(nanos);
        let mut scoped = ScopedTagNames::default();
        let found = match (wanted, asking) {
            (Wanted::Intrinsic, _) | (_, None) => Vec::new(),
            (_, Some(asking)) => asking.attribute_names(filter.as_ref(), times)?,
        };
        for (scope, name) in SCOPES {
            if wanted == Wanted::All || wanted == Wanted::Scope(scope) {
                let tags = found.iter().filter(|(found, _)| *found == scope);
                let tags = tags.map(|(_, tag)| tag.as_ref().to_owned()).take(asked.limit);
                scoped.scopes.push((name.to_owned(), tags.collect()));
            }
        }
        scoped.scopes.retain(|(_, tags)| !tags.is_empty());
        if matches!(wanted, Wanted::All | Wanted::Intrinsic) {
            let tags = INTRINSICS.iter().map(|tag| (*tag).to_owned()).collect();
            scoped.scopes.push(("intrinsic".to_owned(), tags));
        }
        scoped.metrics = done();
        Ok(write(scoped))
    })
    .await
}

/// The metrics of a lookup, which is one job.
fn done() -> MetadataMetrics {
    MetadataMetrics {
        total_jobs: 1,
        completed_jobs: 1,
        ..MetadataMetrics::default()
    }
}

pub(super) async fn values_v1(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    Path(rest): Path<String>,
    headers: HeaderMap,
    params: Result<Params, ApiError>,
) -> Result<Response, TempoError> {
    let tag = tag_of(&rest)?;
    let accepted = Accepted::of(&headers);
    let write = move |found: Values| accepted.document(&texts(found));
    let document = values(
        &app,
        &caller?,
        any_attribute(&tag),
        TagParams::of(&params?)?,
        write,
    )
    .await?;
    Ok(document.into_response())
}

pub(super) async fn values_v2(
    State(app): State<Arc<App>>,
    caller: Result<Caller, ApiError>,
    Path(rest): Path<String>,
    headers: HeaderMap,
    params: Result<Params, ApiError>,
) -> Result<Response, TempoError> {
    let attribute = typed_attribute(&tag_of(&rest)?)?;
    let accepted = Accepted::or_llm(&headers);
    let write = move |found: Values| match accepted {
        Accepted::Llm => brief(&typed(found)),
        accepted => accepted.document(&typed(found)),
    };
    let document = values(&app, &caller?, attribute, TagParams::of(&params?)?, write).await?;
    Ok(document.into_response())
}

/// The values by type, for language models.
fn brief(found: &TypedTagValues) -> Document {
    let mut by_type: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (kind, value) in &found.values {
        by_type.entry(kind).or_default().push(value);
    }
    let mut body = Vec::new();
    object(&mut body, |o| {
        o.object("tagValues", |o| {
            for (kind, values) in &by_type {
                o.texts_even_none(kind, values);
            }
        });
    });
    Document::new(llm::CONTENT_TYPE, body)
}

/// The tag of a path, which may have slashes itself.
fn tag_of(rest: &str) -> Result<String, TempoError> {
    match rest.strip_suffix("/values") {
        Some(tag) if !tag.is_empty() => Ok(tag.to_owned()),
        _ => Err(TempoError {
            status: StatusCode::NOT_FOUND,
            text: "404 page not found\n".to_owned(),
        }),
    }
}

/// The attribute of the first version: a key of any scope, or an intrinsic.
pub(super) fn any_attribute(tag: &str) -> Attribute {
    let older = match tag {
        "root.name" => "rootName",
        "root.service.name" => "rootServiceName",
        "status.code" => "status",
        tag => tag,
    };
    match parse_attribute(older) {
        Ok(found @ Attribute::Intrinsic(_)) => found,
        _ => Attribute::Named {
            scope: Scope::Any,
            name: tag.to_owned(),
            parent: false,
        },
    }
}

/// The attribute of the second version: as it stands in a query.
///
/// # Errors
/// A text that is none.
pub(super) fn typed_attribute(tag: &str) -> Result<Attribute, TempoError> {
    parse_attribute(tag).map_err(|error| {
        TempoError::bad(format!(
            "tag name is not valid intrinsic or scoped attribute: {tag} ({error})"
        ))
    })
}

/// Finds values as lookups are run, and writes the answer by `write`.
///
/// # Errors
/// Those of reading.
pub(super) async fn values<T: Held>(
    app: &Arc<App>,
    caller: &Caller,
    attribute: Attribute,
    asked: TagParams,
    write: impl FnOnce(Values) -> T + Send + 'static,
) -> Result<T, TempoError> {
    let filter = asked.filter()?;
    look_up(app, caller, "trace_tag_values", asked, move |asking, asked| {
        let times = asked.range.map(nanos);
        let found = match asking {
            None => Values::Any(Vec::new()),
            Some(asking) => asking.attribute_values(&attribute, filter.as_ref(), times, asked.limit)?,
        };
        Ok(write(found))
    })
    .await
}

pub(super) fn texts(found: Values) -> TagValues {
    let values: BTreeSet<String> = match found {
        Values::Keywords(words) => words.iter().map(|word| (*word).to_owned()).collect(),
        Values::Any(values) => values.iter().filter_map(plain_text).collect(),
    };
    TagValues {
        values: values.into_iter().collect(),
        metrics: done(),
    }
}

pub(super) fn typed(found: Values) -> TypedTagValues {
    let one = |value: Stored| {
        let kind = match value {
            Stored::String(text) => return Some(("string", text)),
            Stored::Bool(_) => "bool",
            Stored::Int(_) => "int",
            Stored::Double(_) => "float",
            _ => return None,
        };
        Some((kind, plain_text(&value)?.into()))
    };
    let values = match found {
        Values::Keywords(words) => words.iter().map(|word| ("keyword", Arc::from(*word))).collect(),
        Values::Any(values) => values.into_iter().filter_map(one).collect(),
    };
    TypedTagValues {
        values,
        metrics: done(),
    }
}

/// Runs a lookup; without data there is nobody to ask.
async fn look_up<T: Held>(
    app: &Arc<App>,
    caller: &Caller,
    kind: &str,
    asked: TagParams,
    work: impl FnOnce(Option<&Asking<'_>>, &TagParams) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, TempoError> {
    let (start, end) = asked.range.map_or((0, 0), nanos);
    let listed = caller.asks(kind, &asked.query, (start / 1_000_000, end / 1_000_000, 0));
    let timeout = Duration::from_millis(app.config.query.timeout_ms);
    let db = app.reading(&caller.tenant);
    let with = Arc::clone(app);
    let done = governed(app, Gate::Lookup, listed, timeout, move |admitted, _| {
        let asking = db.as_ref().map(|db| Asking::now(db, &with, &admitted.running));
        work(asking.as_ref(), &asked)
    });
    Ok(done.await?)
}
