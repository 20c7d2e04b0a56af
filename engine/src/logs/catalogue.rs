//! What is known of streams without looking at their entries: which there are in a stretch of time, and how much they hold.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::block::group::{Group, OpenGroup};
use super::block::header::StreamRun;
use super::deletion::Hidden;
use super::rows::Rows;
use super::scan::Wanted;
use super::signal::Logs;
use crate::error::Result;
use crate::labels::Labels;
use crate::metrics::matcher::Matcher;
use crate::store::{Block, Snapshot, Store};

/// What a run of a stream's entries holds in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Volume {
    /// Earliest and latest time, both inclusive.
    pub times: (i64, i64),
    /// Entries, those that repeat others included.
    pub entries: u64,
    /// Bytes of lines and structured metadata; those of a run in a block are its part of what the stream has there, by entries.
    pub bytes: u64,
}

/// Stretches of time, one behind the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buckets {
    /// Where the first begins.
    pub from: i64,
    /// Where the last ends, exclusive.
    pub until: i64,
    /// How long each is, nanoseconds; none for one that has it all.
    pub step: Option<i64>,
}

impl Buckets {
    /// One stretch.
    pub fn one(from: i64, until: i64) -> Buckets {
        Buckets {
            from,
            until,
            step: None,
        }
    }

    /// Number of the stretch that a time is in, none outside of all.
    pub fn of(&self, time: i64) -> Option<usize> {
        if time < self.from || time >= self.until {
            return None;
        }
        let since = time.abs_diff(self.from);
        Some(match self.step {
            Some(step) if step > 0 => usize::try_from(since / step.unsigned_abs()).unwrap_or(usize::MAX),
            _ => 0,
        })
    }

    /// Calls `visit` with the stretch and the first and last place of times, given in order, that are in it.
    fn split(&self, times: &[i64], mut visit: impl FnMut(usize, &[i64])) {
        let first = times.partition_point(|time| *time < self.from);
        let mut rest = &times[first..];
        while let Some(bucket) = rest.first().and_then(|time| self.of(*time)) {
            let n = rest.partition_point(|time| self.of(*time).is_some_and(|of| of <= bucket));
            visit(bucket, &rest[..n]);
            rest = &rest[n..];
        }
    }
}

impl Snapshot<Logs> {
    /// Labels of the streams that pass all matchers and may have entries between two times, the first inclusive, the second
    /// not; each once, in order.
    ///
    /// # Errors
    /// What reading a block can bring.
    pub fn streams(&self, matchers: &[Matcher], from: i64, until: i64) -> Result<Vec<Labels>> {
        let mut found: BTreeMap<Vec<(String, String)>, Labels> = BTreeMap::new();
        let mut add = |labels: &Labels| {
            let key = labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned()));
            found.entry(key.collect()).or_insert_with(|| labels.clone());
        };
        if from >= until {
            return Ok(Vec::new());
        }
        let blocks: Vec<_> = self.blocks_between(from, until - 1).cloned().collect();
        for (block, hidden) in blocks.iter().zip(self.hidden(&blocks)?) {
            let streams = block.index().streams(block.file())?;
            for n in streams.index.select(matchers)? {
                let (labels, extent) = (streams.index.labels(n), &streams.extents[n as usize]);
                let within = (extent.min_time.max(from), extent.max_time.min(until - 1));
                let hidden = hidden
                    .as_ref()
                    .and_then(|hidden| hidden.of_stream(labels, within));
                let is_left = match hidden {
                    None => extent.overlaps(from, until),
                    Some(hidden) if hidden.hides_all(within) => false,
                    Some(hidden) => any_left(block, n, labels, &hidden, Buckets::one(from, until))?,
                };
                if is_left {
                    add(labels);
                }
            }
        }
        for head in &self.heads {
            let state = head.state.read();
            for n in state.index.select(matchers)? {
                let runs = &state.streams[n as usize].runs;
                if runs.iter().any(|run| run.overlaps(from, until)) {
                    add(state.index.labels(n));
                }
            }
        }
        Ok(found.into_values().collect())
    }

    /// Calls `visit` with the labels of a stream, the number of a stretch of time and what a run of the stream's entries holds
    /// in it, for all runs of streams that pass all matchers. A stretch may be told more than once for a run.
    ///
    /// # Errors
    /// What reading a block can bring.
    pub fn volumes(
        &self,
        matchers: &[Matcher],
        buckets: Buckets,
        visit: &mut dyn FnMut(&Labels, usize, Volume),
    ) -> Result<()> {
        let (from, until) = (buckets.from, buckets.until);
        if from >= until {
            return Ok(());
        }
        let blocks: Vec<_> = self.blocks_between(from, until - 1).cloned().collect();
        for (block, hidden) in blocks.iter().zip(self.hidden(&blocks)?) {
            let (file, index) = (block.file(), block.index());
            let selected = index.streams(file)?.index.select(matchers)?;
            for (n, group) in index.groups.iter().enumerate() {
                let overlaps = group.times.0 < until && group.times.1 >= from;
                if overlaps && selected.range_cardinality(group.streams.0..=group.streams.1) > 0 {
                    group_volumes(block, n as u32, hidden.as_deref(), (&selected, buckets), visit)?;
                }
            }
        }
        for head in &self.heads {
            let state = head.state.read();
            for n in state.index.select(matchers)? {
                for run in &state.streams[n as usize].runs {
                    run.volumes(&buckets, |bucket, volume| {
                        visit(state.index.labels(n), bucket, volume);
                    });
                }
            }
        }
        Ok(())
    }
}

