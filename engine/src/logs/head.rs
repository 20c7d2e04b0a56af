//! Entries that are in no block yet: the batches of the log as they are, and for each stream the runs it has in them.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::{RwLock, RwLockReadGuard};

use super::batch::{Batch, NO_SET};
use super::labels::{StreamExtent, StreamIndex};
use super::rows::Rows;
use super::signal::Logs;
use crate::signal::{HeadSize, Signal};

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// Its entries, those that equal others included.
    pub entries: u64,
}

/// Entries that are in no block yet.
#[derive(Debug, Default)]
pub struct LogsHead {
    state: RwLock<State>,
}

/// What a head holds.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) index: StreamIndex,
    /// By number of the stream.
    pub(super) streams: Vec<HeadStream>,
    /// Entries by UTC day.
    days: BTreeMap<i64, u64>,
    rows: u64,
    bytes: u64,
}

/// A stream of a head.
#[derive(Debug, Default)]
pub(super) struct HeadStream {
    pub(super) extent: StreamExtent,
    /// In order of the log.
    pub(super) runs: Vec<Run>,
}

/// Entries of one stream in one batch.
#[derive(Debug, Clone)]
pub(super) struct Run {
    batch: Arc<Batch>,
    first: u32,
    count: u32,
    min_time: i64,
    max_time: i64,
}

impl LogsHead {
    /// Takes a batch in.
    pub(super) fn apply(&self, batch: &Arc<Batch>) -> Applied {
        self.state.write().apply(batch)
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read()
    }

    pub(super) fn size(&self) -> HeadSize {
        let state = self.state.read();
        HeadSize {
            rows: state.rows,
            groups: state.streams.len() as u64,
            bytes: state.bytes,
        }
    }

    /// The UTC days entries fall in, ascending.
    pub(super) fn days(&self) -> Vec<i64> {
        self.state.read().days.keys().copied().collect()
    }
}

impl State {
    fn apply(&mut self, batch: &Arc<Batch>) -> Applied {
        for part in batch.streams() {
            let number = self.index.number(&part.labels) as usize;
            if number == self.streams.len() {
                self.streams.push(HeadStream::default());
            }
            let stream = &mut self.streams[number];
            let (mut min_time, mut max_time) = (i64::MAX, i64::MIN);
            let mut day = (i64::MIN, 0u64);
            for entry in part.first..part.first + part.count {
                let time = batch.time(entry);
                stream.extent.add(time, batch.line(entry).len());
                (min_time, max_time) = (min_time.min(time), max_time.max(time));
                let of = Logs::day_of(time);
                if of != day.0 {
                    self.days.entry(day.0).and_modify(|n| *n += day.1);
                    self.days.entry(of).or_default();
                    day = (of, 0);
                }
                day.1 += 1;
            }
            self.days.entry(day.0).and_modify(|n| *n += day.1);
            stream.runs.push(Run {
                batch: batch.clone(),
                first: part.first,
                count: part.count,
                min_time,
                max_time,
            });
        }
        self.rows += batch.len() as u64;
        self.bytes += batch.byte_len() as u64;
        Applied {
            entries: batch.len() as u64,
        }
    }
}

impl Run {
    /// Number of entries.
    pub(super) fn len(&self) -> u64 {
        self.count.into()
    }

    /// True when it may have entries between two times, the first inclusive, the second not.
    pub(super) fn overlaps(&self, from: i64, until: i64) -> bool {
        self.min_time < until && self.max_time >= from
    }
}

/// The entries of runs of one stream between two times, in order, each once.
pub(super) fn rows_of(runs: &[Run], from: i64, until: i64) -> Rows {
    let mut rows = Rows::default();
    let total: usize = runs.iter().map(|run| run.count as usize).sum();
    rows.reserve(total, 0);
    let mut bare = NO_SET;
    for run in runs {
        // Most runs use each set of their batch once or all entries the same.
        let mut last = (NO_SET, NO_SET);
        for entry in run.first..run.first + run.count {
            let time = run.batch.time(entry);
            if time < from || time >= until {
                continue;
            }
            let set = run.batch.set_of(entry);
            if set == NO_SET {
                if bare == NO_SET {
                    bare = rows.sets_mut().add([]);
                }
                rows.push(time, run.batch.line(entry), bare, run.batch.keeps_repeats());
                continue;
            }
            if last.0 != set {
                last = (set, rows.sets_mut().add(run.batch.set(set)));
            }
            rows.push(time, run.batch.line(entry), last.1, run.batch.keeps_repeats());
        }
    }
    Rows::merge(vec![rows])
}
