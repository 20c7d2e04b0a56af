//! A span with its events and links. Attributes, events and links stay bytes of the body.

use super::KeyValues;
use super::next_message;
use crate::error::Result;
use crate::wire::Reader;

/// A span.
#[derive(Debug, Clone, Default)]
pub struct Span<'a> {
    /// Id of its trace: 16 bytes, when it is right.
    pub trace_id: &'a [u8],
    /// Its id: 8 bytes, when it is right.
    pub span_id: &'a [u8],
    /// Id of its parent, empty without one.
    pub parent_span_id: &'a [u8],
    /// `tracestate` of W3C.
    pub trace_state: &'a [u8],
    /// Flags: those of W3C in the lower 8 bits, then whether the parent is remote.
    pub flags: u32,
    /// Its name.
    pub name: &'a [u8],
    /// Its kind, as a number of `SpanKind`.
    pub kind: i32,
    /// Nanoseconds since 1970.
    pub start: u64,
    /// Nanoseconds since 1970.
    pub end: u64,
    /// Its attributes.
    pub attributes: KeyValues<'a>,
    /// Attributes that the sender dropped.
    pub dropped_attributes: u32,
    /// Its events.
    pub events: Events<'a>,
    /// Events that the sender dropped.
    pub dropped_events: u32,
    /// Its links.
    pub links: Links<'a>,
    /// Links that the sender dropped.
    pub dropped_links: u32,
    /// Status, as a number of `StatusCode`.
    pub status_code: i32,
    /// What went wrong.
    pub status_message: &'a [u8],
    /// Bytes of its message, written in full: what is absent but always written counts, zeros for a parent do not.
    pub size: usize,
}

/// The events of a span.
#[derive(Debug, Clone, Default)]
pub struct Events<'a>(Reader<'a>);

/// The links of a span.
#[derive(Debug, Clone, Default)]
pub struct Links<'a>(Reader<'a>);

/// An event of a span.
#[derive(Debug, Clone, Default)]
pub struct Event<'a> {
    /// Nanoseconds since 1970.
    pub time: u64,
    /// Its name.
    pub name: &'a [u8],
    /// Its attributes.
    pub attributes: KeyValues<'a>,
    /// Attributes that the sender dropped.
    pub dropped_attributes: u32,
}

/// A link of a span to another.
#[derive(Debug, Clone, Default)]
pub struct Link<'a> {
    /// Id of the other's trace: 16 bytes, when it is right.
    pub trace_id: &'a [u8],
    /// The other's id: 8 bytes, when it is right.
    pub span_id: &'a [u8],
    /// The other's `tracestate`.
    pub trace_state: &'a [u8],
    /// Its attributes.
    pub attributes: KeyValues<'a>,
    /// Attributes that the sender dropped.
    pub dropped_attributes: u32,
    /// Flags of the other.
    pub flags: u32,
}

/// First and last byte of the fields of one number; others may lie between.
#[derive(Debug, Clone, Copy, Default)]
struct Reach {
    start: usize,
    end: usize,
}

impl Reach {
    /// Takes in the field that was read from `start` on.
    #[inline]
    fn add(&mut self, start: usize, reader: &Reader<'_>) {
        if self.end == 0 {
            self.start = start;
        }
        self.end = reader.position();
    }
}

impl<'a> Span<'a> {
    #[inline]
    pub(super) fn decode(mut reader: Reader<'a>) -> Result<Span<'a>> {
        let mut span = Span {
            size: reader.rest().len(),
            ..Span::default()
        };
        let (mut attributes, mut events, mut links) = (Reach::default(), Reach::default(), Reach::default());
        let mut has_status = false;
        loop {
            let at = reader.position();
            let Some(field) = reader.next_field()? else { break };
            match field.number {
                1 => span.trace_id = field.bytes()?,
                2 => span.span_id = field.bytes()?,
                3 => span.trace_state = field.bytes()?,
                4 => span.parent_span_id = field.bytes()?,
                5 => span.name = field.bytes()?,
                6 => span.kind = field.varint()? as i32,
                7 => span.start = field.fixed64()?,
                8 => span.end = field.fixed64()?,
                9 => {
                    field.message()?;
                    let run = crate::quick::skip_run(reader.rest(), 0, 0x4a).unwrap_or(0);
                    reader.advance(run);
                    attributes.add(at, &reader);
                }
                10 => span.dropped_attributes = field.varint()? as u32,
                11 => {
                    field.message()?;
                    events.add(at, &reader);
                }
                12 => span.dropped_events = field.varint()? as u32,
                13 => {
                    field.message()?;
                    links.add(at, &reader);
                }
                14 => span.dropped_links = field.varint()? as u32,
                15 => {
                    has_status = true;
                    span.take_status(field.message()?)?;
                }
                16 => span.flags = field.fixed32()?,
                _ => {}
            }
        }
        span.size = span.size_as_written(has_status);
        let between = |reach: Reach| reader.between(reach.start, reach.end);
        span.attributes = KeyValues::of(between(attributes), 9);
        span.events = Events(Reader::new(between(events)));
        span.links = Links(Reader::new(between(links)));
        Ok(span)
    }

    /// Bytes of the message as one who writes it in full does it: with times and a status, though it be empty, and without a
    /// parent where there is none.
    #[inline]
    fn size_as_written(&self, has_status: bool) -> usize {
        const STATUS: usize = 2;
        const TIME: usize = 9;
        const PARENT: usize = 10;
        let absent = [self.start, self.end].into_iter().filter(|time| *time == 0);
        let size = self.size + absent.count() * TIME + if has_status { 0 } else { STATUS };
        match self.parent_span_id == [0; 8] {
            true => size.saturating_sub(PARENT),
            false => size,
        }
    }

    fn take_status(&mut self, mut reader: Reader<'a>) -> Result<()> {
        while let Some(field) = reader.next_field()? {
            match field.number {
                2 => self.status_message = field.bytes()?,
                3 => self.status_code = field.varint()? as i32,
                _ => {}
            }
        }
        Ok(())
    }
}

impl<'a> Events<'a> {
    /// The next event, `None` at the end.
    ///
    /// # Errors
    /// Bytes that are no event.
    pub fn next_event(&mut self) -> Result<Option<Event<'a>>> {
        let Some(mut reader) = next_message(&mut self.0, 11)? else {
            return Ok(None);
        };
        let mut event = Event {
            attributes: KeyValues::of(reader.rest(), 3),
            ..Event::default()
        };
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => event.time = field.fixed64()?,
                2 => event.name = field.bytes()?,
                4 => event.dropped_attributes = field.varint()? as u32,
                _ => {}
            }
        }
        Ok(Some(event))
    }
}

impl<'a> Links<'a> {
    /// The next link, `None` at the end.
    ///
    /// # Errors
    /// Bytes that are no link.
    pub fn next_link(&mut self) -> Result<Option<Link<'a>>> {
        let Some(mut reader) = next_message(&mut self.0, 13)? else {
            return Ok(None);
        };
        let mut link = Link {
            attributes: KeyValues::of(reader.rest(), 4),
            ..Link::default()
        };
        while let Some(field) = reader.next_field()? {
            match field.number {
                1 => link.trace_id = field.bytes()?,
                2 => link.span_id = field.bytes()?,
                3 => link.trace_state = field.bytes()?,
                5 => link.dropped_attributes = field.varint()? as u32,
                6 => link.flags = field.fixed32()?,
                _ => {}
            }
        }
        Ok(Some(link))
    }
}
