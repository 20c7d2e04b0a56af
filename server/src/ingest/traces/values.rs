//! Attributes of OTLP as the engine takes them. Strings and bytes stay in the body; lists within lists are built.

use std::ops::Range;
use std::sync::Arc;

use kymo_engine::traces::{BatchBuilder, Part, Value, ValueRef};
use kymo_proto::otlp::{AnyValue, KeyValues};

use super::{SpanFault, Stop};
use crate::ingest::Reason;

/// Lists within lists that are kept, as deep as the store reads them back.
const DEPTH_MAX: usize = 64;

/// Attributes that are known to be good.
#[derive(Default)]
pub(super) struct List<'a>(Vec<(&'a str, Held<'a>)>);

/// A value that borrows from the body where it can.
enum Held<'a> {
    Plain(ValueRef<'a>),
    Nested(Value),
}

impl<'a> List<'a> {
    /// Forgets what it has and takes these.
    pub(super) fn read(&mut self, attributes: KeyValues<'a>) -> Result<(), Stop> {
        self.clear();
        self.add(attributes)
    }

    /// Takes these too.
    #[inline]
    pub(super) fn add(&mut self, mut attributes: KeyValues<'a>) -> Result<(), Stop> {
        while let Some(found) = attributes.next_value()? {
            self.0.push((text(found.key)?, held(found.value)?));
        }
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Pushes some of them.
    #[inline]
    pub(super) fn push(&self, part: Part, range: Range<usize>, builder: &mut BatchBuilder) {
        for (key, value) in &self.0[range] {
            let value = match value {
                Held::Plain(value) => *value,
                Held::Nested(value) => ValueRef::Nested(value),
            };
            builder.attribute(part, key, value);
        }
    }
}

/// A string of the body.
#[inline]
pub(super) fn text(bytes: &[u8]) -> Result<&str, SpanFault> {
    std::str::from_utf8(bytes).map_err(|_| (Reason::SpanText, String::from_utf8_lossy(bytes).into_owned()))
}

#[inline]
fn held(value: AnyValue<'_>) -> Result<Held<'_>, Stop> {
    Ok(Held::Plain(match value {
        AnyValue::Empty => ValueRef::Empty,
        AnyValue::String(bytes) => ValueRef::String(text(bytes)?),
        AnyValue::Bool(value) => ValueRef::Bool(value),
        AnyValue::Int(value) => ValueRef::Int(value),
        AnyValue::Double(value) => ValueRef::Double(value),
        AnyValue::Bytes(bytes) => ValueRef::Bytes(bytes),
        nested => return owned(nested, 0).map(Held::Nested),
    }))
}

fn owned(value: AnyValue<'_>, depth: usize) -> Result<Value, Stop> {
    Ok(match value {
        AnyValue::Empty => Value::Empty,
        AnyValue::String(bytes) => Value::String(Arc::from(text(bytes)?)),
        AnyValue::Bool(value) => Value::Bool(value),
        AnyValue::Int(value) => Value::Int(value),
        AnyValue::Double(value) => Value::Double(value),
        AnyValue::Bytes(bytes) => Value::Bytes(Arc::from(bytes)),
        AnyValue::Array(_) | AnyValue::Map(_) if depth == DEPTH_MAX => {
            let fault = format!("values are nested deeper than {DEPTH_MAX}");
            return Err((Reason::SpanValueTooDeep, fault).into());
        }
        AnyValue::Array(mut values) => {
            let mut items = Vec::new();
            while let Some(value) = values.next_value()? {
                items.push(owned(value, depth + 1)?);
            }
            Value::Array(items.into())
        }
        AnyValue::Map(mut pairs) => {
            let mut items = Vec::new();
            while let Some(found) = pairs.next_value()? {
                items.push((Arc::from(text(found.key)?), owned(found.value, depth + 1)?));
            }
            Value::KvList(items.into())
        }
    })
}
