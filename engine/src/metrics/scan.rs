//! The series that a selection finds, by number and in the order of their labels, over all heads and blocks at once: label
//! sets are put together only for those who ask, and samples are decoded by readers that go through neighbours together.
//! Not for histograms, start timestamps or exemplars, which [`SeriesData`] gives.

mod align;
mod block_cursor;
mod head_cursor;
mod identity;
mod reader;

use std::sync::Arc;

use parking_lot::Mutex;

use super::block::index::BlockReader;
use super::block::section;
use super::deletion::Deleted;
use super::head::HeadSeries;
use super::postings;
use super::registry::Slot;
use super::series::{Selection, SeriesData};
use super::signal::Metrics;
use crate::error::Result;
use crate::store::{Block, Snapshot};

pub use identity::{Grouping, Identities, Identity};
pub use reader::{Read, SetReader};

/// A part has nothing of a series.
const NONE: u32 = u32::MAX;

/// The series of one block.
struct BlockPart {
    block: Arc<Block<Metrics>>,
    /// Their numbers, ascending.
    series: Vec<u32>,
    deleted: Arc<Deleted>,
}

/// The series of one head.
struct HeadPart {
    names: Arc<super::head::names::Names>,
    /// In the order of the labels.
    slots: Vec<Slot>,
    series: Vec<Arc<HeadSeries>>,
    identities: Arc<Identities>,
}

enum Part {
    Block(BlockPart),
    Head(HeadPart),
    /// Series at hand, sorted by labels.
    Plain(Vec<SeriesData>),
}

impl Part {
    fn len(&self) -> usize {
        match self {
            Part::Block(part) => part.series.len(),
            Part::Head(part) => part.slots.len(),
            Part::Plain(series) => series.len(),
        }
    }
}

/// The series of a selection, by number in the order of their labels.
pub struct SeriesSet {
    /// In log order.
    parts: Vec<Part>,
    /// For each part and each series, its place in the part or [`NONE`]; empty when there is one part.
    rows: Vec<Vec<u32>>,
    len: usize,
    min_time: i64,
    max_time: i64,
    histogram_lookback: i64,
}

impl SeriesSet {
    /// The given series, put in the order of their labels.
    pub fn from_series(mut series: Vec<SeriesData>, min_time: i64, max_time: i64) -> SeriesSet {
        series.sort_by(|a, b| a.labels().cmp(b.labels()));
        SeriesSet {
            len: series.len(),
            parts: vec![Part::Plain(series)],
            rows: Vec::new(),
            min_time,
            max_time,
            histogram_lookback: 0,
        }
    }

    fn of_parts(mut parts: Vec<Part>, selection: &Selection, histogram_lookback: i64) -> Result<SeriesSet> {
        parts.retain(|part| part.len() > 0);
        let mut set = SeriesSet {
            len: parts.first().map_or(0, Part::len),
            parts,
            rows: Vec::new(),
            min_time: selection.min_time,
            max_time: selection.max_time,
            histogram_lookback,
        };
        if set.parts.len() > 1 {
            (set.rows, set.len) = align::align(&set)?;
        }
        Ok(set)
    }

    /// Number of series. Some may turn out to have no samples in the selected time.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True without series.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// First and last time selected, both inclusive.
    pub fn times(&self) -> (i64, i64) {
        (self.min_time, self.max_time)
    }

    /// Bytes of memory that the set takes.
    pub fn byte_len(&self) -> usize {
        let parts: usize = self.parts.iter().map(|part| part.len() * 16).sum();
        parts + self.rows.len() * self.len * 4
    }

