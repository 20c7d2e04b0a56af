//! Random traces, and ways to spread their spans over batches.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use crate::traces::batch::{Batch, BatchBuilder};
use crate::traces::model::{Attribute, EntityRef, Event, Link, Resource, Scope, Span, Trace};
use crate::traces::value::Value;

fn text() -> impl Strategy<Value = Arc<str>> {
    prop_oneof![
        Just(Arc::from("a")),
        Just(Arc::from("GET /cart")),
        Just(Arc::from("")),
        "[a-z\u{e4}]{0,12}".prop_map(Arc::from)
    ]
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => text().prop_map(Value::String),
        2 => any::<bool>().prop_map(Value::Bool),
        3 => prop_oneof![200i64..210, any::<i64>()].prop_map(Value::Int),
        2 => prop_oneof![(-1e6..1e6), Just(-0.0), Just(f64::INFINITY), Just(0.25)].prop_map(Value::Double),
        1 => prop::collection::vec(any::<u8>(), 0..6).prop_map(|b| Value::Bytes(b.into())),
        1 => Just(Value::Empty),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|v| Value::Array(v.into())),
            prop::collection::vec((text(), inner), 0..4).prop_map(|v| Value::KvList(v.into())),
        ]
    })
}

fn attributes() -> impl Strategy<Value = Vec<Attribute>> {
    let key = prop_oneof![
        Just("http.status_code"),
        Just("user"),
        Just("k"),
        Just("list"),
        Just("")
    ];
    prop::collection::vec(
        (key, value()).prop_map(|(key, value)| Attribute {
            key: Arc::from(key),
            value,
        }),
        0..5,
    )
}

fn resource() -> impl Strategy<Value = Resource> {
    let entity =
        (text(), text(), prop::collection::vec(text(), 0..2)).prop_map(|(schema_url, kind, keys)| {
            EntityRef {
                schema_url,
                kind,
                id_keys: keys.clone(),
                description_keys: keys,
            }
        });
    let entities = prop::collection::vec(entity, 0..2);
    (attributes(), 0u32..3, text(), entities).prop_map(
        |(attributes, dropped_attributes, schema_url, entity_refs)| Resource {
            attributes,
            dropped_attributes,
            schema_url,
            entity_refs,
        },
    )
}

