//! The parser never panics, whatever the text.

use proptest::prelude::*;
use proptest::strategy::ValueTree;

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

/// Some queries of the corpus in `../../shared/queries`, or none, said aloud, where it is absent.
fn corpus() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/queries/promql.jsonl");
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("SKIPPED: {path} is absent");
        return Vec::new();
    };
    let query = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        row["query"].as_str().unwrap().to_owned()
    };
    text.lines().step_by(5).map(query).collect()
}

/// Cuts a piece out of a text and puts others in, at any character.
fn mutated(text: &str, edits: &[(usize, usize, String)]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for (at, len, insert) in edits {
        let at = at % (chars.len() + 1);
        let end = (at + len).min(chars.len());
        chars.splice(at..end, insert.chars());
    }
    chars.into_iter().collect()
}

#[test]
fn mutated_queries_of_the_corpus_are_parsed_or_refused() {
    let queries = corpus();
    let piece = prop::sample::select(PIECES.to_vec()).prop_map(str::to_owned);
    let insert = prop_oneof![piece, "\\PC{0,3}"];
    let edits = prop::collection::vec((0usize..400, 0usize..5, insert), 1..4);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for query in queries {
        let tree = edits.new_tree(&mut runner).unwrap();
        parse_all(&mutated(&query, &tree.current()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn random_bytes_are_parsed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        parse_all(&String::from_utf8_lossy(&bytes));
    }
}
