//! Reads the series of a block one after the other: pages of series, timestamp columns and row groups are decoded once for
//! all neighbours that share them.

use std::sync::Arc;

use super::BlockPart;
use super::identity::{Grouping, Identity, add, of_text};
use crate::coding::Malformed;
use crate::error::Result;
use crate::labels::Labels;
use crate::metrics::block::index::BlockReader;
use crate::metrics::block::section::{self, SERIES_PER_PAGE};
use crate::metrics::block::series_page::SeriesPage;
use crate::metrics::block::{ChunkRef, Values, read_chunk, read_times};
use crate::metrics::series::Samples;
use crate::metrics::values::GroupCursor;

/// Kind of the cached identities of a block's symbols; no section of a file.
const SYMBOL_IDENTITIES: u16 = 0xff00;
/// Kind of the cached identities of a block's series, in pages of [`SERIES_PER_PAGE`].
const SERIES_IDENTITIES: u16 = 0xff01;
/// Timestamps kept decoded at most.
const TIMES_MAX: usize = 64 << 10;

pub(super) struct BlockCursor<'s> {
    part: &'s BlockPart,
    reader: BlockReader<'s>,
    /// Number of the page at hand.
    page_number: Option<u32>,
    page: SeriesPage,
    identities: Option<(u32, Arc<[u8]>)>,
    symbols: Option<Arc<[u8]>>,
    times: DecodedTimes,
    group: Option<(u32, Arc<[u8]>)>,
    cursor: GroupCursor,
}

/// Timestamp columns that series share.
#[derive(Default)]
struct DecodedTimes {
    /// First timestamp in `all` and number, by column; no number for those that are not there.
    places: Vec<(u32, u32)>,
    all: Vec<i64>,
}

impl<'s> BlockCursor<'s> {
    pub(super) fn new(part: &'s BlockPart) -> Result<BlockCursor<'s>> {
        Ok(BlockCursor {
            part,
            reader: BlockReader::new(part.block.file(), part.block.index())?,
            page_number: None,
            page: SeriesPage::default(),
            identities: None,
            symbols: None,
            times: DecodedTimes::default(),
            group: None,
            cursor: GroupCursor::default(),
        })
    }

    pub(super) fn part(&self) -> &'s BlockPart {
        self.part
    }

    /// Brings the page of a series to hand and returns the place of the series in it.
    fn page(&mut self, at: usize) -> Result<usize> {
        let series = self.part.series[at];
        let number = series / SERIES_PER_PAGE;
        if self.page_number != Some(number) {
            self.page_number = None;
            self.reader.series_page(number, &mut self.page)?;
            self.page_number = Some(number);
        }
        let place = (series % SERIES_PER_PAGE) as usize;
        if place < self.page.count() {
            return Ok(place);
        }
        Err(self.reader.file().corrupt(series.into(), "no such series"))
    }

    fn symbol_identities(&mut self) -> Result<Arc<[u8]>> {
        if let Some(symbols) = &self.symbols {
            return Ok(symbols.clone());
        }
        let reader = &self.reader;
        let symbols = reader.file().derived(SYMBOL_IDENTITIES, u32::MAX, || {
            let mut all = Vec::with_capacity(16 * reader.symbol_count() as usize);
            for symbol in 0..reader.symbol_count() {
                put(of_text(reader.symbol(symbol)?), &mut all);
            }
            Ok(Arc::from(all))
        })?;
        Ok(self.symbols.insert(symbols).clone())
    }

    fn identity_of_symbol(&self, symbols: &[u8], symbol: u32) -> Result<Identity> {
        get(symbols, symbol as usize)
            .ok_or_else(|| self.reader.file().corrupt(symbol.into(), "no such symbol"))
    }

    /// The identity of a series.
    pub(super) fn identity(&mut self, at: usize) -> Result<Identity> {
        let series = self.part.series[at];
        let number = series / SERIES_PER_PAGE;
        if self.identities.as_ref().is_none_or(|(n, _)| *n != number) {
            self.identities = Some((number, self.identities_of_page(at, number)?));
        }
        let page = self.identities.as_ref().map(|(_, page)| page);
        page.and_then(|page| get(page, (series % SERIES_PER_PAGE) as usize))
            .ok_or_else(|| self.reader.file().corrupt(series.into(), "no such series"))
    }

