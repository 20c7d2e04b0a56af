//! One whole trace with everything OTLP says of it, owned: what is read back and what tests send. Columns of many traces are
//! [`super::table`].

use std::sync::Arc;

use super::TraceId;
use super::value::Value;

/// Identity of a span within its trace; zeros name none.
pub type SpanId = [u8; 8];

/// A named value.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attribute {
    /// Name.
    pub key: Arc<str>,
    /// Value.
    pub value: Value,
}

/// What produced spans.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resource {
    /// Attributes in their order.
    pub attributes: Vec<Attribute>,
    /// Attributes that the sender left out.
    pub dropped_attributes: u32,
    /// Schema of the resource.
    pub schema_url: Arc<str>,
    /// Entities it is part of.
    pub entity_refs: Vec<EntityRef>,
}

/// A reference to an entity (OTLP `EntityRef`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EntityRef {
    /// Schema of the entity.
    pub schema_url: Arc<str>,
    /// Type of the entity.
    pub kind: Arc<str>,
    /// Attributes of the resource that identify it.
    pub id_keys: Vec<Arc<str>>,
    /// Attributes of the resource that describe it.
    pub description_keys: Vec<Arc<str>>,
}

/// An instrumentation scope.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scope {
    /// Name.
    pub name: Arc<str>,
    /// Version.
    pub version: Arc<str>,
    /// Schema of the spans.
    pub schema_url: Arc<str>,
    /// Attributes in their order.
    pub attributes: Vec<Attribute>,
    /// Attributes that the sender left out.
    pub dropped_attributes: u32,
}

/// A span. Times are nanoseconds since 1970.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Span {
    /// Number of its resource in the trace.
    pub resource: u32,
    /// Number of its scope in the trace.
    pub scope: u32,
    /// Identity.
    pub id: SpanId,
    /// Identity of its parent, zeros for none.
    pub parent: SpanId,
    /// W3C trace state.
    pub trace_state: Arc<str>,
    /// W3C trace flags and OTLP's own bits.
    pub flags: u32,
    /// Name.
    pub name: Arc<str>,
    /// OTLP `SpanKind`: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    pub kind: i32,
    /// Start.
    pub start: i64,
    /// End. May lie before the start.
    pub end: i64,
    /// Attributes in their order.
    pub attributes: Vec<Attribute>,
    /// Attributes that the sender left out.
    pub dropped_attributes: u32,
    /// Events in their order.
    pub events: Vec<Event>,
    /// Events that the sender left out.
    pub dropped_events: u32,
    /// Links in their order.
    pub links: Vec<Link>,
    /// Links that the sender left out.
    pub dropped_links: u32,
    /// OTLP `StatusCode`: 0 unset, 1 ok, 2 error.
    pub status_code: i32,
    /// Text of the status.
    pub status_message: Arc<str>,
}

/// Something that happened during a span.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Event {
    /// When, in nanoseconds since 1970.
    pub time: i64,
    /// Name.
    pub name: Arc<str>,
    /// Attributes in their order.
    pub attributes: Vec<Attribute>,
    /// Attributes that the sender left out.
    pub dropped_attributes: u32,
}

/// A pointer to another span.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Link {
    /// Trace of the other span.
    pub trace_id: TraceId,
    /// The other span.
    pub span_id: SpanId,
    /// W3C trace state.
    pub trace_state: Arc<str>,
    /// W3C trace flags and OTLP's own bits.
    pub flags: u32,
    /// Attributes in their order.
    pub attributes: Vec<Attribute>,
    /// Attributes that the sender left out.
    pub dropped_attributes: u32,
}

/// A whole trace.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trace {
    /// Identity.
    pub id: TraceId,
    /// Resources in the order of their first span.
    pub resources: Vec<Resource>,
    /// Scopes in the order of their first span.
    pub scopes: Vec<Scope>,
    /// Spans by start and id. No two have the same id, kind and start.
    pub spans: Vec<Span>,
}
