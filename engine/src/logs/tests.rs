//! Entries through the whole life: what was written is read back byte for byte from head, blocks, merged blocks and after
//! restarts, each once, and filters take no entry away.

mod broken;
mod columns;
pub(crate) mod random;

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::{Batch, BatchBuilder, Needle, Rows, Scan, Wanted};
use crate::labels::Labels;
use crate::metrics::matcher::Matcher;
use crate::node::Node;
use crate::storage::MemoryStorage;
use crate::traces::tests::open;
use random::{TestEntry, entries};

/// Entries of streams as a reader sees them.
type Seen = BTreeMap<String, Vec<(i64, Vec<u8>, Vec<(String, String)>)>>;

pub(crate) fn write(node: &Node, batch: Batch) {
    let tenant = node.tenant("t").unwrap();
    let ticket = tenant.logs.append(node.log(), Arc::new(batch)).unwrap();
    node.log().commit();
    ticket.wait().unwrap();
}

fn batch(entries: &[TestEntry]) -> Batch {
    let mut builder = BatchBuilder::default();
    for entry in entries {
        let stream = builder.stream(entry.labels());
        let pairs = entry.metadata.iter().map(|(n, v)| (n.as_str(), v.as_str()));
        let set = builder.set(super::NO_SET, pairs);
        builder.push(stream, entry.time, set, &entry.line);
    }
    builder.build()
}

fn read(node: &Node, scan: &Scan) -> Seen {
    let mut seen = Seen::new();
    let snapshot = node.tenant("t").unwrap().logs.snapshot();
    for part in snapshot.scan(scan).unwrap() {
        for stream in part.load().unwrap() {
            let of = seen.entry(format!("{:?}", stream.labels)).or_default();
            for (row, time) in stream.rows.times().iter().enumerate() {
                let pairs = stream
                    .rows
                    .metadata(row)
                    .map(|(n, v)| (n.to_owned(), v.to_owned()));
                of.push((*time, stream.rows.line(row).to_vec(), pairs.collect()));
                assert!(part.times.0 <= *time && *time <= part.times.1);
            }
        }
    }
    seen.values_mut().for_each(|of| of.sort());
    seen
}

fn everything() -> Scan {
    Scan {
        from: i64::MIN,
        until: i64::MAX,
        ..Scan::default()
    }
}

fn expected<'e>(entries: impl IntoIterator<Item = &'e TestEntry>) -> Seen {
    let mut seen = Seen::new();
    for entry in entries {
        let of = seen.entry(format!("{:?}", entry.labels())).or_default();
        of.push((entry.time, entry.line.clone(), entry.metadata.clone()));
    }
    for of in seen.values_mut() {
        of.sort();
        of.dedup();
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_was_written_is_read_back(all in entries(400), cuts in proptest::collection::vec(1usize..80, 1..12)) {
        let storage = MemoryStorage::default();
        let node = open(&storage);
        let (mut from, mut n) = (0, 0);
        while from < all.len() {
            let to = (from + cuts[n % cuts.len()]).min(all.len());
            write(&node, batch(&all[from..to]));
            if n % 3 == 1 {
                node.flush().unwrap();
            }
            if n % 5 == 4 {
                write(&node, batch(&all[..to.min(60)]));
            }
            (from, n) = (to, n + 1);
        }
        let expected = expected(&all);
        prop_assert_eq!(&read(&node, &everything()), &expected, "as written");
        drop(node);
        let node = open(&storage);
        prop_assert_eq!(&read(&node, &everything()), &expected, "restarted");
        node.flush().unwrap();
        prop_assert_eq!(&read(&node, &everything()), &expected, "flushed");
        prop_assert_eq!(node.verify().len(), 0);
        node.compact().unwrap();
        prop_assert_eq!(&read(&node, &everything()), &expected, "merged");
    }

    #[test]
    fn times_matchers_and_needles_take_only_others_away(
        all in entries(300),
        times in (0i64..4_000, 1i64..2_000),
        pick in any::<prop::sample::Index>(),
        span in (0usize..12, 1usize..9),
    ) {
        let storage = MemoryStorage::default();
        let node = open(&storage);
        for part in all.chunks(70) {
            write(&node, batch(part));
            node.flush().unwrap();
        }
        let (from, until) = (times.0 * random::STEP_NS, (times.0 + times.1) * random::STEP_NS);
        let picked = pick.get(&all);
        let scan = Scan { matchers: vec![Matcher::equal("app", picked.app())], from, until, ..Scan::default() };
        let wanted = |e: &&TestEntry| e.app() == picked.app() && e.time >= from && e.time < until;
        prop_assert_eq!(read(&node, &scan), expected(all.iter().filter(wanted)));
        let text = String::from_utf8_lossy(&picked.line).into_owned();
        let chars: Vec<char> = text.chars().filter(|c| *c != '\u{fffd}').collect();
        let at = span.0.min(chars.len().saturating_sub(1));
        let needle: String = chars.iter().skip(at).take(span.1).collect();
        let ids = |seen: &Seen| {
            let mut ids = Vec::new();
            for (stream, of) in seen {
                for (time, _, metadata) in of {
                    let id: Vec<_> = metadata.iter().filter(|(name, _)| name == "trace_id").cloned().collect();
                    ids.push((stream.clone(), *time, id));
                }
            }
            ids.sort();
            ids
        };
        for merged in [false, true] {
            if merged {
                node.compact().unwrap();
            }
            let wanted = Wanted { without_lines: true, metadata: Some(vec!["trace_id".to_owned()]) };
            let found = read(&node, &Scan { wanted, ..everything() });
            prop_assert_eq!(ids(&found), ids(&expected(&all)));
            let scan = Scan { needles: vec![Needle::text(needle.to_ascii_uppercase())], ..everything() };
            let found = read(&node, &scan);
            for entry in all.iter().filter(|e| contains(&e.line, needle.as_bytes())) {
                let of = found.get(&format!("{:?}", entry.labels()));
                let there = of.is_some_and(|of| of.iter().any(|e| e.0 == entry.time && e.1 == entry.line));
                prop_assert!(there, "{:?} in {:?}", needle, String::from_utf8_lossy(&entry.line));
            }
        }
    }
}

fn contains(line: &[u8], needle: &[u8]) -> bool {
    needle.is_empty() || line.windows(needle.len()).any(|w| w == needle)
}

#[test]
fn an_id_is_looked_for_only_where_it_is() {
    let storage = MemoryStorage::default();
    let node = open(&storage);
    let mut builder = BatchBuilder::default();
    let stream = builder.stream(Labels::from_pairs([("app", "a")]));
    for n in 0..500u128 {
        let id = n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) | 1 << 127;
        let set = builder.set(super::NO_SET, [("trace_id", format!("{id:032x}").as_str())]);
        let line = format!("{{\"msg\":\"request {n} done\",\"id\":\"{id:032x}\"}}");
        builder.push(stream, n as i64, set, line.as_bytes());
    }
    write(&node, builder.build());
    node.flush().unwrap();
    let snapshot = node.tenant("t").unwrap().logs.snapshot();
    let id = |n: u128| {
        format!(
            "{:032x}",
            n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) | 1 << 127
        )
    };
    let left = |text: String| super::needle::left(&[Needle::text(text)], &snapshot.blocks[0]).unwrap();
    assert_eq!(snapshot.blocks[0].index().groups.len(), 10);
    assert_eq!(left(id(123)), [2]);
    assert_eq!(left(id(7).to_uppercase()), [0]);
    assert_eq!(left(id(501)), [0usize; 0]);
    assert_eq!(left(format!("\"id\":\"{}", id(499))), [9]);
}

