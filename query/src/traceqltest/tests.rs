//! The scripts beside the integration tests, over tables in memory.

use super::memory::MemoryLoader;
use super::run;

/// Every script, by its name.
fn scripts() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/scripts/traceql");
    let mut scripts: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (
                path.display().to_string(),
                std::fs::read_to_string(&path).unwrap(),
            )
        })
        .collect();
    scripts.sort();
    assert!(!scripts.is_empty());
    scripts
}

#[test]
fn every_script_passes_whatever_the_parts() {
    let mut failed = 0;
    for (name, text) in scripts() {
        for per_part in [1, 2, 1_000] {
            let outcome =
                run(&text, &mut MemoryLoader::new(per_part)).unwrap_or_else(|e| panic!("{name}: {e}"));
            for failure in &outcome.failures {
                eprintln!(
                    "{name}:{} ({per_part} in a part): {}\n expected\n{}\n got\n{}",
                    failure.line, failure.query, failure.expected, failure.got
                );
            }
            failed += outcome.failures.len();
            assert!(outcome.passed + outcome.failures.len() > 0, "{name} has no case");
        }
    }
    assert_eq!(failed, 0);
}

#[test]
fn what_is_wrong_in_a_script_is_told_with_its_line() {
    let told = |text: &str| match run(text, &mut MemoryLoader::new(1)) {
        Err(error) => error.to_string(),
        Ok(outcome) => format!("{outcome:?}"),
    };
    assert_eq!(told("\nfoo"), "line 2: cannot read \"foo\"");
    assert!(told("load\n  trace 1\n    span x a b c d").starts_with("line 3: "));
    assert!(told("eval lines { }").starts_with("line 1: unknown kind"));
    assert!(told("eval spans { }\n  1: a").contains("failures: [Failure"));
}
