//! Small random traces and queries over few names and values, so that they meet.

use std::sync::Arc;

use kymo_engine::traces::{Attribute, Event, Link, Resource, Scope, Span, Trace, Value};
use proptest::prelude::*;

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => (0i64..4).prop_map(Value::Int),
        3 => prop::sample::select(vec!["x", "y", "1"]).prop_map(|s| Value::String(s.into())),
        2 => (0i64..4).prop_map(|n| Value::Double(n as f64 / 2.0)),
        2 => any::<bool>().prop_map(Value::Bool),
        1 => prop::collection::vec(prop_oneof![
            (0i64..3).prop_map(Value::Int),
            Just(Value::String("x".into())),
        ], 0..3).prop_map(|items| Value::Array(items.into())),
        1 => Just(Value::Bytes(Arc::from([1u8, 2]))),
        1 => Just(Value::Empty),
    ]
}

fn attributes() -> impl Strategy<Value = Vec<Attribute>> {
    let pair = (prop::sample::select(vec!["a", "b", "c"]), value());
    let pair = pair.prop_map(|(key, value)| Attribute {
        key: key.into(),
        value,
    });
    prop::collection::vec(pair, 0..3)
}

fn event() -> impl Strategy<Value = Event> {
    (0i64..40, prop::sample::select(vec!["x", "y"]), attributes()).prop_map(|(time, name, attributes)| {
        Event {
            time: 100 + time,
            name: name.into(),
            attributes,
            ..Event::default()
        }
    })
}

fn link() -> impl Strategy<Value = Link> {
    (0u8..3, attributes()).prop_map(|(id, attributes)| Link {
        trace_id: [id; 16],
        span_id: [id; 8],
        attributes,
        ..Link::default()
    })
}

fn span() -> impl Strategy<Value = Span> {
    let times = (100i64..400, 0i64..50);
    let codes = (0i32..7, 0i32..4, 0u32..2, 0u32..2);
    let lists = (
        prop::collection::vec(event(), 0..3),
        prop::collection::vec(link(), 0..2),
    );
    (
        times,
        codes,
        prop::sample::select(vec!["x", "y", ""]),
        attributes(),
        lists,
    )
        .prop_map(
            |((start, duration), codes, name, attributes, (events, links))| Span {
                resource: codes.2,
                scope: codes.3,
                name: name.into(),
                kind: codes.0,
                status_code: codes.1,
                status_message: if codes.1 == 2 { "x".into() } else { "".into() },
                start,
                end: start + duration,
                attributes,
                events,
                links,
                ..Span::default()
            },
        )
}

/// The parent of each span by a number: none, one not received, or one made before.
fn trace(id: u8) -> impl Strategy<Value = Trace> {
    let resources = prop::collection::vec(attributes(), 2..3);
    let scopes = prop::collection::vec((prop::sample::select(vec!["x", "y"]), attributes()), 2..3);
    let spans = prop::collection::vec((span(), 0usize..9), 1..8);
    (resources, scopes, spans).prop_map(move |(resources, scopes, spans)| {
        let parent = |at: usize, pick: usize| match pick {
            0 => [0; 8],
            1 => [0xee; 8],
            pick if at > 0 => [1 + (pick % at) as u8; 8],
            _ => [0; 8],
        };
        let spans = spans.into_iter().enumerate().map(|(at, (span, pick))| Span {
            id: [1 + at as u8; 8],
            parent: parent(at, pick),
            ..span
        });
        let mut spans: Vec<Span> = spans.collect();
        spans.sort_by_key(|span| (span.start, span.id));
        Trace {
            id: [id; 16],
            resources: resources
                .into_iter()
                .map(|attributes| Resource {
                    attributes,
                    ..Resource::default()
                })
                .collect(),
            scopes: scopes
                .into_iter()
                .map(|(name, attributes)| Scope {
                    name: name.into(),
                    attributes,
                    ..Scope::default()
                })
                .collect(),
            spans,
        }
    })
}

pub(super) fn traces() -> impl Strategy<Value = Vec<Trace>> {
    (1u8..6).prop_flat_map(|count| (1..=count).map(trace).collect::<Vec<_>>())
}

/// An attribute or intrinsic as it is written.
pub(super) fn attribute() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        ".a",
        ".b",
        "span.a",
        "span.b",
        "resource.a",
        "event.a",
        "event.b",
        "link.a",
        "instrumentation.a",
        "name",
        "duration",
        "status",
        "kind",
        "statusMessage",
        "span:childCount",
        "traceDuration",
        "rootName",
        "event:name",
        "event:timeSinceStart",
        "link:spanID",
        "instrumentation:name",
    ])
    .prop_map(str::to_owned)
}

