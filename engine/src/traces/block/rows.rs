//! The base columns of a group: traces, classes, times, ids and parents of its rows.

use std::ops::Range;
use std::sync::Arc;

use super::column::Narrow;
use super::details::{Details, stream};
use super::index::{BlockIndex, ids, numbers};
use crate::block::BlockFile;
use crate::error::Result;
use crate::traces::TraceId;
use crate::traces::model::SpanId;

/// Trace ids and span ids of links.
pub(in crate::traces) type LinkIds = (Arc<[u8]>, Arc<[u8]>);

/// A group of an open block.
#[derive(Clone)]
pub(in crate::traces) struct GroupRows<'b> {
    pub(in crate::traces) file: &'b BlockFile,
    pub(in crate::traces) index: &'b BlockIndex,
    pub(in crate::traces) group: usize,
    pub(in crate::traces) details: Arc<Details>,
}

impl<'b> GroupRows<'b> {
    pub(in crate::traces) fn open(
        file: &'b BlockFile,
        index: &'b BlockIndex,
        group: usize,
    ) -> Result<GroupRows<'b>> {
        Ok(GroupRows {
            file,
            index,
            group,
            details: Arc::new(index.details(file, group)?),
        })
    }

    pub(in crate::traces) fn with(
        file: &'b BlockFile,
        index: &'b BlockIndex,
        group: usize,
        details: Arc<Details>,
    ) -> GroupRows<'b> {
        GroupRows {
            file,
            index,
            group,
            details,
        }
    }

    /// Number of rows.
    pub(in crate::traces) fn len(&self) -> usize {
        self.index.groups[self.group].rows as usize
    }

    pub(in crate::traces) fn trace_count(&self) -> usize {
        self.index.groups[self.group].traces as usize
    }

    /// The numbers of a column that must have as many as `expected`; none when the group has no such column.
    pub(in crate::traces) fn numbers(
        &self,
        number: u32,
        expected: Option<usize>,
    ) -> Result<Option<Arc<[u8]>>> {
        let Some(stream) = self.details.stream(number) else {
            return match expected {
                None | Some(0) => Ok(None),
                Some(_) => Err(self.corrupt("column of a group is not there")),
            };
        };
        if expected.is_some_and(|n| n != stream.count as usize) {
            return Err(self.corrupt("length of a column"));
        }
        numbers(self.file, stream).map(Some)
    }

    fn required(&self, number: u32, expected: usize) -> Result<Arc<[u8]>> {
        Ok(self
            .numbers(number, Some(expected))?
            .unwrap_or_else(|| Arc::from([1, 0, 0, 0, 0, 0, 0, 0])))
    }

    fn ids<const N: usize>(&self, number: u32, expected: usize) -> Result<Arc<[u8]>> {
        let Some(stream) = self.details.stream(number) else {
            return match expected {
                0 => Ok(Arc::from([])),
                _ => Err(self.corrupt("ids of a group are not there")),
            };
        };
        if stream.count as usize != expected {
            return Err(self.corrupt("number of ids"));
        }
        ids::<N>(self.file, stream)
    }

    pub(in crate::traces) fn corrupt(&self, what: &'static str) -> crate::Error {
        self.file.corrupt(self.group as u64, what)
    }

    /// Classes of the rows, checked to be there.
    pub(in crate::traces) fn classes(&self) -> Result<Arc<[u8]>> {
        let classes = self.index.schema.vocabulary.spans.items().len() as i64;
        let outside = |s: &super::details::Stream| s.min < 0 || s.max >= classes;
        if self.details.stream(stream::CLASSES).is_some_and(outside) {
            return Err(self.corrupt("class of a span"));
        }
        self.required(stream::CLASSES, self.len())
    }

    /// Rows of each trace.
    pub(in crate::traces) fn trace_rows(&self) -> Result<Vec<Range<u32>>> {
        let counts = self.required(stream::TRACE_ROWS, self.trace_count())?;
        let mut rows = Vec::with_capacity(self.trace_count());
        let mut from = 0u64;
        Narrow::of(&counts).each(|n| {
            let to = from.saturating_add(n.cast_unsigned());
            rows.push(from as u32..to as u32);
            from = to;
        });
        let empty = rows.iter().any(|r| r.start >= r.end);
        if from != self.len() as u64 || empty {
            return Err(self.corrupt("rows of the traces"));
        }
        Ok(rows)
    }

    pub(in crate::traces) fn trace_ids(&self) -> Result<Arc<[u8]>> {
        self.ids::<16>(stream::TRACE_IDS, self.trace_count())
    }

    /// Absolute starts of the traces.
    pub(in crate::traces) fn trace_starts(&self) -> Result<Vec<i64>> {
        let gaps = self.required(stream::TRACE_STARTS, self.trace_count())?;
        let mut start = 0i64;
        let mut starts = Vec::with_capacity(self.trace_count());
        Narrow::of(&gaps).each(|gap| {
            start = start.wrapping_add(gap);
            starts.push(start);
        });
        Ok(starts)
    }

    /// Absolute starts of the rows.
    pub(in crate::traces) fn starts(&self, traces: &[Range<u32>]) -> Result<Vec<i64>> {
        let firsts = self.trace_starts()?;
        let gaps = self.required(stream::STARTS, self.len() - traces.len())?;
        let gaps = Narrow::of(&gaps);
        let mut starts = Vec::with_capacity(self.len());
        let mut next = 0;
        for (rows, first) in traces.iter().zip(firsts) {
            let mut start = first;
            starts.push(start);
            for _ in 1..rows.len() {
                start = start.wrapping_add(gaps.get(next));
                next += 1;
                starts.push(start);
            }
        }
        Ok(starts)
    }

    /// Starts of a trace's rows but the first, each less the one before. The trace is told by its number and rows.
    pub(in crate::traces) fn start_gaps(&self, trace: usize, rows: &Range<u32>) -> Result<Vec<i64>> {
        let gaps = self.required(stream::STARTS, self.len() - self.trace_count())?;
        let gaps = Narrow::of(&gaps);
        // Every trace before, and this one, has a row without a gap.
        let from = rows.start as usize - trace;
        Ok((from..from + rows.len() - 1).map(|at| gaps.get(at)).collect())
    }

    pub(in crate::traces) fn durations(&self) -> Result<Arc<[u8]>> {
        self.required(stream::DURATIONS, self.len())
    }

    pub(in crate::traces) fn span_ids(&self) -> Result<Arc<[u8]>> {
        self.ids::<8>(stream::SPAN_IDS, self.len())
    }

    pub(in crate::traces) fn parent_codes(&self) -> Result<Arc<[u8]>> {
        self.required(stream::PARENTS, self.len())
    }

    pub(in crate::traces) fn orphans(&self) -> Result<Arc<[u8]>> {
        let count = self
            .details
            .stream(stream::ORPHANS)
            .map_or(0, |s| s.count as usize);
        self.ids::<8>(stream::ORPHANS, count)
    }

    pub(in crate::traces) fn link_ids(&self) -> Result<LinkIds> {
        let links = self.details.links as usize;
        let trace_ids = self.ids::<16>(stream::LINK_TRACE_IDS, links)?;
        Ok((trace_ids, self.ids::<8>(stream::LINK_SPAN_IDS, links)?))
    }
}

