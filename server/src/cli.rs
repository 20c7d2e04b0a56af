//! The command line: one module per command, exit codes, and how a command reaches a server or a data directory.

mod admin;
mod check;
mod inspect;
mod query;
mod reach;
mod serve;
mod table;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::run::RunError;

/// The command did what it was asked to.
const OK: u8 = 0;
/// The command failed, or what it checked is wrong.
const FAILED: u8 = 1;
/// The command line or the configuration is wrong (also clap's own code).
const USAGE: u8 = 2;
/// The listener's address cannot be used.
const CANNOT_LISTEN: u8 = 3;
/// The data directory cannot be read or written.
const CANNOT_OPEN: u8 = 4;
/// Another process uses the data directory.
const LOCKED: u8 = 5;
/// The data directory was written by a newer version.
const NEWER_FORMAT: u8 = 6;

/// Stores and queries metrics.
#[derive(Debug, Parser)]
#[command(
    name = "kymo",
    version,
    about,
    after_help = "Exit codes: 0 done, 1 failed or a check found a problem, \
2 wrong usage or configuration, 3 cannot listen, 4 cannot open the data directory, 5 data directory in use, \
6 data directory written by a newer version."
)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server.
    Serve(serve::ServeArgs),
    /// Ask a query of a server or of a data directory.
    #[command(subcommand)]
    Query(query::QueryCommand),
    /// Look after a server or a data directory.
    Admin(admin::AdminArgs),
    /// Show what a file of the store really holds.
    Inspect(inspect::InspectArgs),
    /// Check a file.
    #[command(subcommand)]
    Check(check::CheckCommand),
    /// Run test scripts.
    #[command(subcommand)]
    Test(test::TestCommand),
}

/// What a command failed with: its exit code and its message.
#[derive(Debug)]
struct Failure {
    code: u8,
    text: String,
}

type Outcome = Result<(), Failure>;

impl Failure {
    fn new(code: u8, text: impl Into<String>) -> Failure {
        Failure {
            code,
            text: text.into(),
        }
    }

    fn failed(text: impl std::fmt::Display) -> Failure {
        Failure::new(FAILED, text.to_string())
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Failure {
        let code = match &error {
            RunError::Listen { .. } => CANNOT_LISTEN,
            RunError::Open { cause, .. } => match cause {
                kymo_engine::Error::Locked { .. } => LOCKED,
                kymo_engine::Error::UnsupportedVersion { .. } => NEWER_FORMAT,
                _ => CANNOT_OPEN,
            },
            RunError::Serve(_) | RunError::Close(_) => FAILED,
        };
        Failure::new(code, error.to_string())
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let outcome = match Args::parse().command {
        Command::Serve(args) => serve::serve(&args),
        Command::Query(command) => query::query(&command),
        Command::Admin(args) => admin::admin(&args),
        Command::Inspect(args) => inspect::inspect(&args),
        Command::Check(command) => check::check(&command),
        Command::Test(command) => test::test(&command),
    };
    match outcome {
        Ok(()) => ExitCode::from(OK),
        Err(Failure { code, text }) => {
            warn(&format!("kymo: {text}"));
            ExitCode::from(code)
        }
    }
}

/// Prints to standard output. A reader that went away, as `head` does, is no error.
fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Prints to standard error.
fn warn(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
