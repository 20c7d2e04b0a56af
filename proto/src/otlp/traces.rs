//! Spans of OTLP (opentelemetry-proto `trace/v1`), walked level by level: resources, scopes, spans, events and links.
//! Everything borrows from the body; attributes stay bytes until somebody asks for them. Not for what is wrong with the
//! content of a span, such as an id of another length.

mod span;

pub use span::{Event, Events, Link, Links, Span};

use super::KeyValues;
use crate::error::Result;
use crate::quick;
use crate::wire::Reader;

/// An `ExportTraceServiceRequest`.
#[derive(Debug, Clone)]
pub struct Request<'a>(Reader<'a>);

/// The spans of one resource.
#[derive(Debug, Clone)]
pub struct ResourceSpans<'a> {
    /// The resource, with nothing in it when none was sent.
    pub resource: Resource<'a>,
    /// Schema of the resource.
    pub schema_url: &'a [u8],
    rest: Reader<'a>,
}

/// A resource.
#[derive(Debug, Clone, Default)]
pub struct Resource<'a> {
    /// Its attributes.
    pub attributes: KeyValues<'a>,
    /// Attributes that the sender dropped.
    pub dropped_attributes: u32,
    /// The entities that it is made of.
    pub entity_refs: Vec<EntityRef<'a>>,
}

/// An entity that a resource refers to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntityRef<'a> {
    /// Schema of the keys.
    pub schema_url: &'a [u8],
    /// Its type.
    pub kind: &'a [u8],
    /// Keys of the resource's attributes that identify it.
    pub id_keys: Vec<&'a [u8]>,
    /// Keys of the resource's attributes that describe it.
    pub description_keys: Vec<&'a [u8]>,
}

/// The spans of one instrumentation scope.
#[derive(Debug, Clone)]
pub struct ScopeSpans<'a> {
    /// The scope, with nothing in it when none was sent.
    pub scope: Scope<'a>,
    /// Schema of the spans.
    pub schema_url: &'a [u8],
    rest: Reader<'a>,
}

/// An instrumentation scope.
#[derive(Debug, Clone, Default)]
pub struct Scope<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// Its version.
    pub version: &'a [u8],
    /// Its attributes.
    pub attributes: KeyValues<'a>,
    /// Attributes that the sender dropped.
    pub dropped_attributes: u32,
}

impl<'a> Request<'a> {
    /// Reads a whole body.
    pub fn new(body: &'a [u8]) -> Request<'a> {
        Request(Reader::new(body))
    }

    /// The next resource, `None` at the end.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema.
    pub fn next_resource(&mut self) -> Result<Option<ResourceSpans<'a>>> {
        let Some(whole) = next_message(&mut self.0, 1)? else {
            return Ok(None);
        };
        let mut found = ResourceSpans {
            resource: Resource::default(),
            schema_url: b"",
            rest: whole.clone(),
        };
        // The schema stands behind the spans, and the resource may.
        let mut reader = whole;
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => found.resource = Resource::decode(field.message()?)?,
                3 => found.schema_url = field.bytes()?,
                _ => {}
            }
        }
        Ok(Some(found))
    }
}

impl<'a> Resource<'a> {
    pub(super) fn decode(mut reader: Reader<'a>) -> Result<Resource<'a>> {
        let mut resource = Resource {
            attributes: KeyValues::of(reader.rest(), 1),
            ..Resource::default()
        };
        while let Some(field) = reader.next_field()? {
            match field.number {
                2 => resource.dropped_attributes = field.varint()? as u32,
                3 => resource.entity_refs.push(EntityRef::decode(field.message()?)?),
                _ => {}
            }
        }
        Ok(resource)
    }
}

impl<'a> EntityRef<'a> {
    fn decode(mut reader: Reader<'a>) -> Result<EntityRef<'a>> {
        let mut entity = EntityRef::default();
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => entity.schema_url = field.bytes()?,
                2 => entity.kind = field.bytes()?,
                3 => entity.id_keys.push(field.bytes()?),
                4 => entity.description_keys.push(field.bytes()?),
                _ => {}
            }
        }
        Ok(entity)
    }
}

impl<'a> ResourceSpans<'a> {
    /// The next scope of this resource, `None` at the end.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema.
    pub fn next_scope(&mut self) -> Result<Option<ScopeSpans<'a>>> {
        let Some(whole) = next_message(&mut self.rest, 2)? else {
            return Ok(None);
        };
        let mut found = ScopeSpans {
            scope: Scope::default(),
            schema_url: b"",
            rest: whole.clone(),
        };
        let mut reader = whole;
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => found.scope = Scope::decode(field.message()?)?,
                3 => found.schema_url = field.bytes()?,
                2 => {
                    // Spans stand in one run, as a rule.
                    let run = quick::skip_run(reader.rest(), 0, 0x12).unwrap_or(0);
                    reader.advance(run);
                }
                _ => {}
            }
        }
        Ok(Some(found))
    }
}

impl<'a> Scope<'a> {
    pub(super) fn decode(mut reader: Reader<'a>) -> Result<Scope<'a>> {
        let mut scope = Scope {
            attributes: KeyValues::of(reader.rest(), 3),
            ..Scope::default()
        };
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => scope.name = field.bytes()?,
                2 => scope.version = field.bytes()?,
                4 => scope.dropped_attributes = field.varint()? as u32,
                _ => {}
            }
        }
        Ok(scope)
    }
}

impl<'a> ScopeSpans<'a> {
    /// The next span of this scope, `None` at the end.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema.
    #[inline]
    pub fn next_span(&mut self) -> Result<Option<Span<'a>>> {
        match next_message(&mut self.rest, 2)? {
            Some(reader) => Span::decode(reader).map(Some),
            None => Ok(None),
        }
    }
}

/// The next field of one number as a message.
pub(super) fn next_message<'a>(reader: &mut Reader<'a>, number: u32) -> Result<Option<Reader<'a>>> {
    while let Some(field) = reader.next_field()? {
        if field.number == number {
            return field.message().map(Some);
        }
    }
    Ok(None)
}

#[cfg(test)]
pub(crate) mod tests;
