//! Entries of a script in plain memory, in as many parts as wanted: the reference for real stores.
//! Not for narrowing, which is the stores'.

use std::collections::BTreeMap;

use kymo_engine::labels::Labels;
use kymo_engine::logs::{Rows, Scan, StreamRows};

use super::{Entry, Loader};
use crate::logql::eval::store::Part;

/// Holds entries and answers with rows of them.
pub struct MemoryLoader {
    entries: Vec<Entry>,
    per_part: usize,
}

impl MemoryLoader {
    /// An empty store with so many streams in a part.
    pub fn new(per_part: usize) -> MemoryLoader {
        MemoryLoader {
            entries: Vec::new(),
            per_part: per_part.max(1),
        }
    }
}

impl Loader for MemoryLoader {
    fn clear(&mut self) -> Result<(), String> {
        self.entries.clear();
        Ok(())
    }

    fn load(&mut self, entries: Vec<Entry>) -> Result<(), String> {
        self.entries.extend(entries);
        Ok(())
    }

    fn parts(&self, scan: &Scan) -> kymo_engine::Result<Vec<Part<'_>>> {
        let mut streams: BTreeMap<Labels, Vec<&Entry>> = BTreeMap::new();
        for entry in &self.entries {
            let labels = Labels::from_pairs(entry.labels.iter().map(|(n, v)| (n, v)));
            let passes = scan.matchers.iter().all(|m| m.matches(labels.value(m.name())));
            if passes && (scan.from..scan.until).contains(&entry.time) {
                streams.entry(labels).or_default().push(entry);
            }
        }
        let pairs = |pairs: &'_ [(String, String)]| -> Vec<(String, String)> { pairs.to_vec() };
        let mut rows: Vec<StreamRows> = Vec::new();
        for (labels, entries) in streams {
            let owned: Vec<_> = entries
                .iter()
                .map(|e| (e.time, e.line.as_bytes(), pairs(&e.metadata)))
                .collect();
            let entries = owned.iter().map(|(time, line, metadata)| {
                let metadata = metadata.iter().map(|(n, v)| (n.as_str(), v.as_str()));
                (*time, *line, metadata.collect())
            });
            rows.push(StreamRows {
                labels,
                rows: Rows::from_entries(entries),
            });
        }
        let part = |streams: &[StreamRows]| {
            let times = || streams.iter().flat_map(|s| s.rows.times().iter().copied());
            let streams = streams.to_vec();
            Part {
                times: (times().min().unwrap_or(0), times().max().unwrap_or(0)),
                rows: times().count() as u64,
                load: Box::new(move || Ok(streams.clone())),
                columns: None,
            }
        };
        Ok(rows.chunks(self.per_part).map(part).collect())
    }
}
