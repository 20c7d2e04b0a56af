//! What is deleted is gone for every reader at once, from blocks of any age and after any restart, and nothing else is; what is
//! written later stays.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::super::tests::random::{STEP_NS, TestEntry, entries};
use super::super::tests::write;
use super::super::{Batch, BatchBuilder, Buckets, Condition, Deletion, LineTest, NO_SET, Scan, Wanted};
use crate::labels::Labels;
use crate::metrics::matcher::{MatchOp, Matcher};
use crate::node::{Node, NodeOptions};
use crate::storage::{Crash, Fault, FaultKind, FaultyStorage, MemoryStorage, Storage};
use crate::traces::tests::open;

type Entry = (String, i64, Vec<u8>);

fn batch(entries: &[TestEntry]) -> Batch {
    let mut builder = BatchBuilder::default();
    for entry in entries {
        let stream = builder.stream(entry.labels());
        let pairs = entry.metadata.iter().map(|(n, v)| (n.as_str(), v.as_str()));
        let set = builder.set(NO_SET, pairs);
        builder.push(stream, entry.time, set, &entry.line);
    }
    builder.build()
}

fn read(node: &Node, wanted: Wanted) -> BTreeSet<Entry> {
    let scan = Scan {
        from: i64::MIN,
        until: i64::MAX,
        wanted,
        ..Scan::default()
    };
    let snapshot = node.tenant("t").unwrap().logs.snapshot();
    let mut all = BTreeSet::new();
    for part in snapshot.scan(&scan).unwrap() {
        for stream in part.load().unwrap() {
            for (row, time) in stream.rows.times().iter().enumerate() {
                let line = stream.rows.line(row).to_vec();
                all.insert((format!("{:?}", stream.labels), *time, line));
            }
        }
    }
    all
}

fn lines(node: &Node) -> BTreeSet<Entry> {
    read(node, Wanted::default())
}

fn deletion(matchers: Vec<Matcher>, conditions: Vec<Condition>) -> Deletion {
    Deletion {
        request: "r".to_owned(),
        created_ms: 7,
        query: "{..}".to_owned(),
        matchers,
        conditions,
    }
}

fn delete(node: &Node, deletion: &Deletion, times: (i64, i64)) -> crate::Result<()> {
    let what = vec![deletion.encode()];
    node.tenant("t")?.logs.delete(node.log(), times.0, times.1, what)
}

/// The streams and volumes are those of these entries, equal ones counted once.
fn check_catalogue(node: &Node, entries: &BTreeSet<Entry>) {
    let snapshot = node.tenant("t").unwrap().logs.snapshot();
    let streams = snapshot.streams(&[], i64::MIN, i64::MAX).unwrap();
    let streams: BTreeSet<String> = streams.iter().map(|labels| format!("{labels:?}")).collect();
    assert_eq!(
        streams,
        entries.iter().map(|(stream, ..)| stream.clone()).collect()
    );
    let mut counted = 0;
    let mut add = |_: &Labels, _: usize, volume: super::super::Volume| counted += volume.entries;
    let buckets = Buckets::one(i64::MIN, i64::MAX);
    snapshot.volumes(&[], buckets, &mut add).unwrap();
    assert!(counted >= entries.len() as u64 && (counted == 0) == entries.is_empty());
}

fn conditions() -> impl Strategy<Value = Vec<Condition>> {
    let text = prop_oneof![Just("1"), Just("in"), Just("api"), Just("a"), Just("")];
    let test = prop_oneof![
        Just(LineTest::Contains),
        Just(LineTest::NotContains),
        Just(LineTest::Matches),
        Just(LineTest::NotMatches)
    ];
    let line = (test, prop::collection::vec(text.prop_map(str::to_owned), 1..3))
        .prop_map(|(test, texts)| Condition::Line(test, texts));
    let label = prop_oneof![Just("app"), Just("trace_id"), Just("nowhere")]
        .prop_map(|name| Condition::Label(Matcher::new(name, MatchOp::Regex, "app0|.*a.*|").unwrap()));
    prop::collection::vec(prop_oneof![3 => line, 1 => label], 0..3)
}