/// An attribute of any type.
fn named() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        ".a",
        ".b",
        ".c",
        "span.a",
        "resource.b",
        "event.a",
        "link.a",
        "instrumentation.c",
    ])
}

fn literal() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "0", "1", "2", "0.5", "`x`", "`y`", "`1`", "true", "false", "1ns",
    ])
}

fn compare() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["=", "!=", "<", "<=", ">", ">="])
}

/// A condition whose types go together as far as the parser can tell.
fn condition() -> impl Strategy<Value = String> {
    let ordered = |op: &str, literal: &str| {
        let truth = matches!(literal, "true" | "false");
        if truth && op != "!=" {
            "=".to_owned()
        } else {
            op.to_owned()
        }
    };
    prop_oneof![
        4 => (named(), compare(), literal())
            .prop_map(move |(a, op, b)| format!("{a} {} {b}", ordered(op, b))),
        1 => (named(), compare(), literal())
            .prop_map(move |(a, op, b)| format!("{b} {} {a}", ordered(op, b))),
        1 => (named(), compare(), named()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        1 => (named(), prop::sample::select(vec!["+", "-", "*", "/", "%"]), named(), 0..4)
            .prop_map(|(a, op, b, n)| format!("{a} {op} {b} = {n}")),
        2 => (named(), prop::sample::select(vec!["= nil", "!= nil", "=~ `x|1`", "!~ `x`", ""]))
            .prop_map(|(a, test)| format!("{a} {test}")),
        1 => named().prop_map(|a| format!("!{a}")),
        1 => (0i64..4).prop_map(|n| format!("-.a > -{n}")),
        2 => prop::sample::select(vec![
            "name = `x`", "name != ``", "name =~ `x|y`", "duration > 20ns", "duration <= 7", "status = error",
            "status != unset", "kind = server", "kind != unspecified", "statusMessage = ``", "statusMessage != `x`",
            "span:childCount > 0", "traceDuration > 100ns", "rootName = `x`", "event:name = `x`",
            "event:timeSinceStart < 0ns", "link:spanID = `0101010101010101`", "instrumentation:name = `y`", "true",
            "false", "trace:id = `02020202020202020202020202020202`", "trace:id = `2`", "span:parentID = ``", "span:id != `0101010101010101`", "trace:id = `01010101010101010101010101010101`",
        ]).prop_map(str::to_owned),
    ]
}

fn expression() -> impl Strategy<Value = String> {
    condition().prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            (
                inner.clone(),
                prop::sample::select(vec!["&&", "||"]),
                inner.clone()
            )
                .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) || ({b})")),
            inner.prop_map(|a| format!("!({a})")),
        ]
    })
}

/// One pair of braces.
pub(super) fn filter() -> impl Strategy<Value = String> {
    prop_oneof![
        1 => Just("{ }".to_owned()),
        6 => expression().prop_map(|e| format!("{{ {e} }}")),
    ]
}

fn spansets() -> impl Strategy<Value = String> {
    filter().prop_recursive(2, 4, 2, |inner| {
        let op = prop::sample::select(vec![
            "&&", "||", ">", ">>", "<", "<<", "~", "!>", "!>>", "!<", "!<<", "!~", "&>", "&>>", "&<", "&<<",
            "&~",
        ]);
        (inner.clone(), op, inner).prop_map(|(a, op, b)| format!("({a}) {op} ({b})"))
    })
}

fn stage() -> impl Strategy<Value = String> {
    let aggregate = prop::sample::select(vec![
        "count()",
        "avg(duration)",
        "max(.a)",
        "min(.b)",
        "sum(.a)",
        "avg(.a + 1)",
        "max(event.a)",
    ]);
    prop_oneof![
        3 => spansets(),
        2 => (aggregate, compare(), 0i64..5).prop_map(|(a, op, n)| format!("{a} {op} {n}")),
        2 => attribute().prop_map(|a| format!("by({a})")),
        1 => Just("by(.a = .b)".to_owned()),
        1 => Just("coalesce()".to_owned()),
        1 => Just("select(.a)".to_owned()),
        1 => Just("max(.a) - min(.a) > 0".to_owned()),
    ]
}

pub(super) fn pipeline() -> impl Strategy<Value = String> {
    (spansets(), prop::collection::vec(stage(), 0..3)).prop_map(|(first, stages)| {
        let mut all = vec![first];
        all.extend(stages);
        all.join(" | ")
    })
}

/// What is refused for traces with several spansets.
pub(super) fn grouped() -> impl Strategy<Value = String> {
    let count = (compare(), 0i64..4).prop_map(|(op, n)| format!("count() {op} {n}"));
    (filter(), attribute(), count, filter(), spansets())
        .prop_map(|(first, by, count, a, b)| format!("{first} | by({by}) | {count} | ({a}) && ({b})"))
}
