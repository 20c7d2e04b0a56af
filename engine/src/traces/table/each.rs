//! The traces of a table one by one, for what looks at few things of many traces: nothing is put together for those that are
//! passed over.

use std::ops::Range;
use std::sync::Arc;

use super::Run;
use super::extent::Extent;
use crate::traces::TraceId;
use crate::traces::block::rows::trace_id;

/// The traces of a table in the order of their rows.
pub struct EachTrace<'t>(pub(super) Kept<'t>);

/// How they are known.
pub(super) enum Kept<'t> {
    Runs(&'t [Run]),
    /// All traces of a group of a block, as the cache has them.
    Group(GroupBytes<'t>),
}

/// What tells the traces of a group.
pub(crate) struct GroupBytes<'t> {
    pub(super) ids: Arc<[u8]>,
    pub(super) extents: Arc<[u8]>,
    pub(super) rows: &'t [Range<u32>],
    pub(super) reach: (i64, i64),
}

impl EachTrace<'_> {
    /// Number of traces.
    pub fn len(&self) -> usize {
        match &self.0 {
            Kept::Runs(runs) => runs.len(),
            Kept::Group(group) => group.rows.len(),
        }
    }

    /// True without traces.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Id of a trace.
    #[inline]
    pub fn id(&self, n: usize) -> TraceId {
        match &self.0 {
            Kept::Runs(runs) => runs[n].id,
            Kept::Group(group) => trace_id(&group.ids, n).unwrap_or_default(),
        }
    }

    /// Rows of a trace.
    #[inline]
    pub fn rows(&self, n: usize) -> Range<usize> {
        let rows = match &self.0 {
            Kept::Runs(runs) => &runs[n].rows,
            Kept::Group(group) => &group.rows[n],
        };
        rows.start as usize..rows.end as usize
    }

    /// When the first and the last span of all start, in nanoseconds since 1970; the last before the first without traces.
    pub fn reach(&self) -> (i64, i64) {
        match &self.0 {
            Kept::Runs(runs) => (
                runs.iter().map(|run| run.start).min().unwrap_or(i64::MAX),
                runs.iter().map(|run| run.last_start).max().unwrap_or(i64::MIN),
            ),
            Kept::Group(group) => group.reach,
        }
    }

    /// When the first and the last of its spans start, in nanoseconds since 1970.
    #[inline]
    pub fn starts(&self, n: usize) -> (i64, i64) {
        match &self.0 {
            Kept::Runs(runs) => (runs[n].start, runs[n].last_start),
            Kept::Group(group) => Extent::starts_in(&group.extents.as_chunks().0[n]),
        }
    }
}
