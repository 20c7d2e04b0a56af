//! Prometheus' scripts for PromQL (`*.test`): series to load, queries, and what they must give. [`run`] runs one script.
//! Not for rule tests of promtool.

use kymo_engine::labels::Labels;
use kymo_engine::metrics::SeriesRows;

use crate::promql::eval::Source;

mod case;
mod classic;
mod compare;
mod expectation;
mod histogram;
pub mod memory;
mod runner;
mod script;
mod sequence;

pub use runner::run;

/// Where a script puts its series. `clear` begins with an empty store.
pub trait Loader {
    /// Forgets everything loaded so far.
    ///
    /// # Errors
    /// What the store says.
    fn clear(&mut self) -> Result<(), String>;

    /// Adds floats and native histograms to a series; timestamps of each kind ascend.
    ///
    /// # Errors
    /// What the store says.
    fn load(&mut self, labels: &Labels, rows: &SeriesRows) -> Result<(), String>;

    /// The state after everything loaded so far.
    fn source(&self) -> Box<dyn Source + '_>;
}

/// A script that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ScriptError {
    /// Line in the script, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// A case that did not give what it must.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// Line of its `eval`, from 1.
    pub line: usize,
    /// The query, in the form in which it failed.
    pub query: String,
    /// What the script asks for.
    pub expected: String,
    /// What there was instead.
    pub got: String,
}

/// What became of a script's cases. One `eval` is one case, with all its variants.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// Cases that gave what they must.
    pub passed: usize,
    /// The others.
    pub failures: Vec<Failure>,
}

#[cfg(test)]
mod tests;
