//! Puts whole traces together from rows of heads and blocks. Parts come in the order of the log: of two spans with the same
//! id, kind and start the one that was written first stays.

use std::sync::Arc;

use super::TraceId;
use super::block::cursor::{GroupCursor, Stored};
use super::block::schema::Storage;
use super::head::{Cells, State};
use super::layout::{ColumnName, Extra, Owner, wide};
use super::model::{Attribute, Event, Link, Resource, Scope, Span, SpanId, Trace};
use super::value::{Value, ValueKind};
use super::{blob, value};
use crate::coding::Malformed;
use crate::error::Result;

/// A trace being put together.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    trace: Trace,
}

impl Assembly {
    pub(super) fn new(id: TraceId) -> Assembly {
        Assembly {
            trace: Trace {
                id,
                ..Trace::default()
            },
        }
    }

    fn resource(&mut self, resource: Resource) -> u32 {
        number(&mut self.trace.resources, resource)
    }

    fn scope(&mut self, scope: Scope) -> u32 {
        number(&mut self.trace.scopes, scope)
    }

    /// Adds rows of a head.
    pub(super) fn add_head(&mut self, state: &State, rows: &[u32]) {
        let vocabulary = &state.vocabulary;
        // What a head holds was encoded by this process or checked when its record was read.
        let mut resources = Memo::default();
        let mut scopes = Memo::default();
        for row in rows {
            let at = *row as usize;
            let class = vocabulary.spans.items()[state.spans.class[at] as usize];
            let resource = resources.number(class.resource, || {
                let bytes = vocabulary.resources.get(class.resource);
                self.resource(blob::resource(bytes).unwrap_or_default())
            });
            let scope = scopes.number(class.scope, || {
                let bytes = vocabulary.scopes.get(class.scope);
                self.scope(blob::scope(bytes).unwrap_or_default())
            });
            let start = state.spans.start[at];
            let mut span = Span {
                resource,
                scope,
                id: state.spans.id[at].to_le_bytes(),
                parent: state.spans.parent[at].to_le_bytes(),
                flags: class.flags,
                name: text(vocabulary.names.get(class.name)),
                kind: class.kind,
                start,
                end: start.wrapping_add(state.spans.duration[at]),
                status_code: class.status,
                ..Span::default()
            };
            let span_class = (Owner::Span, state.spans.class[at]);
            let cells = Cells::new(
                vocabulary,
                span_class,
                &state.spans.cells,
                state.spans.cells_at[at],
            );
            for (column, cell) in cells.iter() {
                match &vocabulary.columns()[column as usize].key.name {
                    ColumnName::Attribute(key) => {
                        span.attributes.push(attribute(key, cells.value(column, cell)))
                    }
                    ColumnName::Extra(Extra::Events) => {
                        let first = cell[1] as usize;
                        let events = first..first + cell[0] as usize;
                        span.events = events.map(|n| head_event(state, n, start)).collect();
                    }
                    ColumnName::Extra(Extra::Links) => {
                        let first = cell[1] as usize;
                        let links = first..first + cell[0] as usize;
                        span.links = links.map(|n| head_link(state, n)).collect();
                    }
                    ColumnName::Extra(extra) => set_extra(&mut span, *extra, cells.value(column, cell)),
                }
            }
            self.trace.spans.push(span);
        }
    }

    /// Adds the next `rows` rows of a group.
    pub(super) fn add_group(&mut self, cursor: &mut GroupCursor<'_>, rows: usize) -> Result<()> {
        let mut resources = Memo::default();
        let mut scopes = Memo::default();
        let (file, index) = (cursor.rows.file, cursor.rows.index);
        let vocabulary = &index.schema.vocabulary;
        for _ in 0..rows {
            let base = cursor.row()?;
            let class = vocabulary.spans.items()[base.class as usize];
            let resource = match resources.get(class.resource) {
                Some(n) => n,
                None => {
                    let resource = index.resource(file, class.resource)?;
                    let n = self.resource(Resource::clone(&resource));
                    resources.number(class.resource, || n)
                }
            };
            let scope = match scopes.get(class.scope) {
                Some(n) => n,
                None => {
                    let scope = index.scope(file, class.scope)?;
                    let n = self.scope(Scope::clone(&scope));
                    scopes.number(class.scope, || n)
                }
            };
            let mut span = Span {
                resource,
                scope,
                id: base.id,
                parent: base.parent,
                flags: class.flags,
                name: text(vocabulary.names.get(class.name)),
                kind: class.kind,
                start: base.start,
                end: base.start.wrapping_add(base.duration),
                status_code: class.status,
                ..Span::default()
            };
            let (mut events, mut links) = (0, 0);
            for column in &cursor.shape_of_span(base.class).columns {
                let value = stored_value(cursor, *column)?;
                match (&vocabulary.columns()[*column as usize].key.name, value) {
                    (ColumnName::Attribute(key), value) => span.attributes.push(attribute(key, value)),
                    (ColumnName::Extra(Extra::Events), Value::Int(n)) => events = n,
                    (ColumnName::Extra(Extra::Links), Value::Int(n)) => links = n,
                    (ColumnName::Extra(extra), value) => set_extra(&mut span, *extra, value),
                }
            }
            for _ in 0..events {
                span.events.push(group_event(cursor, base.start)?);
            }
            for _ in 0..links {
                span.links.push(group_link(cursor)?);
            }
            self.trace.spans.push(span);
        }
        Ok(())
    }

