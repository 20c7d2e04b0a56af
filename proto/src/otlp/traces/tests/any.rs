//! Requests of every shape, drawn from a number.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{EntityRef, InstrumentationScope};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use crate::otlp::metrics::tests::Dice;

impl Dice {
    /// An id that is often right.
    pub(crate) fn id(&mut self, len: usize) -> Vec<u8> {
        match self.below(10) {
            0 => Vec::new(),
            1 => self.many(20, |d| d.next() as u8),
            _ => (0..len).map(|_| self.next() as u8).collect(),
        }
    }

    fn span(&mut self) -> Span {
        Span {
            trace_id: self.id(16),
            span_id: self.id(8),
            trace_state: self.text(),
            parent_span_id: self.id(8),
            flags: self.int() as u32,
            name: self.text(),
            kind: self.below(7) as i32,
            start_time_unix_nano: self.int(),
            end_time_unix_nano: self.int(),
            attributes: self.attributes(2),
            dropped_attributes_count: self.below(3) as u32,
            events: self.many(3, |d| Event {
                time_unix_nano: d.int(),
                name: d.text(),
                attributes: d.attributes(1),
                dropped_attributes_count: d.below(3) as u32,
            }),
            dropped_events_count: self.int() as u32,
            links: self.many(3, |d| Link {
                trace_id: d.id(16),
                span_id: d.id(8),
                trace_state: d.text(),
                attributes: d.attributes(1),
                dropped_attributes_count: d.below(3) as u32,
                flags: d.int() as u32,
            }),
            dropped_links_count: self.below(3) as u32,
            status: Some(Status {
                message: self.text(),
                code: self.below(3) as i32,
            }),
        }
    }

    pub(crate) fn resource(&mut self) -> Resource {
        Resource {
            attributes: self.attributes(2),
            dropped_attributes_count: self.below(3) as u32,
            entity_refs: self.many(2, |d| EntityRef {
                schema_url: d.text(),
                r#type: d.text(),
                id_keys: d.many(3, Dice::text),
                description_keys: d.many(3, Dice::text),
            }),
        }
    }

    /// A request.
    pub(crate) fn traces(&mut self) -> ExportTraceServiceRequest {
        let resource_spans = self.many(3, |d| ResourceSpans {
            resource: Some(d.resource()),
            scope_spans: d.many(2, |d| ScopeSpans {
                scope: Some(InstrumentationScope {
                    name: d.text(),
                    version: d.text(),
                    attributes: d.attributes(0),
                    dropped_attributes_count: d.below(3) as u32,
                }),
                spans: d.many(4, Dice::span),
                schema_url: d.text(),
            }),
            schema_url: d.text(),
        });
        ExportTraceServiceRequest { resource_spans }
    }
}