/// Starts of a trace's rows, given the first and the gaps.
pub(in crate::traces) fn starts_from(first: i64, gaps: Vec<i64>) -> Vec<i64> {
    let mut starts = Vec::with_capacity(gaps.len() + 1);
    starts.push(first);
    let mut start = first;
    starts.extend(gaps.into_iter().map(|gap| {
        start = start.wrapping_add(gap);
        start
    }));
    starts
}

/// What a row's parent code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::traces) enum Parent {
    None,
    Orphan,
    /// The row of the parent in the group.
    Row(usize),
}

/// Reads a parent's code.
#[inline]
pub(in crate::traces) fn parent(code: i64, row: usize) -> Parent {
    match code {
        0 => Parent::None,
        1 => Parent::Orphan,
        code => {
            let zigzag = (code - 2).cast_unsigned();
            let distance = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
            Parent::Row((row as i64).wrapping_sub(distance) as usize)
        }
    }
}

/// The id at a place of ids of 8 bytes.
#[inline]
pub(in crate::traces) fn span_id(ids: &[u8], at: usize) -> Option<SpanId> {
    ids.as_chunks::<8>().0.get(at).copied()
}

/// The id at a place of ids of 16 bytes.
#[inline]
pub(in crate::traces) fn trace_id(ids: &[u8], at: usize) -> Option<TraceId> {
    ids.as_chunks::<16>().0.get(at).copied()
}
