//! Tests of the head.

use super::*;
use crate::metrics::MatchOp;

fn batch(instance: &'static str, samples: &[(i64, f64)]) -> WriteBatch<'static> {
    let mut batch = WriteBatch::default();
    batch.push_series(
        [("__name__", "up"), ("instance", instance)],
        samples.iter().copied(),
    );
    batch
}

fn input<'a>(batch: &'a WriteBatch<'a>) -> Input<'a> {
    Input {
        batch,
        labels: batch,
        series_max: 3,
        received_ms: 0,
    }
}

fn resolve(head: &MetricsHead, input: &Input<'_>) -> Record {
    head.resolve(input).unwrap()
}

#[test]
fn a_series_is_defined_until_its_definition_is_applied() {
    let head = MetricsHead::default();
    let first = resolve(&head, &input(&batch("a", &[(1, 1.0)])));
    let second = resolve(&head, &input(&batch("a", &[(2, 1.0)])));
    assert_eq!(first.series, second.series, "the first may never become durable");
    assert_eq!(head.apply(second).stored, 1);
    let third = resolve(&head, &input(&batch("a", &[(3, 1.0)])));
    assert_eq!(third.series, []);
    assert_eq!(third.samples[0].0, first.series[0].0);
    assert_eq!(head.apply(first).stored, 1, "defining again changes nothing");
    assert_eq!(head.size().groups, 1);
}

#[test]
fn numbers_go_on_after_a_replay() {
    let head = MetricsHead::default();
    let record = resolve(&head, &input(&batch("a", &[(1, 1.0)])));
    let replayed = MetricsHead::default();
    replayed.apply(Record::decode(&record.encode()).unwrap());
    let next = resolve(&replayed, &input(&batch("b", &[(1, 1.0)])));
    assert!(next.series[0].0 > record.series[0].0);
    assert_eq!(resolve(&replayed, &input(&batch("a", &[(1, 1.0)]))).series, []);
}

#[test]
fn series_over_the_limit_are_left_out_and_named() {
    let head = MetricsHead::default();
    for instance in ["a", "b"] {
        head.apply(resolve(&head, &input(&batch(instance, &[(1, 1.0)]))));
    }
    let mut large = WriteBatch::default();
    for instance in ["c", "d", "a"] {
        large.push_series([("__name__", "up"), ("instance", instance)], [(2, 2.0)]);
    }
    let applied = head.apply(resolve(&head, &input(&large)));
    assert_eq!((applied.stored, applied.over_limit), (2, vec![1]));
}

#[test]
fn late_and_random_order_backfill_is_stored_once() {
    let head = MetricsHead::default();
    let times: Vec<i64> = (0..1000).map(|i| i * 7919 % 1000).collect();
    for time in &times {
        assert_eq!(
            head.apply(resolve(&head, &input(&batch("a", &[(*time, *time as f64)]))))
                .stored,
            1
        );
    }
    for time in &times {
        assert_eq!(
            head.apply(resolve(&head, &input(&batch("a", &[(*time, *time as f64)]))))
                .duplicates,
            1
        );
        assert_eq!(
            head.apply(resolve(&head, &input(&batch("a", &[(*time, -1.0)]))))
                .conflicts
                .len(),
            1
        );
    }
    assert_eq!(head.rows(), 1000);
}

#[test]
fn samples_without_a_definition_are_counted_not_stored() {
    let head = MetricsHead::default();
    head.apply(Record {
        samples: vec![(7, 1, 1.0)],
        ..Record::default()
    });
    assert_eq!((head.orphans(), head.rows()), (1, 0));
}

#[test]
fn a_series_costs_well_under_a_kibibyte() {
    let head = MetricsHead::default();
    for target in 0..200 {
        let mut batch = WriteBatch::default();
        let instance: &str = format!("10.0.0.{target}:9100").leak();
        for metric in 0..100 {
            let name: &str = format!("node_metric_number_{metric}_seconds_total").leak();
            let pairs = [
                ("__name__", name),
                ("instance", instance),
                ("job", "node"),
                ("mode", "idle"),
            ];
            batch.push_series(pairs, (0..100).map(|i| (i * 15_000, (i * metric) as f64)));
        }
        let wide = Input {
            batch: &batch,
            labels: &batch,
            series_max: u64::MAX,
            received_ms: 0,
        };
        head.apply(resolve(&head, &wide));
    }
    let size = head.size();
    assert!(
        size.bytes / size.groups < 700,
        "{} bytes for {} series",
        size.bytes,
        size.groups
    );
}

#[test]
fn metadata_is_kept_once_for_each_statement() {
    use crate::metrics::{Metadata, MetricKind};
    const HOUR: i64 = 3_600_000;
    let head = MetricsHead::default();
    for (help, received_ms) in [("one", 5), ("one", 9), ("two", 7), ("two", HOUR + 7)] {
        let mut batch = WriteBatch::default();
        batch.metadata.push(Metadata {
            family: "up",
            kind: MetricKind::Gauge,
            help,
            unit: "",
        });
        head.apply(resolve(
            &head,
            &Input {
                batch: &batch,
                labels: &batch,
                series_max: 1,
                received_ms,
            },
        ));
    }
    let said: Vec<_> = head
        .metadata()
        .into_iter()
        .map(|m| (m.help, m.received_ms))
        .collect();
    assert_eq!(
        said,
        [("one".to_owned(), 5), ("two".to_owned(), HOUR + 7)],
        "a repetition is written once an hour"
    );
}

#[test]
fn selection_is_at_one_moment_for_all_sets() {
    let head = MetricsHead::default();
    head.apply(resolve(&head, &input(&batch("a", &[(1, 1.0)]))));
    head.apply(resolve(&head, &input(&batch("b", &[(1, 1.0)]))));
    let sets = [
        vec![Matcher::equal("instance", "a")],
        vec![Matcher::new("instance", MatchOp::Regex, ".").unwrap()],
    ];
    let mut found = Vec::new();
    let slices: Vec<&[Matcher]> = sets.iter().map(Vec::as_slice).collect();
    head.select(&slices, &mut |i, labels, _| {
        found.push((i, labels().value("instance").to_owned()))
    })
    .unwrap();
    assert_eq!(
        found,
        [(0, "a".to_owned()), (1, "a".to_owned()), (1, "b".to_owned())]
    );
}

#[test]
fn a_head_shares_the_names_of_the_one_before_and_defines_its_series_again() {
    let first = MetricsHead::default();
    for instance in ["a", "b"] {
        first.apply(resolve(&first, &input(&batch(instance, &[(1, 1.0)]))));
    }
    let second = MetricsHead::after(&first);
    let record = resolve(&second, &input(&batch("b", &[(2, 1.0)])));
    assert_eq!(record.series[0].0, 1, "numbered as before");
    let replayed = MetricsHead::default();
    assert_eq!(
        replayed.apply(Record::decode(&record.encode()).unwrap()).stored,
        1,
        "its records stand alone"
    );
    second.apply(record);
    assert_eq!(resolve(&second, &input(&batch("b", &[(3, 1.0)]))).series, []);
    let sizes = (first.size().groups, second.size().groups);
    assert_eq!(sizes, (2, 1));
    let instances = |head: &MetricsHead| {
        let registry_slots = |r: &Registry| head.slots(r, &[]).unwrap();
        head.with_registry(|r| r.label_values("instance", registry_slots(r).as_ref()))
    };
    assert_eq!(instances(&second), ["b"]);
    assert_eq!(instances(&first).len(), 2);
}

#[test]
fn names_of_dead_series_go_with_their_head() {
    let first = MetricsHead::default();
    for i in 0..NAMES_SPARE + 10 {
        let instance: &'static str = i.to_string().leak();
        let wide = batch(instance, &[(1, 1.0)]);
        let wide = Input {
            series_max: u64::MAX,
            ..input(&wide)
        };
        first.apply(resolve(&first, &wide));
    }
    let second = MetricsHead::after(&first);
    second.apply(resolve(&second, &input(&batch("1", &[(2, 1.0)]))));
    assert_eq!(second.with_registry(Registry::len), NAMES_SPARE + 10);
    let third = MetricsHead::after(&second);
    assert_eq!(third.with_registry(Registry::len), 0);
    assert_eq!(
        third
            .apply(resolve(&third, &input(&batch("1", &[(3, 1.0)]))))
            .stored,
        1
    );
}

/// Spells every series as `up`, with what its own labels have taken off as an exemplar of its first sample.
struct Fewer<'a> {
    batch: &'a WriteBatch<'a>,
    parts: bool,
}

