//! Resources and instrumentation scopes as bytes: what makes two of them the same, and how records and blocks keep them.

use std::sync::Arc;

use super::model::{Attribute, EntityRef, Resource, Scope};
use super::value::{Value, ValueRef};
use crate::coding::{Malformed, Reader, put_bytes, put_svarint, put_uvarint};

/// Appends an attribute: key, kind, payload.
pub(super) fn put_attribute(out: &mut Vec<u8>, key: &str, value: ValueRef<'_>) {
    put_bytes(out, key.as_bytes());
    put_value(out, value);
}

fn put_value(out: &mut Vec<u8>, value: ValueRef<'_>) {
    use super::value::ValueKind;
    match value {
        ValueRef::Empty => out.push(ValueKind::Empty as u8),
        ValueRef::String(text) => {
            out.push(ValueKind::String as u8);
            put_bytes(out, text.as_bytes());
        }
        ValueRef::Bool(value) => out.extend_from_slice(&[ValueKind::Bool as u8, value.into()]),
        ValueRef::Int(value) => {
            out.push(ValueKind::Int as u8);
            put_svarint(out, value);
        }
        ValueRef::Double(value) => {
            out.push(ValueKind::Double as u8);
            out.extend_from_slice(&value.to_bits().to_le_bytes());
        }
        ValueRef::Bytes(bytes) => {
            out.push(ValueKind::Bytes as u8);
            put_bytes(out, bytes);
        }
        ValueRef::Nested(value) => value.encode(out),
    }
}

/// Appends a resource whose attributes are encoded already.
pub(super) fn put_resource(
    out: &mut Vec<u8>,
    attributes: (u32, &[u8]),
    dropped: u32,
    schema_url: &str,
    entity_refs: &[EntityRef],
) {
    put_uvarint(out, attributes.0.into());
    out.extend_from_slice(attributes.1);
    put_uvarint(out, dropped.into());
    put_bytes(out, schema_url.as_bytes());
    put_uvarint(out, entity_refs.len() as u64);
    for entity in entity_refs {
        put_bytes(out, entity.schema_url.as_bytes());
        put_bytes(out, entity.kind.as_bytes());
        for keys in [&entity.id_keys, &entity.description_keys] {
            put_uvarint(out, keys.len() as u64);
            keys.iter().for_each(|key| put_bytes(out, key.as_bytes()));
        }
    }
}

/// Appends an instrumentation scope whose attributes are encoded already.
pub(super) fn put_scope(
    out: &mut Vec<u8>,
    attributes: (u32, &[u8]),
    [name, version, schema_url]: [&str; 3],
    dropped: u32,
) {
    put_uvarint(out, attributes.0.into());
    out.extend_from_slice(attributes.1);
    for text in [name, version, schema_url] {
        put_bytes(out, text.as_bytes());
    }
    put_uvarint(out, dropped.into());
}

fn attributes(r: &mut Reader<'_>) -> Result<Vec<Attribute>, Malformed> {
    let mut attributes = Vec::new();
    for _ in 0..r.count(2)? {
        let key = Arc::from(r.str()?);
        attributes.push(Attribute {
            key,
            value: Value::decode(r)?,
        });
    }
    Ok(attributes)
}

/// Reads a resource.
pub(super) fn resource(bytes: &[u8]) -> Result<Resource, Malformed> {
    let mut r = Reader::new(bytes);
    let attributes = attributes(&mut r)?;
    let dropped_attributes = r.uvarint32()?;
    let schema_url = Arc::from(r.str()?);
    let mut entity_refs = Vec::new();
    for _ in 0..r.count(4)? {
        let mut entity = EntityRef {
            schema_url: Arc::from(r.str()?),
            kind: Arc::from(r.str()?),
            ..EntityRef::default()
        };
        for keys in [&mut entity.id_keys, &mut entity.description_keys] {
            for _ in 0..r.count(1)? {
                keys.push(Arc::from(r.str()?));
            }
        }
        entity_refs.push(entity);
    }
    end(&r)?;
    Ok(Resource {
        attributes,
        dropped_attributes,
        schema_url,
        entity_refs,
    })
}

/// Reads an instrumentation scope.
pub(super) fn scope(bytes: &[u8]) -> Result<Scope, Malformed> {
    let mut r = Reader::new(bytes);
    let scope = Scope {
        attributes: attributes(&mut r)?,
        name: Arc::from(r.str()?),
        version: Arc::from(r.str()?),
        schema_url: Arc::from(r.str()?),
        dropped_attributes: r.uvarint32()?,
    };
    end(&r)?;
    Ok(scope)
}

fn end(r: &Reader<'_>) -> Result<(), Malformed> {
    match r.remaining() {
        0 => Ok(()),
        _ => Err(Malformed("bytes behind a resource or scope")),
    }
}
