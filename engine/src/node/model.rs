//! The model test: any course of appends, flushes, merges, deletions, maintenance, crashes and restarts answers every query
//! as a plain sorted map does, wherever floats, native histograms and exemplars lie.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::tests::options;
use super::*;
use crate::metrics::deletion::encode_matchers;
use crate::metrics::scan::Read;
use crate::metrics::{
    Counts, Grouping, Histogram, Input, MatchOp, Matcher, ResetHint, Samples, Selection, Span, WriteBatch,
    parse_trace_id,
};
use crate::storage::{Crash, MemoryStorage};

const DAY: i64 = 86_400_000;
const SERIES: [[(&str, &str); 3]; 5] = [
    [("__name__", "up"), ("job", "a"), ("zone", "x")],
    [("__name__", "up"), ("job", "b"), ("zone", "x")],
    [("__name__", "up"), ("instance", "i1"), ("job", "b")],
    [("__name__", "requests_total"), ("job", "a"), ("path", "/")],
    [("A", "capital first"), ("__name__", "up"), ("job", "c")],
];

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<(usize, i64, u8)>),
    Flush,
    Compact,
    Maintain,
    /// Which of [`matcher_sets`], and the times.
    Delete(usize, i64, i64),
    Clean,
    Restart(u8, u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let time = prop_oneof![4 => 0i64..40, 1 => DAY - 10..DAY + 10, 1 => 10 * DAY..10 * DAY + 9];
    let sample = (0..SERIES.len(), time, 0u8..8);
    let step = prop_oneof![
        6 => prop::collection::vec(sample, 1..160).prop_map(Step::Append),
        2 => Just(Step::Flush),
        1 => Just(Step::Compact),
        1 => Just(Step::Maintain),
        1 => (0..6usize, 0i64..40, prop_oneof![0i64..40, Just(10 * DAY)])
            .prop_map(|(set, min, more)| Step::Delete(set, min, min + more)),
        1 => Just(Step::Clean),
        2 => (0u8..3, any::<u64>()).prop_map(|(kind, seed)| Step::Restart(kind, seed)),
    ];
    prop::collection::vec(step, 1..24)
}

/// Values that a lossy store would mix up.
const VALUES: [u64; 4] = [
    0x7ff0_0000_0000_0002,
    0x7ff8_0000_0000_0001,
    0x3ff0_0000_0000_0000,
    0x8000_0000_0000_0000,
];

/// What sample number `n` is: below 4 a float, from 4 on a native histogram.
fn histogram(n: u8) -> Histogram {
    Histogram {
        schema: i32::from(n) - 4,
        reset_hint: ResetHint::from_number(n.into()),
        zero_threshold: 0.5,
        sum: f64::from_bits(VALUES[usize::from(n) % 4]),
        positive_spans: vec![Span {
            offset: -1,
            length: 2,
        }],
        negative_spans: Vec::new(),
        custom_values: Vec::new(),
        counts: Counts::Integer {
            count: 4 + u64::from(n),
            zero: 4,
            positive: vec![n.into(), 0],
            negative: Vec::new(),
        },
    }
}

/// The start timestamp of sample number `n` at a time; some have none.
fn start(n: u8, time: i64) -> i64 {
    if n % 2 == 1 { time - 1000 } else { 0 }
}

fn trace(n: u8) -> String {
    format!("{n:032x}")
}

/// What the store must answer.
#[derive(Default)]
struct Model {
    stored: BTreeMap<(usize, i64), u8>,
    /// Those the open head still has: it refuses other values at their times.
    in_head: BTreeMap<(usize, i64), u8>,
    /// Every sample brings an exemplar.
    exemplars: BTreeSet<(usize, i64, u8)>,
}

impl Model {
    fn append(&mut self, samples: &[(usize, i64, u8)]) -> (u64, u64, usize) {
        let (mut stored, mut duplicates, mut conflicts) = (0, 0, 0);
        // A write's floats come before its histograms.
        let (floats, histograms): (Vec<&(usize, i64, u8)>, Vec<_>) = samples.iter().partition(|s| s.2 < 4);
        for (series, time, n) in floats.into_iter().chain(histograms) {
            let key = (*series, *time);
            self.exemplars.insert((*series, *time, *n));
            match self.in_head.get(&key) {
                Some(have) if have == n => duplicates += 1,
                Some(_) => conflicts += 1,
                None => {
                    self.in_head.insert(key, *n);
                    self.stored.insert(key, *n);
                    stored += 1;
                }
            }
        }
        (stored, duplicates, conflicts)
    }