fn scope() -> impl Strategy<Value = Scope> {
    (text(), text(), text(), attributes(), 0u32..3).prop_map(
        |(name, version, schema_url, attributes, dropped_attributes)| Scope {
            name,
            version,
            schema_url,
            attributes,
            dropped_attributes,
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    (any::<u32>(), text(), attributes(), 0u32..2).prop_map(|(time, name, attributes, dropped_attributes)| {
        Event {
            time: i64::from(time),
            name,
            attributes,
            dropped_attributes,
        }
    })
}

fn link() -> impl Strategy<Value = Link> {
    (
        any::<[u8; 16]>(),
        any::<[u8; 8]>(),
        text(),
        any::<u32>(),
        attributes(),
    )
        .prop_map(|(trace_id, span_id, trace_state, flags, attributes)| Link {
            trace_id,
            span_id,
            trace_state,
            flags,
            attributes,
            dropped_attributes: flags % 3,
        })
}

/// Nanoseconds around a midnight, so that some traces cross it.
const AROUND: i64 = 20_000 * 86_400_000_000_000;

fn span() -> impl Strategy<Value = Span> {
    let ids = (0u32..3, 0u32..2, 1u8..30, 0u8..30);
    let texts = (text(), text(), text());
    let numbers = (
        any::<u32>(),
        0i32..6,
        0i32..3,
        -5_000_000_000i64..5_000_000_000,
        prop_oneof![4 => -5i64..2_000_000_000, 1 => -3_000_000_000i64..0],
    );
    let lists = (
        attributes(),
        prop::collection::vec(event(), 0..3),
        prop::collection::vec(link(), 0..2),
    );
    (ids, texts, numbers, lists, (0u32..2, 0u32..2, 0u32..2)).prop_map(
        |(ids, texts, numbers, lists, dropped)| Span {
            resource: ids.0,
            scope: ids.1,
            id: [ids.2; 8],
            parent: [ids.3; 8],
            trace_state: texts.0,
            name: texts.1,
            status_message: texts.2,
            flags: numbers.0 % 4,
            kind: numbers.1,
            status_code: numbers.2,
            start: AROUND + numbers.3,
            end: AROUND + numbers.3 + numbers.4,
            attributes: lists.0,
            events: lists.1,
            links: lists.2,
            dropped_attributes: dropped.0,
            dropped_events: dropped.1,
            dropped_links: dropped.2,
        },
    )
}

type Parts = (Vec<Resource>, Vec<Scope>, Vec<Span>);

/// Up to so many traces with distinct ids; no two of a trace's spans are the same.
pub(crate) fn traces(most: usize) -> impl Strategy<Value = Vec<Trace>> {
    let trace = (
        prop::collection::vec(resource(), 3),
        prop::collection::vec(scope(), 2),
        prop::collection::vec(span(), 1..20),
    );
    prop::collection::btree_map(1u8..200, trace, 1..most).prop_map(|all: BTreeMap<u8, _>| {
        let trace = |(id, (resources, scopes, mut spans)): (u8, Parts)| {
            spans.sort_by_key(|s| (s.start, s.id, s.kind));
            spans.dedup_by_key(|s| (s.start, s.id, s.kind));
            Trace {
                id: [id; 16],
                resources,
                scopes,
                spans,
            }
        };
        all.into_iter().map(trace).collect()
    })
}

/// How spans are spread over batches.
#[derive(Debug, Clone)]
pub(crate) struct Spread {
    seed: u64,
    batches: usize,
    flushes: u8,
}

impl Arbitrary for Spread {
    type Parameters = ();
    type Strategy = BoxedStrategy<Spread>;

    fn arbitrary_with((): ()) -> BoxedStrategy<Spread> {
        (any::<u64>(), 1usize..8, any::<u8>())
            .prop_map(|(seed, batches, flushes)| Spread {
                seed,
                batches,
                flushes,
            })
            .boxed()
    }
}

impl Spread {
    /// Whether to flush after a batch.
    pub(crate) fn flush_after(&self, batch: usize) -> bool {
        self.flushes >> (batch % 8) & 1 == 1
    }

    fn batch_of(&self, span: usize) -> usize {
        let mixed = (span as u64 ^ self.seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 40) as usize % self.batches
    }
}

/// The spans of all traces in batches; no span is in two.
pub(crate) fn batches(all: &[Trace], spread: &Spread) -> Vec<Batch> {
    let mut builders: Vec<BatchBuilder> = (0..spread.batches).map(|_| BatchBuilder::new()).collect();
    let mut n = 0;
    for trace in all {
        for span in &trace.spans {
            builders[spread.batch_of(n)].push(trace, span);
            n += 1;
        }
    }
    let batches = builders.iter_mut().map(BatchBuilder::finish);
    batches.filter(|b| !b.is_empty()).collect()
}

/// The trace as it is read back: resources and scopes once each, in the order of their first span.
pub(crate) fn assembled(trace: &Trace) -> Trace {
    let mut out = Trace {
        id: trace.id,
        ..Trace::default()
    };
    for span in &trace.spans {
        let mut span = span.clone();
        let resource = trace.resources[span.resource as usize].clone();
        let scope = trace.scopes[span.scope as usize].clone();
        span.resource = place(&mut out.resources, resource);
        span.scope = place(&mut out.scopes, scope);
        out.spans.push(span);
    }
    out
}

fn place<T: PartialEq>(all: &mut Vec<T>, item: T) -> u32 {
    match all.iter().position(|known| *known == item) {
        Some(n) => n as u32,
        None => {
            all.push(item);
            all.len() as u32 - 1
        }
    }
}
