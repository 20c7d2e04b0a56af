//! Data directories of every format version, committed under `engine/fixtures/`, open and answer as when they were
//! written. The newest one is written by this test when it is missing.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::metrics::{Input, Matcher, Metadata, MetricKind, Samples, Selection, WriteBatch};
use crate::storage::LocalStorage;

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
        if round < 2 {
            node.flush().unwrap();
        }
    }
    storage.delete("LOCK").unwrap();
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
            (1, 0),
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
    }
}