impl Store<Logs> {
    /// Number of streams with entries that are in no block yet and not about to be.
    pub fn active_streams(&self) -> usize {
        self.open_head().state.read().index.len()
    }

    /// True for a stream with such entries.
    pub fn is_active(&self, labels: &Labels) -> bool {
        self.open_head().state.read().index.find(labels).is_some()
    }
}

/// True when entries of a stream of a block are left between two times.
fn any_left(
    block: &Block<Logs>,
    stream: u32,
    labels: &Labels,
    hidden: &Hidden,
    buckets: Buckets,
) -> Result<bool> {
    let (file, index) = (block.file(), block.index());
    for (n, group) in index.groups.iter().enumerate() {
        if !(group.streams.0..=group.streams.1).contains(&stream) {
            continue;
        }
        let group = Group::open(file, n as u32)?.read();
        for run in group.header().runs.iter().filter(|run| run.stream == stream) {
            let left = rows_left(&group, run, labels, hidden)?;
            if left.times().iter().any(|time| buckets.of(*time).is_some()) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The entries of a run that are not hidden.
pub(super) fn rows_left(
    group: &OpenGroup<'_>,
    run: &StreamRun,
    labels: &Labels,
    hidden: &Hidden,
) -> Result<Rows> {
    let first = run.first as usize;
    let range = first..first + run.rows as usize;
    let everything = (i64::MIN, i64::MAX);
    let mut rows = group.rows(std::slice::from_ref(&range), everything, None, &Wanted::default())?;
    Ok(hidden.left(labels, rows.pop().unwrap_or_default()))
}

/// The volumes of the runs of a group that are of selected streams.
fn group_volumes(
    block: &Block<Logs>,
    n: u32,
    hidden: Option<&Hidden>,
    (selected, buckets): (&RoaringBitmap, Buckets),
    visit: &mut dyn FnMut(&Labels, usize, Volume),
) -> Result<()> {
    let (file, streams) = (block.file(), block.index().streams(block.file())?);
    let group = Group::open(file, n)?.read();
    for run in group
        .header()
        .runs
        .iter()
        .filter(|run| selected.contains(run.stream))
    {
        if run.min_time >= buckets.until || run.max_time < buckets.from {
            continue;
        }
        let labels = streams.index.labels(run.stream);
        let extent = &streams.extents[run.stream as usize];
        let mut put = |bucket: usize, (first, last): (i64, i64), entries: u64| {
            let bytes = share(extent.bytes, entries, extent.rows);
            visit(
                labels,
                bucket,
                Volume {
                    times: (first, last),
                    entries,
                    bytes,
                },
            );
        };
        let mut split = |times: &[i64]| {
            buckets.split(times, |bucket, times| {
                if let (Some(first), Some(last)) = (times.first(), times.last()) {
                    put(bucket, (*first, *last), times.len() as u64);
                }
            });
        };
        let reach = (run.min_time, run.max_time);
        if let Some(hidden) = hidden.and_then(|hidden| hidden.of_stream(labels, reach)) {
            split(rows_left(&group, run, labels, &hidden)?.times());
            continue;
        }
        match (buckets.of(reach.0), buckets.of(reach.1)) {
            (Some(bucket), Some(last)) if bucket == last => put(bucket, reach, run.rows.into()),
            _ => {
                let first = run.first as usize;
                split(
                    group
                        .times()?
                        .get(first..first + run.rows as usize)
                        .unwrap_or_default(),
                );
            }
        }
    }
    Ok(())
}

/// `part` of `whole` of `n`.
fn share(n: u64, part: u64, whole: u64) -> u64 {
    let share = u128::from(n) * u128::from(part) / u128::from(whole.max(1));
    u64::try_from(share).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
