//! Scripts for LogQL's numbers and lines (`*.logqltest`), in Loki's form: entries to load, queries, and what they must give.
//! [`run`] runs one script. Not for the HTTP shapes of answers.
//!
//! ```text
//! # A comment.
//! clear
//! load
//!   {app="a"} `took=2s n={{.i}}` @ 20s [repeat every 20s for 3] [metadata trace_id="1"]
//!
//! eval instant at 60s count_over_time({app="a"} | logfmt | took > 1s [1m])
//!   {app="a", n="0", took="2s", trace_id="1"} 1
//!
//! eval range from 0s to 60s step 30s sum(rate({app="a"}[1m]))
//!   {} _ 0.016666666666666666 0.05
//!
//! eval instant at 60s count_over_time({app="a"} | json [1m])
//!   expect fail msg: JSONParserErr
//!
//! eval lines from 0s to 60s limit 1 {app="a"} | keep app
//!   {app="a"} 40s `took=2s n=1`
//!
//! eval insights from 0s to 60s stats count(*) by app
//!   app=`a` count(*)=`3`
//! ```
//!
//! Nothing is unescaped in lines; `{{.i}}` is the number of a repetition. `eval lines` is not Loki's: it asks for lines, the
//! newest first or with `forward` the oldest, and shows them stream by stream. `eval insights` asks in the language of
//! [`crate::insights`].

pub use crate::outcome::{Failure, Outcome, ScriptError};

use kymo_engine::logs::Scan;

use crate::logql::eval::store::Part;

mod expectation;
pub mod memory;
mod runner;
mod script;

pub use runner::run;

/// An entry of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Labels of its stream; those with empty values are no labels.
    pub labels: Vec<(String, String)>,
    /// Nanoseconds since 1970.
    pub time: i64,
    /// The line.
    pub line: String,
    /// Structured metadata.
    pub metadata: Vec<(String, String)>,
}

/// Where a script puts its entries. `clear` begins with an empty store.
pub trait Loader {
    /// Forgets everything loaded so far.
    ///
    /// # Errors
    /// What the store says.
    fn clear(&mut self) -> Result<(), String>;

    /// Adds entries.
    ///
    /// # Errors
    /// What the store says.
    fn load(&mut self, entries: Vec<Entry>) -> Result<(), String>;

    /// The parts that can answer a question.
    ///
    /// # Errors
    /// What the store says.
    fn parts(&self, scan: &Scan) -> kymo_engine::Result<Vec<Part<'_>>>;
}

#[cfg(test)]
mod tests;
