//! Names and values of attributes, for people who type a query: all there are, or those of spans that match another query.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use kymo_engine::traces::scan::{self, Scan, ScanBy};
use kymo_engine::traces::{Astride, AttributeScope, Column, Field, SpanId, Table, Value};
use kymo_query::traceql::ast::{Attribute, Intrinsic, Scope};
use kymo_query::traceql::options::{Part, SearchOptions};
use kymo_query::traceql::{Query, need};

use super::Asking;
use super::services::service_field;
use crate::http::ApiError;

/// All scopes of attributes, in the order in which one without a scope is looked for.
pub(crate) const SCOPES: [AttributeScope; 5] = [
    AttributeScope::Span,
    AttributeScope::Resource,
    AttributeScope::Event,
    AttributeScope::Link,
    AttributeScope::Instrumentation,
];

/// Nanoseconds since 1970, both inclusive; none for all times.
type Times = Option<(i64, i64)>;

/// Most spans whose rows are read so that a range has no words of spans outside it; of more, the words of whole blocks are told.
const EXACT_SPANS_MAX: usize = 1 << 16;

/// Is shown a table and rows of it, and answers whether it wants more.
type Visit<'v> = dyn FnMut(&Table, &[usize]) -> Result<bool, ApiError> + 'v;

/// The names of all kinds and statuses.
pub(crate) const KINDS: [&str; 6] = [
    "unspecified",
    "internal",
    "server",
    "client",
    "producer",
    "consumer",
];
pub(crate) const STATUSES: [&str; 3] = ["unset", "ok", "error"];

/// Values of an attribute or intrinsic.
pub(crate) enum Values {
    /// Of any type.
    Any(Vec<Value>),
    /// Keywords of the language.
    Keywords(&'static [&'static str]),
}

