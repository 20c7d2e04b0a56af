//! Finds series in a metrics block: strings by binary search, label pairs by binary search, series by page.

use std::cmp::Ordering;
use std::sync::Arc;

use parking_lot::Mutex;
use roaring::RoaringBitmap;

use super::postings::{ENTRY_WORDS, ENTRY_WORDS_V1, SINGLE_SERIES};
use super::section::{self, SERIES_PER_PAGE};
use super::series_page::{self, SeriesPage};
use super::{ChunkRef, v1};
use crate::block::BlockFile;
use crate::coding::{Malformed, Reader};
use crate::error::Result;
use crate::labels::Labels;
use crate::metrics::deletion::Deleted;
use crate::metrics::postings::Postings;
use crate::metrics::record::OwnedMetadata;
use crate::tombstone::Tombstone;

/// What an open metrics block keeps in memory. Everything else comes through the cache.
#[derive(Debug)]
pub struct BlockIndex {
    series_count: u32,
    /// Written by version 1.
    v1: bool,
    /// What the tombstones last asked about hide.
    deleted: Mutex<Arc<Deleted>>,
}

impl BlockIndex {
    /// Reads what stays in memory.
    pub fn open(file: &BlockFile) -> Result<BlockIndex> {
        Ok(BlockIndex {
            series_count: file.meta().groups as u32,
            v1: file.sections().iter().any(|s| s.kind == section::POSTINGS_V1),
            deleted: Mutex::default(),
        })
    }

    /// What tombstones hide of the block.
    pub fn deleted(&self, reader: &BlockReader<'_>, tombstones: &[&Tombstone]) -> Result<Arc<Deleted>> {
        let mut known = self.deleted.lock();
        if !known.is_of(tombstones) {
            *known = Arc::new(Deleted::find(reader, tombstones)?);
        }
        Ok(known.clone())
    }

    /// Number of series.
    pub fn series_count(&self) -> u32 {
        self.series_count
    }
}

/// A block's sections at hand for one question.
pub struct BlockReader<'b> {
    file: &'b BlockFile,
    index: &'b BlockIndex,
    symbols: Arc<[u8]>,
    postings: Arc<[u8]>,
    /// Directory of the timestamp columns.
    times: Arc<[u8]>,
}

/// A series of a block: label pairs by symbol, and its chunks.
#[derive(Debug, Clone, Default)]
pub struct SeriesEntry {
    /// Symbols of names and values, sorted by name.
    pub pairs: Vec<[u32; 2]>,
    /// Its chunks, ascending.
    pub chunks: Vec<ChunkRef>,
}

/// A label pair of the directory.
#[derive(Debug, Clone, Copy)]
pub struct PairEntry {
    /// Symbols of name and value.
    pub pair: [u32; 2],
    page: u32,
    offset: u32,
    len: u32,
    /// Number of series, against which the bitmap is checked; unknown in blocks of version 1.
    series: Option<u32>,
}

