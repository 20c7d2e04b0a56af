//! What parses, what is refused and how, and that what is printed parses again.

mod fuzz;

use super::ast::{Body, FieldExpr, SpansetExpr, Stage};
use super::*;

/// What a query is printed as.
fn printed(text: &str) -> String {
    parse(text).unwrap_or_else(|e| panic!("{text}: {e}")).to_string()
}

fn refused(text: &str) -> String {
    match parse(text) {
        Ok(query) => panic!("{text} was read as {query}"),
        Err(error) => error.to_string(),
    }
}

/// The expression in braces of a query of one filter.
fn filter(text: &str) -> FieldExpr {
    let Body::Search(pipeline) = parse(text).unwrap().body else {
        panic!("{text} is no search")
    };
    match pipeline.stages.into_iter().next() {
        Some(Stage::Spansets(SpansetExpr::Filter(Some(expr)))) => *expr,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn precedence_is_shown_by_parentheses() {
    for (text, shown) in [
        ("{ .a || .b && .c }", "(.a || .b) && .c"),
        ("{ .a && .b && .c }", ".a && .b && .c"),
        ("{ !.a = .b }", "(!.a) = .b"),
        (
            "{ .a + .b * .c ^ .d ^ .e = 1 }",
            "(.a + (.b * (.c ^ (.d ^ .e)))) = 1",
        ),
        ("{ -.a ^ 2 = 1 }", "((-.a) ^ 2) = 1"),
        ("{ .a = .b = .c }", "(.a = .b) = .c"),
        ("{ 1 + 1 = .a }", "2 = .a"),
        ("{ nil = .a }", ".a = nil"),
    ] {
        assert_eq!(filter(text).to_string(), shown, "{text}");
    }
    assert_eq!(printed("{.a} > {.b} && {.c}"), "({ .a } > { .b }) && { .c }");
    assert_eq!(printed("{.a} || {.b} && {.c}"), "({ .a } || { .b }) && { .c }");
    let math = "(1 + (2 * 3)) - ({ } | rate())";
    assert_eq!(printed("1 + 2 * 3 - ({} | rate())"), math);
}

#[test]
fn names_of_attributes_swallow_arithmetic_and_brackets() {
    for (text, shown) in [
        ("{ .a+1 = 2 }", ".a+1 = 2"),
        ("{ span.http.header[0]:x = 1 }", "span.http.header[0]:x = 1"),
        ("{ span.\"a b\".c = 1 }", "span.\"a b.c\" = 1"),
        ("{ .\"a\\\"b\\\\c\" = 1 }", ".\"a\\\"b\\\\c\" = 1"),
        ("{ span.resource.x = 1 }", "span.resource.x = 1"),
        ("{ ... = 1 }", "... = 1"),
        ("{ .\"1a\" = 1 }", ".\"1a\" = 1"),
    ] {
        assert_eq!(filter(text).to_string(), shown, "{text}");
    }
    assert_eq!(filter("{ .1 + 1 = .a }").to_string(), "1.1 = .a");
}

#[test]
fn numbers_with_units_are_durations_up_to_the_next_blank() {
    for (text, shown) in [
        ("{ duration > 1d2h }", "26h0m0s"),
        ("{ duration > 1.5s }", "1.5s"),
        ("{ duration > 1s500ms }", "1.5s"),
        ("{ duration > 10us }", "10\u{b5}s"),
        ("{ duration > 2w }", "336h0m0s"),
    ] {
        assert_eq!(filter(text).to_string(), format!("duration > {shown}"), "{text}");
    }
    let split = refused("{ duration > 1 s }");
    assert_eq!(
        split,
        "parse error at line 1, col 16: syntax error: unexpected IDENTIFIER"
    );
}

#[test]
fn words_are_case_sensitive_and_comments_skipped() {
    assert_eq!(
        refused("{ True }"),
        "parse error at line 1, col 3: unknown identifier: True"
    );
    assert_eq!(
        printed("{ // all\n} /* of\n them */ | count() > 1"),
        "{ } | count() > 1"
    );
    let third = refused("{ true }\n|\n  x");
    assert_eq!(
        third,
        "parse error at line 3, col 3: syntax error: unexpected IDENTIFIER"
    );
}

#[test]
fn what_tempo_calls_unsupported_is_read() {
    for (text, shown) in [
        (
            "({ .a } | count()) > ({ .b } | count())",
            "({ .a } | count()) > ({ .b } | count())",
        ),
        ("max(.a) - min(.a) > 3", "(max(.a) - min(.a)) > 3"),
        (
            "{ .a } && ({ .b } | count() > 1)",
            "{ .a } && ({ .b } | count() > 1)",
        ),
    ] {
        assert_eq!(printed(text), shown);
    }
}

#[test]
fn limits_of_nesting_and_length_are_refused() {
    let deep = |n: usize| format!("{{ {}true{} }}", "(".repeat(n), ")".repeat(n));
    assert!(parse(&deep(100)).is_ok());
    assert!(refused(&deep(10_000)).contains("nested deeper than 300 levels"));
    let parens = format!("{}{{}}{}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(refused(&parens).contains("nested deeper"));
    let minus = format!("{{ {} 1 = .a }}", "-".repeat(10_000));
    assert!(refused(&minus).contains("nested deeper"));
    let many = vec![".a = 1"; 10_000].join(" || ");
    assert!(parse(&format!("{{ {many} }}")).is_ok());
    let long = format!("{{ .a = `{}` }}", "x".repeat(QUERY_BYTES_MAX));
    assert!(matches!(parse(&long), Err(ParseError::TooLong { .. })));
}

#[test]
fn attributes_are_read_alone() {
    for text in [
        ".foo",
        "resource.service.name",
        "span:kind",
        "name",
        "event:timeSinceStart",
    ] {
        assert!(parse_attribute(text).is_ok(), "{text}");
    }
    for text in ["", "foo", "span.", "name x", "{ }"] {
        assert!(parse_attribute(text).is_err(), "{text}");
    }
}
