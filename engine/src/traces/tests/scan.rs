//! Tables of a scan are the same as those of owned traces, wherever the spans lie; and filters let nothing through too little.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::random::{Spread, assembled, batches, traces};
use super::{open, write};
use crate::node::Node;
use crate::storage::MemoryStorage;
use crate::traces::catalogue::Astride;
use crate::traces::model::{Attribute, SpanId, Trace};
use crate::traces::scan::{Scan, ScanBy};
use crate::traces::table::{ABSENT, AttributeScope, Column, Field, Table};
use crate::traces::value::Value;
use crate::traces::{Filter, TestOp, TraceId};

fn fields() -> Vec<Field> {
    let mut fields = vec![
        Field::Name,
        Field::Kind,
        Field::Status,
        Field::StatusMessage,
        Field::TraceState,
        Field::ScopeName,
        Field::ScopeVersion,
        Field::Duration,
        Field::EventName,
        Field::EventTime,
        Field::LinkTraceId,
        Field::LinkSpanId,
    ];
    for scope in [
        AttributeScope::Resource,
        AttributeScope::Span,
        AttributeScope::Event,
        AttributeScope::Link,
        AttributeScope::Instrumentation,
    ] {
        for key in ["http.status_code", "user", "k", "none", ""] {
            fields.push(attribute(scope, key));
        }
    }
    fields
}

fn attribute(scope: AttributeScope, key: &str) -> Field {
    Field::Attribute {
        scope,
        key: Arc::from(key),
    }
}

/// The values of a row.
fn at(column: &Column, row: usize) -> Vec<Option<Value>> {
    let one = match column {
        Column::Absent => None,
        Column::Coded { codes, values } => match codes[row] {
            ABSENT => None,
            code => values[code as usize].clone(),
        },
        Column::Ints { values, present } => present
            .as_ref()
            .is_none_or(|p| p[row])
            .then(|| Value::Int(values[row])),
        Column::Doubles { values, present } => present
            .as_ref()
            .is_none_or(|p| p[row])
            .then(|| Value::Double(values[row])),
        Column::Many { firsts, inner } => {
            let items = firsts[row] as usize..firsts[row + 1] as usize;
            return items.flat_map(|n| at(inner, n)).collect();
        }
    };
    match one {
        None => Vec::new(),
        one => vec![one],
    }
}

type Rows = Vec<(SpanId, SpanId, i64, i64, u32, Vec<String>)>;

/// What a table says of each trace, all fields of all rows.
fn told(table: &Table, into: &mut BTreeMap<TraceId, (Rows, Trace)>) {
    let columns: Vec<(Field, Column)> = fields()
        .into_iter()
        .map(|f| (f.clone(), table.column(&f).unwrap()))
        .collect();
    let (ids, parent_ids, parents) = (
        table.span_ids().unwrap(),
        table.parent_ids().unwrap(),
        table.parents().unwrap(),
    );
    let (starts, durations) = (table.starts().unwrap(), table.durations().unwrap());
    for (n, run) in table.traces().unwrap().iter().enumerate() {
        let within = run.rows.start as usize..run.rows.end as usize;
        let ends = within.clone().map(|row| starts[row] + durations[row]);
        let root = within.clone().find(|row| parents[*row] == u32::MAX);
        assert_eq!(run.start, starts[within.start]);
        assert_eq!(Some(run.last_start), starts[within.clone()].iter().copied().max());
        assert_eq!(Some(run.end), ends.max());
        assert_eq!(run.root, root.map(|row| row as u32));
        let rows = run.rows.clone().map(|row| {
            let at_row = row as usize;
            let values = columns
                .iter()
                .map(|(_, column)| format!("{:?}", at(column, at_row)));
            let parent = match parents[at_row] {
                n if n >= u32::MAX - 1 => n,
                n => n - run.rows.start,
            };
            (
                ids[at_row],
                parent_ids[at_row],
                starts[at_row],
                durations[at_row],
                parent,
                values.collect(),
            )
        });
        let told = (rows.collect(), table.trace(n).unwrap().unwrap());
        assert!(into.insert(run.id, told).is_none(), "a trace is in one table");
    }
}