    /// A deletion flushes first.
    fn delete(&mut self, matchers: &[Matcher], times: &std::ops::RangeInclusive<i64>) {
        self.in_head.clear();
        let stays = |series: usize, time: &i64| !passes(series, matchers) || !times.contains(time);
        self.stored.retain(|(series, time), _| stays(*series, time));
        self.exemplars.retain(|(series, time, _)| stays(*series, time));
    }
}

fn append(node: &Node, samples: &[(usize, i64, u8)]) -> (u64, u64, usize) {
    let mut batch = WriteBatch::default();
    for (series, time, n) in samples {
        batch.push_series(SERIES[*series], []);
        match VALUES.get(usize::from(*n)) {
            Some(bits) => batch.push_sample(start(*n, *time), *time, f64::from_bits(*bits)),
            None => batch.push_histogram(start(*n, *time), *time, histogram(*n)),
        }
        batch.push_exemplar(*time, 1.0, &[("trace_id", &trace(*n))]);
    }
    let input = Input {
        batch: &batch,
        labels: &batch,
        series_max: u64::MAX,
        received_ms: 0,
    };
    let ticket = node
        .tenant("t")
        .unwrap()
        .metrics
        .append(node.log(), &input)
        .unwrap();
    node.log().commit();
    let applied = ticket.wait().unwrap();
    (
        applied.stored + applied.histograms,
        applied.duplicates + applied.histogram_duplicates,
        applied.conflicts.len(),
    )
}

fn series_of(labels: &crate::labels::Labels) -> usize {
    SERIES
        .iter()
        .position(|pairs| labels.iter().eq(pairs.iter().copied()))
        .expect("only these are written")
}

fn read(node: &Node, matchers: &[Matcher], min: i64, max: i64) -> BTreeMap<(usize, i64), u8> {
    let selection = Selection {
        matchers: matchers.to_vec(),
        min_time: min,
        max_time: max,
    };
    let snapshot = node.tenant("t").unwrap().metrics.snapshot();
    check_scan(&snapshot.scan(std::slice::from_ref(&selection), 0).unwrap()[0]);
    let found = snapshot.select(&[selection]).unwrap().remove(0);
    assert!(
        found.windows(2).all(|w| w[0].labels() < w[1].labels()),
        "sorted by labels, each once"
    );
    let mut rows = BTreeMap::new();
    for series in found {
        let number = series_of(series.labels());
        let mut samples = Samples::default();
        series.read(min, max, &mut samples).unwrap();
        assert!(
            samples.timestamps.windows(2).all(|w| w[0] < w[1]),
            "ascending, each once"
        );
        let all = series.read_all(min, max).unwrap();
        assert_eq!(samples.timestamps, all.floats.timestamps);
        for (i, (time, value)) in samples.timestamps.iter().zip(&samples.values).enumerate() {
            let n = VALUES.iter().position(|bits| *bits == value.to_bits()).unwrap() as u8;
            assert_eq!(all.starts.get(i).copied().unwrap_or(0), start(n, *time));
            rows.insert((number, *time), n);
        }
        for write in all.histograms {
            let n = (write.histogram.schema + 4) as u8;
            assert_eq!(write.histogram, histogram(n));
            assert_eq!(write.start, start(n, write.time));
            assert_eq!(rows.insert((number, write.time), n), None, "one sample at a time");
        }
    }
    rows
}

