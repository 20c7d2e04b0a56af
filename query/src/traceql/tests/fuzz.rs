//! The parser never panics, whatever the text, and what it takes it takes again as it prints it.

use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::super::*;

const PIECES: [&str; 72] = [
    "{",
    "}",
    "{ }",
    "(",
    ")",
    " | ",
    " && ",
    " || ",
    ">",
    ">>",
    "<",
    "<<",
    "~",
    "!>",
    "!>>",
    "!<",
    "!<<",
    "!~",
    "&>",
    "&>>",
    "&~",
    "=",
    "!=",
    "=~",
    ">=",
    "+",
    " - ",
    "*",
    "/",
    "%",
    "^",
    "!",
    ".a",
    "span.foo",
    "resource.service.name",
    "parent.",
    "event.",
    ".\"a b\"",
    "duration",
    "name",
    "status",
    "kind",
    "trace:",
    "span:",
    "id",
    "nestedSetParent",
    "true",
    "nil",
    "error",
    "server",
    "1",
    "2.5",
    "100ms",
    "`x`",
    "\"y\"",
    "minInt",
    "count()",
    "avg(",
    "by(",
    "coalesce()",
    "select(",
    "rate()",
    "quantile_over_time(",
    "compare(",
    "topk(3)",
    " with(",
    "sample",
    ",",
    "//c\n",
    "\u{e9}",
    "1h",
    "-",
];

fn parse_all(text: &str) {
    match parse(text) {
        Ok(query) => {
            let printed = query.to_string();
            let again = parse(&printed).unwrap_or_else(|e| panic!("{text:?} printed as {printed:?}: {e}"));
            assert_eq!(again, query, "{text:?} printed as {printed:?}");
        }
        Err(error) => drop(error.to_string()),
    }
    drop(parse_attribute(text));
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
    fn random_filters_are_parsed_or_refused(picks in prop::collection::vec(0..PIECES.len(), 0..12)) {
        let inner = picks.into_iter().map(|i| PIECES[i]).collect::<Vec<_>>().join(" ");
        parse_all(&format!("{{ {inner} }}"));
    }

    #[test]
    fn random_bytes_are_parsed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        parse_all(&String::from_utf8_lossy(&bytes));
    }
}

/// The queries of the corpus in `../../shared/queries`, or none, said aloud, where it is absent.
fn corpus() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/queries/traceql.jsonl");
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("SKIPPED: {path} is absent");
        return Vec::new();
    };
    let query = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        row["query"].as_str().unwrap().to_owned()
    };
    text.lines().map(query).collect()
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
fn queries_of_the_corpus_print_as_what_parses_to_the_same() {
    for query in corpus() {
        parse_all(&query);
    }
}

#[test]
fn mutated_queries_of_the_corpus_are_parsed_or_refused() {
    let queries = corpus();
    let piece = prop::sample::select(PIECES.to_vec()).prop_map(str::to_owned);
    let insert = prop_oneof![piece, "\\PC{0,3}"];
    let edits = prop::collection::vec((0usize..400, 0usize..5, insert), 1..4);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for query in queries {
        for _ in 0..3 {
            let tree = edits.new_tree(&mut runner).unwrap();
            parse_all(&mutated(&query, &tree.current()));
        }
    }
}