/// What the conditions mean, said once more.
fn holds(entry: &TestEntry, condition: &Condition) -> bool {
    match condition {
        Condition::Line(test, texts) => {
            let line = &entry.line;
            let finds =
                |text: &String| text.is_empty() || line.windows(text.len()).any(|w| w == text.as_bytes());
            let wanted = matches!(test, LineTest::Contains | LineTest::Matches);
            texts.iter().any(finds) == wanted
        }
        Condition::Label(matcher) => {
            let own = entry.metadata.iter().find(|(name, _)| name == matcher.name());
            let labels = entry.labels();
            let value = own.map_or(labels.value(matcher.name()), |(_, value)| value);
            matcher.matches(value)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn exactly_what_is_deleted_is_gone_wherever_it_lies(
        all in entries(200),
        cut in any::<prop::sample::Index>(),
        conditions in conditions(),
        times in (0i64..2_000, 1i64..2_000),
        one_app in any::<bool>(),
    ) {
        let storage = MemoryStorage::default();
        let node = open(&storage);
        let cut = cut.index(all.len() + 1);
        write(&node, batch(&all[..cut / 2]));
        node.flush().unwrap();
        write(&node, batch(&all[cut / 2..cut]));
        let times = (times.0 * STEP_NS / 10, (times.0 + times.1) * STEP_NS / 10);
        let matchers = if one_app { vec![Matcher::equal("app", "app1")] } else { Vec::new() };
        let asked = deletion(matchers, conditions);
        prop_assert_eq!(&Deletion::decode(&asked.encode()).unwrap(), &asked);
        delete(&node, &asked, times).unwrap();
        write(&node, batch(&all[cut..]));
        let gone = |entry: &TestEntry| {
            (times.0..=times.1).contains(&entry.time)
                && (!one_app || entry.app() == "app1")
                && asked.conditions.iter().all(|condition| holds(entry, condition))
        };
        let left = all[..cut].iter().filter(|entry| !gone(entry)).chain(&all[cut..]);
        let expected: BTreeSet<Entry> = left
            .map(|entry| (format!("{:?}", entry.labels()), entry.time, entry.line.clone()))
            .collect();
        let check = |node: &Node, when: &str| {
            assert_eq!(lines(node), expected, "{when}");
            let places = |all: &BTreeSet<Entry>| all.iter().map(|(s, t, _)| (s.clone(), *t)).collect::<BTreeSet<_>>();
            let without_lines = Wanted { without_lines: true, metadata: Some(Vec::new()) };
            assert_eq!(places(&read(node, without_lines)), places(&expected), "{when}, without lines");
            check_catalogue(node, &expected);
        };
        check(&node, "deleted");
        drop(node);
        let node = open(&storage);
        check(&node, "restarted");
        node.flush().unwrap();
        check(&node, "flushed");
        node.compact().unwrap();
        check(&node, "merged");
        let logs = &node.tenant("t").unwrap().logs;
        logs.clean().unwrap();
        prop_assert_eq!(logs.tombstones().len(), 0);
        check(&node, "cleaned");
    }

    #[test]
    fn reading_what_is_no_deletion_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..60), at in any::<prop::sample::Index>()) {
        let _ = Deletion::decode(&bytes);
        let conditions = vec![
            Condition::Line(LineTest::Matches, vec!["a.c".to_owned(), "b".to_owned()]),
            Condition::Label(Matcher::equal("level", "error")),
        ];
        let mut encoded = deletion(vec![Matcher::equal("app", "a")], conditions).encode();
        let at = at.index(encoded.len());
        encoded[at] = bytes.first().copied().unwrap_or(255);
        let _ = Deletion::decode(&encoded);
        let _ = Deletion::decode(&encoded[..at]);
    }
}

fn one(line: &str, time: i64) -> Batch {
    let mut builder = BatchBuilder::default();
    let stream = builder.stream(Labels::from_pairs([("app", "a")]));
    builder.push(stream, time, NO_SET, line.as_bytes());
    builder.build()
}

