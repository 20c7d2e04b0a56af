//! Attributes: `KeyValue` and `AnyValue` of opentelemetry-proto `common/v1`.

use crate::error::Result;
use crate::wire::Reader;

/// Reads the attributes of the bytes that a message keeps of them, whatever their field number is.
#[derive(Debug, Clone)]
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

    /// The next attribute, `None` at the end.
    ///
    /// # Errors
    /// Bytes that are no attribute.
    pub fn next_value(&mut self) -> Result<Option<KeyValue<'a>>> {
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
    fn decode(mut reader: Reader<'a>) -> Result<AnyValue<'a>> {
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
