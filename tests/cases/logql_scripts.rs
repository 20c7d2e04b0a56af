//! Scripts of LogQL through the engine: from the head, from blocks and from merged blocks the same cases pass. Those of
//! `tests/scripts/logql` are our own; Loki's are read from `../shared/logqltest` where they are at hand.

use std::path::PathBuf;
use std::process::Command;

use kymo_query::logqltest::run;
use kymo_server::scripts::{Layout, LogStoreLoader};
use kymo_tests::server::kymo_binary;

const OWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/logql");
const OF_LOKI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/logqltest");

fn files(dir: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Number of cases that passed; all do.
fn check(layout: Layout, files: &[PathBuf]) -> usize {
    let mut passed = 0;
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        let outcome = run(&text, &mut LogStoreLoader::new(layout).unwrap()).unwrap();
        let wrong = outcome.failures;
        assert!(wrong.is_empty(), "{} from {layout:?}: {wrong:#?}", file.display());
        passed += outcome.passed;
    }
    passed
}

#[expect(clippy::print_stderr, reason = "a test that skips says so")]
fn check_all(layout: Layout) {
    assert!(check(layout, &files(OWN)) > 0);
    let of_loki = files(OF_LOKI);
    if of_loki.is_empty() {
        eprintln!("SKIPPED: {OF_LOKI} is absent");
        return;
    }
    assert!(check(layout, &of_loki) >= 600);
}

#[test]
fn scripts_pass_from_the_head() {
    check_all(Layout::Head);
}

#[test]
fn scripts_pass_from_blocks() {
    check_all(Layout::Blocks);
}

#[test]
fn scripts_pass_from_merged_blocks() {
    check_all(Layout::Merged);
}

#[test]
fn the_command_runs_scripts_and_tells_what_failed() {
    let good = Command::new(kymo_binary())
        .args(["test", "logql"])
        .args(files(OWN))
        .output()
        .unwrap();
    assert!(good.status.success(), "{good:?}");
    let dir = tempfile::tempdir().unwrap();
    let bad = dir.path().join("bad.logqltest");
    std::fs::write(&bad, "eval instant at 1s vector(1)\n  {} 2\n").unwrap();
    let bad = Command::new(kymo_binary())
        .args(["test", "logql"])
        .arg(&bad)
        .output()
        .unwrap();
    assert!(!bad.status.success());
    assert!(
        String::from_utf8_lossy(&bad.stdout).contains("0 passed, 1 failed"),
        "{bad:?}"
    );
}
