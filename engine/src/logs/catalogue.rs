//! What is known of streams without looking at their entries: which there are in a stretch of time, and how much they hold.

use std::collections::BTreeMap;

use super::block::group::Group;
use super::block::header::StreamRun;
use super::labels::StreamExtent;
use super::signal::Logs;
use crate::error::Result;
use crate::labels::Labels;
use crate::metrics::matcher::Matcher;
use crate::store::Snapshot;

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
        for block in self.blocks_between(from, until - 1) {
            let streams = block.index().streams(block.file())?;
            for n in streams.index.select(matchers)? {
                if streams.extents[n as usize].overlaps(from, until) {
                    add(streams.index.labels(n));
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

    /// Calls `visit` with the labels of a stream and what a run of its entries holds between two times, the first inclusive,
    /// the second not, for all runs of streams that pass all matchers.
    ///
    /// # Errors
    /// What reading a block can bring.
    pub fn volumes(
        &self,
        matchers: &[Matcher],
        (from, until): (i64, i64),
        visit: &mut dyn FnMut(&Labels, Volume),
    ) -> Result<()> {
        if from >= until {
            return Ok(());
        }
        for block in self.blocks_between(from, until - 1) {
            let (file, index) = (block.file(), block.index());
            let streams = index.streams(file)?;
            let selected = streams.index.select(matchers)?;
            for (n, group) in index.groups.iter().enumerate() {
                let overlaps = group.times.0 < until && group.times.1 >= from;
                if !overlaps || selected.range_cardinality(group.streams.0..=group.streams.1) == 0 {
                    continue;
                }
                let group = Group::open(file, n as u32)?;
                let header = group.header().clone();
                let mut times = None;
                for run in header.runs.iter().filter(|run| selected.contains(run.stream)) {
                    if run.min_time >= until || run.max_time < from {
                        continue;
                    }
                    if times.is_none() && (run.min_time < from || run.max_time >= until) {
                        times = Some(group.times()?);
                    }
                    let extent = &streams.extents[run.stream as usize];
                    if let Some(volume) =
                        volume_of(run, times.as_deref().map(Vec::as_slice), extent, (from, until))
                    {
                        visit(streams.index.labels(run.stream), volume);
                    }
                }
            }
        }
        for head in &self.heads {
            let state = head.state.read();
            for n in state.index.select(matchers)? {
                let runs = &state.streams[n as usize].runs;
                for volume in runs.iter().filter_map(|run| run.volume(from, until)) {
                    visit(state.index.labels(n), volume);
                }
            }
        }
        Ok(())
    }
}

/// What a run of a group holds between two times; `times` are those of the group, unless the whole run is between.
fn volume_of(
    run: &StreamRun,
    times: Option<&[i64]>,
    extent: &StreamExtent,
    (from, until): (i64, i64),
) -> Option<Volume> {
    let (mut reach, mut entries) = ((run.min_time, run.max_time), u64::from(run.rows));
    if let Some(times) = times {
        let first = run.first as usize;
        let of_run = times.get(first..first + run.rows as usize)?;
        let start = of_run.partition_point(|time| *time < from);
        let end = of_run.partition_point(|time| *time < until);
        let within = of_run.get(start..end)?;
        (reach, entries) = ((*within.first()?, *within.last()?), within.len() as u64);
    }
    Some(Volume {
        times: reach,
        entries,
        bytes: share(extent.bytes, entries, extent.rows),
    })
}

/// `part` of `whole` of `n`.
fn share(n: u64, part: u64, whole: u64) -> u64 {
    let share = u128::from(n) * u128::from(part) / u128::from(whole.max(1));
    u64::try_from(share).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