impl LabelSource for Fewer<'_> {
    fn labels(&self, series: u32, out: &mut crate::metrics::LabelBuffer) -> crate::metrics::LabelsFound {
        let i = series as usize;
        out.push("__name__", "up");
        let moved = &self.batch.own_labels(i)[1..];
        if moved.is_empty() {
            return crate::metrics::LabelsFound::Good;
        }
        if let Some((time, value)) = self.batch.series_at(i).samples.first() {
            out.push_exemplar(*time, *value, moved);
        }
        crate::metrics::LabelsFound::Merged { parts: self.parts }
    }
}

fn merged(head: &MetricsHead, parts: bool, all: &[(&'static str, &[(i64, f64)])]) -> (Record, Applied) {
    let mut batch = WriteBatch::default();
    for (id, samples) in all {
        let id = Some(("trace_id", *id)).filter(|(_, id)| !id.is_empty());
        let labels = [("__name__", "up")].into_iter().chain(id);
        batch.push_series(labels, samples.iter().copied());
    }
    let labels = Fewer { batch: &batch, parts };
    let input = Input {
        labels: &labels,
        series_max: 1,
        ..input(&batch)
    };
    let record = resolve(head, &input);
    (record.clone(), head.apply(record))
}

fn floats(head: &MetricsHead) -> Vec<(i64, f64)> {
    let mut out = crate::metrics::Samples::default();
    let series = head.series(0).unwrap();
    crate::metrics::series::read_floats(&series, i64::MIN, i64::MAX, &mut out).unwrap();
    out.timestamps.into_iter().zip(out.values).collect()
}

#[test]
fn series_that_become_one_are_one_and_keep_what_was_taken_off() {
    let head = MetricsHead::default();
    let stale = f64::from_bits(crate::metrics::STALE_NAN_BITS);
    let (record, applied) = merged(
        &head,
        false,
        &[
            ("a", &[(1, 1.0), (2, 2.0)]),
            ("b", &[(1, 5.0), (3, 3.0)]),
            ("c", &[(4, stale)]),
        ],
    );
    assert_eq!(record.series.len(), 1, "defined once");
    assert_eq!((applied.stored, applied.merged, applied.exemplars), (3, 2, 2));
    assert_eq!((applied.conflicts, applied.over_limit), (vec![], vec![]));
    let (record, applied) = merged(&head, false, &[("d", &[(5, 5.0)]), ("", &[(5, 6.0)])]);
    assert_eq!(record.series, []);
    assert_eq!((applied.stored, applied.merged, applied.exemplars), (1, 1, 1));
    assert_eq!(floats(&head), [(1, 1.0), (2, 2.0), (3, 3.0), (5, 5.0)]);
    let ids: Vec<String> = head
        .series(0)
        .unwrap()
        .exemplars()
        .iter()
        .map(|e| e.labels.value("trace_id").to_owned())
        .collect();
    assert_eq!(ids, ["a", "b", "d"]);
}

#[test]
fn what_only_ends_makes_no_series() {
    let head = MetricsHead::default();
    let stale = f64::from_bits(crate::metrics::STALE_NAN_BITS);
    let (record, applied) = merged(&head, true, &[("a", &[(1, stale), (2, stale)])]);
    assert_eq!((record.series, applied.merged), (vec![], 2));
    assert!(head.series(0).is_none());
}

#[test]
fn parts_of_one_time_add_up() {
    let head = MetricsHead::default();
    let (_, applied) = merged(
        &head,
        true,
        &[
            ("", &[(1, 10.0)]),
            ("a", &[(1, 1.0), (2, 2.0)]),
            ("b", &[(2, 0.5)]),
            ("c", &[(1, 4.0)]),
        ],
    );
    assert_eq!((applied.stored, applied.exemplars), (2, 3));
    assert_eq!(floats(&head), [(1, 15.0), (2, 2.5)]);
    // The same write again changes nothing.
    let (_, again) = merged(
        &head,
        true,
        &[
            ("", &[(1, 10.0)]),
            ("a", &[(1, 1.0), (2, 2.0)]),
            ("b", &[(2, 0.5)]),
            ("c", &[(1, 4.0)]),
        ],
    );
    assert_eq!(
        (again.stored, again.duplicates, again.exemplars, again.merged),
        (0, 2, 0, 0)
    );
}

#[test]
fn keys_of_merged_series_are_not_remembered() {
    let head = MetricsHead::default();
    let mut sizes = Vec::new();
    for n in 0..2000 {
        let id: &'static str = Box::leak(format!("{n:032x}").into_boxed_str());
        merged(&head, false, &[(id, &[(n, 1.0)])]);
        sizes.push(head.names.keys.read().heap_bytes());
    }
    assert_eq!(sizes[10], sizes[1999]);
}