impl Asking<'_> {
    /// The names of attributes by scope, sorted; times leave those of spans that overlap them, `query` those of spans that match.
    ///
    /// # Errors
    /// Those of reading and of the query.
    pub(crate) fn attribute_names(
        &self,
        query: Option<&Query>,
        times: Times,
    ) -> Result<Vec<(AttributeScope, Arc<str>)>, ApiError> {
        let (parts, astride) = self.parts(query, times)?;
        let mut names = match query {
            None => self.snapshot.attribute_names(times, astride)?,
            Some(_) => Vec::new(),
        };
        let mut missing = Vec::new();
        if !parts.is_empty() {
            missing = self.snapshot.attribute_names(None, Astride::Told)?;
            missing.retain(|name| names.binary_search(name).is_err());
        }
        self.each_part(query, times, &parts, &mut |table, rows| {
            let mut still = Vec::with_capacity(missing.len());
            for (scope, key) in std::mem::take(&mut missing) {
                let column = table.column(&Field::Attribute {
                    scope,
                    key: Arc::clone(&key),
                })?;
                match rows.iter().any(|row| is_present(&column, *row)) {
                    true => names.push((scope, key)),
                    false => still.push((scope, key)),
                }
            }
            missing = still;
            Ok(!missing.is_empty())
        })?;
        names.sort();
        Ok(names)
    }

    /// The parts whose rows are to be read, those of spans that a query asks for or of what lies in the times in part, and what
    /// is to be told of the latter beside them. Of many spans no rows are read.
    fn parts(&self, query: Option<&Query>, times: Times) -> Result<(Vec<scan::Part>, Astride), ApiError> {
        let pieces: Vec<Times> = match (query, times) {
            (Some(_), times) => vec![times],
            (None, Some(times)) => self.snapshot.astride(times).into_iter().map(Some).collect(),
            (None, None) => Vec::new(),
        };
        let mut parts = Vec::new();
        for piece in pieces {
            parts.extend(self.snapshot.scan(&Scan {
                times: piece,
                by: ScanBy::Overlap,
                need: query.map(need).unwrap_or_default(),
            })?);
        }
        let rows: usize = parts.iter().map(|part| part.rows).sum();
        if query.is_none() && rows > EXACT_SPANS_MAX {
            return Ok((Vec::new(), Astride::Told));
        }
        Ok((parts, Astride::LeftOut))
    }

    /// Shows tables to `visit` with their rows of spans that match and overlap the times, while it answers that it wants more.
    fn each_part(
        &self,
        query: Option<&Query>,
        times: Times,
        parts: &[scan::Part],
        visit: &mut Visit<'_>,
    ) -> Result<(), ApiError> {
        for part in parts {
            self.check()?;
            let Some(table) = part.load()? else { continue };
            let mut rows = match query {
                Some(query) => self.matching_rows(part, &table, query, times)?,
                None => (0..table.rows()).collect(),
            };
            if let Some((first, last)) = times {
                let (starts, durations) = (table.starts()?, table.durations()?);
                let end = |row: usize| starts[row].saturating_add(durations[row].max(0));
                rows.retain(|row| starts[*row] <= last && end(*row) >= first);
            }
            if !rows.is_empty() && !visit(&table, &rows)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The rows of a part's spans that match a query.
    fn matching_rows(
        &self,
        part: &scan::Part,
        table: &Table,
        query: &Query,
        times: Times,
    ) -> Result<Vec<usize>, ApiError> {
        let options = SearchOptions {
            limit: usize::MAX,
            spans_per_spanset: 0,
            times,
        };
        let found = self.search_in(&[Part::of(part)], query, &options)?;
        let sets = found.traces.into_iter().flat_map(|trace| trace.spansets);
        let spans = sets.flat_map(|set| set.spans);
        let wanted: HashSet<(i64, SpanId)> = spans.map(|span| (span.start, span.id)).collect();
        let (starts, ids) = (table.starts()?, table.span_ids()?);
        let matches = |row: &usize| wanted.contains(&(starts[*row], ids[*row]));
        Ok((0..table.rows()).filter(matches).collect())
    }

    /// The values of an attribute, sorted, at most `limit`; times leave those of spans that overlap them, `query` those of
    /// spans that match.
    ///
    /// # Errors
    /// Those of reading and of the query.
    pub(crate) fn attribute_values(
        &self,
        attribute: &Attribute,
        query: Option<&Query>,
        times: Times,
        limit: usize,
    ) -> Result<Values, ApiError> {
        let fields = match attribute {
            Attribute::Intrinsic(Intrinsic::Status) => return Ok(Values::Keywords(&STATUSES)),
            Attribute::Intrinsic(Intrinsic::Kind) => return Ok(Values::Keywords(&KINDS)),
            Attribute::Intrinsic(Intrinsic::TraceRootName) => {
                return self.root_values(&Field::Name, query, times, limit);
            }
            Attribute::Intrinsic(Intrinsic::TraceRootService) => {
                return self.root_values(&service_field(), query, times, limit);
            }
            other => fields_of(other),
        };
        let mut all = Vec::new();
        let (parts, astride) = self.parts(query, times)?;
        if query.is_none() {
            for field in &fields {
                all.extend(self.snapshot.attribute_values(field, (times, astride), limit)?);
            }
        }
        self.each_part(query, times, &parts, &mut |table, rows| {
            for field in &fields {
                add_values(&table.column(field)?, rows.iter().copied(), &mut all);
            }
            all = distinct(std::mem::take(&mut all), usize::MAX);
            Ok(true)
        })?;
        if let Attribute::Intrinsic(_) = attribute {
            // No name is nothing to choose.
            all.retain(|value| !matches!(value, Value::String(text) if text.is_empty()));
        }
        Ok(Values::Any(distinct(all, limit)))
    }

    /// The values that the root spans of traces have.
    fn root_values(
        &self,
        field: &Field,
        query: Option<&Query>,
        times: Times,
        limit: usize,
    ) -> Result<Values, ApiError> {
        if let Some(query) = query {
            let options = SearchOptions {
                limit: usize::MAX,
                spans_per_spanset: 1,
                times,
            };
            let found = self.search(query, &options)?.traces.into_iter();
            let values: Vec<Value> = match field {
                Field::Name => found.filter_map(|t| t.root_name).map(Value::String).collect(),
                _ => found.filter_map(|t| t.root_service).map(Value::String).collect(),
            };
            return Ok(Values::Any(distinct(values, limit)));
        }
        let asked = Scan {
            times,
            by: ScanBy::Overlap,
            need: Vec::new(),
        };
        let mut values = BTreeSet::new();
        for part in self.snapshot.scan(&asked)? {
            self.check()?;
            let Some(table) = part.load()? else { continue };
            let column = table.column(field)?;
            for root in table.traces()?.iter().filter_map(|run| run.root) {
                values.extend(super::services::text_at(&column, root as usize).map(|text| text.into_owned()));
            }
        }
        let values = values.into_iter().map(|text| Value::String(text.into()));
        Ok(Values::Any(values.take(limit).collect()))
    }
}

/// Adds the values of rows, those of codes once.
fn add_values(column: &Column, rows: impl Iterator<Item = usize>, into: &mut Vec<Value>) {
    match column {
        Column::Absent => {}
        Column::Coded { codes, values } => {
            let mut seen = vec![false; values.len()];
            for row in rows {
                if let Some(seen) = seen.get_mut(codes[row] as usize) {
                    *seen = true;
                }
            }
            let found = values.iter().zip(seen).filter(|(_, seen)| *seen);
            into.extend(found.filter_map(|(value, _)| value.clone()));
        }
        Column::Ints { values, present } => {
            let there = rows.filter(|row| present.as_ref().is_none_or(|present| present[*row]));
            into.extend(there.map(|row| Value::Int(values[row])));
        }
        Column::Doubles { values, present } => {
            let there = rows.filter(|row| present.as_ref().is_none_or(|present| present[*row]));
            into.extend(there.map(|row| Value::Double(values[row])));
        }
        Column::Many { firsts, inner } => {
            let places = rows.flat_map(|row| firsts[row] as usize..firsts[row + 1] as usize);
            // Collected, because a column within a column would make the type of the rows endless.
            let places: Vec<usize> = places.collect();
            add_values(inner, places.into_iter(), into);
        }
    }
}

/// True when a row has a value.
fn is_present(column: &Column, row: usize) -> bool {
    match column {
        Column::Absent => false,
        Column::Coded { codes, values } => values.get(codes[row] as usize).is_some_and(Option::is_some),
        Column::Ints { present, .. } => present.as_ref().is_none_or(|present| present[row]),
        Column::Doubles { present, .. } => present.as_ref().is_none_or(|present| present[row]),
        Column::Many { firsts, inner } => {
            (firsts[row]..firsts[row + 1]).any(|place| is_present(inner, place as usize))
        }
    }
}

/// The fields that have an attribute's values; none for those whose values are of no use to who types.
fn fields_of(attribute: &Attribute) -> Vec<Field> {
    match attribute {
        Attribute::Named { scope, name, .. } => scopes_of(*scope)
            .iter()
            .map(|scope| Field::Attribute {
                scope: *scope,
                key: name.as_str().into(),
            })
            .collect(),
        Attribute::Intrinsic(intrinsic) => match intrinsic {
            Intrinsic::Name => vec![Field::Name],
            Intrinsic::StatusMessage => vec![Field::StatusMessage],
            Intrinsic::EventName => vec![Field::EventName],
            Intrinsic::InstrumentationName => vec![Field::ScopeName],
            Intrinsic::InstrumentationVersion => vec![Field::ScopeVersion],
            _ => Vec::new(),
        },
    }
}

fn scopes_of(scope: Scope) -> &'static [AttributeScope] {
    match scope {
        Scope::Any => &SCOPES,
        Scope::Span => &SCOPES[..1],
        Scope::Resource => &SCOPES[1..2],
        Scope::Event => &SCOPES[2..3],
        Scope::Link => &SCOPES[3..4],
        Scope::Instrumentation => &SCOPES[4..],
    }
}

/// Each value once, sorted by type and value; those of lists instead of lists.
fn distinct(values: Vec<Value>, limit: usize) -> Vec<Value> {
    let mut flat = Vec::with_capacity(values.len());
    for value in values {
        match value {
            Value::Array(items) => flat.extend(items.iter().cloned()),
            other => flat.push(other),
        }
    }
    flat.sort_by(Value::order);
    flat.dedup_by(|a, b| a.order(b).is_eq());
    flat.truncate(limit);
    flat
}
