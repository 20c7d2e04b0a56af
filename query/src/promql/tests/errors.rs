//! Queries that break the rules of characters and grammar, and the messages that Prometheus has for them.

use super::super::*;

/// Query and message, with everything switched on.
const MESSAGES: &[(&str, &str)] = &[
    (
        "foo{a=\"b\", c=~\"(\"}",
        "1:12: parse error: error parsing regexp: missing closing ): `(`",
    ),
    (
        "foo{c!~\"a{1001}\"}",
        "1:5: parse error: error parsing regexp: invalid repeat count: `{1001}`",
    ),
    (
        "2.5.",
        "1:1: parse error: bad number or duration syntax: \"2.5.\"",
    ),
    (
        "100..4",
        "1:1: parse error: bad number or duration syntax: \"100..\"",
    ),
    (
        "0deadbeef",
        "1:1: parse error: bad number or duration syntax: \"0de\"",
    ),
    ("((1)", "1:5: parse error: unclosed left parenthesis"),
    ("(", "1:2: parse error: unclosed left parenthesis"),
    (
        "foo offset 1s offset 2s",
        "1:1: parse error: offset may not be set multiple times",
    ),
    (
        "foo[5mm]",
        "1:5: parse error: bad number or duration syntax: \"5mm\"",
    ),
    (
        "foo[5m1]",
        "1:5: parse error: bad number or duration syntax: \"5m1\"",
    ),
    (
        "foo[5m:1m1]",
        "1:8: parse error: bad number or duration syntax: \"1m1\"",
    ),
    (
        "foo[5y1hs]",
        "1:5: parse error: not a valid duration string: \"5y1hs\"",
    ),
    (
        "foo[5m1h]",
        "1:5: parse error: not a valid duration string: \"5m1h\"",
    ),
    (
        "foo[5m1m]",
        "1:5: parse error: not a valid duration string: \"5m1m\"",
    ),
    (
        "some_metric[5m] OFFSET 1mm",
        "1:24: parse error: bad number or duration syntax: \"1mm\"",
    ),
    (
        "rate(some_metric[5m]",
        "1:21: parse error: unclosed left parenthesis",
    ),
    ("foo[10m:", "1:9: parse error: unclosed left bracket"),
    ("test[10m:6s", "1:12: parse error: unclosed left bracket"),
    ("sum(", "1:5: parse error: unclosed left parenthesis"),
    ("\"a", "1:1: parse error: unterminated quoted string"),
    ("'a", "1:1: parse error: unterminated quoted string"),
    ("`a", "1:1: parse error: unterminated raw string"),
    ("\"\\z\"", "1:1: parse error: unknown escape sequence 'z'"),
    ("'\\x'", "1:1: parse error: escape sequence not terminated"),
    ("\"a\\", "1:1: parse error: escape sequence not terminated"),
    ("foo{a=\"b", "1:7: parse error: unterminated quoted string"),
    ("foo[1/0]", "1:7: parse error: division by zero"),
    ("foo[1%0]", "1:7: parse error: modulo by zero"),
    (
        "foo @ 1 @ 2",
        "1:1: parse error: @ <timestamp> may not be set multiple times",
    ),
    ("1.0x", "1:1: parse error: bad number or duration syntax: \"1.0\""),
    (
        "0x",
        "1:1: parse error: error parsing number: strconv.ParseFloat: parsing \"0x\": invalid syntax",
    ),
    ("0xg", "1:1: parse error: bad number or duration syntax: \"0x\""),
    ("1e", "1:1: parse error: bad number or duration syntax: \"1e\""),
    ("1e+", "1:1: parse error: bad number or duration syntax: \"1e+\""),
    (
        "1h30",
        "1:1: parse error: bad number or duration syntax: \"1h30\"",
    ),
    ("1h_", "1:1: parse error: bad number or duration syntax: \"1h_\""),
    ("5m5", "1:1: parse error: bad number or duration syntax: \"5m5\""),
    ("1_", "1:1: parse error: bad number or duration syntax: \"1_\""),
    ("1__0", "1:1: parse error: bad number or duration syntax: \"1__\""),
    ("0b1", "1:1: parse error: bad number or duration syntax: \"0\""),
    ("#", "1:1: parse error: no expression found in input"),
    ("# comment", "1:1: parse error: no expression found in input"),
];

#[test]
fn every_broken_query_has_the_message_of_prometheus() {
    for (text, message) in MESSAGES {
        let error = parse(text, &ParseOptions::ALL).expect_err(text);
        assert_eq!(error.to_string(), *message, "{text}");
    }
}

/// What needs a switch, and the message while it is off.
const SWITCHED: &[(&str, &str)] = &[
    ("start()", "1:1: parse error: function \"start\" is not enabled"),
    ("info(up)", "1:1: parse error: function \"info\" is not enabled"),
    (
        "1 + sort_by_label(up, \"a\")",
        "1:5: parse error: function \"sort_by_label\" is not enabled",
    ),
    (
        "limitk(1, up)",
        "1:1: parse error: limitk() is experimental and must be enabled with --enable-feature=promql-experimental-functions",
    ),
    (
        "sum(limit_ratio(0.5, up))",
        "1:5: parse error: limit_ratio() is experimental and must be enabled with --enable-feature=promql-experimental-functions",
    ),
    (
        "rate(x[5m] smoothed)",
        "1:6: parse error: smoothed modifier is experimental and not enabled",
    ),
    (
        "a + on (x) fill_left (1) b",
        "1:1: parse error: binop fill modifiers are experimental and not enabled",
    ),
];

#[test]
fn what_is_switched_off_says_so_and_works_when_on() {
    for (text, message) in SWITCHED {
        let error = parse(text, &ParseOptions::default()).expect_err(text);
        assert_eq!(error.to_string(), *message, "{text}");
        parse(text, &ParseOptions::ALL).unwrap_or_else(|e| panic!("{text}: {e}"));
    }
    // These are stable.
    for text in [
        "first_over_time(x[5m])",
        "x[step() + 1m]",
        "x offset (2 * 1m)",
        "x </ 1",
        "{\"a.b\"}",
    ] {
        parse(text, &ParseOptions::default()).unwrap_or_else(|e| panic!("{text}: {e}"));
    }
}
