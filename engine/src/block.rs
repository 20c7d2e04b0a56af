//! The container of a block: one immutable file of named sections, each compressed and checksummed on its own, found
//! through a footer that one read at the end of the file fetches. Byte layout in FORMAT.md, "Block".
//!
//! What the sections say belongs to the signal that wrote them; which blocks are live is the manifest's knowledge.

pub mod meta;
pub(crate) mod progress;
pub mod reader;
pub mod writer;

pub use meta::{BlockMeta, Level};
pub use reader::BlockFile;
pub use writer::BlockWriter;

/// First and last bytes of a block.
pub const MAGIC: [u8; 8] = *b"\x89KYMOBK\n";
/// Version of the container; each signal versions its sections by their kinds and codecs.
pub const VERSION: u32 = 2;
/// Length of the trailer behind the footer.
pub const TRAILER_LEN: usize = 24;

/// How bytes are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Codec {
    /// As they are.
    Plain = 0,
    /// zstd.
    Zstd = 1,
}

impl Codec {
    fn from_number(n: u8) -> Option<Codec> {
        match n {
            0 => Some(Codec::Plain),
            1 => Some(Codec::Zstd),
            _ => None,
        }
    }
}

/// How long the rows of a block are expected to stay in it: what lasts is worth more work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Temperature {
    /// Just flushed, to be merged soon.
    Young,
    /// Merged, perhaps to be merged again.
    Settled,
    /// Merged for the last time as far as anyone knows.
    Cold,
}

/// Where bytes lie in the file and how to check them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// First byte in the file.
    pub offset: u64,
    /// Length in the file.
    pub stored_len: u32,
    /// Length once decompressed.
    pub raw_len: u32,
    /// CRC-32 of the stored bytes.
    pub crc: u32,
    /// How they are compressed.
    pub codec: Codec,
}

/// Encoded length of an [`Extent`].
pub const EXTENT_LEN: usize = 24;

/// An entry of the footer: a section's kind, whether it is paged, and its bytes (of its page directory when paged).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// Kind, defined by the signal.
    pub kind: u16,
    /// True when the extent is a directory of pages.
    pub paged: bool,
    /// The section's bytes.
    pub extent: Extent,
}

#[cfg(test)]
mod tests;
