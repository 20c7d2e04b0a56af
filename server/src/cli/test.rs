//! `kymo test promql`: runs PromQL test scripts against a store in memory.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use kymo_query::promqltest::{Outcome, run};

use super::{Failure, USAGE, say};
use crate::scripts::{Layout, StoreLoader};

#[derive(Debug, Subcommand)]
pub(crate) enum TestCommand {
    /// Run promqltest scripts; each eval is one case.
    Promql {
        /// The scripts.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

pub(crate) fn test(command: &TestCommand) -> super::Outcome {
    let TestCommand::Promql { files } = command;
    let (mut passed, mut failed) = (0, 0);
    for file in files {
        let outcome = run_file(file)?;
        passed += outcome.passed;
        failed += outcome.failures.len();
        for failure in &outcome.failures {
            say(&format!(
                "{}:{}: {}\n  expected: {}\n  got:      {}",
                file.display(),
                failure.line,
                failure.query,
                indented(&failure.expected),
                indented(&failure.got)
            ));
        }
    }
    say(&format!("{passed} passed, {failed} failed"));
    match failed {
        0 => Ok(()),
        _ => Err(Failure::failed("some cases failed")),
    }
}

fn run_file(file: &Path) -> Result<Outcome, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|e| Failure::new(USAGE, format!("cannot read {}: {e}", file.display())))?;
    let mut loader = StoreLoader::new(Layout::Head).map_err(Failure::failed)?;
    run(&text, &mut loader).map_err(|e| Failure::failed(format!("{}: {e}", file.display())))
}

fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n            ")
}
