//! The metrics block: symbols, series sorted by labels, postings, shared timestamp columns, value chunks, metadata, each
//! in its section. Byte layout in FORMAT.md, "Metrics block".
//!
//! [`writer`] builds one, [`index`] finds series in one, [`merge`] makes one of several.

pub mod chunk;
pub mod index;
pub mod merge;
pub mod writer;

pub use chunk::{ChunkRef, read_chunk};
pub use index::BlockIndex;
pub use writer::SeriesWriter;

/// Kinds of the sections. Numbers are never reused; those from 16 on are reserved for exemplars, native histograms,
/// per-chunk statistics and the catalogue.
pub mod section {
    /// Sorted strings.
    pub const SYMBOLS: u16 = 1;
    /// Label sets and chunks of the series, in pages of [`SERIES_PER_PAGE`].
    pub const SERIES: u16 = 2;
    /// Sorted directory of label pairs.
    pub const POSTINGS: u16 = 3;
    /// Bitmaps of the label pairs with more than one series, in pages.
    pub const BITMAPS: u16 = 4;
    /// Timestamp columns, each distinct one once, in pages.
    pub const TIMESTAMPS: u16 = 5;
    /// Value chunks in the order of the series, in pages.
    pub const VALUES: u16 = 6;
    /// Metric metadata.
    pub const METADATA: u16 = 7;

    /// Series in a page of [`SERIES`].
    pub const SERIES_PER_PAGE: u32 = 128;
    /// Bytes at which a page is closed.
    pub const PAGE_LEN: usize = 64 << 10;
}

#[cfg(test)]
mod tests;
