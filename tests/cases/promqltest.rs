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

/// What the scripts of Prometheus have nothing about: start timestamps, and histograms beside floats in one series.
const STARTS: &str = r#"
load 1m
  c{}@st _ -30s -30s _x2
  c{} 10 20 5 30 40
  d_total{}@st -1mx5
  d_total{} 1 2 3 4 5 6
  g_total{}@st 0s -1m -2m -3m -1m -2m
  g_total{} 1 2 3 4 1 2
  o_total{}@st -1m -1m30s -2m30s
  o_total{} 1 2 3
  h{}@st -30s -30s
  h{} {{schema:0 count:1 sum:1 buckets:[1]}} {{schema:0 count:2 sum:2 buckets:[2]}}
  plain_total 0+1x5
  both 1 {{schema:0 count:1 sum:1 buckets:[1]}} 3 {{schema:-53 count:2 sum:3 custom_values:[1 2] buckets:[1 1]}}

eval instant at 1m start_timestamp(c)
  {} 30

eval instant at 4m start_timestamp(c)
  {} 0

eval instant at 1m start_timestamp(c + 0)

eval instant at 1m start_timestamp(h)
  {} 30

eval instant at 1m start_timestamp(plain_total)
  {} 0

# Every sample begins where the one before it ends.
eval instant at 5m increase(d_total[3m])
  {} 15

eval instant at 5m rate(d_total[3m])
  {} 0.08333333333333333

eval instant at 5m resets(d_total[3m])
  {} 2

eval instant at 5m irate(d_total[3m])
  {} 0.1

# A reset told by value and start counts once.
eval instant at 5m resets(g_total[6m])
  {} 1

eval instant at 2m increase(o_total[3m])
  expect warn msg: PromQL warning: sample has start time that overlaps with previous sample timestamp for metric name "o_total" (1:10)
  {} 3

# A start inside of the window is a zero there: one sample is enough.
eval instant at 0m increase(h[1m])
  {} {{schema:0 count:1 sum:1 buckets:[1] counter_reset_hint:gauge}}

eval instant at 1m increase(h[2m])
  {} {{schema:0 count:3 sum:3 buckets:[3] counter_reset_hint:gauge}}

eval range from 0 to 3m step 1m both
  both 1 {{schema:0 count:1 sum:1 buckets:[1]}} 3 {{schema:-53 count:2 sum:3 custom_values:[1 2] buckets:[1 1]}}

eval instant at 3m changes(both[4m])
  {} 3

eval instant at 3m both[4m]
  expect range vector from 0 to 3m step 1m
  both 1 {{schema:0 count:1 sum:1 buckets:[1]}} 3 {{schema:-53 count:2 sum:3 custom_values:[1 2] buckets:[1 1]}}
"#;

#[test]
fn start_timestamps_and_mixed_series_pass_in_every_layout() {
    for layout in [Layout::Head, Layout::Blocks, Layout::Merged] {
        let outcome = run(STARTS, &mut StoreLoader::new(layout).unwrap()).unwrap();
        assert!(outcome.failures.is_empty(), "{layout:?}: {:#?}", outcome.failures);
        assert_eq!(outcome.passed, 16);
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
