//! Writes a metrics block from series that come in the order of their labels.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use roaring::RoaringBitmap;

use super::chunk::{ChunkRef, SAMPLES_MAX, encode_times, encode_values};
use super::section;
use crate::block::writer::Written;
use crate::block::{BlockWriter, Codec};
use crate::coding::put_uvarint;
use crate::error::Result;
use crate::metrics::record::OwnedMetadata;
use crate::metrics::series::Samples;

/// Directory entry of a pair whose bitmap is its only series, given in the offset field.
pub const SINGLE_SERIES: u32 = u32::MAX;

/// A metrics block being written.
pub struct SeriesWriter<'w> {
    writer: &'w mut BlockWriter,
    postings: BTreeMap<[u32; 2], RoaringBitmap>,
    series: Page,
    series_count: u32,
    times: Page,
    /// Where each distinct timestamp column of the pages still likely to repeat lies, by hash.
    known_times: HashMap<u128, (u32, u32)>,
    values: Page,
    min_time: i64,
    max_time: i64,
    rows: u64,
}

/// A page that fills up, and how many came before it.
struct Page {
    kind: u16,
    number: u32,
    bytes: Vec<u8>,
}

impl Page {
    fn new(kind: u16) -> Page {
        Page {
            kind,
            number: 0,
            bytes: Vec::new(),
        }
    }

    fn close(&mut self, writer: &mut BlockWriter) -> Result<()> {
        if !self.bytes.is_empty() {
            writer.page(self.kind, &self.bytes, Codec::Zstd)?;
            self.number += 1;
            self.bytes.clear();
        }
        Ok(())
    }

    fn close_when_full(&mut self, writer: &mut BlockWriter) -> Result<()> {
        if self.bytes.len() >= section::PAGE_LEN {
            self.close(writer)
        } else {
            Ok(())
        }
    }

    fn place(&self) -> (u32, u32) {
        (self.number, self.bytes.len() as u32)
    }
}

