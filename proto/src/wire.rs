//! The protobuf wire format, read field by field without copying: varints, fixed 64 bits, length-delimited.
//! <https://protobuf.dev/programming-guides/encoding/>. Not for any one message; groups are refused.

use crate::error::{Error, Result};

/// Reads the fields of one message.
#[derive(Debug, Clone, Default)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    pos: usize,
    /// Where the message begins in the whole body, so that errors name a byte of the body.
    base: usize,
}

/// One field: its number and its value as encoded.
#[derive(Debug, Clone)]
pub struct Field<'a> {
    /// Field number of the schema, 1 or more.
    pub number: u32,
    /// The value.
    pub value: Value<'a>,
    offset: usize,
}

/// A value by wire type.
#[derive(Debug, Clone)]
pub enum Value<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1, little endian.
    Fixed64(u64),
    /// Wire type 2: a string, bytes or an embedded message.
    Bytes(Reader<'a>),
    /// Wire type 5, little endian.
    Fixed32(u32),
}

impl<'a> Reader<'a> {
    /// Reads a whole body.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader {
            bytes,
            pos: 0,
            base: 0,
        }
    }

    /// The bytes that are not read yet.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.pos..]
    }

    /// Where the next byte is in this message.
    #[inline]
    pub fn position(&self) -> usize {
        self.pos
    }

    /// The bytes between two positions of this message.
    #[inline]
    pub(crate) fn between(&self, start: usize, end: usize) -> &'a [u8] {
        &self.bytes[start..end]
    }

    /// Steps over bytes that were read from [`Reader::rest`].
    #[inline]
    pub(crate) fn advance(&mut self, n: usize) {
        self.pos += n;
    }

    /// The next field, `None` at the end of the message.
    ///
    /// # Errors
    /// Every [`Error`] that is not snappy's.
    #[inline]
    pub fn next_field(&mut self) -> Result<Option<Field<'a>>> {
        if self.pos == self.bytes.len() {
            return Ok(None);
        }
        let offset = self.base + self.pos;
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).unwrap_or(0);
        if number == 0 || number > 0x1fff_ffff {
            return Err(Error::FieldNumber { offset });
        }
        let value = match (key & 7) as u8 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => Value::Bytes(self.delimited()?),
            5 => Value::Fixed32(u32::from_le_bytes(self.array()?)),
            found => {
                return Err(Error::WireType {
                    field: number,
                    found,
                    offset,
                });
            }
        };
        Ok(Some(Field {
            number,
            value,
            offset,
        }))
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64> {
        match self.bytes.get(self.pos) {
            Some(&byte) if byte < 0x80 => {
                self.pos += 1;
                Ok(u64::from(byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64> {
        let start = self.pos;
        let mut value = 0u64;
        for i in 0..10 {
            let Some(&byte) = self.bytes.get(start + i) else {
                return Err(self.truncated(start));
            };
            // The tenth byte carries bit 63 alone.
            if i == 9 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte < 0x80 {
                self.pos = start + i + 1;
                return Ok(value);
            }
        }
        Err(Error::VarintOverflow {
            offset: self.base + start,
        })
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let Some(array) = self.rest().first_chunk::<N>() else {
            return Err(self.truncated(self.pos));
        };
        self.pos += N;
        Ok(*array)
    }

    #[inline]
    fn delimited(&mut self) -> Result<Reader<'a>> {
        let start = self.pos;
        let len = self.varint()?;
        let rest = self.rest();
        let Some(bytes) = usize::try_from(len).ok().and_then(|len| rest.get(..len)) else {
            return Err(self.truncated(start));
        };
        let base = self.base + self.pos;
        self.pos += bytes.len();
        Ok(Reader { bytes, pos: 0, base })
    }

    fn truncated(&self, pos: usize) -> Error {
        Error::Truncated {
            offset: self.base + pos,
        }
    }
}

impl<'a> Field<'a> {
    /// The value as a string's or bytes field's content.
    ///
    /// # Errors
    /// [`Error::WireType`] when it is not length-delimited.
    #[inline]
    pub fn bytes(&self) -> Result<&'a [u8]> {
        Ok(self.message()?.rest())
    }

    /// The value as an embedded message.
    ///
    /// # Errors
    /// [`Error::WireType`] when it is not length-delimited.
    #[inline]
    pub fn message(&self) -> Result<Reader<'a>> {
        match &self.value {
            Value::Bytes(reader) => Ok(reader.clone()),
            _ => Err(self.wrong_type()),
        }
    }

    /// The value as an integer.
    ///
    /// # Errors
    /// [`Error::WireType`] when it is not a varint.
    #[inline]
    pub fn varint(&self) -> Result<u64> {
        match self.value {
            Value::Varint(n) => Ok(n),
            _ => Err(self.wrong_type()),
        }
    }

    /// The value as a zigzag integer (`sint32`, `sint64`).
    ///
    /// # Errors
    /// [`Error::WireType`] when it is not a varint.
    pub fn zigzag(&self) -> Result<i64> {
        Ok(unzigzag(self.varint()?))
    }

    /// The value as a fixed 64-bit integer.
    ///
    /// # Errors
    /// [`Error::WireType`] when it is not a fixed 64-bit value.
    #[inline]
    pub fn fixed64(&self) -> Result<u64> {
        match self.value {
            Value::Fixed64(n) => Ok(n),
            _ => Err(self.wrong_type()),
        }
    }

    /// The value as a fixed 32-bit integer.
    ///
    /// # Errors
    /// [`Error::WireType`] when it is not a fixed 32-bit value.
    #[inline]
    pub fn fixed32(&self) -> Result<u32> {
        match self.value {
            Value::Fixed32(n) => Ok(n),
            _ => Err(self.wrong_type()),
        }
    }

    /// Calls `put` for each integer of a repeated field, packed or not.
    ///
    /// # Errors
    /// [`Error::WireType`], or those of the integers.
    pub fn each_varint(&self, mut put: impl FnMut(u64)) -> Result<()> {
        match &self.value {
            Value::Varint(n) => put(*n),
            Value::Bytes(packed) => {
                let mut packed = packed.clone();
                while !packed.rest().is_empty() {
                    put(packed.varint()?);
                }
            }
            _ => return Err(self.wrong_type()),
        }
        Ok(())
    }

    /// Calls `put` for each fixed 64-bit value of a repeated field, packed or not.
    ///
    /// # Errors
    /// [`Error::WireType`], or [`Error::Truncated`] when the last one is not whole.
    pub fn each_fixed64(&self, mut put: impl FnMut(u64)) -> Result<()> {
        match &self.value {
            Value::Fixed64(n) => put(*n),
            Value::Bytes(packed) => {
                let mut packed = packed.clone();
                while !packed.rest().is_empty() {
                    put(u64::from_le_bytes(packed.array()?));
                }
            }
            _ => return Err(self.wrong_type()),
        }
        Ok(())
    }

    /// The value as a double, to the bit.
    ///
    /// # Errors
    /// [`Error::WireType`] when it is not a fixed 64-bit value.
    #[inline]
    pub fn double(&self) -> Result<f64> {
        match self.value {
            Value::Fixed64(bits) => Ok(f64::from_bits(bits)),
            _ => Err(self.wrong_type()),
        }
    }

    fn wrong_type(&self) -> Error {
        Error::WireType {
            field: self.number,
            found: match self.value {
                Value::Varint(_) => 0,
                Value::Fixed64(_) => 1,
                Value::Bytes(_) => 2,
                Value::Fixed32(_) => 5,
            },
            offset: self.offset,
        }
    }
}

/// Reverses the zigzag form of a signed integer.
pub fn unzigzag(n: u64) -> i64 {
    (n >> 1).cast_signed() ^ -(n & 1).cast_signed()
}

/// The zigzag form of a signed integer.
pub fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)).cast_unsigned()
}

