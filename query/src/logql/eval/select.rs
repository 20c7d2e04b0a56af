//! Queries for lines: the newest (or oldest) entries that pass the stages, with their labels in three kinds.
//! Not for numbers (see [`mod@super::range`]).

mod search;
mod tail;

use std::sync::Arc;

use hashbrown::HashMap;

use super::columnar::Conditions;
use super::store::{Stats, Store};
use super::{EvalError, LabelSet, needles};
use crate::logql::ast::{LogExpr, Tail};
use crate::logql::pipeline::Pipeline;
use crate::promql::eval::Budget;
use search::Search;

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
    /// The time that templates take as the present, in nanoseconds since 1970.
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
    /// The value of a label of any kind.
    pub fn get(&self, name: &str) -> Option<&str> {
        let kinds = [&self.parsed, &self.metadata, &self.stream];
        kinds.into_iter().find_map(|labels| labels.get(name))
    }

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
        let mut numbers = HashMap::new();
        let mut known: HashMap<*const LineLabels, usize> = HashMap::new();
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
    let names = tail::names(&log.tail);
    let pipeline = Pipeline::with_names(&log.stages, &names).map_err(|bad| EvalError::Stage(bad.message))?;
    let mut parts = Vec::new();
    for scan in needles::scans(log, options.from, options.until) {
        parts.extend(store(&scan)?);
    }
    let dropping = Pipeline::dropping(&log.stages).map_err(|bad| EvalError::Stage(bad.message))?;
    let (dropping, is_exact) = dropping;
    let (mut entries, stats) = Search {
        log,
        pipeline: &pipeline,
        conditions: Conditions {
            pipeline: &pipeline,
            dropping: &dropping,
            is_exact: is_exact && !pipeline.tests_changed_lines(),
        },
        options,
        limit: match (options.interval, log.tail.as_slice()) {
            (0, []) => options.limit,
            (0, [Tail::Limit(most)]) => options.limit.min(*most),
            // Which entries stay is known when all are there.
            _ => usize::MAX,
        },
    }
    .run(&parts, budget)?;
    if options.interval > 0 {
        thin(&mut entries, options);
    }
    entries = tail::apply(&log.tail, entries);
    entries.truncate(options.limit);
    Ok(Lines { entries, stats })
}

/// Leaves out entries that follow another of their stream within the interval.
fn thin(entries: &mut Vec<Line>, options: &SelectOptions) {
    let mut last: HashMap<LabelSet, i64> = HashMap::new();
    entries.retain(|line| {
        let labels = line.labels.merged();
        let keep = last
            .get(&labels)
            .is_none_or(|last| line.time.abs_diff(*last) >= options.interval.unsigned_abs());
        if keep {
            last.insert(labels, line.time);
        }
        keep
    });
}