impl<'w> SeriesWriter<'w> {
    /// Starts a block whose strings are `symbols`, sorted and unique: label pairs name them by position.
    pub fn new<'s>(
        writer: &'w mut BlockWriter,
        symbols: impl ExactSizeIterator<Item = &'s str>,
    ) -> Result<SeriesWriter<'w>> {
        writer.section(section::SYMBOLS, &encode_symbols(symbols))?;
        Ok(SeriesWriter {
            writer,
            postings: BTreeMap::new(),
            series: Page::new(section::SERIES),
            series_count: 0,
            times: Page::new(section::TIMESTAMPS),
            known_times: HashMap::new(),
            values: Page::new(section::VALUES),
            min_time: i64::MAX,
            max_time: i64::MIN,
            rows: 0,
        })
    }

    /// Appends a series: its label pairs by symbol, above those of the series before, and its samples.
    pub fn push(&mut self, pairs: &[[u32; 2]], samples: &Samples) -> Result<()> {
        if samples.is_empty() {
            return Ok(());
        }
        let times = samples.timestamps.chunks(SAMPLES_MAX);
        let values = samples.values.chunks(SAMPLES_MAX);
        let mut chunks = Vec::with_capacity(times.len());
        for (times, values) in times.zip(values) {
            chunks.push(self.push_chunk(times, values)?);
        }
        for pair in pairs {
            self.postings.entry(*pair).or_default().insert(self.series_count);
        }
        self.series_count += 1;
        encode_series(pairs, &chunks, &mut self.series.bytes);
        if self.series_count.is_multiple_of(section::SERIES_PER_PAGE) {
            self.series.close(self.writer)?;
        }
        self.rows += samples.len() as u64;
        Ok(())
    }

    fn push_chunk(&mut self, times: &[i64], values: &[f64]) -> Result<ChunkRef> {
        let (first_time, last_time) = (times[0], times[times.len() - 1]);
        self.min_time = self.min_time.min(first_time);
        self.max_time = self.max_time.max(last_time);
        let (times_page, times_offset) = self.push_times(times)?;
        self.values.close_when_full(self.writer)?;
        let (values_page, values_offset) = self.values.place();
        encode_values(values, &mut self.values.bytes);
        let count = times.len() as u32;
        Ok(ChunkRef {
            count,
            first_time,
            last_time,
            times_page,
            times_offset,
            values_page,
            values_offset,
        })
    }

    fn push_times(&mut self, times: &[i64]) -> Result<(u32, u32)> {
        let mut hasher = xxhash_rust::xxh3::Xxh3::new();
        times.iter().for_each(|t| hasher.update(&t.to_le_bytes()));
        let hash = hasher.digest128();
        if let Some(place) = self.known_times.get(&hash) {
            return Ok(*place);
        }
        self.times.close_when_full(self.writer)?;
        let place = self.times.place();
        encode_times(times, &mut self.times.bytes);
        self.known_times.insert(hash, place);
        Ok(place)
    }

    /// Writes what is left and returns what the block holds. Without samples the block spans the metadata's times.
    pub fn finish(mut self, metadata: &[OwnedMetadata]) -> Result<Written> {
        self.series.close(self.writer)?;
        self.times.close(self.writer)?;
        self.values.close(self.writer)?;
        self.write_postings()?;
        let mut encoded = Vec::new();
        put_uvarint(&mut encoded, metadata.len() as u64);
        for entry in metadata {
            entry.encode(&mut encoded);
            self.min_time = self.min_time.min(entry.received_ms);
            self.max_time = self.max_time.max(entry.received_ms);
        }
        self.writer.section(section::METADATA, &encoded)?;
        Ok(Written {
            min_time: self.min_time,
            max_time: self.max_time,
            rows: self.rows,
            groups: self.series_count.into(),
        })
    }

    fn write_postings(&mut self) -> Result<()> {
        let mut bitmaps = Page::new(section::BITMAPS);
        let mut directory = Vec::with_capacity(4 + self.postings.len() * 20);
        directory.extend_from_slice(&self.series_count.to_le_bytes());
        for ([name, value], series) in &self.postings {
            let (page, offset, len) = match (series.len(), series.min()) {
                (1, Some(only)) => (SINGLE_SERIES, only, 0),
                _ => {
                    bitmaps.close_when_full(self.writer)?;
                    let (page, offset) = bitmaps.place();
                    series
                        .serialize_into(&mut bitmaps.bytes)
                        .map_err(|e| crate::error::Error::io("encode", "bitmap", &e))?;
                    (page, offset, bitmaps.bytes.len() as u32 - offset)
                }
            };
            for n in [*name, *value, page, offset, len] {
                directory.extend_from_slice(&n.to_le_bytes());
            }
        }
        bitmaps.close(self.writer)?;
        self.writer.section(section::POSTINGS, &directory)
    }
}

fn encode_symbols<'s>(symbols: impl ExactSizeIterator<Item = &'s str>) -> Vec<u8> {
    let count = symbols.len();
    let mut head = Vec::with_capacity(4 * (count + 1));
    head.extend_from_slice(&(count as u32).to_le_bytes());
    let mut text = Vec::new();
    for symbol in symbols {
        text.extend_from_slice(symbol.as_bytes());
        head.extend_from_slice(&(text.len() as u32).to_le_bytes());
    }
    head.extend_from_slice(&text);
    head
}

fn encode_series(pairs: &[[u32; 2]], chunks: &[ChunkRef], out: &mut Vec<u8>) {
    put_uvarint(out, pairs.len() as u64);
    for [name, value] in pairs {
        put_uvarint(out, (*name).into());
        put_uvarint(out, (*value).into());
    }
    put_uvarint(out, chunks.len() as u64);
    for chunk in chunks {
        chunk.encode(out);
    }
}
