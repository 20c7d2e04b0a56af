//! Samples of one time of series that became one: those that are parts of a whole are added up.

use std::collections::{BTreeSet, HashMap};

use crate::metrics::record::Record;
use crate::metrics::registry::SeriesId;

/// The series of a write that took in others.
#[derive(Default)]
pub(super) struct Merging {
    /// Those whose samples of one time add up.
    pub(super) wholes: BTreeSet<SeriesId>,
}

impl Merging {
    /// Adds up what a record has of one series and one time; the earliest start there is stays.
    pub(super) fn add_up(&self, record: &mut Record) {
        if self.wholes.is_empty() {
            return;
        }
        let mut first: HashMap<(SeriesId, i64), usize> = HashMap::new();
        let mut kept = 0;
        for at in 0..record.samples.len() {
            let (id, time, value) = record.samples[at];
            if self.wholes.contains(&id) {
                if let Some(sum) = first.get(&(id, time)) {
                    record.samples[*sum].2 += value;
                    earlier(&mut record.starts, *sum, at);
                    continue;
                }
                first.insert((id, time), kept);
            }
            record.samples[kept] = record.samples[at];
            record.origin.samples[kept] = record.origin.samples[at];
            if !record.starts.is_empty() {
                record.starts[kept] = record.starts[at];
            }
            kept += 1;
        }
        record.samples.truncate(kept);
        record.origin.samples.truncate(kept);
        record.starts.truncate(kept);
    }
}

/// Gives one sample the start of another that is set and earlier.
fn earlier(starts: &mut [i64], one: usize, other: usize) {
    if let Some(other) = starts.get(other).copied().filter(|start| *start != 0)
        && (starts[one] == 0 || other < starts[one])
    {
        starts[one] = other;
    }
}
