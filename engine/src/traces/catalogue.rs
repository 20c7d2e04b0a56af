//! Names and values of attributes, from the vocabularies and dictionaries of the blocks and heads that overlap a time range.
//! Rows are read only of columns that have no dictionary. Which blocks and heads overlap it in part is told; who wants no words
//! of spans outside it leaves them out and scans their rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::block::column::Narrow;
use super::block::details::stream;
use super::block::index::{doubles, numbers, strings};
use super::block::rows::GroupRows;
use super::block::schema::Storage;
use super::head::State;
use super::layout::{ColumnName, Extra, Owner, is_interned};
use super::signal::Traces;
use super::table::columns::{class_values, is_of_class};
use super::table::head::class_value;
use super::table::{AttributeScope, Field};
use super::value::{Value, ValueKind};
use super::vocabulary::Vocabulary;
use super::{blob, model::Attribute};
use crate::error::Result;
use crate::store::{Block, Snapshot};

/// First and last time in nanoseconds since 1970.
pub type Times = Option<(i64, i64)>;

/// What becomes of blocks and heads of which some spans may overlap the times and others do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Astride {
    /// All of their words are told.
    Told,
    /// None are.
    LeftOut,
}

impl Snapshot<Traces> {
    /// The times, cut to those asked for, of blocks and heads that are [`Astride`]. Sorted, and apart from each other.
    pub fn astride(&self, (first, last): (i64, i64)) -> Vec<(i64, i64)> {
        let times = Some((first, last));
        let blocks = self.blocks.iter().map(|block| extent_of_block(block));
        let heads = self.heads.iter().map(|head| extent_of_head(&head.state.read()));
        let in_part = blocks
            .chain(heads)
            .filter(|extent| extent.overlaps(times) && !extent.is_within(times));
        let mut pieces: Vec<(i64, i64)> = in_part
            .map(|extent| (extent.first.max(first), extent.last.min(last)))
            .collect();
        pieces.sort_unstable();
        let mut apart: Vec<(i64, i64)> = Vec::with_capacity(pieces.len());
        for piece in pieces {
            match apart.last_mut() {
                Some(before) if piece.0 <= before.1 => before.1 = before.1.max(piece.1),
                _ => apart.push(piece),
            }
        }
        apart
    }

    /// The names of attributes by whose they are, sorted.
    ///
    /// # Errors
    /// What reading a block can bring.
    pub fn attribute_names(&self, times: Times, astride: Astride) -> Result<Vec<(AttributeScope, Arc<str>)>> {
        let mut names = BTreeSet::new();
        for block in self.chosen(times, astride) {
            let (file, index) = (block.file(), block.index());
            let vocabulary = &index.schema.vocabulary;
            let used = |n: usize| index.schema.counts[n] > 0;
            add_columns(vocabulary, used, &mut names);
            for n in 0..vocabulary.resources.len() as u32 {
                add_names(
                    AttributeScope::Resource,
                    &index.resource(file, n)?.attributes,
                    &mut names,
                );
            }
            for n in 0..vocabulary.scopes.len() as u32 {
                add_names(
                    AttributeScope::Instrumentation,
                    &index.scope(file, n)?.attributes,
                    &mut names,
                );
            }
        }
        for head in &self.heads {
            let state = head.state.read();
            if times.is_some() && !extent_of_head(&state).is_chosen(times, astride) {
                continue;
            }
            let vocabulary = &state.vocabulary;
            add_columns(vocabulary, |_| true, &mut names);
            for bytes in vocabulary.resources.iter() {
                let resource = blob::resource(bytes).unwrap_or_default();
                add_names(AttributeScope::Resource, &resource.attributes, &mut names);
            }
            for bytes in vocabulary.scopes.iter() {
                let scope = blob::scope(bytes).unwrap_or_default();
                add_names(AttributeScope::Instrumentation, &scope.attributes, &mut names);
            }
        }
        Ok(names.into_iter().collect())
    }

    /// The distinct values of a field, sorted by kind and value; when there are more than `limit`, so many of them.
    ///
    /// # Errors
    /// What reading a block can bring.
    pub fn attribute_values(
        &self,
        field: &Field,
        (times, astride): (Times, Astride),
        limit: usize,
    ) -> Result<Vec<Value>> {
        let mut found = Found::new(limit);
        for block in self.chosen(times, astride) {
            add_block(block, field, times, &mut found)?;
        }
        for head in &self.heads {
            let state = head.state.read();
            if times.is_none() || extent_of_head(&state).is_chosen(times, astride) {
                add_head(&state, field, &mut found);
            }
        }
        Ok(found.finish())
    }