    /// The trace; none without spans.
    pub(super) fn finish(mut self) -> Option<Trace> {
        let spans = &mut self.trace.spans;
        spans.sort_by_key(|span| (span.start, span.id, span.kind));
        spans.dedup_by_key(|span| (span.start, span.id, span.kind));
        renumber(&mut self.trace.resources, &mut self.trace.spans, |span| {
            &mut span.resource
        });
        renumber(&mut self.trace.scopes, &mut self.trace.spans, |span| {
            &mut span.scope
        });
        (!self.trace.spans.is_empty()).then_some(self.trace)
    }
}

/// Numbers of the trace for numbers of a head or block.
#[derive(Default)]
struct Memo(Vec<(u32, u32)>);

impl Memo {
    fn get(&self, n: u32) -> Option<u32> {
        self.0
            .iter()
            .find(|(known, _)| *known == n)
            .map(|(_, number)| *number)
    }

    fn number(&mut self, n: u32, make: impl FnOnce() -> u32) -> u32 {
        if let Some(number) = self.get(n) {
            return number;
        }
        let number = make();
        self.0.push((n, number));
        number
    }
}

fn number<T: PartialEq>(all: &mut Vec<T>, item: T) -> u32 {
    match all.iter().position(|known| *known == item) {
        Some(n) => n as u32,
        None => {
            all.push(item);
            all.len() as u32 - 1
        }
    }
}

/// Numbers items in the order of their first span, so that it does not matter where the spans came from.
fn renumber<T>(items: &mut Vec<T>, spans: &mut [Span], field: impl Fn(&mut Span) -> &mut u32) {
    let mut numbers = vec![u32::MAX; items.len()];
    let mut next = 0;
    for span in spans {
        let n = field(span);
        let number = &mut numbers[*n as usize];
        if *number == u32::MAX {
            *number = next;
            next += 1;
        }
        *n = *number;
    }
    let mut numbered: Vec<(u32, T)> = numbers.into_iter().zip(items.drain(..)).collect();
    numbered.retain(|(n, _)| *n != u32::MAX);
    numbered.sort_by_key(|(n, _)| *n);
    items.extend(numbered.into_iter().map(|(_, item)| item));
}

/// Text of a vocabulary, which holds nothing else in this place.
pub(super) fn text(bytes: &[u8]) -> Arc<str> {
    Arc::from(String::from_utf8_lossy(bytes))
}

fn attribute(key: &str, value: Value) -> Attribute {
    Attribute {
        key: Arc::from(key),
        value,
    }
}

fn set_extra(span: &mut Span, extra: Extra, value: Value) {
    match (extra, value) {
        (Extra::StatusMessage, Value::String(text)) => span.status_message = text,
        (Extra::TraceState, Value::String(text)) => span.trace_state = text,
        (Extra::DroppedAttributes, Value::Int(n)) => span.dropped_attributes = n as u32,
        (Extra::DroppedEvents, Value::Int(n)) => span.dropped_events = n as u32,
        (Extra::DroppedLinks, Value::Int(n)) => span.dropped_links = n as u32,
        _ => {}
    }
}

