//! What filters find in a span, what they refuse, and that no text makes reading one panic.

use kymo_engine::traces::{Attribute, Event, Resource, Span, Value};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;

fn attribute(key: &str, value: Value) -> Attribute {
    Attribute {
        key: key.into(),
        value,
    }
}

/// One failed call of 2 s with two events.
fn trace() -> Trace {
    let event = |name: &str, key: &str| Event {
        name: name.into(),
        time: 1_000_000_000,
        attributes: vec![attribute(key, Value::String("x".into()))],
        ..Event::default()
    };
    Trace {
        id: [0xab; 16],
        resources: vec![Resource {
            attributes: vec![
                attribute("service.name", Value::String("cart".into())),
                attribute("code", Value::String("resource".into())),
            ],
            ..Resource::default()
        }],
        scopes: vec![Default::default()],
        spans: vec![Span {
            id: [1; 8],
            name: "call".into(),
            kind: 3,
            start: 0,
            end: 2_000_000_000,
            status_code: 2,
            attributes: vec![
                attribute("code", Value::Int(500)),
                attribute("size", Value::Double(9.5)),
                attribute("limit", Value::Int(10)),
            ],
            events: vec![event("first", "a"), event("second", "b")],
            ..Span::default()
        }],
    }
}

fn call(op: &str, args: &[Json]) -> Json {
    json!({"op": op, "args": args})
}

fn nested(call: &Json) -> Json {
    json!({"call": call})
}

fn attr(key: &str, level: &str) -> Json {
    json!({"attr": {"key": key, "level": level}})
}

fn field(level: &str, name: &str) -> Json {
    json!({"field": {"level": level, "name": name}})
}

fn scalar(value: &str) -> Json {
    json!({"scalar": {"value": value}})
}

fn holds(filter: &Json) -> bool {
    Filter::parse(&filter.to_string()).unwrap().holds(&trace())
}

#[test]
fn values_are_compared_by_what_they_are() {
    for (op, left, right, expected) in [
        ("eq", attr("code", "span"), scalar("500"), true),
        (
            "eq",
            attr("code", "span"),
            json!({"scalar": {"value": "500", "type": "string"}}),
            false,
        ),
        (
            "eq",
            attr("code", "span"),
            json!({"scalar": {"value": "500", "type": "int"}}),
            true,
        ),
        ("gt", attr("size", "span"), scalar("9"), true),
        ("gt", scalar("9"), attr("size", "span"), false),
        ("lt", attr("size", "span"), attr("limit", "span"), true),
        ("eq", attr("code", ""), scalar("resource"), true),
        ("ne", attr("code", ""), scalar("resource"), false),
        ("ne", attr("code", "span"), scalar("resource"), true),
        ("ne", attr("absent", ""), scalar("x"), false),
        ("gte", field("span", "duration"), scalar("2s"), true),
        ("gt", field("span", "duration"), scalar("2000ms"), false),
        ("lt", field("span", "startTime"), field("span", "endTime"), true),
        (
            "gt",
            field("span", "startTime"),
            scalar("1970-01-01T00:00:01Z"),
            false,
        ),
        ("eq", field("span", "status"), scalar("error"), true),
        ("eq", field("span", "kind"), scalar("client"), true),
        ("eq", field("span", "traceID"), scalar(&"AB".repeat(16)), true),
        ("eq", field("resource", "service"), scalar("cart"), true),
        ("gt", field("span", "name"), scalar("b"), true),
        ("regex", field("span", "name"), scalar("a.l"), true),
        ("regex", attr("code", "span"), scalar("5.."), false),
        (
            "in",
            attr("code", "span"),
            json!({"list": {"values": ["404", "500"]}}),
            true,
        ),
        (
            "not_in",
            attr("code", "span"),
            json!({"list": {"values": ["404"]}}),
            true,
        ),
        (
            "not_in",
            attr("absent", ""),
            json!({"list": {"values": ["404"]}}),
            false,
        ),
    ] {
        let filter = call(op, &[left, right]);
        assert_eq!(holds(&filter), expected, "{filter}");
    }
    assert!(holds(&call("exists", &[attr("code", "resource")])));
    assert!(!holds(&call("exists", &[field("span", "parentSpanID")])));
}

