//! Reads a block: its footer once, then sections and pages on demand, each verified when it comes from the disk and
//! served from the cache afterwards.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{BlockMeta, Codec, EXTENT_LEN, Extent, MAGIC, Section, TRAILER_LEN, VERSION};
use crate::cache::{BlockCache, Key};
use crate::coding::{Malformed, Reader};
use crate::error::{Error, Result};
use crate::storage::{File, Storage};

/// An open block file.
pub struct BlockFile {
    number: u64,
    file: Arc<dyn File>,
    cache: Arc<BlockCache>,
    meta: BlockMeta,
    sections: Vec<Section>,
}

static OPENED: AtomicU64 = AtomicU64::new(0);

impl BlockFile {
    /// Opens a block and verifies its footer.
    ///
    /// # Errors
    /// [`Error::Corrupt`] and [`Error::UnsupportedVersion`] besides I/O errors.
    pub fn open(storage: &dyn Storage, path: &str, cache: Arc<BlockCache>) -> Result<BlockFile> {
        let file = storage.open(path)?;
        let len = file.len()?;
        let corrupt = |offset, what| Error::Corrupt {
            file: path.into(),
            offset,
            what,
        };
        let trailer_at = len
            .checked_sub(TRAILER_LEN as u64)
            .ok_or_else(|| corrupt(0, "shorter than a block"))?;
        let trailer = file.read_vec(trailer_at, TRAILER_LEN)?;
        let mut r = Reader::new(&trailer);
        let fields = (|| Ok::<_, Malformed>((r.u32()?, r.u32()?, r.u32()?)))();
        let (footer_len, footer_crc, version) = fields.map_err(|_| corrupt(trailer_at, "short trailer"))?;
        if trailer[TRAILER_LEN - 8..] != MAGIC {
            return Err(corrupt(trailer_at, "no block trailer"));
        }
        if version == 0 {
            return Err(corrupt(trailer_at, "version 0"));
        }
        if version > VERSION {
            return Err(Error::UnsupportedVersion {
                file: path.into(),
                found: version,
                supported: VERSION,
            });
        }
        let footer_at = trailer_at
            .checked_sub(footer_len.into())
            .ok_or_else(|| corrupt(trailer_at, "footer longer than the file"))?;
        let footer = file.read_vec(footer_at, footer_len as usize)?;
        if crc32fast::hash(&footer) != footer_crc {
            return Err(corrupt(footer_at, "footer checksum"));
        }
        let (mut meta, sections) =
            parse_footer(&footer).map_err(|Malformed(what)| corrupt(footer_at, what))?;
        meta.bytes = len;
        Ok(BlockFile {
            number: OPENED.fetch_add(1, Ordering::Relaxed),
            file,
            cache,
            meta,
            sections,
        })
    }

    /// Number of this opening of the file, unique in the process.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Identity and extent.
    pub fn meta(&self) -> &BlockMeta {
        &self.meta
    }

    /// The sections in file order.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Path of the file.
    pub fn path(&self) -> &str {
        self.file.path()
    }

    /// The bytes of a section (of its page directory when paged); empty when the block has none of this kind.
    pub fn section(&self, kind: u16) -> Result<Arc<[u8]>> {
        let Some(section) = self.sections.iter().find(|s| s.kind == kind) else {
            return Ok(Arc::from([]));
        };
        let key = Key {
            block: self.number,
            section: kind,
            page: u32::MAX,
        };
        self.cache.get_or_read(key, || self.read(&section.extent))
    }

    /// The bytes of a page.
    pub fn page(&self, kind: u16, page: u32) -> Result<Arc<[u8]>> {
        let key = Key {
            block: self.number,
            section: kind,
            page,
        };
        self.cache.get_or_read(key, || {
            let extent = self.page_extent(kind, page)?;
            self.read(&extent)
        })
    }

    /// The bytes of a page, read past the cache: for who keeps what follows from them by [`BlockFile::derived`].
    pub fn page_past_cache(&self, kind: u16, page: u32) -> Result<Arc<[u8]>> {
        let extent = self.page_extent(kind, page)?;
        self.read(&extent)
    }

    /// Bytes that follow from the block and are kept in the cache like its own; `kind` is that of no section.
    pub fn derived(
        &self,
        kind: u16,
        page: u32,
        derive: impl FnOnce() -> Result<Arc<[u8]>>,
    ) -> Result<Arc<[u8]>> {
        let key = Key {
            block: self.number,
            section: kind,
            page,
        };
        self.cache.get_or_read(key, derive)
    }

