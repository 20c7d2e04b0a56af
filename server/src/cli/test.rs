//! `kymo test promql`, `kymo test traceql` and `kymo test logql`: run test scripts against a store in memory.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use kymo_query::{logqltest, promqltest, traceqltest};

use super::{Failure, USAGE, say};
use crate::scripts::{Layout, LogStoreLoader, StoreLoader, TraceStoreLoader};

#[derive(Debug, Subcommand)]
pub(crate) enum TestCommand {
    /// Run promqltest scripts; each eval is one case.
    Promql {
        /// The scripts.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Run scripts of traces and TraceQL queries; each eval is one case.
    Traceql {
        /// The scripts.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Run scripts of log lines and LogQL queries; each eval is one case.
    Logql {
        /// The scripts.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

/// A case that failed: line, query, what was expected and what there was.
struct Failed {
    line: usize,
    query: String,
    expected: String,
    got: String,
}

/// What became of a script: cases that passed, and those that did not.
type Ran = (usize, Vec<Failed>);

/// Runs the text of a script.
type Runner = fn(&str) -> Result<Ran, String>;

pub(crate) fn test(command: &TestCommand) -> super::Outcome {
    let (files, run): (_, Runner) = match command {
        TestCommand::Promql { files } => (files, promql),
        TestCommand::Traceql { files } => (files, traceql),
        TestCommand::Logql { files } => (files, logql),
    };
    let (mut passed, mut failed) = (0, 0);
    for file in files {
        let text = read(file)?;
        let (good, failures) = run(&text).map_err(|e| Failure::failed(format!("{}: {e}", file.display())))?;
        passed += good;
        failed += failures.len();
        for failure in &failures {
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

fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file)
        .map_err(|e| Failure::new(USAGE, format!("cannot read {}: {e}", file.display())))
}

fn promql(text: &str) -> Result<Ran, String> {
    let mut loader = StoreLoader::new(Layout::Head).map_err(|e| e.to_string())?;
    let outcome = promqltest::run(text, &mut loader).map_err(|e| e.to_string())?;
    let failures = outcome.failures.into_iter().map(|f| Failed {
        line: f.line,
        query: f.query,
        expected: f.expected,
        got: f.got,
    });
    Ok((outcome.passed, failures.collect()))
}

fn traceql(text: &str) -> Result<Ran, String> {
    let mut loader = TraceStoreLoader::new(Layout::Head).map_err(|e| e.to_string())?;
    let outcome = traceqltest::run(text, &mut loader).map_err(|e| e.to_string())?;
    let failures = outcome.failures.into_iter().map(|f| Failed {
        line: f.line,
        query: f.query,
        expected: f.expected,
        got: f.got,
    });
    Ok((outcome.passed, failures.collect()))
}

fn logql(text: &str) -> Result<Ran, String> {
    let mut loader = LogStoreLoader::new(Layout::Head).map_err(|e| e.to_string())?;
    let outcome = logqltest::run(text, &mut loader).map_err(|e| e.to_string())?;
    let failures = outcome.failures.into_iter().map(|f| Failed {
        line: f.line,
        query: f.query,
        expected: f.expected,
        got: f.got,
    });
    Ok((outcome.passed, failures.collect()))
}

fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n            ")
}