fn head_event(state: &State, n: usize, start: i64) -> Event {
    let (vocabulary, events) = (&state.vocabulary, &state.events);
    let class = events.class[n];
    let label = vocabulary.events.items()[class as usize].label;
    let mut event = Event {
        time: start.wrapping_add(events.time[n]),
        name: text(vocabulary.event_names.get(label)),
        ..Event::default()
    };
    let cells = Cells::new(
        vocabulary,
        (Owner::Event, class),
        &events.cells,
        events.cells_at[n],
    );
    for (column, cell) in cells.iter() {
        match &vocabulary.columns()[column as usize].key.name {
            ColumnName::Attribute(key) => event.attributes.push(attribute(key, cells.value(column, cell))),
            ColumnName::Extra(_) => event.dropped_attributes = wide(cell) as u32,
        }
    }
    event
}

fn head_link(state: &State, n: usize) -> Link {
    let (vocabulary, links) = (&state.vocabulary, &state.links);
    let class = links.class[n];
    let mut link = Link {
        trace_id: links.trace_id[n],
        span_id: links.span_id[n].to_le_bytes(),
        flags: vocabulary.links.items()[class as usize].label,
        ..Link::default()
    };
    let cells = Cells::new(vocabulary, (Owner::Link, class), &links.cells, links.cells_at[n]);
    for (column, cell) in cells.iter() {
        let value = cells.value(column, cell);
        add_to_link(&mut link, &vocabulary.columns()[column as usize].key.name, value);
    }
    link
}

fn add_to_link(link: &mut Link, name: &ColumnName, value: Value) {
    match (name, value) {
        (ColumnName::Attribute(key), value) => link.attributes.push(attribute(key, value)),
        (ColumnName::Extra(Extra::TraceState), Value::String(text)) => link.trace_state = text,
        (ColumnName::Extra(_), Value::Int(n)) => link.dropped_attributes = n as u32,
        _ => {}
    }
}

fn group_event(cursor: &mut GroupCursor<'_>, start: i64) -> Result<Event> {
    let vocabulary = &cursor.rows.index.schema.vocabulary;
    let (class, time) = cursor.event()?;
    let label = vocabulary.events.items()[class as usize].label;
    let mut event = Event {
        time: start.wrapping_add(time),
        name: text(vocabulary.event_names.get(label)),
        ..Event::default()
    };
    for column in &cursor.shape_of_item(Owner::Event, class).columns {
        let value = stored_value(cursor, *column)?;
        match (&vocabulary.columns()[*column as usize].key.name, value) {
            (ColumnName::Attribute(key), value) => event.attributes.push(attribute(key, value)),
            (ColumnName::Extra(_), Value::Int(n)) => event.dropped_attributes = n as u32,
            _ => {}
        }
    }
    Ok(event)
}

fn group_link(cursor: &mut GroupCursor<'_>) -> Result<Link> {
    let vocabulary = &cursor.rows.index.schema.vocabulary;
    let (class, trace_id, span_id): (u32, TraceId, SpanId) = cursor.link()?;
    let mut link = Link {
        trace_id,
        span_id,
        flags: vocabulary.links.items()[class as usize].label,
        ..Link::default()
    };
    for column in &cursor.shape_of_item(Owner::Link, class).columns {
        let value = stored_value(cursor, *column)?;
        add_to_link(&mut link, &vocabulary.columns()[*column as usize].key.name, value);
    }
    Ok(link)
}

/// The next value of a column as what it stands for.
fn stored_value(cursor: &mut GroupCursor<'_>, column: u32) -> Result<Value> {
    let (file, index) = (cursor.rows.file, cursor.rows.index);
    let kind = index.schema.vocabulary.columns()[column as usize].key.kind;
    let corrupt = |Malformed(what): Malformed| file.corrupt(column.into(), what);
    Ok(match (cursor.value(column)?, kind) {
        (_, ValueKind::Empty) | (Stored::Nothing, _) => Value::Empty,
        (Stored::Number(n), ValueKind::Bool) => Value::Bool(n != 0),
        (Stored::Number(n), ValueKind::Int) => Value::Int(n),
        (Stored::Double(n), _) => Value::Double(n),
        (Stored::Bytes(bytes), kind) => value::Value::from_payload(kind, bytes).map_err(corrupt)?,
        (Stored::Number(code), kind) => match &index.schema.storages[column as usize] {
            Storage::Dictionary(dictionary) => dictionary
                .with(file, code as u32, |bytes| Value::from_payload(kind, bytes))?
                .map_err(corrupt)?,
            _ => Value::Int(code),
        },
    })
}
