//! Log records of OTLP (opentelemetry-proto `logs/v1`), walked level by level: resources, scopes, records. Everything borrows
//! from the body; attributes and bodies stay bytes until somebody asks for them.

use super::traces::next_message;
use super::{AnyValue, KeyValues};
use crate::error::Result;
use crate::quick;
use crate::wire::Reader;

pub use super::traces::{Resource, Scope};

/// An `ExportLogsServiceRequest`.
#[derive(Debug, Clone)]
pub struct Request<'a>(Reader<'a>);

/// The records of one resource.
#[derive(Debug, Clone)]
pub struct ResourceLogs<'a> {
    /// The resource, with nothing in it when none was sent.
    pub resource: Resource<'a>,
    rest: Reader<'a>,
}

/// The records of one instrumentation scope.
#[derive(Debug, Clone)]
pub struct ScopeLogs<'a> {
    /// The scope, with nothing in it when none was sent.
    pub scope: Scope<'a>,
    rest: Reader<'a>,
}

/// A log record.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// When it happened, nanoseconds since 1970; 0 when nobody knows.
    pub time: u64,
    /// When it was seen, nanoseconds since 1970; 0 when nobody knows.
    pub observed_time: u64,
    /// Severity as a number of `SeverityNumber`; 0 when none was given.
    pub severity: i32,
    /// Severity as its source has it.
    pub severity_text: &'a [u8],
    /// The body.
    pub body: AnyValue<'a>,
    /// Its attributes.
    pub attributes: KeyValues<'a>,
    /// Attributes that the sender dropped.
    pub dropped_attributes: u32,
    /// Flags: those of W3C in the lower 8 bits.
    pub flags: u32,
    /// Id of the trace it belongs to, empty without one.
    pub trace_id: &'a [u8],
    /// Id of the span it belongs to, empty without one.
    pub span_id: &'a [u8],
    /// Name of the event that it is.
    pub event_name: &'a [u8],
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
    pub fn next_resource(&mut self) -> Result<Option<ResourceLogs<'a>>> {
        let Some(whole) = next_message(&mut self.0, 1)? else {
            return Ok(None);
        };
        let mut found = ResourceLogs {
            resource: Resource::default(),
            rest: whole.clone(),
        };
        let mut reader = whole;
        while let Some(field) = reader.next_field()? {
            if field.number == 1 {
                found.resource = Resource::decode(field.message()?)?;
            }
        }
        Ok(Some(found))
    }
}

impl<'a> ResourceLogs<'a> {
    /// The next scope of this resource, `None` at the end.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema.
    pub fn next_scope(&mut self) -> Result<Option<ScopeLogs<'a>>> {
        let Some(whole) = next_message(&mut self.rest, 2)? else {
            return Ok(None);
        };
        let mut found = ScopeLogs {
            scope: Scope::default(),
            rest: whole.clone(),
        };
        let mut reader = whole;
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => found.scope = Scope::decode(field.message()?)?,
                2 => {
                    let run = quick::skip_run(reader.rest(), 0, 0x12).unwrap_or(0);
                    reader.advance(run);
                }
                _ => {}
            }
        }
        Ok(Some(found))
    }
}

impl<'a> ScopeLogs<'a> {
    /// The next record of this scope, `None` at the end.
    ///
    /// # Errors
    /// Bytes that are not a protobuf message of this schema.
    #[inline]
    pub fn next_record(&mut self) -> Result<Option<Record<'a>>> {
        match next_message(&mut self.rest, 2)? {
            Some(reader) => Record::decode(reader).map(Some),
            None => Ok(None),
        }
    }
}

impl<'a> Record<'a> {
    fn decode(mut reader: Reader<'a>) -> Result<Record<'a>> {
        let mut record = Record {
            time: 0,
            observed_time: 0,
            severity: 0,
            severity_text: b"",
            body: AnyValue::Empty,
            attributes: KeyValues::of(reader.rest(), 6),
            dropped_attributes: 0,
            flags: 0,
            trace_id: b"",
            span_id: b"",
            event_name: b"",
        };
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => record.time = field.fixed64()?,
                2 => record.severity = field.varint()? as i32,
                3 => record.severity_text = field.bytes()?,
                5 => record.body = AnyValue::decode(field.message()?)?,
                7 => record.dropped_attributes = field.varint()? as u32,
                8 => record.flags = field.fixed32()?,
                9 => record.trace_id = field.bytes()?,
                10 => record.span_id = field.bytes()?,
                11 => record.observed_time = field.fixed64()?,
                12 => record.event_name = field.bytes()?,
                _ => {}
            }
        }
        Ok(record)
    }
}

#[cfg(test)]
pub(crate) mod tests;
