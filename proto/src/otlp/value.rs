//! Attributes: `KeyValue` and `AnyValue` of opentelemetry-proto `common/v1`.

use crate::error::Result;
use crate::quick;
use crate::wire::Reader;

/// Reads the attributes of the bytes that a message keeps of them, whatever their field number is.
#[derive(Debug, Clone, Default)]
pub struct KeyValues<'a> {
    reader: Reader<'a>,
    /// The only field that holds attributes, where others may lie between them.
    number: Option<u32>,
}

/// One attribute.
#[derive(Debug, Clone)]
pub struct KeyValue<'a> {
    /// Its key.
    pub key: &'a [u8],
    /// Its value.
    pub value: AnyValue<'a>,
}

/// A value of any type.
#[derive(Debug, Clone)]
pub enum AnyValue<'a> {
    /// None was sent.
    Empty,
    /// A string.
    String(&'a [u8]),
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A double.
    Double(f64),
    /// Values in order.
    Array(Values<'a>),
    /// Values by key.
    Map(KeyValues<'a>),
    /// Bytes.
    Bytes(&'a [u8]),
}

/// The values of an array.
#[derive(Debug, Clone)]
pub struct Values<'a>(Reader<'a>);

impl<'a> KeyValues<'a> {
    /// Reads attributes.
    pub fn new(region: &'a [u8]) -> KeyValues<'a> {
        KeyValues {
            reader: Reader::new(region),
            number: None,
        }
    }

    /// Reads the attributes among the fields of a message: those of this number.
    pub(crate) fn of(fields: &'a [u8], number: u32) -> KeyValues<'a> {
        KeyValues {
            reader: Reader::new(fields),
            number: Some(number),
        }
    }

    /// The next attribute, `None` at the end.
    ///
    /// # Errors
    /// Bytes that are no attribute.
    #[inline]
    pub fn next_value(&mut self) -> Result<Option<KeyValue<'a>>> {
        match self.quick_value() {
            Some(found) => Ok(Some(found)),
            None => self.general_value(),
        }
    }

    /// An attribute as senders write it, at the place of the reader: a key, then a string, a boolean, an integer or a
    /// double.
    #[inline]
    fn quick_value(&mut self) -> Option<KeyValue<'a>> {
        let bytes = self.reader.rest();
        let tag = *bytes.first()?;
        let wanted = match self.number {
            Some(number) => u32::from(tag) == number << 3 | 2,
            None => tag & 7 == 2 && tag < 0x80 && tag > 7,
        };
        if !wanted {
            return None;
        }
        let (at, end) = quick::delimited(bytes, 1)?;
        let pair = &bytes[at..end];
        if *pair.first()? != 0x0a {
            return None;
        }
        let (key, key_end) = quick::delimited(pair, 1)?;
        if *pair.get(key_end)? != 0x12 {
            return None;
        }
        let (value, value_end) = quick::delimited(pair, key_end + 1)?;
        if value_end != pair.len() {
            return None;
        }
        let value = quick_scalar(&pair[value..])?;
        self.reader.advance(end);
        Some(KeyValue {
            key: &pair[key..key_end],
            value,
        })
    }

    pub(super) fn general_value(&mut self) -> Result<Option<KeyValue<'a>>> {
        let field = loop {
            match self.reader.next_field()? {
                None => return Ok(None),
                Some(field) if self.number.is_none_or(|n| n == field.number) => break field,
                Some(_) => {}
            }
        };
        let mut reader = field.message()?;
        let mut found = KeyValue {
            key: b"",
            value: AnyValue::Empty,
        };
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => found.key = field.bytes()?,
                2 => found.value = AnyValue::decode(field.message()?)?,
                _ => {}
            }
        }
        Ok(Some(found))
    }
}

/// The one field of an `AnyValue` that is no list and no map.
#[inline]
fn quick_scalar(bytes: &[u8]) -> Option<AnyValue<'_>> {
    match *bytes.first()? {
        0x0a => {
            let (start, end) = quick::delimited(bytes, 1)?;
            (end == bytes.len()).then(|| AnyValue::String(&bytes[start..]))
        }
        0x10 if bytes.len() == 2 && bytes[1] < 0x80 => Some(AnyValue::Bool(bytes[1] != 0)),
        0x18 => {
            let mut reader = Reader::new(&bytes[1..]);
            let n = reader.varint().ok()?;
            reader.rest().is_empty().then_some(AnyValue::Int(n.cast_signed()))
        }
        0x21 if bytes.len() == 9 => {
            let bits = u64::from_le_bytes(*bytes[1..].first_chunk()?);
            Some(AnyValue::Double(f64::from_bits(bits)))
        }
        _ => None,
    }
}

impl<'a> Values<'a> {
    /// The next value, `None` at the end.
    ///
    /// # Errors
    /// Bytes that are no value.
    pub fn next_value(&mut self) -> Result<Option<AnyValue<'a>>> {
        while let Some(field) = self.0.next_field()? {
            if field.number == 1 {
                return AnyValue::decode(field.message()?).map(Some);
            }
        }
        Ok(None)
    }
}

impl<'a> AnyValue<'a> {
    /// Decodes the message; what stands inside arrays and maps stays encoded.
    pub(super) fn decode(mut reader: Reader<'a>) -> Result<AnyValue<'a>> {
        let mut value = AnyValue::Empty;
        while let Some(field) = reader.next_field()? {
            value = match field.number {
                1 => AnyValue::String(field.bytes()?),
                2 => AnyValue::Bool(field.varint()? != 0),
                3 => AnyValue::Int(field.varint()?.cast_signed()),
                4 => AnyValue::Double(field.double()?),
                5 => AnyValue::Array(Values(field.message()?)),
                6 => AnyValue::Map(KeyValues {
                    reader: field.message()?,
                    number: Some(1),
                }),
                7 => AnyValue::Bytes(field.bytes()?),
                _ => value,
            };
        }
        Ok(value)
    }
}