#[test]
fn a_deletion_can_be_taken_back_until_it_is_carried_out() {
    let node = open(&MemoryStorage::default());
    write(&node, one("keep me", 1));
    write(&node, one("secret", 2));
    let secrets = deletion(
        vec![Matcher::equal("app", "a")],
        vec![Condition::Line(LineTest::Contains, vec!["secret".to_owned()])],
    );
    delete(&node, &secrets, (0, 10)).unwrap();
    let logs = &node.tenant("t").unwrap().logs;
    let ids =
        |logs: &crate::store::Store<super::Logs>| logs.tombstones().iter().map(|t| t.id).collect::<Vec<_>>();
    assert_eq!(lines(&node).len(), 1);
    logs.take_back(&ids(logs)).unwrap();
    assert_eq!(lines(&node).len(), 2);
    delete(&node, &secrets, (0, 10)).unwrap();
    let mut told = Vec::new();
    logs.clean_of(&ids(logs), &mut |done, all| told.push((done, all)))
        .unwrap();
    assert_eq!((told, logs.blocks()[0].rows), (vec![(0, 1)], 1));
    let wrong = deletion(
        Vec::new(),
        vec![Condition::Line(LineTest::Matches, vec!["(".to_owned()])],
    );
    assert!(wrong.check().is_err());
}

fn options() -> NodeOptions {
    NodeOptions {
        reserve_bytes: 0,
        free_bytes_min: 0,
        ..NodeOptions::default()
    }
}

/// Writes, deletes and cleans; whether the writes and the deletion were acknowledged.
fn life(storage: Arc<dyn Storage>) -> (usize, bool) {
    let Ok((node, _)) = Node::open(storage, options()) else {
        return (0, false);
    };
    let mut written = 0;
    for time in 0..4 {
        let line = if time % 2 == 0 { "keep" } else { "secret" };
        let append = || {
            let tenant = node.tenant("t")?;
            let ticket = tenant.logs.append(node.log(), Arc::new(one(line, time)))?;
            node.log().commit();
            ticket.wait()
        };
        if append().is_err() {
            return (written, false);
        }
        written += 1;
        if time == 1 {
            node.flush().ok();
        }
    }
    let secrets = deletion(
        Vec::new(),
        vec![Condition::Line(LineTest::Contains, vec!["secret".to_owned()])],
    );
    let deleted = delete(&node, &secrets, (0, 10)).is_ok();
    node.compact().ok();
    if let Ok(tenant) = node.tenant("t") {
        tenant.logs.clean().ok();
    }
    (written, deleted)
}

#[test]
fn what_was_deleted_stays_so_whatever_fails_and_whenever() {
    let counting = Arc::new(FaultyStorage::new(Arc::new(MemoryStorage::new()), None));
    assert_eq!(life(counting.clone()), (4, true));
    for at in 0..counting.calls() {
        for kind in [FaultKind::Fail, FaultKind::Tear, FaultKind::PowerCut] {
            let memory = MemoryStorage::new();
            let fault = Fault { at, kind };
            let faulty = FaultyStorage::new(Arc::new(memory.clone()), Some(fault));
            let (written, deleted) = life(Arc::new(faulty));
            for crash in [Crash::DropUnsynced, Crash::Torn(at)] {
                let node = Node::open(Arc::new(memory.crash(crash)), options()).unwrap().0;
                let left = match node.existing_tenant("t") {
                    Some(_) => lines(&node),
                    None => BTreeSet::new(),
                };
                let kept = left.iter().filter(|(_, _, line)| line == b"keep").count();
                let secrets = left.len() - kept;
                let context = format!("{kind:?} at call {at}, {crash:?}: {left:?}");
                assert!(kept >= written.div_ceil(2), "{context}");
                assert!(!deleted || secrets == 0, "{context}");
                assert!(secrets == 0 || secrets >= written / 2, "all or none: {context}");
            }
        }
    }
}
