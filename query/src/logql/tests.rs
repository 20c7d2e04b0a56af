//! The grammar: the corpus of real queries, precedences and messages.

mod fuzz;

use super::ast::{Expr, Filter, Stage};
use super::*;

#[test]
fn real_queries_parse_and_wrong_ones_are_refused() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/queries/logql.jsonl");
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("SKIPPED: {path} is absent");
        return;
    };
    let (mut wrong, mut count) = (Vec::new(), 0);
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let query = row["query"].as_str().unwrap();
        let valid = row["valid"] == "yes";
        count += 1;
        // What Loki answered, where it was asked and its answer was kept whole.
        let answer: Option<serde_json::Value> = row["loki"]
            .as_str()
            .and_then(|text| serde_json::from_str(text).ok());
        let told = answer.and_then(|answer| Some(answer["error"].as_str()?.to_owned()));
        match parse(query) {
            Ok(_) if !valid => wrong.push(format!("accepted: {query}")),
            Err(e) if valid => wrong.push(format!("{e}: {query}")),
            Err(e) if told.as_ref().is_some_and(|told| *told != e.to_string()) => {
                wrong.push(format!("{e}: {query}\n  Loki: {}", told.unwrap_or_default()));
            }
            _ => {}
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn filter_of(query: &str) -> String {
    fn show(filter: &Filter) -> String {
        match filter {
            Filter::And(a, b) => format!("({} and {})", show(a), show(b)),
            Filter::Or(a, b) => format!("({} or {})", show(a), show(b)),
            Filter::Text(matcher) => matcher.name().to_owned(),
            Filter::Quantity(name, ..) | Filter::Ip(name, ..) => name.clone(),
        }
    }
    match parse(query) {
        Ok(Expr::Log(log)) => match &log.stages[0] {
            Stage::Filter(filter) => show(filter),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn commas_join_a_condition_with_all_to_the_right() {
    assert_eq!(
        filter_of(r#"{x="1"} | a="1" b!="2", c=~"3" or d==5"#),
        "(a and (b and (c or d)))"
    );
    assert_eq!(
        filter_of(r#"{x="1"} | a="1" or b="2" and c="3""#),
        "(a or (b and c))"
    );
    assert_eq!(
        filter_of(r#"{x="1"} | a="1" or b="2", c="3" or d="4""#),
        "(a or (b and (c or d)))"
    );
    assert_eq!(
        filter_of(r#"{x="1"} | (a="1" or b="2") and c>3s"#),
        "((a or b) and c)"
    );
}

#[test]
fn errors_have_the_words_and_places_of_loki() {
    for (query, message) in [
        (
            r#"rate({ foo = "bar" }[5minutes])"#,
            r#"parse error at line 0, col 21: unknown unit "minutes" in duration "5minutes""#,
        ),
        (
            r#"rate({ foo = "bar" }[5)"#,
            "parse error at line 0, col 21: missing closing ']' in duration",
        ),
        (
            r#"label_replace(rate({ foo = "bar" }[5m]),"")"#,
            "parse error at line 1, col 43: syntax error: unexpected ), expecting ,",
        ),
        (
            r#"{foo="bar"} |~"#,
            "parse error at line 1, col 15: syntax error: unexpected $end, expecting STRING or ip",
        ),
        (
            r#"{app=~".*"}"#,
            "parse error : queries require at least one regexp or equality matcher that does not have an empty-compatible value. For instance, app=~\".*\" does not meet this requirement, but app=~\".+\" will",
        ),
        (
            r#"{foo="bar"} + {foo="bar"}"#,
            "parse error : unexpected type for left leg of binary operation (+): *syntax.MatchersExpr",
        ),
        (
            r#"sum(count_over_time({foo="bar"}[5m])) or 1"#,
            "parse error : unexpected literal for right leg of logical/set binary operation (or): 1.000000",
        ),
        (
            r#"topk(count_over_time({foo="bar"}[5h]))"#,
            "parse error : parameter required for operation topk",
        ),
        (
            r#"bottomk(1.2,count_over_time({foo="bar"}[5h]))"#,
            "parse error : invalid parameter bottomk(1.2,",
        ),
        (
            r#"sum_over_time(50,{a="b"} | unwrap x [5m])"#,
            "parse error : parameter 50 not supported for operation sum_over_time",
        ),
        (
            r#"sum_over_time({a="b"}[5m])"#,
            "parse error : invalid aggregation sum_over_time without unwrap",
        ),
        (
            r#"-count_over_time({app="foo"}[1m])"#,
            "parse error at line 1, col 2: syntax error: unexpected COUNT_OVER_TIME, expecting NUMBER",
        ),
        (
            r#"{a="b"} |= "x"#,
            "parse error at line 1, col 12: literal not terminated",
        ),
    ] {
        assert_eq!(parse(query).unwrap_err().to_string(), message, "{query}");
    }
}
