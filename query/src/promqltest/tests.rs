//! The runner on small scripts, and Prometheus' own scripts in `../../shared/promqltest`, skipped loudly where absent.

use super::memory::MemorySource;
use super::*;

fn outcome(script: &str) -> Outcome {
    run(script, &mut MemorySource::default()).unwrap()
}

#[test]
fn the_scripts_of_prometheus_pass_where_floats_suffice() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/promqltest");
    let Ok(files) = std::fs::read_dir(dir) else {
        eprintln!("SKIPPED: {dir} is absent");
        return;
    };
    let mut paths: Vec<_> = files.map(|f| f.unwrap().path()).collect();
    paths.sort();
    let (mut passed, mut histograms, mut failures) = (0, 0, Vec::new());
    for path in paths {
        let outcome = outcome(&std::fs::read_to_string(&path).unwrap());
        passed += outcome.passed;
        for f in outcome.failures {
            if f.needs_histograms {
                histograms += 1;
                continue;
            }
            let file = path.file_name().unwrap().to_string_lossy();
            failures.push(format!(
                "{file}:{} {}\n  expected {}\n  got {}",
                f.line, f.query, f.expected, f.got
            ));
        }
    }
    eprintln!(
        "{passed} passed, {histograms} need native histograms, {} failed",
        failures.len()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(passed + histograms, 1_437);
}
