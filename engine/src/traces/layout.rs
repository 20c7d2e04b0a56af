//! How rows are laid out in batches and heads: the columns of attributes, the shapes that say which columns a row has in
//! which order, and the classes that hold what many rows share.

use super::value::ValueKind;

/// Of what a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Owner {
    /// A span.
    Span = 0,
    /// An event.
    Event = 1,
    /// A link.
    Link = 2,
}

impl Owner {
    pub(super) const ALL: [Owner; 3] = [Owner::Span, Owner::Event, Owner::Link];

    pub(super) fn from_number(n: u8) -> Option<Owner> {
        Owner::ALL.get(usize::from(n)).copied()
    }
}

/// What besides attributes some rows have. Their columns come behind the attributes in a shape. The numbers are in the
/// formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Extra {
    /// Text of a span's status.
    StatusMessage = 1,
    /// W3C trace state of a span or link.
    TraceState = 2,
    /// Attributes that were left out.
    DroppedAttributes = 3,
    /// Events that were left out.
    DroppedEvents = 4,
    /// Links that were left out.
    DroppedLinks = 5,
    /// Number of events.
    Events = 6,
    /// Number of links.
    Links = 7,
}

impl Extra {
    pub(super) fn from_number(n: u8) -> Option<Extra> {
        Some(match n {
            1 => Extra::StatusMessage,
            2 => Extra::TraceState,
            3 => Extra::DroppedAttributes,
            4 => Extra::DroppedEvents,
            5 => Extra::DroppedLinks,
            6 => Extra::Events,
            7 => Extra::Links,
            _ => return None,
        })
    }

    pub(super) fn kind(self) -> ValueKind {
        match self {
            Extra::StatusMessage | Extra::TraceState => ValueKind::String,
            _ => ValueKind::Int,
        }
    }
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ColumnKey {
    pub(super) owner: Owner,
    pub(super) name: ColumnName,
    pub(super) kind: ValueKind,
}

/// Name of a column.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum ColumnName {
    /// An attribute.
    Attribute(Box<str>),
    /// Something else.
    Extra(Extra),
}

/// How many cells of 32 bits a value takes: strings and the like one, as the number of their bytes in the column.
pub(super) const fn width(kind: ValueKind) -> u32 {
    match kind {
        ValueKind::Empty => 0,
        ValueKind::Int | ValueKind::Double => 2,
        _ => 1,
    }
}

/// True for kinds whose values are kept once each and told by number.
pub(super) const fn is_interned(kind: ValueKind) -> bool {
    matches!(
        kind,
        ValueKind::String | ValueKind::Bytes | ValueKind::Array | ValueKind::KvList
    )
}

/// What many spans share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(super) struct SpanClass {
    /// Number of the resource.
    pub(super) resource: u32,
    /// Number of the instrumentation scope.
    pub(super) scope: u32,
    /// Number of the name.
    pub(super) name: u32,
    /// OTLP kind.
    pub(super) kind: i32,
    /// OTLP status code.
    pub(super) status: i32,
    /// Trace flags.
    pub(super) flags: u32,
    /// Number of the shape.
    pub(super) shape: u32,
}

/// What many events share, or many links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(super) struct ItemClass {
    /// Number of an event's name, flags of a link.
    pub(super) label: u32,
    /// Number of the shape.
    pub(super) shape: u32,
}

/// A 64-bit value in two cells.
#[inline]
pub(super) fn put_wide(cells: &mut Vec<u32>, n: u64) {
    cells.extend_from_slice(&[n as u32, (n >> 32) as u32]);
}

/// The value of two cells.
#[inline]
pub(super) fn wide(cells: &[u32]) -> u64 {
    u64::from(cells[0]) | u64::from(cells[1]) << 32
}
