//! The directory of label pairs: which series have a pair, and how many they are.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use super::page::Page;
use super::section;
use crate::block::BlockWriter;
use crate::error::{Error, Result};

/// Directory entry of a pair whose bitmap is its only series, given in the offset field.
pub(super) const SINGLE_SERIES: u32 = u32::MAX;
/// 32-bit words of an entry: name, value, series, page, offset, length.
pub(super) const ENTRY_WORDS: usize = 6;
/// Words of an entry of version 1, which has no number of series.
pub(super) const ENTRY_WORDS_V1: usize = 5;

/// Writes the bitmaps and their directory.
pub(super) fn write(
    postings: BTreeMap<[u32; 2], RoaringBitmap>,
    series_count: u32,
    writer: &mut BlockWriter,
) -> Result<()> {
    let mut bitmaps = Page::new(section::BITMAPS);
    let mut directory = Vec::with_capacity(4 * (1 + postings.len() * ENTRY_WORDS));
    directory.extend_from_slice(&series_count.to_le_bytes());
    for ([name, value], mut series) in postings {
        let (page, offset, len) = match (series.len(), series.min()) {
            (1, Some(only)) => (SINGLE_SERIES, only, 0),
            _ => {
                bitmaps.close_when_full(writer)?;
                let (page, offset) = bitmaps.place();
                // Sorted series with a pair in common lie together more often than not.
                series.optimize();
                series
                    .serialize_into(&mut bitmaps.bytes)
                    .map_err(|e| Error::io("encode", "bitmap", &e))?;
                (page, offset, bitmaps.bytes.len() as u32 - offset)
            }
        };
        for n in [name, value, series.len() as u32, page, offset, len] {
            directory.extend_from_slice(&n.to_le_bytes());
        }
    }
    bitmaps.close(writer)?;
    writer.section(section::POSTINGS, &directory)
}
