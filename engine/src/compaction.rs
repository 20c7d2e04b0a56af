//! Decides which blocks to merge, as a pure function of what is live. Doing it is the store's business.
//!
//! Blocks of one UTC day merge with their neighbours in log order only: what comes later in the log wins at equal
//! times, and a merge of neighbours keeps that order total.

use std::collections::BTreeMap;

use crate::block::{BlockMeta, Level};

/// When to merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompactionOptions {
    /// Blocks of one level that are merged into one of the next.
    pub fan_in: usize,
    /// Most blocks one merge reads.
    pub inputs_max: usize,
    /// Blocks whose sizes together exceed this are not merged.
    pub bytes_max: u64,
}

impl Default for CompactionOptions {
    fn default() -> CompactionOptions {
        CompactionOptions {
            fan_in: 8,
            inputs_max: 24,
            bytes_max: 16 << 30,
        }
    }
}

/// Level of blocks that hold all there was of a day when they were written; their rows are encoded for good.
pub const COLD: Level = 16;

/// A merge to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// Numbers of the inputs in ascending log order.
    pub inputs: Vec<u64>,
    /// UTC day of all of them.
    pub day: i64,
    /// Level of the result.
    pub level: Level,
}

/// The next merge worth doing, if any. `today` is the current UTC day; rows of the days `coming` are in no block yet.
pub fn plan(blocks: &[BlockMeta], today: i64, coming: &[i64], options: &CompactionOptions) -> Option<Merge> {
    by_day(blocks).into_iter().find_map(|(day, blocks)| {
        let merge = tiered(day, &blocks, options);
        match day.cmp(&today) {
            std::cmp::Ordering::Less => {
                // Rows that come much later are crumbs, however long they keep coming.
                let is_filling = coming.contains(&day) && day + 1 == today;
                merge.or_else(|| finished_day(day, &blocks, is_filling, options))
            }
            _ => merge,
        }
    })
}

/// A merge of everything that lies in more than one block of a day or is not encoded for good, for an operator who asks
/// for it.
pub fn plan_full(blocks: &[BlockMeta], options: &CompactionOptions) -> Option<Merge> {
    by_day(blocks).into_iter().find_map(|(day, blocks)| {
        let run = prefix_within(&blocks, options);
        worth_it(run).then(|| cold(day, run))
    })
}

fn by_day(blocks: &[BlockMeta]) -> BTreeMap<i64, Vec<&BlockMeta>> {
    let mut days: BTreeMap<i64, Vec<&BlockMeta>> = BTreeMap::new();
    for block in blocks {
        days.entry(block.day).or_default().push(block);
    }
    for blocks in days.values_mut() {
        blocks.sort_by_key(|b| (b.max_seq, b.id));
    }
    days
}

/// A run of neighbours of at most one level, as long as the fan-in: merging it moves every row up at most one level.
fn tiered(day: i64, blocks: &[&BlockMeta], options: &CompactionOptions) -> Option<Merge> {
    let highest = blocks
        .iter()
        .map(|b| b.level)
        .filter(|level| *level < COLD)
        .max()?;
    (0..=highest).find_map(|level| {
        let runs = blocks.chunk_by(|a, b| a.level <= level && b.level <= level);
        let mut long = runs.filter(|run| run.len() >= options.fan_in && run[0].level <= level);
        long.find_map(|run| {
            let run = prefix_within(run, options);
            (run.len() >= 2).then(|| merge_of(day, run))
        })
    })
}

/// A day that gets no more regular data is worth one block, unless only crumbs of late data lie beside a large one. While a day is
/// filled late, it is written anew when it has doubled and at no other time: every row is written a few times only.
fn finished_day(
    day: i64,
    blocks: &[&BlockMeta],
    is_filling: bool,
    options: &CompactionOptions,
) -> Option<Merge> {
    let largest = blocks.iter().map(|b| b.bytes).max()?;
    let total: u64 = blocks.iter().map(|b| b.bytes).sum();
    let run = prefix_within(blocks, options);
    let grew = match is_filling {
        true => total - largest >= largest && blocks.iter().any(|b| b.level > 0),
        false => (total - largest) * 8 >= largest || blocks.iter().all(|b| b.level < COLD),
    };
    (worth_it(run) && grew).then(|| cold(day, run))
}

/// A single block gains only by being encoded for good.
fn worth_it(run: &[&BlockMeta]) -> bool {
    run.len() > 1 || run.first().is_some_and(|b| b.level < COLD)
}

fn cold(day: i64, run: &[&BlockMeta]) -> Merge {
    Merge {
        level: COLD,
        ..merge_of(day, run)
    }
}

fn prefix_within<'b, 'm>(blocks: &'b [&'m BlockMeta], options: &CompactionOptions) -> &'b [&'m BlockMeta] {
    let mut bytes = 0u64;
    let fits = blocks.iter().take(options.inputs_max).take_while(|b| {
        bytes = bytes.saturating_add(b.bytes);
        bytes <= options.bytes_max
    });
    &blocks[..fits.count()]
}

fn merge_of(day: i64, run: &[&BlockMeta]) -> Merge {
    let level = run.iter().map(|b| b.level).max().unwrap_or(0).saturating_add(1);
    Merge {
        inputs: run.iter().map(|b| b.id).collect(),
        day,
        level,
    }
}

#[cfg(test)]
mod tests;
