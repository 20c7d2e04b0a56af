//! Spans that are owned already, into a batch: what scripts and tests write.

use super::super::model::{Attribute, Resource, Scope, Span, Trace};
use super::builder::{BatchBuilder, Part, SpanFields};

impl BatchBuilder {
    /// Adds a span of a trace with its resource and scope.
    pub fn push(&mut self, trace: &Trace, span: &Span) {
        let (no_resource, no_scope) = (Resource::default(), Scope::default());
        let resource = trace
            .resources
            .get(span.resource as usize)
            .unwrap_or(&no_resource);
        self.all(Part::Resource, &resource.attributes);
        resource
            .entity_refs
            .iter()
            .for_each(|e| self.entity_ref(e.clone()));
        let resource = self.end_resource(resource.dropped_attributes, &resource.schema_url);
        let scope = trace.scopes.get(span.scope as usize).unwrap_or(&no_scope);
        self.all(Part::Scope, &scope.attributes);
        let scope = self.end_scope(
            &scope.name,
            &scope.version,
            scope.dropped_attributes,
            &scope.schema_url,
        );
        for event in &span.events {
            self.all(Part::Event, &event.attributes);
            self.end_event(event.time, &event.name, event.dropped_attributes);
        }
        for link in &span.links {
            self.all(Part::Link, &link.attributes);
            self.end_link(
                link.trace_id,
                link.span_id,
                &link.trace_state,
                link.flags,
                link.dropped_attributes,
            );
        }
        self.all(Part::Span, &span.attributes);
        self.end_span(&SpanFields {
            resource,
            scope,
            trace_id: trace.id,
            span_id: span.id,
            parent: span.parent,
            trace_state: &span.trace_state,
            flags: span.flags,
            name: &span.name,
            kind: span.kind,
            start: span.start,
            end: span.end,
            status_code: span.status_code,
            status_message: &span.status_message,
            dropped_attributes: span.dropped_attributes,
            dropped_events: span.dropped_events,
            dropped_links: span.dropped_links,
            size: 0,
        });
    }

    fn all(&mut self, part: Part, attributes: &[Attribute]) {
        for attribute in attributes {
            self.attribute(part, &attribute.key, attribute.value.borrowed());
        }
    }
}
