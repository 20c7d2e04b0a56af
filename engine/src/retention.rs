//! Decides which blocks are past retention, as a pure function of what is live. Whole blocks only: a block lies within
//! one UTC day, so a row outlives its retention by less than a day.

use std::collections::BTreeMap;

use crate::block::BlockMeta;

/// How long and how much is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RetentionOptions {
    /// Rows older than this many milliseconds are dropped with their block; `None` keeps them.
    pub age_ms: Option<i64>,
    /// Above this many bytes the oldest days are dropped; `None` sets no bound.
    pub bytes: Option<u64>,
}

/// Numbers of the blocks to drop. `oldest_kept` is the oldest wanted time in the blocks' unit, `bytes_max` what blocks
/// may take in all.
pub fn expired(blocks: &[BlockMeta], oldest_kept: Option<i64>, bytes_max: Option<u64>) -> Vec<u64> {
    let (old, kept): (Vec<&BlockMeta>, Vec<&BlockMeta>) = blocks
        .iter()
        .partition(|b| oldest_kept.is_some_and(|oldest| b.max_time < oldest));
    let mut gone: Vec<u64> = old.iter().map(|b| b.id).collect();
    if let Some(bytes_max) = bytes_max {
        gone.extend(over_size(&kept, bytes_max));
    }
    gone
}

/// The oldest days first, and never the newest day.
fn over_size(blocks: &[&BlockMeta], bytes_max: u64) -> Vec<u64> {
    let mut days: BTreeMap<i64, Vec<&BlockMeta>> = BTreeMap::new();
    for block in blocks {
        days.entry(block.day).or_default().push(block);
    }
    let mut total: u64 = blocks.iter().map(|b| b.bytes).sum();
    let newest = days.keys().next_back().copied();
    let mut gone = Vec::new();
    for (day, blocks) in days {
        if total <= bytes_max || Some(day) == newest {
            break;
        }
        for block in blocks {
            total -= block.bytes;
            gone.push(block.id);
        }
    }
    gone
}

#[cfg(test)]
mod tests;
