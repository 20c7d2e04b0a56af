//! The runner itself, and Loki's scripts where they are at hand.

use super::memory::MemoryLoader;
use super::*;

#[test]
fn scripts_of_loki_pass() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/logqltest");
    let Ok(files) = std::fs::read_dir(dir) else {
        eprintln!("SKIPPED: {dir} is absent");
        return;
    };
    let mut wrong = Vec::new();
    let mut passed = 0;
    for file in files {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let outcome =
            run(&text, &mut MemoryLoader::new(2)).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        passed += outcome.passed;
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        wrong.extend(outcome.failures.into_iter().map(|f| {
            format!(
                "{name}:{} {}\n want {}\n got  {}",
                f.line, f.query, f.expected, f.got
            )
        }));
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        passed + wrong.len(),
        wrong.join("\n")
    );
    assert!(passed >= 600, "{passed} cases");
}

#[test]
fn our_own_scripts_pass() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/scripts/logql");
    for file in std::fs::read_dir(dir).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let outcome = run(&text, &mut MemoryLoader::new(1)).unwrap();
        assert!(outcome.failures.is_empty(), "{:#?}", outcome.failures);
        assert!(outcome.passed > 0);
    }
}

#[test]
fn what_is_not_expected_is_told() {
    let text = "load\n  {a=\"b\"} \"x\" @ 10s\n\neval instant at 20s count_over_time({a=\"b\"}[1m])\n  {a=\"b\"} 2\n";
    let outcome = run(text, &mut MemoryLoader::new(1)).unwrap();
    assert_eq!(outcome.passed, 0);
    assert_eq!(outcome.failures[0].line, 4);
    assert_eq!(outcome.failures[0].got, "{a=\"b\"} 1");
}

#[test]
fn scripts_that_cannot_be_read_are_refused() {
    for (text, line) in [
        ("nonsense\n", 1),
        ("load\n  {a=\"b\"} x @ 1s\n", 2),
        ("eval often x\n", 1),
    ] {
        assert_eq!(
            run(text, &mut MemoryLoader::new(1)).unwrap_err().line,
            line,
            "{text}"
        );
    }
}
