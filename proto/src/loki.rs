//! Loki's push request (`logproto.PushRequest`), walked stream by stream and entry by entry, and the text of a stream's
//! labels. Everything borrows from the body where it can. Not for what is wrong with the content of an entry.

mod encode;
mod labels;

pub use encode::PushEncoder;
pub use labels::{LabelsError, Pair, parse_labels, put_labels};

use crate::error::Result;
use crate::quick;
use crate::wire::Reader;

/// Nanoseconds of a second.
const SECOND: i64 = 1_000_000_000;

/// A `PushRequest`.
#[derive(Debug, Clone)]
pub struct Push<'a>(Reader<'a>);

/// A stream of a request.
#[derive(Debug, Clone)]
pub struct Stream<'a> {
    /// Its labels as text, such as `{app="web"}`.
    pub labels: &'a [u8],
    rest: Reader<'a>,
}

/// An entry of a stream.
#[derive(Debug, Clone, Default)]
pub struct Entry<'a> {
    /// Nanoseconds since 1970; what does not fit is the nearest that does.
    pub time: i64,
    /// Its line.
    pub line: &'a [u8],
    /// Its structured metadata.
    pub metadata: Pairs<'a>,
}

/// Names and values of an entry's structured metadata.
#[derive(Debug, Clone, Default)]
pub struct Pairs<'a>(Reader<'a>);

impl<'a> Push<'a> {
    /// Reads a whole body.
    pub fn new(body: &'a [u8]) -> Push<'a> {
        Push(Reader::new(body))
    }

    /// The next stream, `None` at the end.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema.
    pub fn next_stream(&mut self) -> Result<Option<Stream<'a>>> {
        while let Some(field) = self.0.next_field()? {
            if field.number == 1 {
                return Stream::decode(field.message()?).map(Some);
            }
        }
        Ok(None)
    }
}

impl<'a> Stream<'a> {
    fn decode(whole: Reader<'a>) -> Result<Stream<'a>> {
        let mut stream = Stream {
            labels: b"",
            rest: whole.clone(),
        };
        // Labels may stand behind the entries.
        let mut reader = whole;
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => stream.labels = field.bytes()?,
                2 => {
                    let run = quick::skip_run(reader.rest(), 0, 0x12).unwrap_or(0);
                    reader.advance(run);
                }
                _ => {}
            }
        }
        Ok(stream)
    }

    /// The next entry, `None` at the end.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema.
    #[inline]
    pub fn next_entry(&mut self) -> Result<Option<Entry<'a>>> {
        while let Some(field) = self.rest.next_field()? {
            if field.number == 2 {
                return Entry::decode(field.message()?).map(Some);
            }
        }
        Ok(None)
    }
}

impl<'a> Entry<'a> {
    #[inline]
    fn decode(mut reader: Reader<'a>) -> Result<Entry<'a>> {
        let mut entry = Entry {
            metadata: Pairs(reader.clone()),
            ..Entry::default()
        };
        let mut has_metadata = false;
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => entry.time = timestamp(field.message()?)?,
                2 => entry.line = field.bytes()?,
                3 => has_metadata = true,
                _ => {}
            }
        }
        if !has_metadata {
            entry.metadata = Pairs::default();
        }
        Ok(entry)
    }
}

impl<'a> Pairs<'a> {
    /// The next name and value, `None` at the end.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema.
    #[inline]
    pub fn next_pair(&mut self) -> Result<Option<(&'a [u8], &'a [u8])>> {
        while let Some(field) = self.0.next_field()? {
            if field.number != 3 {
                continue;
            }
            let mut reader = field.message()?;
            let (mut name, mut value): (&[u8], &[u8]) = (b"", b"");
            while let Some(field) = reader.next_field()? {
                match field.number {
                    1 => name = field.bytes()?,
                    2 => value = field.bytes()?,
                    _ => {}
                }
            }
            return Ok(Some((name, value)));
        }
        Ok(None)
    }
}

/// A `google.protobuf.Timestamp` in nanoseconds.
#[inline]
fn timestamp(mut reader: Reader<'_>) -> Result<i64> {
    let (mut seconds, mut nanos) = (0i64, 0i64);
    while let Some(field) = reader.next_field()? {
        match field.number {
            1 => seconds = field.varint()?.cast_signed(),
            2 => nanos = i64::from(field.varint()? as i32),
            _ => {}
        }
    }
    Ok(seconds.saturating_mul(SECOND).saturating_add(nanos))
}

#[cfg(test)]
mod tests;