    /// True when some series may have a label of this name; false is certain.
    ///
    /// # Errors
    /// Storage errors of blocks.
    pub fn may_have(&self, name: &str) -> Result<bool> {
        for part in &self.parts {
            let may = match part {
                Part::Block(part) => {
                    let reader = BlockReader::new(part.block.file(), part.block.index())?;
                    reader.find_symbol(name)?.is_some()
                }
                Part::Head(part) => part.names.registry.read().symbols().find(name).is_some(),
                Part::Plain(_) => true,
            };
            if may {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Place of a series in a part.
    fn place(&self, part: usize, series: usize) -> Option<usize> {
        match self.rows.get(part) {
            Some(rows) => rows.get(series).filter(|at| **at != NONE).map(|at| *at as usize),
            None => Some(series),
        }
    }

    /// A reader of the set.
    ///
    /// # Errors
    /// Storage errors of blocks.
    pub fn reader(&self) -> Result<SetReader<'_>> {
        SetReader::new(self)
    }

    /// All series one by one, in the order of their labels, without those that have no chunk in the selected time.
    ///
    /// # Errors
    /// Storage errors of blocks.
    pub fn to_series(&self) -> Result<Vec<SeriesData>> {
        let mut reader = self.reader()?;
        let mut all = Vec::with_capacity(self.len);
        for i in 0..self.len {
            reader.seek(i)?;
            all.extend(reader.series()?);
        }
        Ok(all)
    }
}

impl Snapshot<Metrics> {
    /// The series of each selection, in the order of their labels. The heads are read at one moment for all selections.
    /// Native histograms are found as far as `histogram_lookback` milliseconds before the selected time: what a histogram
    /// is worth may depend on the one before it.
    ///
    /// # Errors
    /// Storage errors of blocks.
    pub fn scan(&self, selections: &[Selection], histogram_lookback: i64) -> Result<Vec<SeriesSet>> {
        let mut parts: Vec<Vec<Part>> = Vec::with_capacity(selections.len());
        for selection in selections {
            let mut found = Vec::new();
            let from = selection.min_time.saturating_sub(histogram_lookback);
            for block in self.blocks_between(from, selection.max_time) {
                let floats = block.meta().overlaps(selection.min_time, selection.max_time);
                if floats || has_histograms(block) {
                    found.push(Part::Block(self.scan_block(block, selection)?));
                }
            }
            parts.push(found);
        }
        for head in &self.heads {
            let in_head = head.state.scan(selections, histogram_lookback)?;
            for (found, part) in parts.iter_mut().zip(in_head) {
                found.push(Part::Head(part));
            }
        }
        let with_parts = parts.into_iter().zip(selections);
        with_parts
            .map(|(parts, selection)| SeriesSet::of_parts(parts, selection, histogram_lookback))
            .collect()
    }

    fn scan_block(&self, block: &Arc<Block<Metrics>>, selection: &Selection) -> Result<BlockPart> {
        let reader = BlockReader::new(block.file(), block.index())?;
        let deleted = block.index().deleted(&reader, &self.tombstones_of(block))?;
        let series = postings::select(&reader, &selection.matchers)?;
        let series = if deleted.gone().is_empty() {
            series
        } else {
            series - deleted.gone()
        };
        Ok(BlockPart {
            block: block.clone(),
            series: series.iter().collect(),
            deleted,
        })
    }
}

impl super::head::MetricsHead {
    /// The series that each selection finds, all at one moment.
    fn scan(&self, selections: &[Selection], histogram_lookback: i64) -> Result<Vec<HeadPart>> {
        let names = self.names();
        let registry = names.registry.read();
        let series = self.all_series();
        let mut parts = Vec::with_capacity(selections.len());
        for selection in selections {
            let slots = registry.select(&selection.matchers)?;
            let mut part = HeadPart {
                names: names.clone(),
                slots: Vec::with_capacity(slots.len() as usize),
                series: Vec::with_capacity(slots.len() as usize),
                identities: Arc::default(),
            };
            for slot in registry.in_order(&slots) {
                let (min_time, max_time) = (selection.min_time, selection.max_time);
                let before = min_time.saturating_sub(histogram_lookback);
                if let Some(Some(samples)) = series.get(slot as usize)
                    && (samples.overlaps(min_time, max_time)
                        || samples.histograms().is_some_and(|h| h.overlaps(before, max_time)))
                {
                    part.slots.push(slot);
                    part.series.push(samples.clone());
                }
            }
            parts.push(part);
        }
        drop(series);
        if parts.iter().any(|part| !part.slots.is_empty()) {
            let identities = names.identities(&registry);
            parts
                .iter_mut()
                .for_each(|part| part.identities = identities.clone());
        }
        Ok(parts)
    }
}

/// True when a block has native histograms.
fn has_histograms(block: &Block<Metrics>) -> bool {
    let sections = block.file().sections();
    sections.iter().any(|s| s.kind == section::HISTOGRAMS)
}

/// Identities of a head's names, made when somebody asks and kept.
#[derive(Default)]
pub struct KeptIdentities(Mutex<Arc<Identities>>);

impl KeptIdentities {
    /// The identities of everything in the registry.
    pub(super) fn of(&self, registry: &super::registry::Registry) -> Arc<Identities> {
        let mut kept = self.0.lock();
        if !kept.covers(registry) {
            Arc::make_mut(&mut kept).extend(registry);
        }
        kept.clone()
    }
}
