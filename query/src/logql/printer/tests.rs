//! What is printed parses to what it was printed from.

use super::pretty;
use crate::logql::parse;

#[test]
fn queries_survive_being_printed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/queries/logql.jsonl");
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("SKIPPED: {path} is absent");
        return;
    };
    let mut count = 0;
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let Ok(expr) = parse(row["query"].as_str().unwrap()) else {
            continue;
        };
        count += 1;
        for printed in [expr.to_string(), pretty(&expr)] {
            let again = parse(&printed).unwrap_or_else(|e| panic!("{e}: {printed}"));
            assert_eq!(again, expr, "{printed}");
        }
    }
    assert!(count > 500);
}

#[test]
fn long_queries_are_cut() {
    let query = r#"sum by (level) (count_over_time({namespace="somewhere", container="something"} |= "needle" | json | level="error" [5m])) / 2"#;
    let expected = r#"  sum by (level) (
    count_over_time(
      {namespace="somewhere", container="something"} |= "needle" | json | level="error" [5m]
    )
  )
/
  2"#;
    assert_eq!(pretty(&parse(query).unwrap()), expected);
    assert_eq!(
        pretty(&parse(r#"{ a="b" }|="x"or"y"|  json|c>1.5KB"#).unwrap()),
        r#"{a="b"} |= "x" or "y" | json | c>1500B"#
    );
}

#[test]
fn conditions_keep_their_order() {
    for query in [
        r#"|= "x" | json | a.b[0].c="d" and "e f">1"#,
        r#"{a="b"} | fields a.b, "c d" | dedup e | sort f desc, g | limit 5"#,
        r#"{a="b"} | stats count() as n, pct(a.b, 99) as p by (c) | sort n desc"#,
        r#"sum by (a.b) (sum_over_time({a="b"} | unwrap "c d" [1m]))"#,
        r#"{a="b"} | x="1" and (y="2" or z="3") and w="4""#,
        r#"{a="b"} | x="1" or (y="2" or z="3")"#,
        r#"{a="b"} | x="1" and (y>2s and z!=ip("1.2.3.4"))"#,
        r#"quantile_over_time(0.99, {a="b"} | unwrap duration(x) | x!="" [1m] offset -5m) by (c)"#,
        r#"(sum(rate({a="b"}[1m])) + 1) * on (c) group_left (d) vector(2)"#,
    ] {
        assert_eq!(parse(query).unwrap().to_string(), query);
    }
}
