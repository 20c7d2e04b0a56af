//! How much a selection would read, told from the indexes without decoding a sample. Not for exact counts: a series that
//! lies in a head and in several blocks is counted once per place, and chunks that lie across a bound count by their share.

use super::block::index::BlockReader;
use super::matcher::Matcher;
use super::postings;
use super::series::Selection;
use super::signal::Metrics;
use crate::error::Result;
use crate::store::Snapshot;

/// What a selection would read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Series of the place that has most: there are at least so many unless their samples lie outside the times.
    pub series: u64,
    /// Series of all places added up: there are no more than that.
    pub series_max: u64,
    /// Samples within the times, those of chunks across a bound by their share.
    pub samples: u64,
    /// Samples of chunks wholly within the times.
    pub samples_whole: u64,
}

impl Estimate {
    /// Counts a chunk of `count` samples from `first` to `last`.
    fn add(&mut self, selection: &Selection, count: u64, first: i64, last: i64) {
        let (from, to) = (first.max(selection.min_time), last.min(selection.max_time));
        if from > to {
            return;
        }
        if (from, to) == (first, last) {
            self.samples += count;
            self.samples_whole += count;
            return;
        }
        let share = (to.abs_diff(from) as f64 + 1.0) / (last.abs_diff(first) as f64 + 1.0);
        self.samples += (count as f64 * share).ceil() as u64;
    }

    fn add_place(&mut self, series: u64) {
        self.series = self.series.max(series);
        self.series_max += series;
    }
}

impl Snapshot<Metrics> {
    /// The most series there can be in any selection: those of the heads and of every block, without a look at any index.
    pub fn series_bound(&self) -> u64 {
        let heads = self
            .heads
            .iter()
            .map(|head| head.state.with_registry(|registry| registry.len() as u64));
        let blocks = self
            .blocks
            .iter()
            .map(|block| u64::from(block.index().series_count()));
        heads.chain(blocks).sum()
    }

    /// The series of a selection, from postings alone; its samples are left at 0.
    ///
    /// # Errors
    /// Storage errors of blocks.
    pub fn estimate_series(&self, matchers: &[Matcher], min_time: i64, max_time: i64) -> Result<Estimate> {
        let mut estimate = Estimate::default();
        for block in self.blocks_between(min_time, max_time) {
            let reader = BlockReader::new(block.file(), block.index())?;
            estimate.add_place(postings::select(&reader, matchers)?.len());
        }
        for head in &self.heads {
            let slots = head
                .state
                .with_registry(|registry| head.state.slots(registry, &[matchers]))?;
            estimate.add_place(slots.map_or(0, |slots| slots.len()));
        }
        Ok(estimate)
    }

    /// Series and samples of a selection, from postings and the bounds and counts of chunks.
    ///
    /// # Errors
    /// Storage errors of blocks.
    pub fn estimate(&self, selection: &Selection) -> Result<Estimate> {
        let mut estimate = Estimate::default();
        for block in self.blocks_between(selection.min_time, selection.max_time) {
            let reader = BlockReader::new(block.file(), block.index())?;
            let found = postings::select(&reader, &selection.matchers)?;
            estimate.add_place(found.len());
            for entry in reader.series(found.iter()) {
                for chunk in &entry?.chunks {
                    estimate.add(selection, chunk.count.into(), chunk.first_time, chunk.last_time);
                }
            }
        }
        for head in &self.heads {
            let mut series = 0;
            head.state.select(&[&selection.matchers], &mut |_, _, samples| {
                series += 1;
                samples.floats().visit_parts(|first, last, part| {
                    estimate.add(selection, part.len() as u64, first, last);
                });
            })?;
            estimate.add_place(series);
        }
        Ok(estimate)
    }
}
