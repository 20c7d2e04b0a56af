//! What queries of logs read from: parts of a store, each loaded on its own. Not for how a store finds them.

use std::sync::Arc;

use kymo_engine::logs::{self, Scan, StreamRows};

use super::EvalError;
use crate::logql::ast::LogExpr;

/// A part of a store. The entries of one stream that stand in several parts do not overlap in time, and each is in one part.
pub struct Part<'a> {
    /// Earliest and latest time of its entries, both inclusive.
    pub times: (i64, i64),
    /// Entries to look at, about.
    pub rows: u64,
    /// Reads the entries, those of each stream in order of time and then of arrival.
    pub load: Box<dyn Fn() -> kymo_engine::Result<Vec<StreamRows>> + Send + Sync + 'a>,
    /// The part where it may be read by columns.
    pub columns: Option<Arc<logs::Part>>,
}

/// Cuts a question into parts; they may come in any order.
pub type Store<'s> = dyn Fn(&Scan) -> kymo_engine::Result<Vec<Part<'s>>> + 's;

impl Part<'_> {
    /// A part of a snapshot's scan.
    pub fn of(part: logs::Part) -> Part<'static> {
        let part = Arc::new(part);
        Part {
            times: part.times,
            rows: part.rows,
            columns: Some(part.clone()),
            load: Box::new(move || part.load()),
        }
    }

    /// Its columns, where it has them.
    pub(crate) fn columns(&self) -> kymo_engine::Result<Option<logs::Columns<'_>>> {
        match &self.columns {
            Some(part) => part.columns(),
            None => Ok(None),
        }
    }
}

/// Bytes of lines that a query without a selector may read.
const ANYWHERE_BYTES_MAX: u64 = 16 << 30;

/// What a query has read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Parts that were found.
    pub parts: u64,
    /// Parts that were read.
    pub parts_read: u64,
    /// Entries that were read.
    pub lines: u64,
    /// Bytes of their lines.
    pub bytes: u64,
    /// Entries that passed the stages.
    pub lines_kept: u64,
}

impl Stats {
    /// Ends a query without a selector that reads too much.
    pub(crate) fn check(&self, log: &LogExpr) -> Result<(), EvalError> {
        match log.anywhere && self.bytes > ANYWHERE_BYTES_MAX {
            true => Err(EvalError::TooManyBytes {
                read: self.bytes,
                limit: ANYWHERE_BYTES_MAX,
            }),
            false => Ok(()),
        }
    }

    /// Adds what another part of the query has read.
    pub fn add(&mut self, other: &Stats) {
        self.parts += other.parts;
        self.parts_read += other.parts_read;
        self.lines += other.lines;
        self.bytes += other.bytes;
        self.lines_kept += other.lines_kept;
    }
}
