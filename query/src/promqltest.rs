//! Prometheus' scripts for PromQL (`*.test`): series to load, queries, and what they must give. [`run`] runs one script.
//! Not for rule tests of promtool.

pub use crate::outcome::{Failure, Outcome, ScriptError};
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
pub(crate) mod sequence;

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

#[cfg(test)]
mod tests;
