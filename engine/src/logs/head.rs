//! Entries that are in no block yet: the batches of the log as they are, and for each stream the runs it has in them.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::{RwLock, RwLockReadGuard};

use super::batch::{Batch, BatchStream, NO_SET};
use super::catalogue::{Buckets, Volume};
use super::follow::Followers;
use super::labels::{StreamExtent, StreamIndex};
use super::rows::Rows;
use super::signal::Logs;
use crate::error::Result;
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
    followers: Arc<Followers>,
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
    /// Number of the batch among all applied.
    number: u64,
}

impl LogsHead {
    /// A head that follows another.
    pub(super) fn after(previous: Option<&LogsHead>) -> LogsHead {
        LogsHead {
            state: RwLock::default(),
            followers: previous.map(|head| head.followers.clone()).unwrap_or_default(),
        }
    }

    /// Takes a batch in.
    pub(super) fn apply(&self, batch: &Arc<Batch>) -> Applied {
        // Both under one lock: what is counted is there for whoever reads afterwards.
        let mut state = self.state.write();
        let number = self.followers.apply(batch);
        state.apply(batch, number)
    }

    /// Those who get what is applied.
    pub(super) fn followers(&self) -> &Followers {
        &self.followers
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
    fn apply(&mut self, batch: &Arc<Batch>, applied: u64) -> Applied {
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
                min_time,
                max_time,
                ..Run::new(batch, part, applied)
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
    /// The entries of a stream of a batch, whatever their times.
    pub(super) fn new(batch: &Arc<Batch>, stream: &BatchStream, number: u64) -> Run {
        Run {
            batch: batch.clone(),
            first: stream.first,
            count: stream.count,
            min_time: i64::MIN,
            max_time: i64::MAX,
            number,
        }
    }

    /// True when its batch was applied by the time that so many were.
    pub(super) fn is_among(&self, applied: u64) -> bool {
        self.number <= applied
    }

    /// Number of entries.
    pub(super) fn len(&self) -> u64 {
        self.count.into()
    }

    /// True when it may have entries between two times, the first inclusive, the second not.
    pub(super) fn overlaps(&self, from: i64, until: i64) -> bool {
        self.min_time < until && self.max_time >= from
    }
}

impl Run {
    /// Calls `metadata` with each set of its entries between two times, the first inclusive, the second not, neighbours' once,
    /// and `line` with each line.
    pub(super) fn contents(
        &self,
        from: i64,
        until: i64,
        mut metadata: impl FnMut(&[(&str, &str)]),
        mut line: impl FnMut(&[u8]),
    ) {
        let mut last = NO_SET;
        for entry in self.first..self.first + self.count {
            if !(from..until).contains(&self.batch.time(entry)) {
                continue;
            }
            let set = self.batch.set_of(entry);
            if set != NO_SET && set != last {
                metadata(&self.batch.set(set));
                last = set;
            }
            line(self.batch.line(entry));
        }
    }

    /// Calls `visit` with what it holds of stretches of time.
    pub(super) fn volumes(&self, buckets: &Buckets, mut visit: impl FnMut(usize, Volume)) {
        let mut of: Option<(usize, Volume)> = None;
        let mut last = (NO_SET, 0);
        for entry in self.first..self.first + self.count {
            let time = self.batch.time(entry);
            let Some(bucket) = buckets.of(time) else { continue };
            let set = self.batch.set_of(entry);
            if set != last.0 {
                let pairs = self.batch.set(set);
                last = (set, pairs.iter().map(|(n, v)| n.len() + v.len()).sum());
            }
            if let Some((other, volume)) = of.filter(|(of, _)| *of != bucket) {
                visit(other, volume);
                of = None;
            }
            let (_, volume) = of.get_or_insert((
                bucket,
                Volume {
                    times: (i64::MAX, i64::MIN),
                    entries: 0,
                    bytes: 0,
                },
            ));
            volume.times = (volume.times.0.min(time), volume.times.1.max(time));
            volume.entries += 1;
            volume.bytes += (self.batch.line(entry).len() + last.1) as u64;
        }
        if let Some((bucket, volume)) = of {
            visit(bucket, volume);
        }
    }
}

/// The entries of runs of one stream between two times, in order of time and arrival, each once: run and entry.
fn ordered(runs: &[Run], from: i64, until: i64) -> Vec<(u32, u32)> {
    let mut entries = Vec::with_capacity(runs.iter().map(|run| run.count as usize).sum());
    for (n, run) in runs.iter().enumerate() {
        let all = run.first..run.first + run.count;
        let within = all.filter(|entry| (from..until).contains(&run.batch.time(*entry)));
        entries.extend(within.map(|entry| (n as u32, entry)));
    }
    let time = |(run, entry): &(u32, u32)| runs[*run as usize].batch.time(*entry);
    if !entries.is_sorted_by_key(time) {
        entries.sort_by_key(time);
    }
    if entries.windows(2).any(|w| time(&w[0]) == time(&w[1])) {
        entries = without_repeats(runs, &entries);
    }
    entries
}

/// Entries in order of time without those that equal an earlier one.
fn without_repeats(runs: &[Run], entries: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let batch = |run: u32| &runs[run as usize].batch;
    let same = |a: (u32, u32), b: (u32, u32)| {
        let (of_a, of_b) = (batch(a.0), batch(b.0));
        let same_set = Arc::ptr_eq(of_a, of_b) && of_a.set_of(a.1) == of_b.set_of(b.1);
        of_a.line(a.1) == of_b.line(b.1) && (same_set || of_a.metadata(a.1) == of_b.metadata(b.1))
    };
    let mut out: Vec<(u32, u32)> = Vec::with_capacity(entries.len());
    let time = |(run, entry): &(u32, u32)| batch(*run).time(*entry);
    for of_time in entries.chunk_by(|a, b| time(a) == time(b)) {
        let from = out.len();
        for entry in of_time {
            let kept = batch(entry.0).keeps_repeats();
            if kept || !out[from..].iter().any(|earlier| same(*earlier, *entry)) {
                out.push(*entry);
            }
        }
    }
    out
}

/// Calls `visit` with the batch and the number in it of all entries of runs of one stream, in order, each once.
pub(super) fn all_of(runs: &[Run], mut visit: impl FnMut(&Batch, u32)) {
    for (run, entry) in ordered(runs, i64::MIN, i64::MAX) {
        visit(&runs[run as usize].batch, entry);
    }
}

/// Calls `visit` with the entries of runs of one stream between two times, in order, each once: time, line, metadata, whether
/// it stays although another equals it.
pub(super) fn visit_rows(
    runs: &[Run],
    from: i64,
    until: i64,
    mut visit: impl FnMut(i64, &[u8], &[(&[u8], &[u8])], bool) -> Result<()>,
) -> Result<()> {
    // Neighbours often have the same set.
    let mut last = (u32::MAX, NO_SET);
    let mut metadata = Vec::new();
    for (run, entry) in ordered(runs, from, until) {
        let batch = &runs[run as usize].batch;
        let set = batch.set_of(entry);
        if last != (run, set) {
            batch.put_set(set, &mut metadata);
            last = (run, set);
        }
        visit(
            batch.time(entry),
            batch.line(entry),
            &metadata,
            batch.keeps_repeats(),
        )?;
    }
    Ok(())
}

/// The same entries, to keep.
pub(super) fn rows_of(runs: &[Run], from: i64, until: i64) -> Rows {
    let mut rows = Rows::default();
    let mut last = (u32::MAX, NO_SET, 0);
    for (run, entry) in ordered(runs, from, until) {
        let batch = &runs[run as usize].batch;
        let set = batch.set_of(entry);
        if (last.0, last.1) != (run, set) {
            last = (run, set, rows.sets_mut().add(batch.metadata(entry)));
        }
        rows.push(
            batch.time(entry),
            batch.line(entry),
            last.2,
            batch.keeps_repeats(),
        );
    }
    rows
}
