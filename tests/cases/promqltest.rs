//! Prometheus' own PromQL scripts through the engine: from the head, from blocks and from merged blocks the same cases
//! pass. Reads `../shared/promqltest` beside the repository; absent, it says so and passes.

use std::path::PathBuf;
use std::process::Command;

use kymo_query::promqltest::run;
use kymo_server::scripts::{Layout, StoreLoader};
use kymo_tests::server::kymo_binary;
use kymo_tests::shared;

fn scripts() -> Vec<PathBuf> {
    let Some(dir) = shared("promqltest") else {
        return Vec::new();
    };
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "test"))
        .collect();
    files.sort();
    files
}

fn check(layout: Layout) {
    for file in scripts() {
        let text = std::fs::read_to_string(&file).unwrap();
        let outcome = run(&text, &mut StoreLoader::new(layout).unwrap()).unwrap();
        let wrong = outcome.failures;
        assert!(wrong.is_empty(), "{} from {layout:?}: {wrong:#?}", file.display());
    }
}

#[test]
fn scripts_pass_from_the_head() {
    check(Layout::Head);
}

#[test]
fn scripts_pass_from_blocks() {
    check(Layout::Blocks);
}

#[test]
fn scripts_pass_from_merged_blocks() {
    check(Layout::Merged);
}

#[test]
fn the_command_lists_failures_and_ends_with_the_count() {
    let dir = tempfile::TempDir::new().unwrap();
    let good = dir.path().join("good.test");
    std::fs::write(&good, "load 1m\n  up 1+1x5\n\neval instant at 3m up\n  up 4\n").unwrap();
    let bad = dir.path().join("bad.test");
    std::fs::write(&bad, "load 1m\n  up 1+1x5\n\neval instant at 3m up\n  up 5\n").unwrap();
    let test = |files: &[&PathBuf]| {
        let output = Command::new(kymo_binary())
            .args(["test", "promql"])
            .args(files)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, text) = test(&[&good]);
    assert_eq!((code, text.as_str()), (Some(0), "1 passed, 0 failed\n"));
    let (code, text) = test(&[&good, &bad]);
    assert_eq!(code, Some(1));
    assert!(text.ends_with("1 passed, 1 failed\n"), "{text}");
    assert!(
        text.contains("bad.test:4: up") && text.contains("expected:") && text.contains("got:"),
        "{text}"
    );
}
