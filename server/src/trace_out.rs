//! A stored trace as OTLP says it: spans grouped by resource and scope, then as protobuf, as the JSON of protobuf's own
//! mapping, as OTLP/JSON, or briefly for language models. Not for the envelopes around it, which are the dialects'.

pub(crate) mod json;
pub(crate) mod llm;
pub(crate) mod protobuf;

use kymo_engine::traces::{Resource, Scope, Span, Trace, TraceId};

/// The spans of one resource.
pub(crate) struct ResourceGroup<'t> {
    pub(crate) resource: &'t Resource,
    pub(crate) scopes: Vec<ScopeGroup<'t>>,
}

/// The spans of one scope of a resource.
pub(crate) struct ScopeGroup<'t> {
    pub(crate) scope: &'t Scope,
    pub(crate) trace_id: &'t TraceId,
    pub(crate) spans: Vec<&'t Span>,
}

/// The spans of a trace by resource and scope, each in the order of its first span.
pub(crate) fn grouped(trace: &Trace) -> Vec<ResourceGroup<'_>> {
    let mut places: Vec<Vec<usize>> = Vec::new();
    let mut groups: Vec<ResourceGroup<'_>> = Vec::new();
    // The place of a resource's group and, by scope, of the group within: one beyond, 0 for none yet.
    places.resize_with(trace.resources.len(), || vec![0; trace.scopes.len() + 1]);
    for span in &trace.spans {
        let places = &mut places[span.resource as usize];
        if places[0] == 0 {
            groups.push(ResourceGroup {
                resource: &trace.resources[span.resource as usize],
                scopes: Vec::new(),
            });
            places[0] = groups.len();
        }
        let scopes = &mut groups[places[0] - 1].scopes;
        let place = &mut places[span.scope as usize + 1];
        if *place == 0 {
            scopes.push(ScopeGroup {
                scope: &trace.scopes[span.scope as usize],
                trace_id: &trace.id,
                spans: Vec::new(),
            });
            *place = scopes.len();
        }
        scopes[*place - 1].spans.push(span);
    }
    groups
}

#[cfg(test)]
mod tests;
