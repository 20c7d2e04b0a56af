//! Remote read (`prometheus.ReadRequest` and its two responses): the request borrows from the body, responses are written
//! series by series. Not for matching anything.

mod crc32c;
mod encode;

use crate::error::{Error, Result};
use crate::wire::Reader;

pub use encode::{FrameEncoder, SeriesEncoder};

/// How a reader wants its samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseType {
    /// One message with all samples.
    Samples,
    /// A stream of frames with chunks.
    StreamedXorChunks,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadRequest<'a> {
    /// The queries, answered in this order.
    pub queries: Vec<Query<'a>>,
    /// The numbers of the response types that are accepted, the preferred first; none stands for samples.
    pub accepted: Vec<u64>,
}

/// One query: series by matchers, samples by time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query<'a> {
    /// First millisecond since 1970, inclusive.
    pub start: i64,
    /// Last millisecond, inclusive.
    pub end: i64,
    /// All must pass.
    pub matchers: Vec<Matcher<'a>>,
}

/// A condition on a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Matcher<'a> {
    /// 0 `=`, 1 `!=`, 2 `=~`, 3 `!~`.
    pub op: u64,
    /// The label.
    pub name: &'a str,
    /// Value or pattern.
    pub value: &'a str,
}

impl<'a> ReadRequest<'a> {
    /// Decodes the message.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema, or names that are not UTF-8.
    pub fn decode(bytes: &'a [u8]) -> Result<ReadRequest<'a>> {
        let mut request = ReadRequest::default();
        let mut reader = Reader::new(bytes);
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => request.queries.push(Query::decode(field.message()?)?),
                2 => field.each_varint(|n| request.accepted.push(n))?,
                _ => {}
            }
        }
        Ok(request)
    }
}

impl<'a> Query<'a> {
    fn decode(mut reader: Reader<'a>) -> Result<Query<'a>> {
        let mut query = Query::default();
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => query.start = field.varint()?.cast_signed(),
                2 => query.end = field.varint()?.cast_signed(),
                3 => query.matchers.push(Matcher::decode(field.message()?)?),
                _ => {}
            }
        }
        Ok(query)
    }
}

impl<'a> Matcher<'a> {
    fn decode(mut reader: Reader<'a>) -> Result<Matcher<'a>> {
        let mut matcher = Matcher::default();
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => matcher.op = field.varint()?,
                2 => matcher.name = text(field.bytes()?)?,
                3 => matcher.value = text(field.bytes()?)?,
                _ => {}
            }
        }
        Ok(matcher)
    }
}

fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| Error::NotUtf8)
}

#[cfg(test)]
mod tests;