    fn chosen(&self, times: Times, astride: Astride) -> impl Iterator<Item = &Arc<Block<Traces>>> {
        let all = self.blocks.iter();
        all.filter(move |block| times.is_none() || extent_of_block(block).is_chosen(times, astride))
    }
}

/// Where the spans of a block or a head lie in time.
struct Extent {
    /// The first start of a span.
    first: i64,
    /// The last start of a span.
    last_start: i64,
    /// The last start or end.
    last: i64,
}

impl Extent {
    /// True when some span may overlap the times.
    fn overlaps(&self, times: Times) -> bool {
        times.is_none_or(|(first, last)| self.first <= last && self.last >= first)
    }

    fn is_chosen(&self, times: Times, astride: Astride) -> bool {
        match astride {
            Astride::Told => self.overlaps(times),
            Astride::LeftOut => self.is_within(times),
        }
    }

    /// True when every span overlaps the times.
    fn is_within(&self, times: Times) -> bool {
        times.is_none_or(|(first, last)| self.first >= first && self.last_start <= last)
    }
}

fn extent_of_block(block: &Block<Traces>) -> Extent {
    let groups = &block.index().groups;
    let last_start = groups.iter().map(|g| g.last_span_start).max();
    let last_end = groups.iter().map(|g| g.last_end).max();
    Extent {
        first: groups.iter().map(|g| g.first_start).min().unwrap_or(i64::MAX),
        last_start: last_start.unwrap_or(i64::MIN),
        last: last_start.max(last_end).unwrap_or(i64::MIN),
    }
}

fn extent_of_head(state: &State) -> Extent {
    let starts = &state.spans.start;
    Extent {
        first: starts.iter().copied().min().unwrap_or(i64::MAX),
        last_start: starts.iter().copied().max().unwrap_or(i64::MIN),
        last: state.traces.iter().map(|t| t.end).max().unwrap_or(i64::MIN),
    }
}

fn add_columns(
    vocabulary: &Vocabulary,
    used: impl Fn(usize) -> bool,
    names: &mut BTreeSet<(AttributeScope, Arc<str>)>,
) {
    for (n, column) in vocabulary.columns().iter().enumerate() {
        let scope = match column.key.owner {
            Owner::Span => AttributeScope::Span,
            Owner::Event => AttributeScope::Event,
            Owner::Link => AttributeScope::Link,
        };
        if let ColumnName::Attribute(name) = &column.key.name
            && used(n)
        {
            names.insert((scope, Arc::from(&**name)));
        }
    }
}

fn add_names(
    scope: AttributeScope,
    attributes: &[Attribute],
    names: &mut BTreeSet<(AttributeScope, Arc<str>)>,
) {
    names.extend(attributes.iter().map(|a| (scope, a.key.clone())));
}

/// Values found so far; repeats are dropped when there are many, and at the end. Most come in order, which sorting uses.
struct Found {
    limit: usize,
    values: Vec<Value>,
    /// The number of values at which repeats are dropped.
    most: usize,
}

/// Least number of values at which repeats are dropped.
const MOST_MIN: usize = 1 << 16;

impl Found {
    fn new(limit: usize) -> Found {
        Found {
            limit,
            values: Vec::new(),
            most: MOST_MIN,
        }
    }

    fn add(&mut self, value: Value) {
        if let Value::Array(items) = &value {
            items.iter().for_each(|item| self.add(item.clone()));
            return;
        }
        self.values.push(value);
        if self.values.len() >= self.most {
            self.settle();
            self.most = MOST_MIN.max(self.values.len() * 2);
        }
    }

    /// True when there are as many different values as are wanted.
    fn is_full(&mut self) -> bool {
        if self.values.len() < self.limit {
            return false;
        }
        self.settle();
        self.values.len() >= self.limit
    }

    fn settle(&mut self) {
        self.values.sort_by(Value::order);
        self.values.dedup_by(|a, b| a.order(b).is_eq());
    }

    fn finish(mut self) -> Vec<Value> {
        self.settle();
        self.values.truncate(self.limit);
        self.values
    }
}

/// The owner and the name of the column that a field is, if it is one.
fn column_of(field: &Field) -> Option<(Owner, ColumnName)> {
    Some(match field {
        Field::StatusMessage => (Owner::Span, ColumnName::Extra(Extra::StatusMessage)),
        Field::TraceState => (Owner::Span, ColumnName::Extra(Extra::TraceState)),
        Field::Attribute { scope, key } => {
            let owner = match scope {
                AttributeScope::Span => Owner::Span,
                AttributeScope::Event => Owner::Event,
                AttributeScope::Link => Owner::Link,
                _ => return None,
            };
            (owner, ColumnName::Attribute((&**key).into()))
        }
        _ => return None,
    })
}

