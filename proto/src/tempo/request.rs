//! The requests of `tempopb.StreamingQuerier`.

use crate::error::{Error, Result};
use crate::wire::{Field, Reader};

/// `SearchRequest`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search {
    /// Tags of the older form.
    pub tags: Vec<(String, String)>,
    /// Shortest trace, with tags.
    pub min_duration_ms: u32,
    /// Longest trace, with tags.
    pub max_duration_ms: u32,
    /// Most traces, 0 when not said.
    pub limit: u32,
    /// Seconds since 1970, 0 when not said.
    pub start: u32,
    /// Seconds since 1970, 0 when not said.
    pub end: u32,
    /// TraceQL.
    pub query: String,
    /// Most spans of a set, 0 when not said.
    pub spans_per_span_set: u32,
}

/// `SearchTagsRequest`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchTags {
    /// Scope, empty for all.
    pub scope: String,
    /// TraceQL that spans must match.
    pub query: String,
    /// Seconds since 1970, 0 when not said.
    pub start: u32,
    /// Seconds since 1970, 0 when not said.
    pub end: u32,
    /// Most names of a scope, 0 for all.
    pub tags_per_scope_max: u32,
}

/// `SearchTagValuesRequest`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchTagValues {
    /// The tag.
    pub tag: String,
    /// TraceQL that spans must match.
    pub query: String,
    /// Seconds since 1970, 0 when not said.
    pub start: u32,
    /// Seconds since 1970, 0 when not said.
    pub end: u32,
    /// Most values, 0 for all.
    pub values_max: u32,
}

/// `QueryRangeRequest`. Times and the step are nanoseconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueryRange {
    /// TraceQL.
    pub query: String,
    /// First step.
    pub start: u64,
    /// Last step.
    pub end: u64,
    /// Between steps, 0 when not said.
    pub step: u64,
    /// Most exemplars, 0 when not said.
    pub exemplars: u32,
    /// Most series, 0 when not said.
    pub series_max: u32,
}

/// `QueryInstantRequest`. Times are nanoseconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueryInstant {
    /// TraceQL.
    pub query: String,
    /// Start of the range.
    pub start: u64,
    /// End of the range.
    pub end: u64,
}

impl Search {
    /// Decodes the message.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema.
    pub fn decode(bytes: &[u8]) -> Result<Search> {
        let mut found = Search::default();
        each(bytes, |field| {
            match field.number {
                1 => found.tags.push(pair(field.bytes()?)?),
                2 => found.min_duration_ms = number(field)?,
                3 => found.max_duration_ms = number(field)?,
                4 => found.limit = number(field)?,
                5 => found.start = number(field)?,
                6 => found.end = number(field)?,
                8 => found.query = text(field)?,
                9 => found.spans_per_span_set = number(field)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(found)
    }
}

impl SearchTags {
    /// Decodes the message.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema.
    pub fn decode(bytes: &[u8]) -> Result<SearchTags> {
        let mut found = SearchTags::default();
        each(bytes, |field| {
            match field.number {
                1 => found.scope = text(field)?,
                2 => found.query = text(field)?,
                3 => found.start = number(field)?,
                4 => found.end = number(field)?,
                5 => found.tags_per_scope_max = number(field)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(found)
    }
}

impl SearchTagValues {
    /// Decodes the message.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema.
    pub fn decode(bytes: &[u8]) -> Result<SearchTagValues> {
        let mut found = SearchTagValues::default();
        each(bytes, |field| {
            match field.number {
                1 => found.tag = text(field)?,
                2 => found.query = text(field)?,
                4 => found.start = number(field)?,
                5 => found.end = number(field)?,
                6 => found.values_max = number(field)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(found)
    }
}

impl QueryRange {
    /// Decodes the message.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema.
    pub fn decode(bytes: &[u8]) -> Result<QueryRange> {
        let mut found = QueryRange::default();
        each(bytes, |field| {
            match field.number {
                1 => found.query = text(field)?,
                2 => found.start = field.varint()?,
                3 => found.end = field.varint()?,
                4 => found.step = field.varint()?,
                16 => found.exemplars = number(field)?,
                17 => found.series_max = number(field)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(found)
    }
}

impl QueryInstant {
    /// Decodes the message.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema.
    pub fn decode(bytes: &[u8]) -> Result<QueryInstant> {
        let mut found = QueryInstant::default();
        each(bytes, |field| {
            match field.number {
                1 => found.query = text(field)?,
                2 => found.start = field.varint()?,
                3 => found.end = field.varint()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(found)
    }
}

fn each(bytes: &[u8], mut take: impl FnMut(&Field<'_>) -> Result<()>) -> Result<()> {
    let mut reader = Reader::new(bytes);
    while let Some(field) = reader.next_field()? {
        take(&field)?;
    }
    Ok(())
}

fn text(field: &Field<'_>) -> Result<String> {
    let text = std::str::from_utf8(field.bytes()?).map_err(|_| Error::NotUtf8)?;
    Ok(text.to_owned())
}

fn number(field: &Field<'_>) -> Result<u32> {
    Ok(field.varint()? as u32)
}

/// A key and a value of a map.
fn pair(bytes: &[u8]) -> Result<(String, String)> {
    let mut found = (String::new(), String::new());
    each(bytes, |field| {
        match field.number {
            1 => found.0 = text(field)?,
            2 => found.1 = text(field)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(found)
}
