//! Spans of OTLP to the engine's batch. A span that is wrong is refused alone and named; the others are kept. Which spans are
//! there already is the engine's to find. Not for the transports.

mod checked;
mod values;

use kymo_engine::traces::{Batch, BatchBuilder, EntityRef};
use kymo_proto::otlp::traces::{Request, Resource, ResourceSpans, Scope, ScopeSpans, Span};

use super::metrics::Rules;
use super::{Fault, Reason, Rejects};
use crate::http::hex;
use checked::Checked;
use values::{List, text};

/// Why a span, or all of a resource or scope, is refused: the reason and what is wrong.
type SpanFault = (Reason, String);

/// Why reading stops here.
enum Stop {
    /// The spans in question are refused.
    Refused(SpanFault),
    /// The body is no message of the schema.
    Broken(kymo_proto::Error),
}

impl From<SpanFault> for Stop {
    fn from(fault: SpanFault) -> Stop {
        Stop::Refused(fault)
    }
}

impl From<kymo_proto::Error> for Stop {
    fn from(error: kymo_proto::Error) -> Stop {
        Stop::Broken(error)
    }
}

/// Decodes a body: what is to be stored, and what was refused.
///
/// # Errors
/// Bytes that are not a protobuf message of the schema.
pub(super) fn read(body: &[u8], rules: Rules) -> Result<(Batch, Rejects), Fault> {
    let mut reading = Reading {
        builder: BatchBuilder::new(),
        rejects: Rejects::default(),
        oldest: rules.time_min.saturating_mul(1_000_000),
        list: List::default(),
    };
    let mut checked = Checked::default();
    let mut request = Request::new(body);
    while let Some(resource) = request.next_resource()? {
        reading.add_resource(resource, &mut checked)?;
    }
    Ok((reading.builder.finish(), reading.rejects))
}

struct Reading<'a> {
    builder: BatchBuilder,
    rejects: Rejects,
    /// First start that retention keeps, in nanoseconds since 1970.
    oldest: i64,
    list: List<'a>,
}

impl<'a> Reading<'a> {
    fn add_resource(
        &mut self,
        mut spans: ResourceSpans<'a>,
        checked: &mut Checked<'a>,
    ) -> kymo_proto::Result<()> {
        let mut resource = self.resource(&spans.resource, spans.schema_url);
        while let Some(scope) = spans.next_scope()? {
            match &mut resource {
                Ok(resource) => self.add_scope(scope, *resource, checked)?,
                Err(stop) => self.refuse_all(scope, stop)?,
            }
        }
        Ok(())
    }

    fn add_scope(
        &mut self,
        mut spans: ScopeSpans<'a>,
        resource: u32,
        checked: &mut Checked<'a>,
    ) -> kymo_proto::Result<()> {
        let scope = match self.scope(&spans.scope, spans.schema_url) {
            Ok(scope) => scope,
            Err(mut stop) => return self.refuse_all(spans, &mut stop),
        };
        while let Some(span) = spans.next_span()? {
            match checked.read(&span, self.oldest) {
                Ok(()) => checked.push(&span, (resource, scope), &mut self.builder),
                Err(Stop::Refused((reason, what))) => self.refuse(&span, reason, &what),
                Err(Stop::Broken(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Refuses all spans of a scope whose resource, or that itself, is wrong.
    fn refuse_all(&mut self, mut spans: ScopeSpans<'a>, stop: &mut Stop) -> kymo_proto::Result<()> {
        let (reason, what) = match stop {
            Stop::Refused(fault) => fault,
            Stop::Broken(error) => return Err(*error),
        };
        while let Some(span) = spans.next_span()? {
            self.refuse(&span, *reason, what);
        }
        Ok(())
    }

    fn refuse(&mut self, span: &Span<'_>, reason: Reason, what: &str) {
        self.rejects.add(reason, 1, || {
            let name = String::from_utf8_lossy(span.name);
            let (trace, id) = (hex(span.trace_id), hex(span.span_id));
            format!("span {name:?} (trace id {trace:?}, span id {id:?}): {what}")
        });
    }

    fn resource(&mut self, resource: &Resource<'a>, schema_url: &'a [u8]) -> Result<u32, Stop> {
        self.list.read(resource.attributes.clone())?;
        let schema_url = text(schema_url)?;
        let mut entities = Vec::new();
        for entity in &resource.entity_refs {
            let texts = |keys: &[&[u8]]| keys.iter().map(|key| Ok(text(key)?.into())).collect();
            let keys: [Result<Vec<_>, SpanFault>; 2] =
                [texts(&entity.id_keys), texts(&entity.description_keys)];
            let [id_keys, description_keys] = keys;
            entities.push(EntityRef {
                schema_url: text(entity.schema_url)?.into(),
                kind: text(entity.kind)?.into(),
                id_keys: id_keys?,
                description_keys: description_keys?,
            });
        }
        let part = kymo_engine::traces::Part::Resource;
        self.list.push(part, 0..self.list.len(), &mut self.builder);
        entities
            .into_iter()
            .for_each(|entity| self.builder.entity_ref(entity));
        Ok(self.builder.end_resource(resource.dropped_attributes, schema_url))
    }

    fn scope(&mut self, scope: &Scope<'a>, schema_url: &'a [u8]) -> Result<u32, Stop> {
        self.list.read(scope.attributes.clone())?;
        let (name, version, schema_url) = (text(scope.name)?, text(scope.version)?, text(schema_url)?);
        let part = kymo_engine::traces::Part::Scope;
        self.list.push(part, 0..self.list.len(), &mut self.builder);
        Ok(self
            .builder
            .end_scope(name, version, scope.dropped_attributes, schema_url))
    }
}

#[cfg(test)]
mod tests;
