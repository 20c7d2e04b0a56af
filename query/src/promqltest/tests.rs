//! The runner on small scripts, and Prometheus' own scripts in `../../shared/promqltest`, skipped loudly where absent.

use super::memory::MemorySource;
use super::*;

/// Runs all scripts and answers how many cases passed; none may fail.
fn run_all(loader: &mut dyn Loader) -> Option<usize> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/promqltest");
    let Ok(files) = std::fs::read_dir(dir) else {
        eprintln!("SKIPPED: {dir} is absent");
        return None;
    };
    let mut paths: Vec<_> = files.map(|f| f.unwrap().path()).collect();
    paths.sort();
    let (mut passed, mut failures) = (0, Vec::new());
    for path in paths {
        let file = path.file_name().unwrap().to_string_lossy();
        let outcome = run(&std::fs::read_to_string(&path).unwrap(), loader)
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        eprintln!(
            "{file}: {} passed, {} failed",
            outcome.passed,
            outcome.failures.len()
        );
        passed += outcome.passed;
        for f in outcome.failures {
            failures.push(format!(
                "{file}:{} {}\n  expected {}\n  got {}",
                f.line, f.query, f.expected, f.got
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    Some(passed)
}

#[test]
fn the_scripts_of_prometheus_pass() {
    if let Some(passed) = run_all(&mut MemorySource::default()) {
        assert_eq!(passed, 1437);
    }
}

mod experimental;
mod info;

fn outcome(script: &str) -> Outcome {
    run(script, &mut MemorySource::default()).unwrap()
}

fn assert_passes(script: &str) {
    let outcome = outcome(script);
    assert!(outcome.failures.is_empty(), "{:#?}", outcome.failures);
    assert!(outcome.passed > 0);
}

const LOADED: &str = "load 1m\n  up{job=\"a\"} 1+1x4 _ stale 9\n  up{job=\"b\"} 5x3\n\n";

#[test]
fn cases_pass_or_tell_what_differs() {
    let script = format!(
        "{LOADED}eval instant at 2m up\n  up{{job=\"a\"}} 3\n  up{{job=\"b\"}} 5\n\neval instant at 2m sum(up)\n  {{}} 9\n"
    );
    let outcome = outcome(&script);
    assert_eq!(outcome.passed, 1);
    let failure = &outcome.failures[0];
    assert_eq!(failure.line, 9);
    assert_eq!(failure.expected, "{} 9@0");
    assert_eq!(failure.got, "{} 8@120000");
}

#[test]
fn failures_and_annotations_are_compared() {
    for (case, passes) in [
        ("eval instant at 0 up + on() up\n  expect fail\n", true),
        (
            "eval instant at 0 up + on() up\n  expect fail regex: found duplicate series .*\n",
            true,
        ),
        (
            "eval instant at 0 up + on() up\n  expect fail msg: other\n",
            false,
        ),
        ("eval_fail instant at 0 up + on() up\n", true),
        ("eval instant at 0 sum(up)\n  expect fail\n", false),
        (
            "eval instant at 5m quantile(2, up{job=\"a\"})\n  expect warn\n  {} +Inf\n",
            true,
        ),
        (
            "eval instant at 5m quantile(2, up{job=\"a\"})\n  expect no_warn\n  {} +Inf\n",
            false,
        ),
        (
            "eval instant at 5m quantile(2, up{job=\"a\"})\n  expect warn msg: PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)\n  {} +Inf\n",
            true,
        ),
        ("eval instant at 6m up{job=\"a\"}\n", true),
        ("eval instant at 0 1 + 1\n  2\n", true),
        ("eval instant at 0 \"x\"\n  expect string \"x\"\n", true),
        (
            "eval range from 0 to 2m step 1m up{job=\"a\"}\n  up{job=\"a\"} 1 2 3\n",
            true,
        ),
        (
            "eval range from 0 to 2m step 1m up{job=\"a\"}\n  up{job=\"a\"} 1 2 4\n",
            false,
        ),
        (
            "eval instant at 2m up{job=\"b\"}[2m]\n  expect range vector from 1m to 2m step 1m\n  up{job=\"b\"} 5 5\n",
            true,
        ),
    ] {
        let outcome = outcome(&format!("{LOADED}{case}"));
        assert_eq!(outcome.passed == 1, passes, "{case}\n{:?}", outcome.failures);
    }
}

#[test]
fn broken_scripts_name_their_line() {
    for (script, line) in [
        ("load 1m\n  up 1 2x\n", 2),
        ("\n\nfoo\n", 3),
        ("eval instant at x up\n", 1),
        ("load 1m\n  up{ 1\n", 2),
    ] {
        assert_eq!(
            run(script, &mut MemorySource::default()).unwrap_err().line,
            line,
            "{script}"
        );
    }
}
