//! Data directories of every format version, committed under `engine/fixtures/`, open and answer as when they were
//! written. The newest one is written by this test when it is missing.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::metrics::{
    Counts, Histogram, Input, Matcher, Metadata, MetricKind, Metrics, ResetHint, Samples, Selection, Span,
    WriteBatch, parse_trace_id,
};
use crate::storage::LocalStorage;
use crate::store::Snapshot;
use crate::traces::{BatchBuilder, Part, SpanFields, Value, ValueRef};

fn dir(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/v{version}"))
}

fn options() -> NodeOptions {
    NodeOptions {
        reserve_bytes: 0,
        free_bytes_min: 0,
        ..NodeOptions::default()
    }
}

fn write_newest(root: &Path) {
    let storage = Arc::new(LocalStorage::open(root).unwrap());
    let (node, _) = Node::open(storage.clone(), options()).unwrap();
    for round in 0..3i64 {
        let mut batch = WriteBatch::default();
        for (instance, value) in [("a", 1.5), ("b", f64::from_bits(crate::metrics::STALE_NAN_BITS))] {
            let samples = (0..200).map(|i| (round * 43_200_000 + i * 15_000, value * i as f64));
            batch.push_series([("__name__", "fixture_total"), ("instance", instance)], samples);
        }
        batch.push_series([("__name__", "fixture_seconds"), ("instance", "h")], []);
        batch.set_delta();
        for i in 0..20 {
            let time = round * 43_200_000 + i * 15_000;
            batch.push_histogram(time - 15_000, time, histogram(i.cast_unsigned()));
        }
        batch.push_exemplar(round * 43_200_000, 0.25, &[("trace_id", TRACE)]);
        let kind = MetricKind::Counter;
        batch.metadata.push(Metadata {
            family: "fixture_total",
            kind,
            help: "A fixture.",
            unit: "",
        });
        let input = Input {
            batch: &batch,
            labels: &batch,
            series_max: 10,
            received_ms: 1000,
        };
        let ticket = node
            .tenant("default")
            .unwrap()
            .metrics
            .append(node.log(), &input)
            .unwrap();
        node.log().commit();
        ticket.wait().unwrap();
        write_spans(&node, round);
        write_lines(&node, round);
        if round < 2 {
            node.flush().unwrap();
        }
    }
    storage.delete("LOCK").unwrap();
}

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn histogram(i: u64) -> Histogram {
    Histogram {
        schema: 2,
        reset_hint: ResetHint::No,
        zero_threshold: 0.001,
        sum: 1.5 * i as f64,
        positive_spans: vec![
            Span {
                offset: -3,
                length: 2,
            },
            Span { offset: 1, length: 1 },
        ],
        negative_spans: Vec::new(),
        custom_values: Vec::new(),
        counts: Counts::Integer {
            count: 4 * i + 3,
            zero: i,
            positive: vec![i, i + 1, i + 2],
            negative: Vec::new(),
        },
    }
}

/// A span of one trace a round, on days of their own, with everything a span can have.
fn write_spans(node: &Node, round: i64) {
    let mut b = BatchBuilder::new();
    b.attribute(Part::Resource, "service.name", ValueRef::String("fixture"));
    let resource = b.end_resource(1, "http://schema");
    let scope = b.end_scope("lib", "1", 0, "");
    b.attribute(Part::Event, "at", ValueRef::Double(0.5));
    b.end_event(5, "event", 0);
    b.attribute(Part::Link, "why", ValueRef::Bool(true));
    b.end_link([7; 16], [8; 8], "a=b", 1, 0);
    b.attribute(Part::Span, "round", ValueRef::Int(round));
    b.attribute(Part::Span, "text", ValueRef::String("fixture"));
    b.attribute(Part::Span, "bytes", ValueRef::Bytes(&[1, 2]));
    b.end_span(&SpanFields {
        resource,
        scope,
        trace_id: parse_trace_id(TRACE).unwrap(),
        span_id: [round as u8 + 1; 8],
        parent: [round as u8; 8],
        name: "work",
        start: round * 43_200_000_000_000 + 3,
        end: round * 43_200_000_000_000 + 1_000,
        status_code: 2,
        status_message: "broken",
        ..SpanFields::default()
    });
    let ticket = node
        .tenant("default")
        .unwrap()
        .traces
        .append(node.log(), Arc::new(b.finish()))
        .unwrap();
    node.log().commit();
    ticket.wait().unwrap();
}

/// The lines of a round: JSON, pairs, text that dates and numbers vary in, and bytes that are no text.
fn lines(round: i64) -> Vec<(i64, Vec<u8>, String)> {
    let mut lines = Vec::new();
    for n in 0..80i64 {
        let time = round * 43_200_000_000_000 + n * 1_000_000_000;
        let id = format!("{:032x}", (round * 1_000 + n) as u128 * 0x1234_5678_9abc_def1);
        let line = match n % 4 {
            0 => format!(
                "{{\"level\": \"info\", \"took\":{}.5,\"user\":{{\"id\":{n}}},\"id\":\"{id}\"}}",
                n * 7
            ),
            1 => format!("level=warn msg=\"took {n} ms\" code={:03}", n * 3),
            2 => format!(
                "1970-01-0{}T00:00:00.{n:03}Z request {n} from 10.0.0.{n}:80 failed",
                1 + round / 2
            ),
            _ => format!("\u{0}{n}"),
        };
        lines.push((time, line.into_bytes(), id));
    }
    lines
}

