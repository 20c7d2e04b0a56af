//! The parser never panics, whatever the text.

use proptest::prelude::*;

use super::super::*;

const PIECES: [&str; 60] = [
    "a",
    "foo",
    "sum",
    " by ",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "5m",
    "1h30m",
    ":",
    ",",
    "\"x\"",
    "'y'",
    "`z`",
    "=",
    "==",
    "!=",
    "=~",
    "!~",
    "<",
    "<=",
    "</",
    ">",
    ">/",
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    " atan2 ",
    " and ",
    " or ",
    " unless ",
    " on ",
    " bool ",
    " group_left ",
    " ignoring ",
    " offset ",
    "@",
    "start()",
    "end()",
    "step()",
    "range()",
    "min_of",
    "1",
    "0x1f",
    "1e3",
    "NaN",
    "inf",
    "#c\n",
    "rate",
    " fill",
    " anchored",
    " smoothed",
    "\\",
    "\u{e9}",
];

fn parse_all(text: &str) {
    for options in [ParseOptions::default(), ParseOptions::ALL] {
        match parse(text, &options) {
            Ok(expr) => {
                let printed = expr.to_string();
                assert!(
                    parse(&printed, &options).is_ok(),
                    "{text:?} printed as {printed:?}"
                );
                format::pretty(&expr);
            }
            Err(error) => drop(error.to_string()),
        }
    }
    drop(parse_selector(text));
    drop(parse_labels(text));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn random_text_is_parsed_or_refused(text in "\\PC{0,40}") {
        parse_all(&text);
    }

    #[test]
    fn random_tokens_are_parsed_or_refused(picks in prop::collection::vec(0..PIECES.len(), 0..24)) {
        parse_all(&picks.into_iter().map(|i| PIECES[i]).collect::<String>());
    }

    #[test]
    fn mutated_queries_are_parsed_or_refused(at in 0usize..90, len in 0usize..6, insert in "\\PC{0,4}") {
        let base = "sum by (job) (rate(foo{a=\"b\",c=~\"d.*\"}[5m:30s] @ end() offset -1h)) / on (x) group_left () bar > 0x1f";
        let mut text = base.to_owned();
        let end = (at + len).min(text.len());
        text.replace_range(at..end, &insert);
        parse_all(&text);
    }
}