#[test]
fn predicates_combine_and_some_is_one_event() {
    let first = call("eq", &[field("event", "name"), scalar("first")]);
    let b = call("eq", &[attr("b", "event"), scalar("x")]);
    let both = call("and", &[nested(&first), nested(&b)]);
    assert!(holds(&both), "of any events");
    let events = json!({"nested": {"level": "event"}});
    assert!(
        !holds(&call("some", &[events.clone(), nested(&both)])),
        "of one event"
    );
    assert!(holds(&call("some", &[events, nested(&first)])));
    let absent = call("exists", &[attr("absent", "")]);
    assert!(!holds(&call("or", &[nested(&absent), nested(&absent)])));
    assert!(holds(&call("not", &[nested(&absent)])));
}

#[test]
fn what_must_hold_is_said_in_traceql() {
    let necessary = |filter: Json| Filter::parse(&filter.to_string()).unwrap().necessary();
    let service = call("eq", &[field("resource", "service"), scalar("cart")]);
    assert_eq!(
        necessary(service.clone()),
        r#"{ (resource.service.name = "cart") }"#
    );
    let not = call("not", &[nested(&service)]);
    assert_eq!(necessary(not.clone()), "{  }");
    assert_eq!(necessary(call("or", &[nested(&service), nested(&not)])), "{  }");
    let slow = call("gt", &[field("span", "duration"), scalar("1s")]);
    assert_eq!(
        necessary(call("and", &[nested(&slow), nested(&not)])),
        "{ (duration > 1000000000ns) }"
    );
    let code = call("eq", &[attr("code", "span"), scalar("500")]);
    assert_eq!(
        necessary(code),
        r#"{ (span."code" = "500" || span."code" = 500) }"#
    );
}

#[test]
fn what_asks_nothing_sensible_is_refused_by_path() {
    for (filter, cause) in [
        (json!({"op": "and", "args": []}), "filter.and: two or more"),
        (
            call("xor", &[scalar("1"), scalar("1")]),
            "\"xor\" is not supported",
        ),
        (call("phrase", &[attr("a", "")]), "\"phrase\" is not supported"),
        (call("eq", &[scalar("1"), scalar("1")]), "two constants"),
        (
            call("eq", &[attr("a", "trace"), scalar("1")]),
            "the level \"trace\"",
        ),
        (
            call("eq", &[field("span", "color"), scalar("1")]),
            "no field \"color\"",
        ),
        (
            call("gt", &[field("span", "duration"), scalar("5")]),
            "not a duration",
        ),
        (call("gt", &[field("span", "kind"), scalar("server")]), "no order"),
        (
            call("eq", &[field("span", "duration"), field("span", "name")]),
            "different kinds",
        ),
        (
            call(
                "eq",
                &[attr("a", ""), json!({"scalar": {"value": "x", "type": "int"}})],
            ),
            "not an int",
        ),
        (
            call("regex", &[attr("a", ""), scalar("(")]),
            "not a regular expression",
        ),
        (
            call("in", &[attr("a", ""), json!({"list": {"values": []}})]),
            "the list is empty",
        ),
        (call("not", &[attr("a", "")]), "a call is expected"),
        (json!({"op": "not", "arguments": []}), "unknown field `arguments`"),
    ] {
        let refused = Filter::parse(&filter.to_string()).unwrap_err();
        assert!(refused.contains(cause), "{filter}: {refused}");
    }
    let deep = (0..100).fold(call("exists", &[attr("a", "")]), |inner, _| {
        call("not", &[nested(&inner)])
    });
    assert!(Filter::parse(&deep.to_string()).is_err());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}", at in 0usize..200, byte in any::<char>()) {
        let _ = Filter::parse(&text);
        let filter = call("and", &[nested(&call("eq", &[attr("a", "span"), scalar("1")])), nested(&call("gt", &[field("span", "duration"), scalar("2s")]))]);
        let mut mutated: Vec<char> = filter.to_string().chars().collect();
        let at = at % mutated.len();
        mutated[at] = byte;
        if let Ok(filter) = Filter::parse(&mutated.iter().collect::<String>()) {
            let _ = (filter.holds(&trace()), filter.necessary());
        }
    }
}
