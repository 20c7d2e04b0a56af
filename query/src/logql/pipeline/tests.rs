//! Single stages over single lines.

use super::*;
use crate::logql::{Expr, parse};

/// What the stages of a query make of a line: labels by kind and the line, or none when it is dropped.
fn run(query: &str, stream: &[(&str, &str)], metadata: &[(&str, &str)], line: &str) -> Option<String> {
    let Expr::Log(log) = parse(query).unwrap() else {
        panic!("{query} is no query for lines")
    };
    let pipeline = Pipeline::compile(&log.stages).unwrap();
    let mut run = Run::default();
    run.begin(&Labels::from_pairs(stream.iter().copied()));
    let clock = Clock { time: 0, now: 0 };
    let kept = pipeline.run(&mut run, clock, line.as_bytes(), metadata.iter().copied());
    let labels = run.fields().by_kind();
    kept.then(|| {
        format!(
            "{} {} {} {}",
            labels.stream,
            labels.metadata,
            labels.parsed,
            run.line(line.as_bytes())
        )
    })
}

fn parsed(query: &str, line: &str) -> String {
    let shown = run(query, &[], &[], line).unwrap();
    shown
        .strip_prefix("{} {} ")
        .unwrap()
        .strip_suffix(line)
        .unwrap()
        .trim_end()
        .to_owned()
}

#[test]
fn labels_are_told_apart_by_where_they_come_from() {
    let shown = run(
        r#"{a="1"} | logfmt | label_format c="{{.b}}!", d=a"#,
        &[("a", "1"), ("k", "s")],
        &[("m", "2"), ("k", "x")],
        "b=3 a=4 m=5",
    );
    assert_eq!(
        shown.unwrap(),
        r#"{k="s"} {k_extracted="x", m="2"} {a_extracted="4", b="3", c="3!", d="1", m_extracted="5"} b=3 a=4 m=5"#
    );
}

#[test]
fn json_is_flattened_and_the_first_of_a_name_wins() {
    let line = r#"{"a":{"b":1.50,"c":{"d":true}},"a_b":2,"n":null,"l":[1],"q\u0041":"x\ty","9":"z","e":""}"#;
    assert_eq!(
        parsed(r#"{x="1"} | json"#, line),
        r#"{_9="z", a_b="1.50", a_c_d="true", e="", qA="x\ty"}"#
    );
}

#[test]
fn broken_json_keeps_what_was_read_and_tells_the_error() {
    assert_eq!(
        parsed(r#"{x="1"} | json"#, r#"{"a":1,"b":"#),
        r#"{__error__="JSONParserErr", __error_details__="Malformed JSON error", a="1"}"#
    );
    assert_eq!(
        parsed(r#"{x="1"} | json"#, "plain"),
        r#"{__error__="JSONParserErr", __error_details__="Value looks like object, but can't find closing '}' symbol"}"#
    );
}

#[test]
fn paths_reach_into_arrays() {
    let line = r#"{"a":{"b":[{"c":"x"},{"c":[1,2]}]},"d e":1}"#;
    assert_eq!(
        parsed(
            r#"{x="1"} | json p="a.b[0].c", q="a.b[1].c", r="[\"d e\"]", s="a.z", t="a.b[9]""#,
            line
        ),
        r#"{p="x", q="[1,2]", r="1", s="", t=""}"#
    );
}

#[test]
fn logfmt_skips_what_is_no_pair() {
    assert_eq!(
        parsed(
            r#"{x="1"} | logfmt"#,
            r#"a=1 =2 b="x \"y\"" bare c==d e="unterminated"#
        ),
        r#"{a="1", b="x \"y\""}"#
    );
    assert_eq!(
        parsed(r#"{x="1"} | logfmt --strict"#, "a=1 =2 b=3"),
        r#"{__error__="LogfmtParserErr", __error_details__="logfmt syntax error at pos 5 : unexpected '='", a="1"}"#
    );
    assert_eq!(
        parsed(r#"{x="1"} | logfmt y="a", z, w="none""#, "a=1 z=2"),
        r#"{w="", y="1", z="2"}"#
    );
}

#[test]
fn patterns_take_what_stands_between_texts() {
    let line = r#"1.2.3.4 - - [now] "GET /x HTTP/1.1" 200 17"#;
    assert_eq!(
        parsed(
            r#"{x="1"} | pattern `<ip> - <_> [<_>] "<method> <path> <_>" <status> <_>`"#,
            line
        ),
        r#"{ip="1.2.3.4", method="GET", path="/x", status="200"}"#
    );
}

#[test]
fn lines_are_colourless_after_decolorize() {
    let line = "\u{1b}[31;1mred\u{1b}[0m and \u{1b}]0;title\u{7}plain";
    let shown = run(r#"{x="1"} | decolorize"#, &[], &[], line).unwrap();
    assert_eq!(shown, "{} {} {} red and plain");
}

#[test]
fn addresses_are_found_in_lines() {
    let holds =
        |set: &str, line: &str| run(&format!(r#"{{x="1"}} |= ip("{set}")"#), &[], &[], line).is_some();
    assert!(holds("10.0.0.0/8", "from 10.9.8.7:80."));
    assert!(holds("10.0.0.1-10.0.0.9", "x=10.0.0.9"));
    assert!(!holds("10.0.0.1-10.0.0.9", "x=10.0.0.10"));
    assert!(holds("2001:db8::/32", "[2001:db8::1]:443"));
    assert!(holds("0.0.0.0/0", "a 1.2.3.4 b"));
    assert!(!holds("10.0.0.0/8", "11.0.0.1"));
    assert!(holds("192.168.4.5/32", "192.168.4.5"));
}

#[test]
fn a_condition_may_end_a_parser_before_the_broken_rest() {
    let line = r#"{"level":"info","rest":"#;
    assert_eq!(run(r#"{x="1"} | json | level="error""#, &[], &[], line), None);
    assert!(run(r#"{x="1"} | json | level="info""#, &[], &[], line).is_some());
}
