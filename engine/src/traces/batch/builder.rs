//! Builds a batch from what a decoder walks over, without keeping anything of it and without an allocation for each
//! attribute. What is pushed is expected to be checked: a rejected span must not be pushed in part.

use hashbrown::HashMap;

use super::super::blob;
use super::super::layout::{ColumnKey, ColumnName, Extra, ItemClass, Owner, SpanClass, put_wide};
use super::super::model::{EntityRef, SpanId};
use super::super::value::{Value, ValueKind, ValueRef};
use super::super::{TraceId, vocabulary::Vocabulary};
use super::Batch;

/// Whose attribute is pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The resource that is ended next.
    Resource,
    /// The instrumentation scope that is ended next.
    Scope,
    /// The span that is ended next.
    Span,
    /// The event that is ended next.
    Event,
    /// The link that is ended next.
    Link,
}

/// What a span has besides attributes, events and links.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpanFields<'a> {
    /// Number of its resource, from [`BatchBuilder::end_resource`].
    pub resource: u32,
    /// Number of its scope, from [`BatchBuilder::end_scope`].
    pub scope: u32,
    /// Trace.
    pub trace_id: TraceId,
    /// Identity.
    pub span_id: SpanId,
    /// Parent, zeros for none.
    pub parent: SpanId,
    /// W3C trace state.
    pub trace_state: &'a str,
    /// Trace flags.
    pub flags: u32,
    /// Name.
    pub name: &'a str,
    /// OTLP kind.
    pub kind: i32,
    /// Start in nanoseconds since 1970.
    pub start: i64,
    /// End in nanoseconds since 1970.
    pub end: i64,
    /// OTLP status code.
    pub status_code: i32,
    /// Text of the status.
    pub status_message: &'a str,
    /// Attributes that the sender left out.
    pub dropped_attributes: u32,
    /// Events that the sender left out.
    pub dropped_events: u32,
    /// Links that the sender left out.
    pub dropped_links: u32,
    /// Bytes of its message, for metrics about spans; not stored.
    pub size: u32,
}

/// Columns by kind and owner of one name; [`NONE`] where there is none yet.
type Slots = [u32; 8 * 3];
const NONE: u32 = u32::MAX;

/// Attributes of a row that is not ended.
#[derive(Debug, Default)]
struct Pending {
    columns: Vec<u32>,
    cells: Vec<u32>,
}

/// Attributes of a resource or scope that is not ended.
#[derive(Debug, Default)]
struct Encoded {
    count: u32,
    bytes: Vec<u8>,
}

impl Encoded {
    fn clear(&mut self) {
        self.count = 0;
        self.bytes.clear();
    }
}

/// A batch being built.
#[derive(Debug, Default)]
pub struct BatchBuilder {
    batch: Batch,
    slots: HashMap<Box<str>, Slots>,
    trace_numbers: HashMap<TraceId, u32>,
    rows: [Pending; 3],
    resource: Encoded,
    scope: Encoded,
    entity_refs: Vec<EntityRef>,
    pending_events: Vec<(u32, i64)>,
    pending_links: u32,
    scratch: Vec<u8>,
}

impl BatchBuilder {
    /// An empty batch.
    pub fn new() -> BatchBuilder {
        BatchBuilder::default()
    }

    /// Adds an attribute of what is ended next.
    pub fn attribute(&mut self, part: Part, key: &str, value: ValueRef<'_>) {
        let owner = match part {
            Part::Span => Owner::Span,
            Part::Event => Owner::Event,
            Part::Link => Owner::Link,
            Part::Resource | Part::Scope => {
                let into = if part == Part::Resource {
                    &mut self.resource
                } else {
                    &mut self.scope
                };
                into.count += 1;
                return blob::put_attribute(&mut into.bytes, key, value);
            }
        };
        let column = self.column(owner, key, kind_of(value));
        let pending = &mut self.rows[owner as usize];
        pending.columns.push(column);
        put_cells(
            &mut self.batch.vocabulary,
            column,
            value,
            &mut pending.cells,
            &mut self.scratch,
        );
    }

