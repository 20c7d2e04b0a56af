//! Queries for lines: the newest (or oldest) entries that pass the stages, with their labels in three kinds.
//! Not for numbers (see [`super::range`]).

use std::sync::Arc;

use super::store::{Stats, Store};
use super::{EvalError, LabelSet};
use crate::logql::ast::LogExpr;
use crate::promql::eval::Budget;

/// Which end of the time comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// The newest first.
    #[default]
    Backward,
    /// The oldest first.
    Forward,
}

/// How a query for lines is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SelectOptions {
    /// Earliest time in nanoseconds since 1970, inclusive.
    pub from: i64,
    /// Latest time, exclusive.
    pub until: i64,
    /// Most entries over all streams.
    pub limit: usize,
    /// Order of the answer.
    pub direction: Direction,
    /// Least nanoseconds between two entries of a stream of the answer; 0 for all entries.
    pub interval: i64,
    /// What templates take for now, in nanoseconds since 1970.
    pub now: i64,
}

/// Labels of an entry by where they come from. A name stands in one kind only.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct LineLabels {
    /// Of the stream.
    pub stream: LabelSet,
    /// Structured metadata.
    pub metadata: LabelSet,
    /// What stages made, `__error__` and `__error_details__` included.
    pub parsed: LabelSet,
}

impl LineLabels {
    /// All of them: what a stream of the answer is called where the kinds are not told apart.
    pub fn merged(&self) -> LabelSet {
        LabelSet::from_pairs(
            self.stream
                .iter()
                .chain(self.metadata.iter())
                .chain(self.parsed.iter()),
        )
    }
}

/// An entry of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Nanoseconds since 1970.
    pub time: i64,
    /// The line, as the stages left it.
    pub line: String,
    /// Its labels; entries with the same ones mostly share them.
    pub labels: Arc<LineLabels>,
}

/// An answer.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    /// In the order asked for; of one time those that arrived later come first when the newest come first.
    pub entries: Vec<Line>,
    /// What was read.
    pub stats: Stats,
}

impl Lines {
    /// The entries by stream, streams by labels, entries of a stream in order. `categorized` streams have the labels of the
    /// stream only and leave the others to the entries; those that are not have all labels.
    pub fn streams(&self, categorized: bool) -> Vec<(LabelSet, Vec<&Line>)> {
        let mut streams: Vec<(LabelSet, Vec<&Line>)> = Vec::new();
        let mut numbers = hashbrown::HashMap::new();
        let mut known: hashbrown::HashMap<*const LineLabels, usize> = hashbrown::HashMap::new();
        for line in &self.entries {
            let n = *known.entry(Arc::as_ptr(&line.labels)).or_insert_with(|| {
                let labels = match categorized {
                    true => line.labels.stream.clone(),
                    false => line.labels.merged(),
                };
                let next = streams.len();
                *numbers.entry(labels).or_insert_with_key(|labels: &LabelSet| {
                    streams.push((labels.clone(), Vec::new()));
                    next
                })
            });
            streams[n].1.push(line);
        }
        streams.sort_by(|a, b| a.0.cmp(&b.0));
        streams
    }
}

/// Answers a query for lines.
///
/// # Errors
/// Those of the store, of the budget, and of stages that cannot be made.
pub fn select(
    log: &LogExpr,
    store: &Store<'_>,
    options: &SelectOptions,
    budget: &Budget<'_>,
) -> Result<Lines, EvalError> {
    let _ = (log, store, options, budget);
    Err(EvalError::Stage("queries for lines are not answered".to_owned()))
}