/// Appends `n` as a varint.
pub fn put_varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Appends a length-delimited field.
pub fn put_bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    put_varint(out, u64::from(field) << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a length-delimited field whose content `content` appends.
pub fn put_message(out: &mut Vec<u8>, field: u32, content: impl FnOnce(&mut Vec<u8>)) {
    put_varint(out, u64::from(field) << 3 | 2);
    let start = out.len();
    out.push(0);
    content(out);
    let len = out.len() - start - 1;
    if len < 0x80 {
        out[start] = len as u8;
    } else {
        let mut prefix = Vec::with_capacity(5);
        put_varint(&mut prefix, len as u64);
        out.splice(start..=start, prefix);
    }
}

/// Appends an integer field; zero, the default, is left out.
pub fn put_integer(out: &mut Vec<u8>, field: u32, n: u64) {
    if n != 0 {
        put_varint(out, u64::from(field) << 3);
        put_varint(out, n);
    }
}

/// Appends a double field; positive zero, the default, is left out.
pub fn put_double(out: &mut Vec<u8>, field: u32, value: f64) {
    if value.to_bits() != 0 {
        put_varint(out, u64::from(field) << 3 | 1);
        out.extend_from_slice(&value.to_bits().to_le_bytes());
    }
}

/// Appends a fixed 64-bit field; zero is written too.
pub fn put_fixed64(out: &mut Vec<u8>, field: u32, bits: u64) {
    put_varint(out, u64::from(field) << 3 | 1);
    out.extend_from_slice(&bits.to_le_bytes());
}

/// Appends a fixed 32-bit field; zero is written too.
pub fn put_fixed32(out: &mut Vec<u8>, field: u32, bits: u32) {
    put_varint(out, u64::from(field) << 3 | 5);
    out.extend_from_slice(&bits.to_le_bytes());
}

/// Appends a packed field of integers; an empty one is left out.
pub fn put_packed(out: &mut Vec<u8>, field: u32, numbers: impl IntoIterator<Item = u64>) {
    let mut packed = Vec::new();
    for n in numbers {
        put_varint(&mut packed, n);
    }
    if !packed.is_empty() {
        put_bytes(out, field, &packed);
    }
}

/// Appends a packed field of doubles; an empty one is left out.
pub fn put_packed_doubles(out: &mut Vec<u8>, field: u32, values: &[f64]) {
    if !values.is_empty() {
        let packed: Vec<u8> = values.iter().flat_map(|v| v.to_bits().to_le_bytes()).collect();
        put_bytes(out, field, &packed);
    }
}

#[cfg(test)]
mod tests;
