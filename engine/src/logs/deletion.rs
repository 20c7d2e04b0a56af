//! Deletions of entries: what one says, as a tombstone keeps it, and which entries of a block it hides. A deletion names streams
//! by matchers and entries by conditions of their lines and labels, which is data that the store tests itself.
//!
//! Not for the language a deletion was written in, whose text it only carries along.

mod codec;
mod conditions;

use std::sync::Arc;

pub use conditions::{Condition, LineTest};

use super::follow::passes;
use super::rows::Rows;
use super::signal::Logs;
use crate::error::Result;
use crate::labels::Labels;
use crate::metrics::matcher::Matcher;
use crate::store::{Block, Snapshot};
use crate::tombstone::Tombstone;
use conditions::Compiled;

/// What is deleted, and the request that says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Deletion {
    /// Name of the request.
    pub request: String,
    /// When it came, milliseconds since 1970.
    pub created_ms: i64,
    /// Its words.
    pub query: String,
    /// Streams that pass all of these.
    pub matchers: Vec<Matcher>,
    /// Entries for which all of these hold.
    pub conditions: Vec<Condition>,
}

impl Deletion {
    /// The form that a tombstone keeps.
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads what a tombstone keeps.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`] naming the manifest.
    pub fn decode(bytes: &[u8]) -> Result<Deletion> {
        codec::decode(bytes)
    }

    /// Tells whether the store can test it.
    ///
    /// # Errors
    /// An expression that does not compile.
    pub fn check(&self) -> Result<()> {
        Compiled::of(&self.conditions).map(drop)
    }
}

/// What tombstones hide.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    of: Vec<Arc<HiddenBy>>,
}

/// What one tombstone hides.
#[derive(Debug)]
struct HiddenBy {
    tombstone: u64,
    matchers: Vec<Matcher>,
    conditions: Compiled,
    /// Both inclusive.
    times: (i64, i64),
}

impl Hidden {
    /// Of tombstones, whatever block they concern.
    pub(super) fn by<'t>(tombstones: impl IntoIterator<Item = &'t Tombstone>) -> Result<Hidden> {
        let of = tombstones.into_iter().map(|tombstone| {
            let deletion = Deletion::decode(&tombstone.what)?;
            Ok(Arc::new(HiddenBy {
                tombstone: tombstone.id,
                conditions: Compiled::of(&deletion.conditions)?,
                matchers: deletion.matchers,
                times: (tombstone.min_time, tombstone.max_time),
            }))
        });
        Ok(Hidden {
            of: of.collect::<Result<_>>()?,
        })
    }

    /// Those of some tombstones only.
    fn only(&self, tombstones: &[&Tombstone]) -> Hidden {
        let named = |hidden: &&Arc<HiddenBy>| tombstones.iter().any(|t| t.id == hidden.tombstone);
        Hidden {
            of: self.of.iter().filter(named).cloned().collect(),
        }
    }

    /// What concerns entries of a stream at these times, both inclusive; none when nothing does.
    pub(super) fn of_stream(&self, labels: &Labels, (first, last): (i64, i64)) -> Option<Hidden> {
        let concerns = |hidden: &&Arc<HiddenBy>| {
            hidden.times.0 <= last && hidden.times.1 >= first && passes(&hidden.matchers, labels)
        };
        let of: Vec<_> = self.of.iter().filter(concerns).cloned().collect();
        (!of.is_empty()).then_some(Hidden { of })
    }

    /// True when every entry between two times, both inclusive, is hidden, given that this is of its stream.
    pub(super) fn hides_all(&self, (first, last): (i64, i64)) -> bool {
        let all = |hidden: &Arc<HiddenBy>| {
            hidden.conditions.is_empty() && hidden.times.0 <= first && hidden.times.1 >= last
        };
        self.of.iter().any(all)
    }

    /// The entries of a stream that are not hidden.
    pub(super) fn left(&self, labels: &Labels, rows: Rows) -> Rows {
        let times = rows.times();
        let (Some(first), Some(last)) = (times.first(), times.last()) else {
            return rows;
        };
        let Some(of) = self.of_stream(labels, (*first, *last)) else {
            return rows;
        };
        let hides = |hidden: &Arc<HiddenBy>, row: usize| {
            (hidden.times.0..=hidden.times.1).contains(&rows.times()[row])
                && hidden.conditions.hold(labels, rows.line(row), rows.metadata(row))
        };
        let keep: Vec<bool> = (0..rows.len())
            .map(|row| !of.of.iter().any(|hidden| hides(hidden, row)))
            .collect();
        rows.only(&keep)
    }
}

impl Snapshot<Logs> {
    /// What is hidden of each block, none where nothing is.
    pub(super) fn hidden(&self, blocks: &[Arc<Block<Logs>>]) -> Result<Vec<Option<Arc<Hidden>>>> {
        if self.tombstones.is_empty() {
            return Ok(vec![None; blocks.len()]);
        }
        let all = Hidden::by(self.tombstones.iter())?;
        let of = |block: &Arc<Block<Logs>>| {
            let hidden = all.only(&self.tombstones_of(block));
            (!hidden.of.is_empty()).then(|| Arc::new(hidden))
        };
        Ok(blocks.iter().map(of).collect())
    }
}

#[cfg(test)]
mod tests;