fn add_block(block: &Block<Traces>, field: &Field, times: Times, found: &mut Found) -> Result<()> {
    let (file, index) = (block.file(), block.index());
    let (first, last) = times.unwrap_or((i64::MIN, i64::MAX));
    let overlapping = index.groups.iter().enumerate();
    let overlapping =
        overlapping.filter(|(_, g)| g.first_start <= last && g.last_end.max(g.last_span_start) >= first);
    let groups: Vec<usize> = overlapping.map(|(n, _)| n).collect();
    let Some(any) = groups.first() else { return Ok(()) };
    if is_of_class(field) {
        let values = class_values(&GroupRows::open(file, index, *any)?, field)?;
        values.iter().flatten().for_each(|value| found.add(value.clone()));
        return Ok(());
    }
    if *field == Field::EventName {
        let names = index.schema.vocabulary.event_names.iter();
        names.for_each(|name| found.add(Value::String(super::assemble::text(name))));
        return Ok(());
    }
    let Some((owner, name)) = column_of(field) else {
        return Ok(());
    };
    for (n, column) in index.schema.vocabulary.columns().iter().enumerate() {
        if column.key.owner != owner || column.key.name != name {
            continue;
        }
        match &index.schema.storages[n] {
            Storage::Dictionary(dictionary) => {
                let mut left = found.limit;
                dictionary.each(file, 0, |_, bytes| {
                    if let Ok(value) = Value::from_payload(column.key.kind, bytes) {
                        found.add(value);
                    }
                    left = left.saturating_sub(1);
                    left > 0
                })?;
            }
            _ => {
                for group in &groups {
                    if found.is_full() {
                        break;
                    }
                    add_page(
                        &GroupRows::open(file, index, *group)?,
                        n as u32,
                        column.key.kind,
                        found,
                    )?;
                }
            }
        }
    }
    Ok(())
}

/// Adds the values of a page of a column without dictionary.
fn add_page(group: &GroupRows<'_>, column: u32, kind: ValueKind, found: &mut Found) -> Result<()> {
    let Some(stream) = group.details.stream(stream::COLUMNS + column) else {
        return Ok(());
    };
    match kind {
        ValueKind::Empty => {}
        ValueKind::Double => {
            let mut bits: Vec<u64> = doubles(group.file, stream)?
                .into_iter()
                .map(f64::to_bits)
                .collect();
            bits.sort_unstable();
            bits.dedup();
            bits.into_iter()
                .for_each(|b| found.add(Value::Double(f64::from_bits(b))));
        }
        ValueKind::Int | ValueKind::Bool => {
            let page = numbers(group.file, stream)?;
            let mut distinct = Vec::with_capacity(stream.count as usize);
            Narrow::of(&page).each(|n| distinct.push(n));
            distinct.sort_unstable();
            distinct.dedup();
            for n in distinct {
                found.add(if kind == ValueKind::Int {
                    Value::Int(n)
                } else {
                    Value::Bool(n != 0)
                });
            }
        }
        kind => {
            let strings = strings(group.file, stream)?;
            for n in 0..strings.len() {
                if let Ok(value) = Value::from_payload(kind, strings.get(n)) {
                    found.add(value);
                }
            }
        }
    }
    Ok(())
}

fn add_head(state: &State, field: &Field, found: &mut Found) {
    let vocabulary = &state.vocabulary;
    if is_of_class(field) {
        for class in vocabulary.spans.items() {
            if let Some(value) = class_value(vocabulary, class, field) {
                found.add(value);
            }
        }
        return;
    }
    if *field == Field::EventName {
        let names = vocabulary.event_names.iter();
        names.for_each(|name| found.add(Value::String(super::assemble::text(name))));
        return;
    }
    let Some((owner, name)) = column_of(field) else {
        return;
    };
    for (n, column) in vocabulary.columns().iter().enumerate() {
        if column.key.owner != owner || column.key.name != name {
            continue;
        }
        if is_interned(column.key.kind) {
            for bytes in column.values.iter() {
                if let Ok(value) = Value::from_payload(column.key.kind, bytes) {
                    found.add(value);
                }
            }
        } else {
            state.each_cell(owner, n as u32, |value| found.add(value));
        }
    }
}
