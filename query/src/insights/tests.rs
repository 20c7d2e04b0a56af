//! What is printed parses to the same tree; nothing that is written, and no line, makes anything panic.

use kymo_engine::labels::Labels;
use kymo_engine::logs::{Rows, StreamRows};
use proptest::prelude::*;

use super::{QueryOptions, parse, query};
use crate::logql::eval::store::Part;
use crate::promql::eval::Budget;

const QUERIES: &[&str] = &[
    r#"fields @timestamp, a.b as x, `odd name`, -a ^ 2 * (b + 1) % 3 | filter not (x = "y\"" or z like /a\/b\\/) and w in [1, "2"]"#,
    r#"parse @message "a * b *" as p, q | stats count(*) as n, sum(p) / count(q) by bin(5m), q as r | sort n desc, r | limit 7"#,
    r"parse raw /(?<v>\d+)/ | dedup v, lower | display coalesce(v, 1.5e3), concat('x', true) # end",
    "stats pct(t, 99.9), count_distinct(u) | filter pct(t, 99.9) > 1 | stats max(`pct(t, 99.9)`)",
];

const LINES: &[&str] = &[
    r#"{"a":{"b":[1,{"c":"d\u00e9\n"}]},"x":null,"t":-1.5e3,"odd name":true,"v":"7"}"#,
    r#"level=info p="a \"quoted\" text" t=1.5 =odd "bare" v=12"#,
    "raw 17 a 1 b 2 \u{e9}",
];

/// Pieces that queries are made of.
const PIECES: &[&str] = &[
    "fields",
    "filter",
    "stats",
    "sort",
    "limit",
    "dedup",
    "parse",
    "display",
    "|",
    ",",
    "(",
    ")",
    "[",
    "]",
    "=",
    "!=",
    "<=",
    "=~",
    "like",
    "not",
    "in",
    "and",
    "or",
    "as",
    "by",
    "asc",
    "desc",
    "a",
    "b.0.c",
    "`x y`",
    "@message",
    "1",
    "2.5",
    "5m",
    "\"t\"",
    "'*'",
    "/r/",
    "count(*)",
    "sum(",
    "bin(5m)",
    "ispresent(",
    "-",
    "*",
    "/",
    "^",
    "%",
    "# c\n",
    "true",
];

/// Asks over the lines.
fn ask(text: &str) {
    let Ok(tree) = parse(text) else { return };
    let printed = tree.to_string();
    assert_eq!(parse(&printed).as_ref(), Ok(&tree), "{text} printed as {printed}");
    let store = |_: &kymo_engine::logs::Scan| {
        let entries = || {
            let lines = LINES.iter().enumerate();
            lines.map(|(n, line)| (n as i64 * 1_000_000_000, line.as_bytes(), vec![("m", "1")]))
        };
        let load = move || {
            Ok(vec![StreamRows {
                labels: Labels::from_pairs([("app", "a")]),
                rows: Rows::from_entries(entries()),
            }])
        };
        Ok(vec![Part {
            times: (0, i64::MAX),
            rows: 3,
            columns: None,
            load: Box::new(load),
        }])
    };
    let options = QueryOptions {
        selector: Vec::new(),
        from: i64::MIN,
        until: i64::MAX,
        limit: 100,
    };
    query(&tree, &store, &options, &Budget::default()).unwrap();
}

#[test]
fn every_query_at_hand_is_answered() {
    for text in QUERIES {
        parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        ask(text);
    }
}

#[test]
fn deep_and_long_queries_are_refused_or_answered() {
    let deep = format!("filter {}a{}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(parse(&deep).unwrap_err().message.contains("nested deeper"));
    let sums = format!("fields {}", vec!["a"; 10_000].join(" + "));
    assert!(parse(&sums).unwrap_err().message.contains("nested deeper"));
    assert!(parse(&format!("filter {}a", "not ".repeat(10_000))).is_err());
    assert!(parse(&format!("fields {}a", "- ".repeat(10_000))).is_err());
    assert!(parse(&format!("fields {}a", "2 ^ ".repeat(10_000))).is_err());
    assert!(
        parse(&"fields a | ".repeat(20_000))
            .unwrap_err()
            .message
            .contains("longer")
    );
    ask(&format!("filter {}", vec!["a = \"b\""; 5_000].join(" or ")));
}

#[test]
fn errors_name_the_line_and_the_column() {
    let error = parse("fields a # a comment\n| filter\n  \u{e9} = ]").unwrap_err();
    assert_eq!((error.line, error.column), (3, 7));
    assert_eq!(
        error.to_string(),
        "parse error at line 3, col 7: a value is missing before \"]\""
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn random_text_is_parsed_or_refused(text in "\\PC{0,60}") {
        ask(&text);
    }

    #[test]
    fn random_pieces_are_parsed_or_refused(picks in prop::collection::vec(0..PIECES.len(), 0..16)) {
        let words: Vec<&str> = picks.iter().map(|pick| PIECES[*pick]).collect();
        ask(&format!("fields {}", words.join(" ")));
        ask(&format!("filter {}", words.join(" ")));
        ask(&words.join(" "));
    }

    #[test]
    fn mutated_queries_are_parsed_or_refused(
        text in prop::sample::select(QUERIES),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 1..6),
    ) {
        let mut bytes = text.as_bytes().to_vec();
        for (at, byte, how) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, byte),
                _ => bytes.truncate(at),
            }
        }
        ask(&String::from_utf8_lossy(&bytes));
    }
}