fn write_lines(node: &Node, round: i64) {
    let mut b = crate::logs::BatchBuilder::default();
    let stream = b.stream(crate::labels::Labels::from_pairs([("app", "fixture")]));
    let resource = b.set(crate::logs::NO_SET, [("host", "h")]);
    for (time, line, id) in lines(round) {
        let set = b.set(resource, [("trace_id", id.as_str())]);
        b.push(stream, time, set, &line);
    }
    let ticket = node
        .tenant("default")
        .unwrap()
        .logs
        .append(node.log(), Arc::new(b.build()))
        .unwrap();
    node.log().commit();
    ticket.wait().unwrap();
}

/// What versions from 4 on have beside metrics and traces.
fn check_lines(node: &Node) {
    let snapshot = node.tenant("default").unwrap().logs.snapshot();
    let scan = crate::logs::Scan {
        until: i64::MAX,
        ..crate::logs::Scan::default()
    };
    let mut found = Vec::new();
    for part in snapshot.scan(&scan).unwrap() {
        for stream in part.load().unwrap() {
            for (row, time) in stream.rows.times().iter().enumerate() {
                let metadata: Vec<(&str, &str)> = stream.rows.metadata(row).collect();
                assert_eq!((metadata[0], metadata[1].0), (("host", "h"), "trace_id"));
                found.push((*time, stream.rows.line(row).to_vec(), metadata[1].1.to_owned()));
            }
        }
    }
    found.sort();
    let wanted: Vec<_> = (0..3).flat_map(lines).collect();
    assert!(found == wanted);
}

/// What versions from 3 on have beside metrics.
fn check_spans(node: &Node) {
    let snapshot = node.tenant("default").unwrap().traces.snapshot();
    let trace = snapshot.trace(&parse_trace_id(TRACE).unwrap()).unwrap().unwrap();
    assert_eq!((trace.spans.len(), trace.resources.len()), (3, 1));
    let span = &trace.spans[2];
    assert_eq!((span.start, span.end), (86_400_000_000_003, 86_400_000_001_000));
    assert_eq!(&*span.attributes[1].key, "text");
    assert_eq!(span.attributes[0].value, Value::Int(2));
    assert_eq!(
        (&*span.events[0].name, span.links[0].trace_id),
        ("event", [7; 16])
    );
    assert_eq!((span.status_code, &*span.status_message), (2, "broken"));
}

/// What versions from 2 on have beside floats.
fn check_histograms(snapshot: &Snapshot<Metrics>) {
    let wish = Selection {
        matchers: vec![Matcher::equal("instance", "h")],
        min_time: 0,
        max_time: i64::MAX,
    };
    let found = snapshot.select(std::slice::from_ref(&wish)).unwrap().remove(0);
    assert!(found[0].is_delta() && found[0].has_histograms(0, i64::MAX));
    let rows = found[0].read_all(0, i64::MAX).unwrap();
    assert_eq!(rows.histograms.len(), 60);
    let last = &rows.histograms[59];
    assert_eq!((last.start, last.time), (86_670_000, 86_685_000));
    assert_eq!(last.histogram, histogram(19));
    let exemplars = snapshot.exemplars(&[wish]).unwrap();
    assert_eq!(exemplars[0].1.len(), 3);
    let of_trace = snapshot
        .exemplars_of_trace(&parse_trace_id(TRACE).unwrap())
        .unwrap();
    assert_eq!(
        of_trace[0].1.iter().map(|e| e.time).collect::<Vec<_>>(),
        [0, 43_200_000, 86_400_000]
    );
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn every_version_opens_and_answers() {
    if !dir(DATA_VERSION).exists() {
        write_newest(&dir(DATA_VERSION));
    }
    for version in 1..=DATA_VERSION {
        let copy = tempfile::tempdir().unwrap();
        copy_dir(&dir(version), copy.path());
        let storage = Arc::new(LocalStorage::open(copy.path()).unwrap());
        let (node, recovery) = Node::open(storage, options()).unwrap();
        assert_eq!(recovery.log.damages, []);
        assert_eq!(
            (recovery.replayed_records, recovery.lost_blocks.len()),
            (u64::from(version.clamp(2, 4)) - 1, 0),
            "version {version}"
        );
        assert!(node.verify().is_empty());
        let snapshot = node.tenant("default").unwrap().metrics.snapshot();
        let matchers = vec![Matcher::equal("instance", "a")];
        let wish = Selection {
            matchers,
            min_time: 0,
            max_time: i64::MAX,
        };
        let found = snapshot.select(&[wish]).unwrap().remove(0);
        let mut samples = Samples::default();
        found[0].read(0, i64::MAX, &mut samples).unwrap();
        assert_eq!(samples.len(), 600);
        assert_eq!(
            (samples.timestamps[599], samples.values[599]),
            (89_385_000, 298.5)
        );
        assert_eq!(snapshot.metadata().unwrap()[0].help, "A fixture.");
        if version >= 2 {
            check_histograms(&snapshot);
        }
        if version >= 3 {
            check_spans(&node);
        }
        if version >= 4 {
            check_lines(&node);
        }
    }
}