/// What is read of single traces and spans is what the columns say.
fn told_singly(table: &Table, other: &Table) {
    let (starts, ids) = (other.starts().unwrap(), other.span_ids().unwrap());
    if let Column::Coded { codes, .. } = table.column(&Field::Name).unwrap()
        && let Some(counts) = table.code_counts(&codes)
    {
        let mut expected = BTreeMap::new();
        codes
            .iter()
            .for_each(|code| *expected.entry(*code).or_insert(0u32) += 1);
        assert_eq!(counts, expected.into_iter().collect::<Vec<_>>());
    }
    for (n, run) in table.traces().unwrap().iter().enumerate() {
        let at = run.rows.start as usize..run.rows.end as usize;
        assert_eq!(*table.starts_of(n).unwrap(), starts[at.clone()]);
        at.for_each(|row| assert_eq!(table.span_id(row).unwrap(), ids[row]));
    }
}

fn scanned(node: &Node, scan: &Scan) -> BTreeMap<TraceId, (Rows, Trace)> {
    let mut all = BTreeMap::new();
    let mut newest = i64::MAX;
    for part in node.tenant("t").unwrap().traces.snapshot().scan(scan).unwrap() {
        assert!(part.newest_start <= newest, "newest first");
        newest = part.newest_start;
        if let Some(table) = part.load().unwrap() {
            let starts = table.traces().unwrap().iter().map(|run| run.start);
            assert!(starts.max().unwrap() <= part.newest_start);
            assert!(*table.starts().unwrap().iter().max().unwrap() <= part.last_start);
            told_singly(&part.load().unwrap().unwrap(), &table);
            told(&table, &mut all);
        }
    }
    all
}

fn of_owned(traces: &[Trace]) -> BTreeMap<TraceId, (Rows, Trace)> {
    let mut all = BTreeMap::new();
    told(&Table::of_traces(traces.to_vec()), &mut all);
    all
}

fn filter() -> impl Strategy<Value = Filter> {
    let field = prop_oneof![
        Just(attribute(AttributeScope::Span, "http.status_code")),
        Just(attribute(AttributeScope::Span, "user")),
        Just(attribute(AttributeScope::Resource, "user")),
        Just(Field::Name),
        Just(Field::Kind),
        Just(Field::Duration),
        Just(Field::StatusMessage),
        Just(Field::EventName),
    ];
    let op = prop_oneof![
        Just(TestOp::Eq),
        Just(TestOp::Lt),
        Just(TestOp::Ge),
        Just(TestOp::Exists),
        Just(TestOp::Regex(Arc::from("a|G.*")))
    ];
    let value = prop_oneof![
        Just(Value::String(Arc::from("a"))),
        Just(Value::Int(203)),
        Just(Value::Int(3)),
        Just(Value::Double(204.5)),
        Just(Value::Bool(true))
    ];
    let test = (field, op, value).prop_map(|(field, op, value)| Filter::Test {
        field,
        op,
        values: vec![value],
    });
    let ids = prop::collection::vec((0u8..14).prop_map(|id| [id; 16]), 0..4);
    let test = prop_oneof![6 => test, 1 => ids.prop_map(Filter::Trace)];
    test.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::And),
            prop::collection::vec(inner, 1..3).prop_map(Filter::Or)
        ]
    })
}

/// Whether a filter holds for a row, value by value.
fn holds(filter: &Filter, table: &Table, row: usize) -> bool {
    match filter {
        Filter::Any => true,
        Filter::And(all) => all.iter().all(|f| holds(f, table, row)),
        Filter::Or(any) => any.iter().any(|f| holds(f, table, row)),
        Filter::Trace(ids) => {
            let runs = table.traces().unwrap();
            let run = runs.iter().find(|run| run.rows.contains(&(row as u32)));
            run.is_some_and(|run| ids.contains(&run.id))
        }
        Filter::Test { field, op, values } => {
            let found = at(&table.column(field).unwrap(), row);
            found.iter().flatten().any(|value| passes(op, value, &values[0]))
        }
    }
}