    fn identities_of_page(&mut self, at: usize, number: u32) -> Result<Arc<[u8]>> {
        let file = self.reader.file();
        file.derived(SERIES_IDENTITIES, number, || {
            let symbols = self.symbol_identities()?;
            self.page(at)?;
            let mut all = Vec::with_capacity(16 * SERIES_PER_PAGE as usize);
            for place in 0..self.page.count() {
                let mut identity = Identity::default();
                for [name, value] in self.page.pairs(place).unwrap_or_default() {
                    let name = self.identity_of_symbol(&symbols, *name)?;
                    add(&mut identity, name, self.identity_of_symbol(&symbols, *value)?);
                }
                put(identity, &mut all);
            }
            Ok(Arc::from(all))
        })
    }

    pub(super) fn labels(&mut self, at: usize) -> Result<Labels> {
        let place = self.page(at)?;
        self.reader.labels_of(self.page.pairs(place).unwrap_or_default())
    }

    pub(super) fn key(&mut self, at: usize, grouping: &Grouping) -> Result<Identity> {
        let symbols = self.symbol_identities()?;
        let place = self.page(at)?;
        let mut key = Identity::default();
        for [name, value] in self.page.pairs(place).unwrap_or_default() {
            let name = self.identity_of_symbol(&symbols, *name)?;
            if grouping.keeps_identity(name) {
                add(&mut key, name, self.identity_of_symbol(&symbols, *value)?);
            }
        }
        Ok(key)
    }

    /// The chunks of a series.
    pub(super) fn chunks(&mut self, at: usize) -> Result<&[ChunkRef]> {
        let place = self.page(at)?;
        Ok(self.page.chunks(place).unwrap_or_default())
    }

    /// Appends the samples of a chunk of floats to `out`.
    pub(super) fn read(&mut self, chunk: &ChunkRef, out: &mut Samples) -> Result<()> {
        let Values::Group { page, index } = chunk.values else {
            return read_chunk(self.reader.file(), chunk, out);
        };
        self.append_times(chunk, &mut out.timestamps)?;
        let before = out.values.len();
        let file = self.reader.file();
        let corrupt = |Malformed(what)| file.corrupt(page.into(), what);
        if self.group.as_ref().is_none_or(|(n, _)| *n != page) {
            let bytes = file.page(section::VALUES, page)?;
            self.group = None;
            self.cursor.open(&bytes).map_err(corrupt)?;
            self.group = Some((page, bytes));
        }
        if let Some((_, bytes)) = &self.group {
            let decoded = self.cursor.decode(bytes, index as usize, &mut out.values);
            decoded.map_err(corrupt)?;
        }
        if out.values.len() - before != chunk.count as usize {
            return Err(file.corrupt(page.into(), "number of values in a group"));
        }
        Ok(())
    }

    fn append_times(&mut self, chunk: &ChunkRef, out: &mut Vec<i64>) -> Result<()> {
        let Some(column) = chunk.column.map(|column| column as usize) else {
            return read_times(self.reader.file(), chunk, out);
        };
        let DecodedTimes { places, all } = &mut self.times;
        if let Some((from, len)) = places.get(column).filter(|(_, len)| *len > 0) {
            out.extend_from_slice(&all[*from as usize..(from + len) as usize]);
            return Ok(());
        }
        if all.len() > TIMES_MAX {
            places.clear();
            all.clear();
        }
        let from = all.len();
        read_times(self.reader.file(), chunk, all)?;
        out.extend_from_slice(&all[from..]);
        if column >= places.len() {
            places.resize(column + 1, (0, 0));
        }
        places[column] = (from as u32, (all.len() - from) as u32);
        Ok(())
    }
}

fn put(identity: Identity, out: &mut Vec<u8>) {
    identity
        .iter()
        .for_each(|half| out.extend_from_slice(&half.to_le_bytes()));
}

fn get(bytes: &[u8], i: usize) -> Option<Identity> {
    let (low, high) = bytes.get(16 * i..16 * i + 16)?.split_at(8);
    Some([
        u64::from_le_bytes(low.try_into().ok()?),
        u64::from_le_bytes(high.try_into().ok()?),
    ])
}
