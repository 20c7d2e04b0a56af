//! From the borrowing views back to the structs of `opentelemetry-proto`, so that the two decoders can be compared.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{self as common, InstrumentationScope};
use opentelemetry_proto::tonic::resource::v1 as resource;
use opentelemetry_proto::tonic::trace::v1 as otel;

use super::super::*;
use crate::otlp::metrics::tests::{key_values, text};

pub(crate) fn request(body: &[u8]) -> Result<ExportTraceServiceRequest> {
    let mut request = Request::new(body);
    let mut resource_spans = Vec::new();
    while let Some(mut found) = request.next_resource()? {
        let mut scope_spans = Vec::new();
        while let Some(mut scope) = found.next_scope()? {
            let mut spans = Vec::new();
            while let Some(found) = scope.next_span()? {
                spans.push(span(found)?);
            }
            scope_spans.push(otel::ScopeSpans {
                scope: Some(InstrumentationScope {
                    name: text(scope.scope.name),
                    version: text(scope.scope.version),
                    attributes: key_values(scope.scope.attributes)?,
                    dropped_attributes_count: scope.scope.dropped_attributes,
                }),
                spans,
                schema_url: text(scope.schema_url),
            });
        }
        resource_spans.push(otel::ResourceSpans {
            resource: Some(resource::Resource {
                attributes: key_values(found.resource.attributes)?,
                dropped_attributes_count: found.resource.dropped_attributes,
                entity_refs: found.resource.entity_refs.iter().map(entity_ref).collect(),
            }),
            scope_spans,
            schema_url: text(found.schema_url),
        });
    }
    Ok(ExportTraceServiceRequest { resource_spans })
}

pub(crate) fn entity_ref(entity: &EntityRef<'_>) -> common::EntityRef {
    let texts = |keys: &[&[u8]]| keys.iter().map(|key| text(key)).collect();
    common::EntityRef {
        schema_url: text(entity.schema_url),
        r#type: text(entity.kind),
        id_keys: texts(&entity.id_keys),
        description_keys: texts(&entity.description_keys),
    }
}

fn span(mut found: Span<'_>) -> Result<otel::Span> {
    let (mut events, mut links) = (Vec::new(), Vec::new());
    while let Some(event) = found.events.next_event()? {
        events.push(otel::span::Event {
            time_unix_nano: event.time,
            name: text(event.name),
            attributes: key_values(event.attributes)?,
            dropped_attributes_count: event.dropped_attributes,
        });
    }
    while let Some(link) = found.links.next_link()? {
        links.push(otel::span::Link {
            trace_id: link.trace_id.to_vec(),
            span_id: link.span_id.to_vec(),
            trace_state: text(link.trace_state),
            attributes: key_values(link.attributes)?,
            dropped_attributes_count: link.dropped_attributes,
            flags: link.flags,
        });
    }
    Ok(otel::Span {
        trace_id: found.trace_id.to_vec(),
        span_id: found.span_id.to_vec(),
        trace_state: text(found.trace_state),
        parent_span_id: found.parent_span_id.to_vec(),
        flags: found.flags,
        name: text(found.name),
        kind: found.kind,
        start_time_unix_nano: found.start,
        end_time_unix_nano: found.end,
        attributes: key_values(found.attributes)?,
        dropped_attributes_count: found.dropped_attributes,
        events,
        dropped_events_count: found.dropped_events,
        links,
        dropped_links_count: found.dropped_links,
        status: Some(otel::Status {
            message: text(found.status_message),
            code: found.status_code,
        }),
    })
}
