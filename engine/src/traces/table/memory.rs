//! Columns of owned traces: the plainest source of a table, for scripts and as the reference for the others.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::{ABSENT, AttributeScope, Column, Field, Source};
use crate::error::Result;
use crate::traces::TraceId;
use crate::traces::model::{Attribute, Span, SpanId, Trace};
use crate::traces::value::Value;

/// Owned traces in the order they were given.
pub(crate) struct OwnedTraces {
    traces: Vec<Trace>,
}

impl OwnedTraces {
    pub(crate) fn new(mut traces: Vec<Trace>) -> OwnedTraces {
        for trace in &mut traces {
            trace.spans.sort_by_key(|span| (span.start, span.id));
        }
        OwnedTraces { traces }
    }

    fn spans(&self) -> impl Iterator<Item = (&Trace, &Span)> {
        self.traces
            .iter()
            .flat_map(|t| t.spans.iter().map(move |s| (t, s)))
    }

    fn coded<'t>(&'t self, value: impl Fn(&'t Trace, &'t Span) -> Option<Value>) -> Column {
        coded(self.spans().map(|(trace, span)| value(trace, span)))
    }

    fn many(&self, values: impl Fn(&Span) -> Vec<Option<Value>>) -> Column {
        let mut firsts = vec![0u32];
        let mut all = Vec::new();
        for (_, span) in self.spans() {
            all.extend(values(span));
            firsts.push(all.len() as u32);
        }
        Column::Many {
            firsts: firsts.into(),
            inner: Box::new(coded(all.into_iter())),
        }
    }

    fn attribute(&self, scope: AttributeScope, key: &str) -> Column {
        match scope {
            AttributeScope::Span => self.coded(|_, span| first(&span.attributes, key)),
            AttributeScope::Resource => self.coded(|trace, span| {
                let resource = trace.resources.get(span.resource as usize)?;
                first(&resource.attributes, key)
            }),
            AttributeScope::Instrumentation => self.coded(|trace, span| {
                let scope = trace.scopes.get(span.scope as usize)?;
                first(&scope.attributes, key)
            }),
            AttributeScope::Event => {
                self.many(|span| span.events.iter().map(|e| first(&e.attributes, key)).collect())
            }
            AttributeScope::Link => {
                self.many(|span| span.links.iter().map(|l| first(&l.attributes, key)).collect())
            }
        }
    }
}

impl Source for OwnedTraces {
    fn rows(&self) -> usize {
        self.traces.iter().map(|t| t.spans.len()).sum()
    }

    fn trace_count(&self) -> usize {
        self.traces.len()
    }

    fn trace_rows(&self) -> Result<Vec<(TraceId, Range<u32>)>> {
        let mut from = 0;
        let rows = self.traces.iter().map(|trace| {
            let rows = from..from + trace.spans.len() as u32;
            from = rows.end;
            (trace.id, rows)
        });
        Ok(rows.collect())
    }

    fn starts(&self) -> Result<Vec<i64>> {
        Ok(self.spans().map(|(_, span)| span.start).collect())
    }

    fn durations(&self) -> Result<Vec<i64>> {
        Ok(self.spans().map(|(_, s)| s.end.wrapping_sub(s.start)).collect())
    }

    fn span_ids(&self) -> Result<Vec<SpanId>> {
        Ok(self.spans().map(|(_, span)| span.id).collect())
    }

    fn parent_ids(&self) -> Result<Vec<SpanId>> {
        Ok(self.spans().map(|(_, span)| span.parent).collect())
    }

    fn parents(&self) -> Result<Vec<u32>> {
        let mut parents = Vec::with_capacity(self.rows());
        let mut from = 0;
        for trace in &self.traces {
            let ids: Vec<(SpanId, SpanId, i32)> =
                trace.spans.iter().map(|s| (s.id, s.parent, s.kind)).collect();
            parents.extend(super::resolve_parents(&ids, from));
            from += trace.spans.len() as u32;
        }
        Ok(parents)
    }

    fn column(&self, field: &Field) -> Result<Column> {
        let text = |text: &Arc<str>| (!text.is_empty()).then(|| Value::String(text.clone()));
        let scope = |trace: &Trace, span: &Span| trace.scopes.get(span.scope as usize).cloned();
        Ok(match field {
            Field::Attribute { scope, key } => self.attribute(*scope, key),
            Field::Name => self.coded(|_, span| Some(Value::String(span.name.clone()))),
            Field::Kind => self.coded(|_, span| Some(Value::Int(span.kind.into()))),
            Field::Status => self.coded(|_, span| Some(Value::Int(span.status_code.into()))),
            Field::StatusMessage => self.coded(|_, span| text(&span.status_message)),
            Field::TraceState => self.coded(|_, span| text(&span.trace_state)),
            Field::ScopeName => self.coded(|t, s| scope(t, s).map(|scope| Value::String(scope.name))),
            Field::ScopeVersion => self.coded(|t, s| scope(t, s).map(|scope| Value::String(scope.version))),
            Field::Duration => Column::Ints {
                values: self.durations()?.into(),
                present: None,
            },
            Field::EventName => self.many(|span| {
                let names = span.events.iter().map(|e| Some(Value::String(e.name.clone())));
                names.collect()
            }),
            Field::EventTime => self.many(|span| {
                let since = |time: i64| Some(Value::Int(time.wrapping_sub(span.start)));
                span.events.iter().map(|e| since(e.time)).collect()
            }),
            Field::LinkTraceId => self.many(|span| {
                let ids = span
                    .links
                    .iter()
                    .map(|l| Some(Value::Bytes(Arc::from(l.trace_id))));
                ids.collect()
            }),
            Field::LinkSpanId => self.many(|span| {
                let ids = span
                    .links
                    .iter()
                    .map(|l| Some(Value::Bytes(Arc::from(l.span_id))));
                ids.collect()
            }),
        })
    }

    fn trace(&self, id: TraceId, _: Range<u32>) -> Result<Trace> {
        let found = self.traces.iter().find(|trace| trace.id == id);
        Ok(found.cloned().unwrap_or_default())
    }
}

fn first(attributes: &[Attribute], key: &str) -> Option<Value> {
    attributes
        .iter()
        .find(|attribute| attribute.key.as_ref() == key)
        .map(|attribute| attribute.value.clone())
}

/// A column of values that are few and repeat.
fn coded(values: impl Iterator<Item = Option<Value>>) -> Column {
    let mut distinct: Vec<Option<Value>> = Vec::new();
    let mut numbers: HashMap<Vec<u8>, u32> = HashMap::new();
    let codes = values.map(|value| match value {
        None => ABSENT,
        Some(value) => {
            let mut bytes = Vec::new();
            value.encode(&mut bytes);
            *numbers.entry(bytes).or_insert_with(|| {
                distinct.push(Some(value));
                distinct.len() as u32 - 1
            })
        }
    });
    let codes: Vec<u32> = codes.collect();
    if codes.iter().all(|code| *code == ABSENT) {
        return Column::Absent;
    }
    Column::Coded {
        codes: codes.into(),
        values: distinct.into(),
    }
}