    /// What is made of the block and kept in the cache; `kind` is that of no section and of one type. `make` tells about how many
    /// bytes it takes.
    pub fn made<T: std::any::Any + Send + Sync>(
        &self,
        kind: u16,
        page: u32,
        make: impl Fn() -> Result<(T, usize)>,
    ) -> Result<Arc<T>> {
        let key = Key {
            block: self.number,
            section: kind,
            page,
        };
        self.cache.get_or_make(key, make)
    }

    /// Where the pages of a paged section lie.
    pub fn pages(&self, kind: u16) -> Result<Vec<Extent>> {
        let directory = self.section(kind)?;
        let extents = directory
            .chunks(EXTENT_LEN)
            .map(|entry| Extent::decode(&mut Reader::new(entry)));
        extents
            .collect::<Result<_, _>>()
            .map_err(|Malformed(what)| self.corrupt(0, what))
    }

    fn page_extent(&self, kind: u16, page: u32) -> Result<Extent> {
        let directory = self.section(kind)?;
        let at = page as usize * EXTENT_LEN;
        let entry = directory
            .get(at..at + EXTENT_LEN)
            .map(|bytes| Extent::decode(&mut Reader::new(bytes)));
        match entry {
            Some(Ok(extent)) => Ok(extent),
            _ => Err(self.corrupt(at as u64, "no such page in the directory")),
        }
    }

    fn read(&self, extent: &Extent) -> Result<Arc<[u8]>> {
        let stored = self.file.read_vec(extent.offset, extent.stored_len as usize)?;
        if crc32fast::hash(&stored) != extent.crc {
            return Err(self.corrupt(extent.offset, "checksum"));
        }
        let raw = match extent.codec {
            Codec::Plain => stored,
            Codec::Zstd => decompress(&stored, extent.raw_len as usize)
                .map_err(|_| self.corrupt(extent.offset, "compressed bytes"))?,
        };
        if raw.len() != extent.raw_len as usize {
            return Err(self.corrupt(extent.offset, "length after decompression"));
        }
        Ok(Arc::from(raw))
    }

    /// Reads everything and verifies every checksum, past the cache.
    pub fn verify(&self) -> Result<()> {
        for section in &self.sections {
            self.read(&section.extent)?;
            if !section.paged {
                continue;
            }
            for extent in self.pages(section.kind)? {
                self.read(&extent)?;
            }
        }
        Ok(())
    }

    /// An error that names this block.
    pub fn corrupt(&self, offset: u64, what: &'static str) -> Error {
        Error::Corrupt {
            file: self.path().into(),
            offset,
            what,
        }
    }
}

/// Decompresses with a context that the thread keeps.
pub(crate) fn decompress(stored: &[u8], raw_len: usize) -> std::io::Result<Vec<u8>> {
    thread_local! {
        // Pages are small: making a context for each would cost as much as decompressing it.
        static CONTEXT: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
    }
    CONTEXT.with_borrow_mut(|context| {
        let context = match context {
            Some(context) => context,
            None => context.insert(zstd::bulk::Decompressor::new()?),
        };
        context.decompress(stored, raw_len)
    })
}

fn parse_footer(bytes: &[u8]) -> Result<(BlockMeta, Vec<Section>), Malformed> {
    let mut r = Reader::new(bytes);
    let meta = BlockMeta::decode(&mut r)?;
    let count = r.count(EXTENT_LEN + 3)?;
    let mut sections = Vec::with_capacity(count);
    for _ in 0..count {
        let kind = r.u16()?;
        let paged = r.u8()? != 0;
        sections.push(Section {
            kind,
            paged,
            extent: Extent::decode(&mut r)?,
        });
    }
    Ok((meta, sections))
}

impl Extent {
    fn decode(r: &mut Reader<'_>) -> Result<Extent, Malformed> {
        let offset = r.u64()?;
        let (stored_len, raw_len, crc) = (r.u32()?, r.u32()?, r.u32()?);
        let codec = Codec::from_number(r.u8()?).ok_or(Malformed("unknown codec"))?;
        r.take(3)?;
        Ok(Extent {
            offset,
            stored_len,
            raw_len,
            crc,
            codec,
        })
    }
}
