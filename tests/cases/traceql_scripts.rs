//! The scripts of TraceQL in `tests/scripts/traceql` through the engine: from the head, from blocks that split every trace, and
//! from merged blocks the same cases pass.

use std::path::PathBuf;
use std::process::Command;

use kymo_query::traceqltest::run;
use kymo_server::scripts::{Layout, TraceStoreLoader};
use kymo_tests::server::kymo_binary;

fn scripts() -> Vec<PathBuf> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/traceql");
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn check(layout: Layout) {
    for file in scripts() {
        let text = std::fs::read_to_string(&file).unwrap();
        let outcome = run(&text, &mut TraceStoreLoader::new(layout).unwrap()).unwrap();
        let wrong = outcome.failures;
        assert!(wrong.is_empty(), "{} from {layout:?}: {wrong:#?}", file.display());
        assert!(outcome.passed > 0);
    }
}

#[test]
fn scripts_pass_from_the_head() {
    check(Layout::Head);
}

#[test]
fn scripts_pass_from_blocks_that_split_traces() {
    check(Layout::Blocks);
}

#[test]
fn scripts_pass_from_merged_blocks() {
    check(Layout::Merged);
}

#[test]
fn the_command_runs_scripts_and_tells_what_failed() {
    let file = scripts().remove(0);
    let good = Command::new(kymo_binary())
        .args(["test", "traceql"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(good.status.success(), "{good:?}");
    let dir = tempfile::tempdir().unwrap();
    let bad = dir.path().join("bad.test");
    std::fs::write(&bad, "eval spans { }\n  1: a\n").unwrap();
    let bad = Command::new(kymo_binary())
        .args(["test", "traceql"])
        .arg(&bad)
        .output()
        .unwrap();
    assert!(!bad.status.success());
    assert!(
        String::from_utf8_lossy(&bad.stdout).contains("0 passed, 1 failed"),
        "{bad:?}"
    );
}
