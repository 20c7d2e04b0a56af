//! Streams by their labels: the inverted index that heads and blocks share, and what is known of each stream.

use std::collections::BTreeMap;
use std::ops::Bound;

use hashbrown::HashMap;
use roaring::RoaringBitmap;

use crate::error::Result;
use crate::labels::Labels;
use crate::metrics::matcher::Matcher;
use crate::metrics::postings::{Postings, select};

/// What is known of a stream in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamExtent {
    /// Entries.
    pub rows: u64,
    /// Bytes of lines and metadata.
    pub bytes: u64,
    /// Time of the first entry.
    pub min_time: i64,
    /// Time of the last entry.
    pub max_time: i64,
}

impl Default for StreamExtent {
    fn default() -> StreamExtent {
        StreamExtent {
            rows: 0,
            bytes: 0,
            min_time: i64::MAX,
            max_time: i64::MIN,
        }
    }
}

impl StreamExtent {
    /// Counts an entry.
    #[inline]
    pub fn add(&mut self, time: i64, bytes: usize) {
        self.rows += 1;
        self.bytes += bytes as u64;
        self.min_time = self.min_time.min(time);
        self.max_time = self.max_time.max(time);
    }

    /// True when it may have entries between two times, the first inclusive, the second not.
    pub fn overlaps(&self, from: i64, until: i64) -> bool {
        self.min_time < until && self.max_time >= from
    }
}

/// Streams, numbered as they were added.
#[derive(Debug, Default)]
pub struct StreamIndex {
    labels: Vec<Labels>,
    numbers: HashMap<Labels, u32>,
    values: BTreeMap<Box<str>, BTreeMap<Box<str>, RoaringBitmap>>,
}

impl StreamIndex {
    /// Number of streams.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// True without streams.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Labels of a stream.
    pub fn labels(&self, stream: u32) -> &Labels {
        &self.labels[stream as usize]
    }

    /// Number of a stream, if it is there.
    pub fn find(&self, labels: &Labels) -> Option<u32> {
        self.numbers.get(labels).copied()
    }

    /// Number of a stream, added when it is new.
    pub fn number(&mut self, labels: &Labels) -> u32 {
        if let Some(n) = self.numbers.get(labels) {
            return *n;
        }
        let n = self.labels.len() as u32;
        self.labels.push(labels.clone());
        self.numbers.insert(labels.clone(), n);
        for (name, value) in labels.iter() {
            let values = self.values.entry(name.into()).or_default();
            values.entry(value.into()).or_default().insert(n);
        }
        n
    }

    /// The streams that pass all matchers, ascending by number.
    ///
    /// # Errors
    /// None in memory; the trait allows for them.
    pub fn select(&self, matchers: &[Matcher]) -> Result<RoaringBitmap> {
        select(self, matchers)
    }
}

impl Postings for StreamIndex {
    fn all(&self) -> Result<RoaringBitmap> {
        Ok((0..self.labels.len() as u32).collect())
    }

    fn pair(&self, name: &str, value: &str) -> Result<RoaringBitmap> {
        let found = self.values.get(name).and_then(|values| values.get(value));
        Ok(found.cloned().unwrap_or_default())
    }

    fn union_where(
        &self,
        name: &str,
        prefix: &str,
        visit: &mut dyn FnMut(&str) -> bool,
    ) -> Result<RoaringBitmap> {
        let mut union = RoaringBitmap::new();
        if let Some(values) = self.values.get(name) {
            let from = (Bound::Included(prefix), Bound::Unbounded);
            for (value, streams) in values
                .range::<str, _>(from)
                .take_while(|(v, _)| v.starts_with(prefix))
            {
                if visit(value) {
                    union |= streams;
                }
            }
        }
        Ok(union)
    }
}