fn passes(op: &TestOp, value: &Value, wanted: &Value) -> bool {
    if let Value::Array(items) = value {
        return *op == TestOp::Exists || items.iter().any(|item| passes(op, item, wanted));
    }
    let number = |v: &Value| match v {
        Value::Int(n) => Some(*n as f64),
        Value::Double(d) => Some(*d),
        _ => None,
    };
    let ordering = match (value, wanted) {
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (a, b) => number(a).zip(number(b)).and_then(|(a, b)| a.partial_cmp(&b)),
    };
    match op {
        TestOp::Exists => true,
        TestOp::Regex(_) => matches!(value, Value::String(s) if **s == *"a" || s.starts_with('G')),
        TestOp::Eq => ordering.is_some_and(|o| o.is_eq()),
        TestOp::Lt => ordering.is_some_and(|o| o.is_lt()),
        _ => ordering.is_some_and(|o| o.is_ge()),
    }
}

type Names = Vec<(AttributeScope, Arc<str>)>;

/// Names of attributes, and the values of some fields, from the spans themselves.
fn catalogue_of(all: &[Trace]) -> (Names, Vec<(Field, BTreeSet<String>)>) {
    let mut names = BTreeSet::new();
    let mut add = |scope: AttributeScope, attributes: &[Attribute]| {
        names.extend(attributes.iter().map(|a| (scope, a.key.clone())));
    };
    for trace in all {
        trace
            .resources
            .iter()
            .for_each(|r| add(AttributeScope::Resource, &r.attributes));
        trace
            .scopes
            .iter()
            .for_each(|s| add(AttributeScope::Instrumentation, &s.attributes));
        for span in &trace.spans {
            add(AttributeScope::Span, &span.attributes);
            span.events
                .iter()
                .for_each(|e| add(AttributeScope::Event, &e.attributes));
            span.links
                .iter()
                .for_each(|l| add(AttributeScope::Link, &l.attributes));
        }
    }
    let table = Table::of_traces(all.to_vec());
    let values = fields().into_iter().filter(is_listed).map(|field| {
        let column = table.column(&field).unwrap();
        let mut found = BTreeSet::new();
        for row in 0..table.rows() {
            at(&column, row)
                .iter()
                .flatten()
                .for_each(|value| items(value, &mut found));
        }
        (field, found)
    });
    // A second attribute of one name has no column, but its values are listed: names twice are left to the other tests.
    let values = values.filter(|(field, _)| !matches!(field, Field::Attribute { .. }) || !twice(all));
    let values = values.collect();
    (names.into_iter().collect(), values)
}

fn twice(all: &[Trace]) -> bool {
    let repeats = |attributes: &[Attribute]| {
        let names: BTreeSet<&str> = attributes.iter().map(|a| &*a.key).collect();
        names.len() < attributes.len()
    };
    all.iter().any(|t| {
        t.resources.iter().any(|r| repeats(&r.attributes))
            || t.scopes.iter().any(|s| repeats(&s.attributes))
            || t.spans.iter().any(|s| {
                repeats(&s.attributes)
                    || s.events.iter().any(|e| repeats(&e.attributes))
                    || s.links.iter().any(|l| repeats(&l.attributes))
            })
    })
}

fn is_listed(field: &Field) -> bool {
    !matches!(
        field,
        Field::Duration | Field::EventTime | Field::LinkTraceId | Field::LinkSpanId
    )
}

fn items(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|item| items(item, into)),
        value => {
            into.insert(format!("{value:?}"));
        }
    }
}

