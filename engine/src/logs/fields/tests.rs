//! Fields and values are those of the entries, from head and blocks alike, those deleted left out.

use std::collections::{BTreeMap, BTreeSet};

use super::super::tests::write;
use super::super::{BatchBuilder, Condition, Deletion, LineTest, NO_SET};
use super::*;
use crate::node::Node;
use crate::storage::MemoryStorage;
use crate::traces::tests::open;

#[derive(Default)]
struct Found {
    names: Vec<String>,
    values: BTreeMap<String, BTreeSet<String>>,
}

impl FieldSink for Found {
    fn field(&mut self, stream: &Labels, name: FieldName<'_>) -> Option<usize> {
        let name = format!("{} {name:?}", stream.value("app"));
        let known = self.names.iter().position(|one| *one == name);
        known.or_else(|| {
            self.names.push(name);
            Some(self.names.len() - 1)
        })
    }

    fn value(&mut self, field: usize, value: &[u8]) {
        let of = self.values.entry(self.names[field].clone()).or_default();
        of.insert(String::from_utf8_lossy(value).into_owned());
    }

    fn line(&mut self, stream: &Labels, line: &[u8]) {
        let of = self
            .values
            .entry(format!("{} lines", stream.value("app")))
            .or_default();
        of.insert(String::from_utf8_lossy(line).into_owned());
    }

    fn goes_on(&mut self) -> bool {
        true
    }
}

fn found(node: &Node, times: (i64, i64)) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = Found::default();
    let snapshot = node.tenant("t").unwrap().logs.snapshot();
    let matchers = [Matcher::new("app", crate::metrics::matcher::MatchOp::Regex, "a|b").unwrap()];
    snapshot.fields(&matchers, times, &mut found).unwrap();
    found.values
}

fn set(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

#[test]
fn fields_are_those_of_the_entries_wherever_they_lie() {
    let node = open(&MemoryStorage::default());
    let mut builder = BatchBuilder::default();
    let [a, b, c] = ["a", "b", "c"].map(|app| builder.stream(Labels::from_pairs([("app", app)])));
    let trace = builder.set(NO_SET, [("trace", "t1")]);
    for n in 0..40i64 {
        let line = format!(
            r#"{{"status":{},"user":{{"name":"u\"{}"}},"gone":null,"tags":[1]}}"#,
            200 + n % 2,
            n % 3
        );
        builder.push(a, n, if n < 3 { trace } else { NO_SET }, line.as_bytes());
        builder.push(b, n, NO_SET, format!("took={n}ms msg=\"it is\"").as_bytes());
        builder.push(c, n, trace, b"other=1");
    }
    builder.push(b, 100, NO_SET, b"plain words x=y");
    write(&node, builder.build());
    let check = |node: &Node, when: &str| {
        let all = found(node, (0, 200));
        let of = |name: &str| all.get(name).cloned().unwrap_or_default();
        assert_eq!(of("a Metadata(\"trace\")"), set(&["t1"]), "{when}");
        assert_eq!(of("a Json([\"status\"])"), set(&["200", "201"]), "{when}");
        assert_eq!(
            of("a Json([\"user\", \"name\"])"),
            set(&["u\"0", "u\"1", "u\"2"]),
            "{when}"
        );
        assert_eq!(of("b Logfmt(\"took\")").len(), 40, "{when}");
        assert_eq!(of("b Logfmt(\"msg\")"), set(&["it is"]), "{when}");
        assert_eq!(of("b lines"), set(&["plain words x=y"]), "{when}");
        assert!(
            !all.keys()
                .any(|name| name.starts_with('c') || name.contains("tags")),
            "{when}: {all:?}"
        );
        assert!(of("a Json([\"gone\"])").is_empty());
        let some = found(node, (10, 12));
        assert_eq!(some["b Logfmt(\"took\")"], set(&["10ms", "11ms"]), "{when}");
        assert!(
            !some.contains_key("a Metadata(\"trace\")") && !some.contains_key("b lines"),
            "{when}"
        );
    };
    check(&node, "head");
    node.flush().unwrap();
    check(&node, "block");
    let all = found(&node, (0, 200));
    let deletion = Deletion {
        request: String::new(),
        created_ms: 0,
        query: String::new(),
        matchers: Vec::new(),
        conditions: vec![Condition::Line(LineTest::Contains, vec!["201".to_owned()])],
    };
    let logs = &node.tenant("t").unwrap().logs;
    logs.delete(node.log(), 0, 200, vec![deletion.encode()]).unwrap();
    let mut expected = all;
    expected.insert("a Json([\"status\"])".to_owned(), set(&["200"]));
    assert_eq!(found(&node, (0, 200)), expected, "deleted");
    logs.clean().unwrap();
    assert_eq!(found(&node, (0, 200)), expected, "cleaned");
}
