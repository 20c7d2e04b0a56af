//! What is collapsed and what stays.

use kymo_engine::traces::{Attribute, Resource, Value};

use super::*;

fn span(id: u8, parent: u8, name: &str, (start, end): (i64, i64)) -> Span {
    Span {
        id: [0, 0, 0, 0, 0, 0, 0, id],
        parent: [0, 0, 0, 0, 0, 0, 0, parent],
        name: name.into(),
        start,
        end,
        ..Span::default()
    }
}

fn pruned(spans: Vec<Span>, params: &[(&str, &str)]) -> Vec<Span> {
    let params = [&[("span_pruning", "true")], params].concat();
    let mut trace = Trace {
        id: [1; 16],
        resources: vec![Resource::default()],
        scopes: vec![Default::default()],
        spans,
    };
    trace.spans.sort_by_key(|span| (span.start, span.id));
    let pruning = Pruning::of(&Params::of(&params)).unwrap().unwrap();
    pruning.prune(&mut trace).unwrap();
    trace.spans
}

fn value(span: &Span, name: &str) -> Value {
    let mut found = span.attributes.iter().filter(|a| *a.key == *name);
    found.next().map(|a| a.value.clone()).unwrap_or_default()
}

/// A root with calls of which one is another's, then `n` queries.
fn queries(n: u8) -> Vec<Span> {
    let mut spans = vec![span(1, 0, "root", (0, 1000)), span(2, 1, "other", (1, 2))];
    spans.extend((0..n).map(|k| span(10 + k, 1, "query", (10 + i64::from(k), 20 + 3 * i64::from(k)))));
    spans
}

#[test]
fn siblings_of_one_operation_become_one() {
    assert_eq!(pruned(queries(4), &[]).len(), 6);
    let spans = pruned(queries(5), &[]);
    assert_eq!(spans.len(), 3);
    let summary = &spans[2];
    assert!(is_summary(summary) && !is_summary(&spans[1]));
    assert_eq!(
        (summary.start, summary.end, summary.parent),
        (10, 32, spans[0].id)
    );
    assert_eq!(value(summary, "aggregation.span_count"), Value::Int(5));
    assert_eq!(value(summary, "aggregation.duration_max_ns"), Value::Int(18));
    assert_eq!(pruned(queries(4), &[("span_pruning_min_spans", "4")]).len(), 3);
}

#[test]
fn groups_agree_in_status_and_in_the_attributes_asked_for() {
    let mut spans = queries(10);
    for (n, span) in spans.iter_mut().skip(2).enumerate() {
        span.attributes = vec![Attribute {
            key: "shop.cart".into(),
            value: Value::Int(n as i64 % 2),
        }];
    }
    assert_eq!(pruned(spans.clone(), &[]).len(), 3);
    assert_eq!(
        pruned(spans.clone(), &[("span_pruning_group_by", "shop.*")]).len(),
        4
    );
    spans[4].status_code = 2;
    assert_eq!(pruned(spans, &[]).len(), 4);
}

#[test]
fn parents_of_nothing_but_summaries_collapse_too() {
    let mut spans = vec![span(1, 0, "root", (0, 1000))];
    for parent in 2..8 {
        spans.push(span(parent, 1, "batch", (i64::from(parent), 100)));
        spans.extend((0..5).map(|k| span(parent * 10 + k, parent, "query", (10, 20))));
    }
    let all = pruned(spans.clone(), &[]);
    let names: Vec<&str> = all.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["root", "batch", "query"]);
    assert_eq!(value(&all[1], "aggregation.span_count"), Value::Int(6));
    assert_eq!(value(&all[2], "aggregation.span_count"), Value::Int(30));
    assert_eq!(all[2].parent, all[1].id);
    assert_eq!(pruned(spans, &[("span_pruning_max_parent_depth", "0")]).len(), 13);
}

#[test]
fn parameters_that_are_none_are_refused() {
    let refused = |pairs: &[(&str, &str)]| Pruning::of(&Params::of(pairs)).unwrap_err().text;
    assert_eq!(
        refused(&[("span_pruning", "yes")]),
        "invalid span_pruning: \"yes\""
    );
    let with = |name, value| refused(&[("span_pruning", "true"), (name, value)]);
    assert_eq!(
        with("span_pruning_min_spans", "1"),
        "invalid span_pruning_min_spans: \"1\""
    );
    assert_eq!(
        with("span_pruning_max_parent_depth", "-2"),
        "invalid span_pruning_max_parent_depth: \"-2\""
    );
    assert!(
        Pruning::of(&Params::of(&[("span_pruning_min_spans", "x")]))
            .unwrap()
            .is_none()
    );
}
