//! The metrics block: symbols, series sorted by labels, postings, shared timestamp columns, row groups of values, native
//! histograms, exemplars, metadata, each in its section. Byte layout in FORMAT.md, "Metrics block".
//!
//! [`writer`] builds one, [`index`] finds series in one, [`merge`] makes one of several.

pub mod chunk;
pub mod exemplars;
pub mod index;
pub mod merge;
mod page;
mod postings;
mod row_group;
pub mod series_page;
mod starts;
pub mod stats;
mod times;
mod v1;
pub mod writer;

pub use chunk::{ChunkRef, Values, read_chunk, read_histograms, read_rows, read_starts, read_times};
pub use index::BlockIndex;
pub use writer::{SeriesRows, SeriesWriter};

/// Kinds of the sections. Numbers are never reused.
pub mod section {
    /// Sorted strings.
    pub const SYMBOLS: u16 = 1;
    /// Label sets and chunks of the series in pages of [`SERIES_PER_PAGE`], as version 1 wrote them.
    pub const SERIES_V1: u16 = 2;
    /// Sorted directory of label pairs, as version 1 wrote it.
    pub const POSTINGS_V1: u16 = 3;
    /// Bitmaps of the label pairs with more than one series, in pages.
    pub const BITMAPS: u16 = 4;
    /// Timestamp columns, each distinct one once, in pages.
    pub const TIMESTAMPS: u16 = 5;
    /// Value chunks in the order of the series, in pages, as version 1 wrote them.
    pub const VALUES_V1: u16 = 6;
    /// Metric metadata.
    pub const METADATA: u16 = 7;
    /// Label sets and chunks of the series by columns, in pages of [`SERIES_PER_PAGE`].
    pub const SERIES: u16 = 8;
    /// Sorted directory of label pairs with the number of their series.
    pub const POSTINGS: u16 = 9;
    /// Directory of the timestamp columns.
    pub const TIMES: u16 = 10;
    /// Row groups of values, one a page.
    pub const VALUES: u16 = 11;
    /// Statistics of the chunks, a page for each page of [`SERIES`].
    pub const STATS: u16 = 12;
    /// Columns of start timestamps, in pages.
    pub const STARTS: u16 = 13;
    /// Chunks of native histograms, in pages.
    pub const HISTOGRAMS: u16 = 14;
    /// Exemplars in the order of their series, in pages.
    pub const EXEMPLARS: u16 = 16;
    /// Sorted trace ids of exemplars with their series, in pages.
    pub const TRACES: u16 = 17;

    /// Series in a page of [`SERIES`].
    pub const SERIES_PER_PAGE: u32 = 128;
    /// Bytes at which a page is closed.
    pub const PAGE_LEN: usize = 64 << 10;
}

#[cfg(test)]
mod tests;
