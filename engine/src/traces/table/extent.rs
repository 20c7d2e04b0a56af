//! How far the spans of one trace reach and which of them is the root, and its bytes in the cache. Not a part of any file.

use std::ops::Range;

use super::Run;
use crate::traces::TraceId;

/// Instead of the root's place: there is none.
const NO_ROOT: u32 = u32::MAX;

/// What is told of a trace beside its id and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::traces) struct Extent {
    pub(in crate::traces) start: i64,
    last_start: i64,
    end: i64,
    /// Place of the root among the spans.
    root: u32,
}

impl Extent {
    /// Bytes of an extent in the cache.
    pub(in crate::traces) const LEN: usize = 28;

    /// The extent of spans with those starts, in their order.
    pub(in crate::traces) fn of(
        starts: &[i64],
        duration: impl Fn(usize) -> i64,
        is_root: impl Fn(usize) -> bool,
    ) -> Extent {
        let start = starts.first().copied().unwrap_or_default();
        let ends = starts.iter().enumerate();
        let end = ends.map(|(n, start)| start.wrapping_add(duration(n))).max();
        Extent {
            start,
            last_start: starts.iter().copied().max().unwrap_or(start),
            end: end.unwrap_or(start),
            root: (0..starts.len())
                .find(|n| is_root(*n))
                .map_or(NO_ROOT, |n| n as u32),
        }
    }

    /// The trace with its id and rows.
    pub(in crate::traces) fn run(self, id: TraceId, rows: Range<u32>) -> Run {
        Run {
            id,
            start: self.start,
            last_start: self.last_start,
            end: self.end,
            root: (self.root != NO_ROOT).then(|| rows.start + self.root),
            rows,
        }
    }

    /// When the first and the last span start, without decoding the rest.
    #[inline]
    pub(in crate::traces) fn starts_in(bytes: &[u8; Extent::LEN]) -> (i64, i64) {
        let [start, last_start, _] = *bytes.as_chunks().0 else {
            return (0, 0);
        };
        (i64::from_le_bytes(start), i64::from_le_bytes(last_start))
    }

    pub(in crate::traces) fn encode(&self, out: &mut Vec<u8>) {
        for time in [self.start, self.last_start, self.end] {
            out.extend_from_slice(&time.to_le_bytes());
        }
        out.extend_from_slice(&self.root.to_le_bytes());
    }

    #[inline]
    pub(in crate::traces) fn decode(bytes: &[u8; Extent::LEN]) -> Extent {
        let (times, root) = bytes.split_at(24);
        let time = |n: usize| times.as_chunks().0.get(n).map_or(0, |b| i64::from_le_bytes(*b));
        Extent {
            start: time(0),
            last_start: time(1),
            end: time(2),
            root: root
                .as_chunks()
                .0
                .first()
                .map_or(NO_ROOT, |b| u32::from_le_bytes(*b)),
        }
    }
}
