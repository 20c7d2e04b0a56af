//! Values of attributes with the types OTLP gives them, and their bytes in records and blocks. Not for comparing them as a
//! query language does.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::coding::{Malformed, Reader, put_bytes, put_svarint, put_uvarint};

/// Lists within lists that are read back; more is taken for corruption.
const DEPTH_MAX: usize = 64;

/// A value of an attribute (OTLP `AnyValue`).
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// A value that is not set.
    #[default]
    Empty,
    /// Text.
    String(Arc<str>),
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number, kept to the bit.
    Double(f64),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A list.
    Array(Arc<[Value]>),
    /// Named values in their order; names may repeat.
    KvList(Arc<[(Arc<str>, Value)]>),
}

/// A value that borrows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueRef<'a> {
    /// A value that is not set.
    Empty,
    /// Text.
    String(&'a str),
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Double(f64),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A list or named values.
    Nested(&'a Value),
}

/// The type of a value. The numbers are in the formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum ValueKind {
    /// Not set.
    Empty = 0,
    /// Text.
    String = 1,
    /// A truth value.
    Bool = 2,
    /// A whole number.
    Int = 3,
    /// A number.
    Double = 4,
    /// Bytes.
    Bytes = 5,
    /// A list.
    Array = 6,
    /// Named values.
    KvList = 7,
}

impl ValueKind {
    /// The kind of a number in the formats.
    pub fn from_number(n: u8) -> Result<ValueKind, Malformed> {
        Ok(match n {
            0 => ValueKind::Empty,
            1 => ValueKind::String,
            2 => ValueKind::Bool,
            3 => ValueKind::Int,
            4 => ValueKind::Double,
            5 => ValueKind::Bytes,
            6 => ValueKind::Array,
            7 => ValueKind::KvList,
            _ => return Err(Malformed("kind of a value")),
        })
    }
}

impl Value {
    /// By type and value; equal for the same values only.
    pub fn order(&self, other: &Value) -> Ordering {
        match (self, other) {
            (Value::String(a), Value::String(b)) => a.cmp(b),
            (Value::Int(a), Value::Int(b)) => a.cmp(b),
            (Value::Double(a), Value::Double(b)) => a.total_cmp(b),
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
            (a, b) => a.kind().cmp(&b.kind()).then_with(|| {
                let encoded = |value: &Value| {
                    let mut bytes = Vec::new();
                    value.encode(&mut bytes);
                    bytes
                };
                encoded(a).cmp(&encoded(b))
            }),
        }
    }

    /// Its type.
    pub fn kind(&self) -> ValueKind {
        match self {
            Value::Empty => ValueKind::Empty,
            Value::String(_) => ValueKind::String,
            Value::Bool(_) => ValueKind::Bool,
            Value::Int(_) => ValueKind::Int,
            Value::Double(_) => ValueKind::Double,
            Value::Bytes(_) => ValueKind::Bytes,
            Value::Array(_) => ValueKind::Array,
            Value::KvList(_) => ValueKind::KvList,
        }
    }

    /// The same, borrowed.
    pub fn borrowed(&self) -> ValueRef<'_> {
        match self {
            Value::Empty => ValueRef::Empty,
            Value::String(text) => ValueRef::String(text),
            Value::Bool(value) => ValueRef::Bool(*value),
            Value::Int(value) => ValueRef::Int(*value),
            Value::Double(value) => ValueRef::Double(*value),
            Value::Bytes(bytes) => ValueRef::Bytes(bytes),
            Value::Array(_) | Value::KvList(_) => ValueRef::Nested(self),
        }
    }

    /// Appends kind and payload.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.kind() as u8);
        match self {
            Value::Empty => {}
            Value::String(text) => put_bytes(out, text.as_bytes()),
            Value::Bool(value) => out.push((*value).into()),
            Value::Int(value) => put_svarint(out, *value),
            Value::Double(value) => out.extend_from_slice(&value.to_bits().to_le_bytes()),
            Value::Bytes(bytes) => put_bytes(out, bytes),
            Value::Array(_) | Value::KvList(_) => self.encode_items(out),
        }
    }

    /// Appends the items of a list: the payload of a list without its kind.
    pub(super) fn encode_items(&self, out: &mut Vec<u8>) {
        match self {
            Value::Array(items) => {
                put_uvarint(out, items.len() as u64);
                items.iter().for_each(|item| item.encode(out));
            }
            Value::KvList(pairs) => {
                put_uvarint(out, pairs.len() as u64);
                for (key, value) in pairs.iter() {
                    put_bytes(out, key.as_bytes());
                    value.encode(out);
                }
            }
            _ => {}
        }
    }

    /// Reads what [`Value::encode`] wrote.
    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Value, Malformed> {
        decode_within(r, DEPTH_MAX)
    }

    /// Reads the payload that the column of a kind keeps as bytes.
    pub(super) fn from_payload(kind: ValueKind, payload: &[u8]) -> Result<Value, Malformed> {
        let text = || std::str::from_utf8(payload).map_err(|_| Malformed("string is not UTF-8"));
        match kind {
            ValueKind::String => Ok(Value::String(Arc::from(text()?))),
            ValueKind::Bytes => Ok(Value::Bytes(Arc::from(payload))),
            ValueKind::Array | ValueKind::KvList => {
                let mut r = Reader::new(payload);
                let value = decode_items(&mut r, kind, DEPTH_MAX)?;
                match r.remaining() {
                    0 => Ok(value),
                    _ => Err(Malformed("bytes behind a list")),
                }
            }
            _ => Err(Malformed("kind of a value without payload")),
        }
    }
}

fn decode_within(r: &mut Reader<'_>, depth: usize) -> Result<Value, Malformed> {
    let kind = ValueKind::from_number(r.u8()?)?;
    Ok(match kind {
        ValueKind::Empty => Value::Empty,
        ValueKind::String => Value::String(Arc::from(r.str()?)),
        ValueKind::Bool => Value::Bool(r.u8()? != 0),
        ValueKind::Int => Value::Int(r.svarint()?),
        ValueKind::Double => Value::Double(f64::from_bits(r.u64()?)),
        ValueKind::Bytes => Value::Bytes(Arc::from(r.bytes()?)),
        ValueKind::Array | ValueKind::KvList => decode_items(r, kind, depth)?,
    })
}

fn decode_items(r: &mut Reader<'_>, kind: ValueKind, depth: usize) -> Result<Value, Malformed> {
    let depth = depth.checked_sub(1).ok_or(Malformed("lists nested too deep"))?;
    if kind == ValueKind::Array {
        let items: Result<Vec<Value>, Malformed> =
            (0..r.count(1)?).map(|_| decode_within(r, depth)).collect();
        return Ok(Value::Array(items?.into()));
    }
    let mut pairs = Vec::new();
    for _ in 0..r.count(2)? {
        let key = Arc::from(r.str()?);
        pairs.push((key, decode_within(r, depth)?));
    }
    Ok(Value::KvList(pairs.into()))
}

#[cfg(test)]
mod tests;