    fn column(&mut self, owner: Owner, key: &str, kind: ValueKind) -> u32 {
        let slot = owner as usize * 8 + kind as usize;
        if let Some(slots) = self.slots.get(key)
            && slots[slot] != NONE
        {
            return slots[slot];
        }
        let n = self.batch.vocabulary.column(ColumnKey {
            owner,
            name: ColumnName::Attribute(key.into()),
            kind,
        });
        self.slots.entry(key.into()).or_insert([NONE; 24])[slot] = n;
        n
    }

    /// Adds an entity of the resource that is ended next.
    pub fn entity_ref(&mut self, entity: EntityRef) {
        self.entity_refs.push(entity);
    }

    /// Ends a resource; the number is for [`SpanFields`].
    pub fn end_resource(&mut self, dropped_attributes: u32, schema_url: &str) -> u32 {
        self.scratch.clear();
        let attributes = (self.resource.count, self.resource.bytes.as_slice());
        let entities = std::mem::take(&mut self.entity_refs);
        blob::put_resource(
            &mut self.scratch,
            attributes,
            dropped_attributes,
            schema_url,
            &entities,
        );
        self.resource.clear();
        self.batch.vocabulary.resources.intern(&self.scratch)
    }

    /// Ends an instrumentation scope; the number is for [`SpanFields`].
    pub fn end_scope(&mut self, name: &str, version: &str, dropped_attributes: u32, schema_url: &str) -> u32 {
        self.scratch.clear();
        let attributes = (self.scope.count, self.scope.bytes.as_slice());
        let texts = [name, version, schema_url];
        blob::put_scope(&mut self.scratch, attributes, texts, dropped_attributes);
        self.scope.clear();
        self.batch.vocabulary.scopes.intern(&self.scratch)
    }

    /// Ends an event of the span that is ended next. `time` is in nanoseconds since 1970.
    pub fn end_event(&mut self, time: i64, name: &str, dropped_attributes: u32) {
        self.extra(Owner::Event, Extra::DroppedAttributes, dropped_attributes.into());
        let vocabulary = &mut self.batch.vocabulary;
        let pending = &mut self.rows[Owner::Event as usize];
        let label = vocabulary.event_names.intern(name.as_bytes());
        let shape = vocabulary.shape(&pending.columns);
        let class = vocabulary.events.number(ItemClass { label, shape });
        self.batch.events.cells.append(&mut pending.cells);
        pending.columns.clear();
        self.pending_events.push((class, time));
    }

    /// Ends a link of the span that is ended next.
    pub fn end_link(
        &mut self,
        trace_id: TraceId,
        span_id: SpanId,
        trace_state: &str,
        flags: u32,
        dropped_attributes: u32,
    ) {
        self.text_extra(Owner::Link, Extra::TraceState, trace_state);
        self.extra(Owner::Link, Extra::DroppedAttributes, dropped_attributes.into());
        let vocabulary = &mut self.batch.vocabulary;
        let pending = &mut self.rows[Owner::Link as usize];
        let shape = vocabulary.shape(&pending.columns);
        let class = vocabulary.links.number(ItemClass { label: flags, shape });
        let links = &mut self.batch.links;
        links.cells.append(&mut pending.cells);
        pending.columns.clear();
        links.class.push(class);
        links.trace_id.push(trace_id);
        links.span_id.push(u64::from_le_bytes(span_id));
        self.pending_links += 1;
    }