impl<'b> BlockReader<'b> {
    /// Takes the sections from the cache or the disk.
    pub fn new(file: &'b BlockFile, index: &'b BlockIndex) -> Result<BlockReader<'b>> {
        let kind = if index.v1 {
            section::POSTINGS_V1
        } else {
            section::POSTINGS
        };
        let (symbols, postings) = (file.section(section::SYMBOLS)?, file.section(kind)?);
        let count = u32_at(&symbols, 0).map_or(0, |n| n as usize);
        if symbols.len() < 4 + 4 * count || postings.len() < 4 {
            return Err(file.corrupt(0, "symbols or postings shorter than their counts"));
        }
        Ok(BlockReader {
            file,
            index,
            symbols,
            postings,
            times: file.section(section::TIMES)?,
        })
    }

    /// The block.
    pub fn file(&self) -> &'b BlockFile {
        self.file
    }

    /// Number of strings.
    pub fn symbol_count(&self) -> u32 {
        u32_at(&self.symbols, 0).unwrap_or(0)
    }

    /// The string of a symbol.
    pub fn symbol(&self, symbol: u32) -> Result<&str> {
        let text = (|| {
            let count = self.symbol_count();
            let end = u32_at(&self.symbols, 1 + symbol as usize).filter(|_| symbol < count)?;
            let start = if symbol == 0 {
                0
            } else {
                u32_at(&self.symbols, symbol as usize)?
            };
            let base = 4 + 4 * count as usize;
            let bytes = self.symbols.get(base + start as usize..base + end as usize)?;
            std::str::from_utf8(bytes).ok()
        })();
        text.ok_or_else(|| self.file.corrupt(symbol.into(), "no such symbol"))
    }

    /// The symbol of a string.
    pub fn find_symbol(&self, text: &str) -> Result<Option<u32>> {
        let (mut low, mut high) = (0, self.symbol_count());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.symbol(middle)?.cmp(text) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Ok(Some(middle)),
            }
        }
        Ok(None)
    }

    /// The first symbol whose string is not `before`, which is true for a number of first ones only.
    fn first_symbol(&self, before: impl Fn(&str) -> bool) -> Result<u32> {
        let (mut low, mut high) = (0, self.symbol_count());
        while low < high {
            let middle = low + (high - low) / 2;
            if before(self.symbol(middle)?) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    fn entry_words(&self) -> usize {
        if self.index.v1 {
            ENTRY_WORDS_V1
        } else {
            ENTRY_WORDS
        }
    }

    fn pair_count(&self) -> usize {
        (self.postings.len() - 4) / (4 * self.entry_words())
    }

    fn pair_entry(&self, i: usize) -> PairEntry {
        let words = self.entry_words();
        let at = 1 + i * words;
        let field = |n| u32_at(&self.postings, at + n).unwrap_or(0);
        let last = words - 3;
        PairEntry {
            pair: [field(0), field(1)],
            series: (!self.index.v1).then(|| field(2)),
            page: field(last),
            offset: field(last + 1),
            len: field(last + 2),
        }
    }

    /// Positions in the directory of the pairs with `low <= pair < high`.
    fn pairs_between(&self, low: [u32; 2], high: [u32; 2]) -> std::ops::Range<usize> {
        let first_at_least = |wanted: [u32; 2]| {
            let (mut from, mut to) = (0, self.pair_count());
            while from < to {
                let middle = from + (to - from) / 2;
                if self.pair_entry(middle).pair < wanted {
                    from = middle + 1
                } else {
                    to = middle
                }
            }
            from
        };
        first_at_least(low)..first_at_least(high)
    }

    /// The series of a pair.
    pub fn bitmap(&self, entry: &PairEntry) -> Result<RoaringBitmap> {
        if entry.page == SINGLE_SERIES {
            return Ok([entry.offset].into_iter().collect());
        }
        let page = self.file.page(section::BITMAPS, entry.page)?;
        let bytes =
            page.get(entry.offset as usize..(entry.offset as usize).saturating_add(entry.len as usize));
        bytes
            .and_then(|bytes| RoaringBitmap::deserialize_from(bytes).ok())
            .filter(|series| entry.series.is_none_or(|n| u64::from(n) == series.len()))
            .ok_or_else(|| self.file.corrupt(entry.offset.into(), "bitmap"))
    }

    /// Calls `visit` with every label name and its values' bitmaps of interest. Names come in order.
    pub fn names(&self) -> Result<Vec<u32>> {
        let mut names = Vec::new();
        let mut i = 0;
        while i < self.pair_count() {
            let name = self.pair_entry(i).pair[0];
            names.push(name);
            i = self
                .pairs_between([name, 0], [name.saturating_add(1), 0])
                .end
                .max(i + 1);
        }
        Ok(names)
    }

    /// The pairs of a label name, in order of the values.
    pub fn pairs(&self, name: u32) -> impl Iterator<Item = PairEntry> {
        self.pairs_between([name, 0], [name.saturating_add(1), 0])
            .map(|i| self.pair_entry(i))
    }

    /// Reads the given series, ascending.
    pub fn series(&self, wanted: impl Iterator<Item = u32>) -> impl Iterator<Item = Result<SeriesEntry>> {
        let (mut at_hand, mut page) = (None, SeriesPage::default());
        wanted.map(move |i| {
            let number = i / SERIES_PER_PAGE;
            if at_hand != Some(number) {
                at_hand = None;
                self.series_page(number, &mut page)?;
                at_hand = Some(number);
            }
            let at = (i % SERIES_PER_PAGE) as usize;
            let entry = page.pairs(at).zip(page.chunks(at));
            let entry = entry.map(|(pairs, chunks)| SeriesEntry {
                pairs: pairs.to_vec(),
                chunks: chunks.to_vec(),
            });
            entry.ok_or_else(|| self.file.corrupt(i.into(), "no such series"))
        })
    }

    /// Reads a page of [`SERIES_PER_PAGE`] series in place of another.
    pub fn series_page(&self, number: u32, page: &mut SeriesPage) -> Result<()> {
        let corrupt = |Malformed(what)| self.file.corrupt(number.into(), what);
        if !self.index.v1 {
            let bytes = self.file.page(section::SERIES, number)?;
            return series_page::decode(&bytes, &self.times, page).map_err(corrupt);
        }
        let bytes = self.file.page(section::SERIES_V1, number)?;
        let mut r = Reader::new(&bytes);
        page.clear();
        while r.remaining() > 0 {
            page.push(&v1::series(&mut r).map_err(corrupt)?);
        }
        Ok(())
    }

    /// The label set of a series, by the symbols of its labels.
    pub fn labels_of(&self, pairs: &[[u32; 2]]) -> Result<Labels> {
        let mut texts = Vec::with_capacity(pairs.len());
        for [name, value] in pairs {
            texts.push((self.symbol(*name)?, self.symbol(*value)?));
        }
        Ok(Labels::from_sorted(texts))
    }

    /// The label set of a series.
    pub fn labels(&self, entry: &SeriesEntry) -> Result<Labels> {
        self.labels_of(&entry.pairs)
    }

    /// The metadata.
    pub fn metadata(&self) -> Result<Vec<OwnedMetadata>> {
        let bytes = self.file.section(section::METADATA)?;
        let mut r = Reader::new(&bytes);
        let decoded: std::result::Result<_, Malformed> = (|| {
            let count = if bytes.is_empty() { 0 } else { r.count(5)? };
            (0..count).map(|_| OwnedMetadata::decode(&mut r)).collect()
        })();
        decoded.map_err(|Malformed(what)| self.file.corrupt(0, what))
    }
}

fn u32_at(bytes: &[u8], i: usize) -> Option<u32> {
    let b = bytes.get(4 * i..4 * i + 4)?;
    Some(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}

impl Postings for BlockReader<'_> {
    fn all(&self) -> Result<RoaringBitmap> {
        Ok((0..self.index.series_count).collect())
    }

    fn pair(&self, name: &str, value: &str) -> Result<RoaringBitmap> {
        let (Some(name), Some(value)) = (self.find_symbol(name)?, self.find_symbol(value)?) else {
            return Ok(RoaringBitmap::new());
        };
        let range = self.pairs_between([name, value], [name, value.saturating_add(1)]);
        match range.is_empty() {
            true => Ok(RoaringBitmap::new()),
            false => self.bitmap(&self.pair_entry(range.start)),
        }
    }

    fn union_where(
        &self,
        name: &str,
        prefix: &str,
        visit: &mut dyn FnMut(&str) -> bool,
    ) -> Result<RoaringBitmap> {
        let mut union = RoaringBitmap::new();
        let Some(name) = self.find_symbol(name)? else {
            return Ok(union);
        };
        let (low, high) = (
            self.first_symbol(|text| text < prefix)?,
            self.first_symbol(|text| text < prefix || text.starts_with(prefix))?,
        );
        for i in self.pairs_between([name, low], [name, high]) {
            let entry = self.pair_entry(i);
            if visit(self.symbol(entry.pair[1])?) {
                union |= self.bitmap(&entry)?;
            }
        }
        Ok(union)
    }
}