#[test]
fn entries_sent_twice_are_kept_when_that_is_asked_for() {
    let storage = MemoryStorage::default();
    let node = open(&storage);
    let twice = |keep: bool, line: &[u8]| {
        let mut builder = BatchBuilder::default();
        let stream = builder.stream(Labels::from_pairs([("app", "a")]));
        if keep {
            builder.keep_repeats();
        }
        builder.push(stream, 5, super::NO_SET, line);
        builder.push(stream, 5, super::NO_SET, line);
        builder.build()
    };
    write(&node, twice(false, b"once"));
    write(&node, twice(true, b"twice"));
    let lines = || -> Vec<Vec<u8>> {
        let seen = read(&node, &everything());
        seen.into_values().flatten().map(|e| e.1).collect()
    };
    let wanted = [b"once".to_vec(), b"twice".to_vec(), b"twice".to_vec()];
    assert_eq!(lines(), wanted);
    node.flush().unwrap();
    assert_eq!(lines(), wanted);
    write(&node, twice(false, b"once"));
    node.flush().unwrap();
    node.compact().unwrap();
    assert_eq!(lines(), wanted);
}

#[test]
fn entries_of_a_time_are_told_in_the_order_they_came() {
    let entry = |line: &'static str| (7, line.as_bytes(), vec![]);
    let rows = Rows::from_entries([entry("b"), entry("a"), entry("b"), entry("c")]);
    let lines: Vec<&[u8]> = (0..rows.len()).map(|row| rows.line(row)).collect();
    assert_eq!(lines, [b"b", b"a", b"c"]);
}

#[test]
fn a_word_is_looked_for_in_the_columns_and_only_its_entries_are_put_together() {
    let storage = MemoryStorage::default();
    let node = open(&storage);
    let mut builder = BatchBuilder::default();
    let stream = builder.stream(Labels::from_pairs([("app", "a")]));
    for n in 0..40i64 {
        let line = match n % 2 {
            0 => format!(
                "{{\"msg\":\"user {n} has gone to room{}\",\"code\":{}}}",
                n * 3,
                n * 100
            ),
            _ => format!("code={} text=\"went {n} away\"", n * 100),
        };
        builder.push(stream, n, super::NO_SET, line.as_bytes());
    }
    write(&node, builder.build());
    node.flush().unwrap();
    let count = |text: &str| {
        let scan = Scan {
            needles: vec![Needle::text(text)],
            ..everything()
        };
        read(&node, &scan).values().map(Vec::len).sum::<usize>()
    };
    assert_eq!(count("GONE"), 20);
    assert_eq!(count("away"), 20);
    assert_eq!(count("room36"), 1);
    assert_eq!(count("code=1700"), 1);
    assert_eq!(count("went 17 away"), 20, "short numbers are not looked for");
    assert_eq!(count("oom"), 20);
    assert_eq!(count("gone away"), 0);
    let wanted = Wanted {
        without_lines: true,
        metadata: None,
    };
    let scan = Scan {
        wanted,
        ..everything()
    };
    let seen = read(&node, &scan);
    assert!(seen.values().flatten().all(|(_, line, _)| line.is_empty()));
    assert_eq!(seen.values().map(Vec::len).sum::<usize>(), 40);
}
