//! Traces whose spans lie in several blocks or heads. Which traces two blocks have in common is found once, by the filter
//! of the one and the ids of the other, and remembered with the blocks.

use std::sync::Arc;

use super::TraceId;
use super::block::rows::{GroupRows, trace_id};
use super::block::{bloom, hash_of};
use super::signal::Traces;
use crate::error::Result;
use crate::store::{Block, Snapshot};

/// Blocks whose common traces are remembered with a block.
const REMEMBERED_MAX: usize = 256;

/// Days between blocks up to which a trace is looked for that has spans before and behind the times asked for and none
/// within.
const DAYS_APART_MAX: u64 = 2;

/// Split traces that concern a question.
#[derive(Debug, Default)]
pub(super) struct Splits {
    /// Sorted.
    ids: Vec<TraceId>,
    /// The same with bounds of their starts, the latest first.
    ordered: Vec<Split>,
    blocks: Vec<u64>,
}

/// A split trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Split {
    pub(super) id: TraceId,
    /// It does not start later.
    pub(super) newest_start: i64,
}

impl Splits {
    /// Those with a part in one of the blocks that overlap the times or in a head, and those with parts before and behind
    /// the times in blocks that are not far apart.
    pub(super) fn of(
        snapshot: &Snapshot<Traces>,
        relevant: &[&Arc<Block<Traces>>],
        (first, last): (i64, i64),
    ) -> Result<Splits> {
        let mut splits = Splits::default();
        for block in relevant {
            let mut others = snapshot.blocks.iter().filter(|other| !Arc::ptr_eq(other, block));
            others.try_for_each(|other| splits.add_blocks(block, other))?;
        }
        let before = || snapshot.blocks.iter().filter(|b| b.meta().min_time < first);
        let behind = || snapshot.blocks.iter().filter(|b| b.meta().max_time > last);
        for (a, b) in before().flat_map(|a| behind().map(move |b| (a, b))) {
            let near = a.meta().day.abs_diff(b.meta().day) <= DAYS_APART_MAX;
            if near && !Arc::ptr_eq(a, b) {
                splits.add_blocks(a, b)?;
            }
        }
        for (n, head) in snapshot.heads.iter().enumerate() {
            for block in snapshot.blocks.iter() {
                let common = head.state.common_with(block)?;
                splits.add_block(block, &common);
            }
            let state = head.state.read();
            for other in &snapshot.heads[..n] {
                let other = other.state.read();
                let (fewer, more) = match state.traces.len() < other.traces.len() {
                    true => (&state, &other),
                    false => (&other, &state),
                };
                let both = fewer.traces.iter().filter(|t| more.find(&t.id).is_some());
                splits.ordered.extend(both.map(|t| Split {
                    id: t.id,
                    newest_start: t.start,
                }));
            }
        }
        splits.ordered.sort_unstable_by_key(|s| (s.id, s.newest_start));
        splits.ordered.dedup_by_key(|s| s.id);
        splits.ids = splits.ordered.iter().map(|s| s.id).collect();
        splits.ordered.sort_by_key(|s| std::cmp::Reverse(s.newest_start));
        splits.blocks.sort_unstable();
        splits.blocks.dedup();
        Ok(splits)
    }

    fn add_blocks(&mut self, a: &Block<Traces>, b: &Block<Traces>) -> Result<()> {
        let common = common_to_blocks(a, b)?;
        self.add_block(a, &common);
        self.add_block(b, &common);
        Ok(())
    }

    fn add_block(&mut self, block: &Block<Traces>, common: &[Split]) {
        if !common.is_empty() {
            self.ordered.extend_from_slice(common);
            self.blocks.push(block.file().number());
        }
    }

    /// All of them, those that may start latest first.
    pub(super) fn ordered(&self) -> &[Split] {
        &self.ordered
    }

    pub(super) fn contains(&self, id: &TraceId) -> bool {
        !self.ids.is_empty() && self.ids.binary_search(id).is_ok()
    }

    /// True when parts of split traces are in a block.
    pub(super) fn concern(&self, block: &Block<Traces>) -> bool {
        self.blocks.binary_search(&block.file().number()).is_ok()
    }
}

/// The filter of a block, read once for many ids.
pub(super) struct Filter<'b> {
    block: &'b Block<Traces>,
    bytes: Vec<u8>,
}

impl<'b> Filter<'b> {
    pub(super) fn of(block: &'b Block<Traces>) -> Result<Filter<'b>> {
        Ok(Filter {
            block,
            bytes: block.index().directory.filter(block.file())?,
        })
    }

    /// Whether the block has the trace: the start that it does not start after.
    pub(super) fn find(&self, id: &TraceId) -> Result<Option<i64>> {
        if !bloom::filter_may_hold(hash_of(id), &self.bytes) {
            return Ok(None);
        }
        let (file, index) = (self.block.file(), self.block.index());
        for place in index.directory.places(file, id)? {
            let group = index.group_of(place);
            let ids = GroupRows::open(file, index, group)?.trace_ids()?;
            if trace_id(&ids, (place - index.first_traces[group]) as usize) == Some(*id) {
                return Ok(Some(index.groups[group].last_start));
            }
        }
        Ok(None)
    }
}

/// The traces that two blocks have in common.
fn common_to_blocks(a: &Block<Traces>, b: &Block<Traces>) -> Result<Arc<[Split]>> {
    let (a, b) = match a.file().number() < b.file().number() {
        true => (a, b),
        false => (b, a),
    };
    if let Some(known) = b.index().splits.lock().get(&a.file().number()) {
        return Ok(known.clone());
    }
    let (fewer, more) = match a.meta().groups < b.meta().groups {
        true => (a, b),
        false => (b, a),
    };
    let filter = Filter::of(more)?;
    let mut common = Vec::new();
    for group in 0..fewer.index().groups.len() {
        let ids = GroupRows::open(fewer.file(), fewer.index(), group)?.trace_ids()?;
        for id in ids.as_chunks::<16>().0 {
            if let Some(start) = filter.find(id)? {
                let own = fewer.index().groups[group].last_start;
                common.push(Split {
                    id: *id,
                    newest_start: start.min(own),
                });
            }
        }
    }
    let common: Arc<[Split]> = common.into();
    let mut remembered = b.index().splits.lock();
    if remembered.len() >= REMEMBERED_MAX {
        remembered.clear();
    }
    remembered.insert(a.file().number(), common.clone());
    Ok(common)
}