/// Checks that a reader of the set gives what its series give by themselves, forwards and backwards, and that keys tell
/// labels apart.
fn check_scan(set: &crate::metrics::SeriesSet) {
    let grouping = Grouping::by(["job".to_owned()]);
    let others = Grouping::without(["job".to_owned()]);
    let mut reader = set.reader().unwrap();
    let mut keys: [BTreeMap<crate::metrics::Identity, crate::labels::Labels>; 2] = Default::default();
    let mut samples = Samples::default();
    for i in (0..set.len()).chain((0..set.len()).rev()) {
        reader.seek(i).unwrap();
        let labels = reader.labels().unwrap();
        for (grouping, keys) in [&grouping, &others].into_iter().zip(&mut keys) {
            let kept = labels.filter(|name| grouping.keeps(name));
            let known = keys.entry(reader.key(grouping).unwrap()).or_insert(kept.clone());
            assert_eq!(*known, kept);
        }
        let read = reader.read(&mut samples).unwrap();
        let Some(series) = reader.series().unwrap() else {
            assert!(samples.is_empty());
            continue;
        };
        let (min, max) = set.times();
        let histograms = series.has_histograms(min, max);
        assert_eq!(read == Read::Histograms, histograms, "of {labels:?}");
        if !histograms {
            let mut alone = Samples::default();
            series.read(min, max, &mut alone).unwrap();
            let bits = |s: &Samples| s.values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(samples.timestamps, alone.timestamps);
            assert_eq!(bits(&samples), bits(&alone));
            assert_eq!(samples.delta, alone.delta);
        }
    }
}

/// Checks the exemplars by series and by trace.
fn check_exemplars(node: &Node, model: &Model) {
    let snapshot = node.tenant("t").unwrap().metrics.snapshot();
    let flat = |found: Vec<(crate::labels::Labels, Vec<crate::metrics::Exemplar>)>| {
        let mut out = BTreeSet::new();
        for (labels, exemplars) in found {
            for e in exemplars {
                let n = u8::from_str_radix(e.labels.value("trace_id"), 16).unwrap();
                assert!(out.insert((series_of(&labels), e.time, n)), "each once");
            }
        }
        out
    };
    for matchers in matcher_sets() {
        let chosen = |(s, t, _): &&(usize, i64, u8)| passes(*s, &matchers) && (3..=DAY).contains(t);
        let expected: BTreeSet<_> = model.exemplars.iter().filter(chosen).copied().collect();
        let selection = Selection {
            matchers: matchers.clone(),
            min_time: 3,
            max_time: DAY,
        };
        assert_eq!(flat(snapshot.exemplars(&[selection]).unwrap()), expected);
    }
    for n in 0..8 {
        let id = parse_trace_id(&trace(n)).unwrap();
        let expected: BTreeSet<_> = model
            .exemplars
            .iter()
            .filter(|(_, _, m)| *m == n)
            .copied()
            .collect();
        assert_eq!(flat(snapshot.exemplars_of_trace(&id).unwrap()), expected);
    }
}

fn matcher_sets() -> Vec<Vec<Matcher>> {
    let m = |name, op, value| Matcher::new(name, op, value).unwrap();
    vec![
        vec![Matcher::equal("__name__", "up")],
        vec![
            Matcher::equal("__name__", "up"),
            m("zone", MatchOp::NotEqual, "x"),
        ],
        vec![m("job", MatchOp::Regex, "a|c"), m("zone", MatchOp::Equal, "")],
        vec![
            m("__name__", MatchOp::Regex, ".+"),
            m("path", MatchOp::NotRegex, "/.*"),
        ],
        vec![m("job", MatchOp::NotEqual, ""), m("zone", MatchOp::Regex, "x?")],
        vec![Matcher::equal("__name__", "absent")],
    ]
}

fn passes(series: usize, matchers: &[Matcher]) -> bool {
    let value = |name| {
        SERIES[series]
            .iter()
            .find(|(n, _)| *n == name)
            .map_or("", |(_, v)| *v)
    };
    matchers.iter().all(|m| m.matches(value(m.name())))
}

fn check(node: &Node, model: &Model) {
    for matchers in matcher_sets() {
        for (min, max) in [(i64::MIN, i64::MAX), (5, 20), (DAY, DAY), (DAY - 3, 10 * DAY + 2)] {
            let expected: BTreeMap<_, _> = model
                .stored
                .iter()
                .filter(|((s, t), _)| passes(*s, &matchers) && (min..=max).contains(t))
                .map(|(k, v)| (*k, *v))
                .collect();
            assert_eq!(
                read(node, &matchers, min, max),
                expected,
                "{matchers:?} {min} {max}"
            );
        }
    }
    check_labels(node, model);
    check_exemplars(node, model);
}

