//! A block of spans: whole traces ordered by start, in groups of about 16,384 spans; in each group every column has its
//! page. Beside them what rows name by number, a directory of trace ids and a filter over them. Byte layout in FORMAT.md,
//! "Blocks of spans".

pub(super) mod bloom;
pub(super) mod column;
pub(super) mod cursor;
pub(super) mod details;
pub(super) mod dictionary;
pub(super) mod directory;
pub(super) mod group;
pub(super) mod index;
pub(super) mod rows;
pub(super) mod schema;
pub(super) mod writer;

pub use index::BlockIndex;

/// Kinds of sections.
pub(super) mod section {
    /// Vocabulary and columns.
    pub(crate) const SCHEMA: u16 = 1;
    /// Pages of sorted values.
    pub(crate) const DICTIONARY: u16 = 2;
    /// Extent of every group.
    pub(crate) const GROUPS: u16 = 3;
    /// What is in a group; a page a group.
    pub(crate) const DETAILS: u16 = 4;
    /// Pages of columns.
    pub(crate) const VALUES: u16 = 5;
    /// Places of traces by the hash of their ids.
    pub(crate) const DIRECTORY: u16 = 6;
    /// First hash of each page of the directory.
    pub(crate) const FENCES: u16 = 7;
    /// Filter over trace ids.
    pub(crate) const FILTER: u16 = 8;
    /// Filters over values of columns that have no dictionary.
    pub(crate) const VALUE_FILTERS: u16 = 9;
    /// Not in the file: decoded pages of columns in the cache.
    pub(crate) const DECODED: u16 = 0x8000;
    /// Not in the file: dictionary pages with the places of their values in the cache.
    pub(crate) const PLACED: u16 = 0x8001;
    /// Not in the file: extents of the traces of a group in the cache.
    pub(crate) const EXTENTS: u16 = 0x8002;
    /// Rows of each trace of a group, made for the cache.
    pub(crate) const ROWS: u16 = 0x8003;
    /// Class of each span of a group, made for the cache.
    pub(crate) const CODES: u16 = 0x8004;
}

/// Spans after which a group ends with the trace.
pub(super) const GROUP_ROWS: usize = 16_384;

/// Hash of a trace id: its high half is for the directory, all of it for the filter.
pub(super) fn hash_of(id: &[u8; 16]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(id)
}

/// Hash of a value for the filters over values.
pub(super) fn hash_of_bytes(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}