/// Spreads the traces over blocks and heads as told, and calls `check` in every state of their life.
fn through_life(all: &[Trace], spread: &Spread, check: impl Fn(&Node, &str)) {
    let storage = MemoryStorage::default();
    let node = open(&storage);
    for (n, batch) in batches(all, spread).into_iter().enumerate() {
        write(&node, batch);
        if spread.flush_after(n) {
            node.flush().unwrap();
        }
    }
    check(&node, "as written");
    node.flush().unwrap();
    check(&node, "flushed");
    node.compact().unwrap();
    check(&node, "merged");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn tables_are_those_of_owned_traces(all in traces(12), spread in any::<Spread>()) {
        let expected: Vec<Trace> = all.iter().map(assembled).collect();
        let expected = of_owned(&expected);
        through_life(&all, &spread, |node, when| {
            let found = scanned(node, &Scan::default());
            for (id, (rows, trace)) in &expected {
                let found = &found[id];
                assert_eq!(&found.0, rows, "{when}");
                assert_eq!(&found.1, trace, "{when}");
            }
            assert_eq!(found.len(), expected.len(), "{when}");
        });
    }

    #[test]
    fn no_trace_is_left_out_that_a_filter_lets_through(
        all in traces(12), spread in any::<Spread>(), need in prop::collection::vec(filter(), 1..3),
    ) {
        let expected: Vec<Trace> = all.iter().map(assembled).collect();
        let whole = of_owned(&expected);
        let table = Table::of_traces(expected);
        let wanted: Vec<TraceId> = table.traces().unwrap().iter().filter(|run| {
            need.iter().all(|f| run.rows.clone().any(|row| holds(f, &table, row as usize)))
        }).map(|run| run.id).collect();
        let scan = Scan { need, ..Scan::default() };
        through_life(&all, &spread, |node, when| {
            let found = scanned(node, &scan);
            for id in &wanted {
                assert!(found.contains_key(id), "{when}: {:?}", scan.need);
            }
            for (id, (rows, _)) in &found {
                assert_eq!(rows, &whole[id].0, "{when}: traces are whole");
            }
        });
    }

    #[test]
    fn traces_told_by_id_are_looked_up(all in traces(12), spread in any::<Spread>(), id in 1u8..14) {
        let known = all.iter().any(|trace| trace.id == [id; 16]);
        let need = vec![Filter::And(vec![Filter::Any, Filter::Trace(vec![[id; 16]])])];
        let scan = Scan { need, ..Scan::default() };
        through_life(&all, &spread, |node, when| {
            let found = scanned(node, &scan);
            assert_eq!(found.keys().copied().collect::<Vec<_>>(), vec![[id; 16]; usize::from(known)], "{when}");
        });
    }

    #[test]
    fn names_and_values_are_those_of_the_spans(all in traces(12), spread in any::<Spread>()) {
        let expected: Vec<Trace> = all.iter().map(assembled).collect();
        let (names, values) = catalogue_of(&expected);
        through_life(&all, &spread, |node, when| {
            let snapshot = node.tenant("t").unwrap().traces.snapshot();
            assert_eq!(snapshot.attribute_names(None, Astride::Told).unwrap(), names, "{when}");
            for (field, expected) in &values {
                let found = snapshot
                    .attribute_values(field, (None, Astride::Told), usize::MAX)
                    .unwrap();
                let found: BTreeSet<String> = found.iter().map(|v| format!("{v:?}")).collect();
                assert_eq!(&found, expected, "{when}: {field:?}");
            }
        });
    }

    #[test]
    fn times_choose_the_traces_that_overlap_them(
        all in traces(12), spread in any::<Spread>(), from in -6_000_000_000i64..6_000_000_000, len in 0i64..4_000_000_000,
    ) {
        let around = 20_000 * 86_400_000_000_000i64;
        let times = (around + from, around + from + len);
        let expected: Vec<Trace> = all.iter().map(assembled).collect();
        for by in [ScanBy::Overlap, ScanBy::SpanStart] {
            let scan = Scan { times: Some(times), by, need: Vec::new() };
            through_life(&all, &spread, |node, when| {
                let found = scanned(node, &scan);
                for trace in &expected {
                    let start = trace.spans.iter().map(|s| s.start).min().unwrap();
                    let end = trace.spans.iter().map(|s| s.end.max(s.start)).max().unwrap();
                    let overlaps = start <= times.1 && end >= times.0;
                    let starts_within = trace.spans.iter().any(|s| (times.0..=times.1).contains(&s.start));
                    match by {
                        ScanBy::Overlap => assert_eq!(found.contains_key(&trace.id), overlaps, "{when}"),
                        ScanBy::SpanStart => assert!(!starts_within || found.contains_key(&trace.id), "{when}"),
                    }
                }
            });
        }
    }
}