fn check_labels(node: &Node, model: &Model) {
    let snapshot = node.tenant("t").unwrap().metrics.snapshot();
    let present: BTreeSet<usize> = model.stored.keys().map(|(s, _)| *s).collect();
    let (min, max) = (i64::MIN, i64::MAX);
    for matchers in matcher_sets() {
        let sets = [matchers.as_slice()];
        let chosen: Vec<usize> = present
            .iter()
            .copied()
            .filter(|s| passes(*s, &matchers))
            .collect();
        let mut series: Vec<_> = chosen
            .iter()
            .map(|s| crate::labels::Labels::from_sorted(SERIES[*s]))
            .collect();
        series.sort();
        assert_eq!(snapshot.series(&sets, min, max).unwrap(), series);
        let pairs = || chosen.iter().flat_map(|s| SERIES[*s]);
        let sorted = |it: &mut dyn Iterator<Item = &'static str>| {
            it.map(str::to_owned)
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>()
        };
        assert_eq!(
            snapshot.label_names(&sets, min, max).unwrap(),
            sorted(&mut pairs().map(|p| p.0))
        );
        let jobs = sorted(&mut pairs().filter(|p| p.0 == "job").map(|p| p.1));
        assert_eq!(snapshot.label_values("job", &sets, min, max).unwrap(), jobs);
    }
}

/// What the store calls unchanged since a moment is as it was then.
fn check_changes(
    node: &Node,
    moment: &crate::metrics::Moment,
    before: &BTreeMap<(usize, i64), u8>,
    model: &Model,
) {
    for (min, max) in [(i64::MIN, i64::MAX), (0, 19), (20, DAY), (DAY, 20 * DAY)] {
        let changed = node
            .tenant("t")
            .unwrap()
            .metrics
            .first_change_since(moment, min, max);
        let kept =
            |(_, time): &(usize, i64)| (min..=max).contains(time) && changed.is_none_or(|at| *time < at);
        let of = |rows: &BTreeMap<(usize, i64), u8>| -> Vec<((usize, i64), u8)> {
            rows.iter()
                .filter(|(at, _)| kept(at))
                .map(|(at, n)| (*at, *n))
                .collect()
        };
        assert_eq!(of(before), of(&model.stored), "between {min} and {max}");
    }
}

fn restart(storage: &MemoryStorage, kind: u8, seed: u64) -> (MemoryStorage, Arc<Node>) {
    let crash = [Crash::DropUnsynced, Crash::KeepUnsynced, Crash::Torn(seed)][kind as usize];
    let after = storage.crash(crash);
    let (node, recovery) = Node::open(Arc::new(after.clone()), options()).unwrap();
    assert_eq!(recovery.log.damages, []);
    assert_eq!((recovery.orphaned_samples, recovery.undecodable_records), (0, 0));
    (after, node)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_course_answers_as_a_sorted_map_does(steps in steps()) {
        let mut storage = MemoryStorage::new();
        let mut node = Node::open(Arc::new(storage.clone()), options()).unwrap().0;
        let mut model = Model::default();
        for step in &steps {
            let moment = node.tenant("t").unwrap().metrics.moment();
            let before = model.stored.clone();
            match step {
                Step::Append(samples) => prop_assert_eq!(append(&node, samples), model.append(samples)),
                Step::Flush => {
                    node.flush().unwrap();
                    model.in_head.clear();
                }
                Step::Compact => drop(node.compact().unwrap()),
                Step::Maintain => {
                    node.maintain(11 * DAY).unwrap();
                    node.merge_due(11 * DAY).unwrap();
                }
                Step::Delete(set, min, max) => {
                    let matchers = &matcher_sets()[*set];
                    let what = vec![encode_matchers(matchers)];
                    node.tenant("t").unwrap().metrics.delete(node.log(), *min, *max, what).unwrap();
                    model.delete(matchers, &(*min..=*max));
                }
                Step::Clean => drop(node.tenant("t").unwrap().metrics.clean().unwrap()),
                Step::Restart(kind, seed) => (storage, node) = restart(&storage, *kind, *seed),
            }
            check(&node, &model);
            if !matches!(step, Step::Restart(..)) {
                check_changes(&node, &moment, &before, &model);
            }
        }
        prop_assert_eq!(node.verify().len(), 0);
    }
}
