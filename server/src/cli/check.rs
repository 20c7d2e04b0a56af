//! `kymo check config FILE`.

use std::path::PathBuf;

use clap::Subcommand;

use super::{Failure, Outcome, say};
use crate::config::{self, Overrides};

#[derive(Debug, Subcommand)]
pub(crate) enum CheckCommand {
    /// Check a configuration file; all problems are listed.
    Config {
        /// The file.
        file: PathBuf,
    },
}

pub(crate) fn check(command: &CheckCommand) -> Outcome {
    let CheckCommand::Config { file } = command;
    match config::load(Some(file), &Overrides::default()) {
        Ok(_) => {
            say(&format!("{}: valid", file.display()));
            Ok(())
        }
        Err(problems) => Err(Failure::failed(format!(
            "{} is wrong:\n{problems}",
            file.display()
        ))),
    }
}
