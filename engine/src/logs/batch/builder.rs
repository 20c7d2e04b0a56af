//! Builds a batch, stream by stream or in any order.

use hashbrown::HashMap;

use super::{Batch, NO_SET};
use crate::coding::{put_bytes, put_svarint, put_uvarint};
use crate::labels::Labels;

/// Most bytes of a batch: places in it are told by 32 bits.
pub(super) const BATCH_BYTES_MAX: usize = 1 << 30;

/// A batch being built.
#[derive(Debug, Default)]
pub struct BatchBuilder {
    streams: Vec<Labels>,
    numbers: HashMap<Labels, u32>,
    texts: HashMap<Box<str>, u32>,
    /// The texts in the record's form.
    text_bytes: Vec<u8>,
    /// The sets in the record's form.
    set_bytes: Vec<u8>,
    set_count: u32,
    entries: Vec<Pending>,
    lines: Vec<u8>,
    keeps_repeats: bool,
}

#[derive(Debug)]
struct Pending {
    stream: u32,
    time: i64,
    set: u32,
    at: usize,
    len: usize,
}

impl BatchBuilder {
    /// Keeps entries that equal another of their stream, instead of storing them once.
    pub fn keep_repeats(&mut self) {
        self.keeps_repeats = true;
    }

    /// Number of a stream.
    pub fn stream(&mut self, labels: Labels) -> u32 {
        let (streams, next) = (&mut self.streams, self.numbers.len() as u32);
        *self.numbers.entry(labels).or_insert_with_key(|labels| {
            streams.push(labels.clone());
            next
        })
    }

    /// Number of a set of metadata: `pairs` and those of `parent`, whose names it may replace. Of pairs with one name the
    /// first counts. A set without pairs is its parent.
    pub fn set<'p>(&mut self, parent: u32, pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> u32 {
        let mut numbers = Vec::new();
        for (name, value) in pairs {
            let pair = (self.text(name), self.text(value));
            numbers.push(pair);
        }
        if numbers.is_empty() {
            return parent;
        }
        put_uvarint(&mut self.set_bytes, u64::from(parent.wrapping_add(1)));
        put_uvarint(&mut self.set_bytes, numbers.len() as u64);
        for (name, value) in numbers {
            put_uvarint(&mut self.set_bytes, name.into());
            put_uvarint(&mut self.set_bytes, value.into());
        }
        self.set_count += 1;
        self.set_count - 1
    }

    fn text(&mut self, text: &str) -> u32 {
        if let Some(n) = self.texts.get(text) {
            return *n;
        }
        let n = self.texts.len() as u32;
        put_bytes(&mut self.text_bytes, text.as_bytes());
        self.texts.insert(text.into(), n);
        n
    }

    /// Appends an entry. `stream` and `set` are numbers this builder gave; a set may be [`NO_SET`].
    pub fn push(&mut self, stream: u32, time: i64, set: u32, line: &[u8]) {
        debug_assert!((stream as usize) < self.streams.len() && (set == NO_SET || set < self.set_count));
        self.entries.push(Pending {
            stream,
            time,
            set,
            at: self.lines.len(),
            len: line.len(),
        });
        self.lines.extend_from_slice(line);
    }

    /// Number of entries so far.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True without entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of lines so far.
    pub fn line_bytes(&self) -> usize {
        self.lines.len()
    }

    /// The batch. Streams without entries are left out.
    pub fn build(mut self) -> Batch {
        if !self.entries.is_sorted_by_key(|e| e.stream) {
            self.entries.sort_by_key(|e| e.stream);
        }
        let fixed = self.text_bytes.len() + self.set_bytes.len();
        let mut out = Vec::with_capacity(self.lines.len() + self.entries.len() * 14 + fixed + 256);
        out.push(u8::from(self.keeps_repeats));
        put_uvarint(&mut out, self.texts.len() as u64);
        out.append(&mut self.text_bytes);
        put_uvarint(&mut out, self.set_count.into());
        out.append(&mut self.set_bytes);
        let groups = || self.entries.chunk_by(|a, b| a.stream == b.stream);
        put_uvarint(&mut out, groups().count() as u64);
        for group in groups() {
            let labels = &self.streams[group[0].stream as usize];
            put_uvarint(&mut out, labels.len() as u64);
            for (name, value) in labels.iter() {
                put_bytes(&mut out, name.as_bytes());
                put_bytes(&mut out, value.as_bytes());
            }
            put_uvarint(&mut out, group.len() as u64);
            let mut last = 0i64;
            for entry in group {
                put_svarint(&mut out, entry.time.wrapping_sub(last));
                last = entry.time;
                put_uvarint(&mut out, u64::from(entry.set.wrapping_add(1)));
                put_bytes(&mut out, &self.lines[entry.at..entry.at + entry.len]);
            }
        }
        drop(self.lines);
        Batch::decode(out).expect("what was just written reads")
    }
}