    /// Ends a span.
    pub fn end_span(&mut self, fields: &SpanFields<'_>) {
        let owner = Owner::Span;
        self.text_extra(owner, Extra::StatusMessage, fields.status_message);
        self.text_extra(owner, Extra::TraceState, fields.trace_state);
        self.extra(owner, Extra::DroppedAttributes, fields.dropped_attributes.into());
        self.extra(owner, Extra::DroppedEvents, fields.dropped_events.into());
        self.extra(owner, Extra::DroppedLinks, fields.dropped_links.into());
        self.extra(owner, Extra::Events, self.pending_events.len() as u64);
        self.extra(owner, Extra::Links, self.pending_links.into());
        self.pending_links = 0;
        let trace = self.trace(fields.trace_id);
        let vocabulary = &mut self.batch.vocabulary;
        let pending = &mut self.rows[owner as usize];
        let class = SpanClass {
            resource: fields.resource,
            scope: fields.scope,
            name: vocabulary.names.intern(fields.name.as_bytes()),
            kind: fields.kind,
            status: fields.status_code,
            flags: fields.flags,
            shape: vocabulary.shape(&pending.columns),
        };
        pending.columns.clear();
        let events = &mut self.batch.events;
        for (class, time) in self.pending_events.drain(..) {
            events.class.push(class);
            events.time.push(time.wrapping_sub(fields.start));
        }
        let spans = &mut self.batch.spans;
        spans.cells.append(&mut pending.cells);
        spans.class.push(vocabulary.spans.number(class));
        spans.trace.push(trace);
        spans.id.push(u64::from_le_bytes(fields.span_id));
        spans.parent.push(u64::from_le_bytes(fields.parent));
        spans.start.push(fields.start);
        spans.duration.push(fields.end.wrapping_sub(fields.start));
        self.batch.sizes.push(fields.size);
    }

    fn trace(&mut self, id: TraceId) -> u32 {
        let last = self.batch.spans.trace.last();
        if let Some(last) = last.filter(|last| self.batch.traces[**last as usize] == id) {
            return *last;
        }
        let next = self.batch.traces.len() as u32;
        let n = *self.trace_numbers.entry(id).or_insert(next);
        if n == next {
            self.batch.traces.push(id);
        }
        n
    }

    fn extra(&mut self, owner: Owner, extra: Extra, n: u64) {
        if n != 0 {
            let column = self.extra_column(owner, extra);
            let pending = &mut self.rows[owner as usize];
            pending.columns.push(column);
            put_wide(&mut pending.cells, n);
        }
    }

    fn text_extra(&mut self, owner: Owner, extra: Extra, text: &str) {
        if !text.is_empty() {
            let column = self.extra_column(owner, extra);
            let values = &mut self.batch.vocabulary.column_mut(column).values;
            let cell = values.intern(text.as_bytes());
            let pending = &mut self.rows[owner as usize];
            pending.columns.push(column);
            pending.cells.push(cell);
        }
    }

    fn extra_column(&mut self, owner: Owner, extra: Extra) -> u32 {
        self.batch.vocabulary.column(ColumnKey {
            owner,
            name: ColumnName::Extra(extra),
            kind: extra.kind(),
        })
    }

    /// Spans ended so far.
    pub fn span_count(&self) -> usize {
        self.batch.len()
    }

    /// The batch. The builder is empty then and keeps some of its memory.
    pub fn finish(&mut self) -> Batch {
        self.slots.clear();
        self.trace_numbers.clear();
        std::mem::take(&mut self.batch)
    }
}

fn kind_of(value: ValueRef<'_>) -> ValueKind {
    match value {
        ValueRef::Empty => ValueKind::Empty,
        ValueRef::String(_) => ValueKind::String,
        ValueRef::Bool(_) => ValueKind::Bool,
        ValueRef::Int(_) => ValueKind::Int,
        ValueRef::Double(_) => ValueKind::Double,
        ValueRef::Bytes(_) => ValueKind::Bytes,
        ValueRef::Nested(value) => value.kind(),
    }
}

fn put_cells(
    vocabulary: &mut Vocabulary,
    column: u32,
    value: ValueRef<'_>,
    cells: &mut Vec<u32>,
    scratch: &mut Vec<u8>,
) {
    let mut intern = |bytes: &[u8]| vocabulary.column_mut(column).values.intern(bytes);
    match value {
        ValueRef::Empty => {}
        ValueRef::Bool(value) => cells.push(value.into()),
        ValueRef::Int(value) => put_wide(cells, value.cast_unsigned()),
        ValueRef::Double(value) => put_wide(cells, value.to_bits()),
        ValueRef::String(text) => cells.push(intern(text.as_bytes())),
        ValueRef::Bytes(bytes) => cells.push(intern(bytes)),
        ValueRef::Nested(value @ (Value::Array(_) | Value::KvList(_))) => {
            scratch.clear();
            value.encode_items(scratch);
            cells.push(intern(scratch));
        }
        ValueRef::Nested(value) => put_cells(vocabulary, column, value.borrowed(), cells, scratch),
    }
}
