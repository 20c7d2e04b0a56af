//! One span, checked whole before any of it is pushed: a builder cannot take a part of a span back.

use kymo_engine::traces::{BatchBuilder, Part, SpanFields, SpanId, TraceId};
use kymo_proto::otlp::traces::{Event, Link, Span};

use super::values::{List, text};
use super::{SpanFault, Stop};
use crate::http::hex;
use crate::ingest::Reason;

/// A span that is known to be good. It is used again for each span of a request.
#[derive(Default)]
pub(super) struct Checked<'a> {
    trace_id: TraceId,
    span_id: SpanId,
    parent: SpanId,
    start: i64,
    end: i64,
    name: &'a str,
    trace_state: &'a str,
    status_message: &'a str,
    /// Attributes of the events, then of the links, then of the span.
    attributes: List<'a>,
    events: Vec<CheckedEvent<'a>>,
    links: Vec<CheckedLink<'a>>,
}

struct CheckedEvent<'a> {
    time: i64,
    name: &'a str,
    dropped_attributes: u32,
    /// Where its attributes end.
    end: usize,
}

struct CheckedLink<'a> {
    trace_id: TraceId,
    span_id: SpanId,
    trace_state: &'a str,
    flags: u32,
    dropped_attributes: u32,
    /// Where its attributes end.
    end: usize,
}

impl<'a> Checked<'a> {
    /// Checks a span. `oldest` is the first start that is accepted.
    #[inline]
    pub(super) fn read(&mut self, span: &Span<'a>, oldest: i64) -> Result<(), Stop> {
        self.trace_id = set_id(span.trace_id, Reason::TraceId)?;
        self.span_id = set_id(span.span_id, Reason::SpanId)?;
        self.parent = id(span.parent_span_id, Reason::ParentSpanId)?;
        self.start = time(span.start)?;
        self.end = time(span.end)?;
        if self.start < oldest {
            let what = format!("start {} ns, the oldest accepted is {oldest} ns", self.start);
            return Err((Reason::SpanTooOld, what).into());
        }
        self.name = text(span.name)?;
        self.trace_state = text(span.trace_state)?;
        self.status_message = text(span.status_message)?;
        self.attributes.clear();
        self.events.clear();
        self.links.clear();
        let mut events = span.events.clone();
        while let Some(event) = events.next_event()? {
            self.add_event(&event)?;
        }
        let mut links = span.links.clone();
        while let Some(link) = links.next_link()? {
            self.add_link(&link)?;
        }
        self.attributes.add(span.attributes.clone())
    }

    fn add_event(&mut self, event: &Event<'a>) -> Result<(), Stop> {
        self.attributes.add(event.attributes.clone())?;
        self.events.push(CheckedEvent {
            time: time(event.time)?,
            name: text(event.name)?,
            dropped_attributes: event.dropped_attributes,
            end: self.attributes.len(),
        });
        Ok(())
    }

    fn add_link(&mut self, link: &Link<'a>) -> Result<(), Stop> {
        self.attributes.add(link.attributes.clone())?;
        self.links.push(CheckedLink {
            trace_id: id(link.trace_id, Reason::LinkId)?,
            span_id: id(link.span_id, Reason::LinkId)?,
            trace_state: text(link.trace_state)?,
            flags: link.flags,
            dropped_attributes: link.dropped_attributes,
            end: self.attributes.len(),
        });
        Ok(())
    }

    /// Pushes the span that was checked last.
    #[inline]
    pub(super) fn push(&self, span: &Span<'_>, (resource, scope): (u32, u32), builder: &mut BatchBuilder) {
        let mut at = 0;
        for event in &self.events {
            self.attributes.push(Part::Event, at..event.end, builder);
            builder.end_event(event.time, event.name, event.dropped_attributes);
            at = event.end;
        }
        for link in &self.links {
            self.attributes.push(Part::Link, at..link.end, builder);
            builder.end_link(
                link.trace_id,
                link.span_id,
                link.trace_state,
                link.flags,
                link.dropped_attributes,
            );
            at = link.end;
        }
        self.attributes
            .push(Part::Span, at..self.attributes.len(), builder);
        builder.end_span(&SpanFields {
            resource,
            scope,
            trace_id: self.trace_id,
            span_id: self.span_id,
            parent: self.parent,
            trace_state: self.trace_state,
            flags: span.flags,
            name: self.name,
            kind: span.kind,
            start: self.start,
            end: self.end,
            status_code: span.status_code,
            status_message: self.status_message,
            dropped_attributes: span.dropped_attributes,
            dropped_events: span.dropped_events,
            dropped_links: span.dropped_links,
            size: span.size as u32,
        });
    }
}

/// An id that names something.
#[inline]
fn set_id<const N: usize>(bytes: &[u8], reason: Reason) -> Result<[u8; N], SpanFault> {
    match bytes.try_into() {
        Ok(id) if id != [0; N] => Ok(id),
        Ok(_) => Err((reason, "all zeros".to_owned())),
        Err(_) => Err((reason, format!("{} bytes", bytes.len()))),
    }
}

/// An id that may name nothing, as zeros or not sent at all.
#[inline]
fn id<const N: usize>(bytes: &[u8], reason: Reason) -> Result<[u8; N], SpanFault> {
    match bytes {
        [] => Ok([0; N]),
        _ => bytes.try_into().map_err(|_| (reason, hex(bytes))),
    }
}

#[inline]
fn time(nanos: u64) -> Result<i64, SpanFault> {
    i64::try_from(nanos).map_err(|_| (Reason::SpanTime, format!("{nanos} ns")))
}
