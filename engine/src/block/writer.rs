//! Writes a block: sections and pages in any order, then the footer. The file counts only once the manifest names it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::progress::Progress;
use super::{BlockMeta, Codec, EXTENT_LEN, Extent, MAGIC, Section, TRAILER_LEN, Temperature, VERSION};
use crate::coding::put_uvarint;
use crate::error::Result;
use crate::storage::{File, Storage, parent};

const BUFFER_LEN: usize = 1 << 20;

/// What a signal tells about the rows it wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Time of the first row.
    pub min_time: i64,
    /// Time of the last row.
    pub max_time: i64,
    /// Samples, spans or entries.
    pub rows: u64,
    /// Series, traces or streams.
    pub groups: u64,
}

/// A block being written.
pub struct BlockWriter {
    file: Arc<dyn File>,
    path: String,
    buffer: Vec<u8>,
    flushed: u64,
    sections: Vec<Section>,
    pages: BTreeMap<u16, Vec<Extent>>,
    compressor: zstd::bulk::Compressor<'static>,
    zstd_level: i32,
    temperature: Temperature,
    progress: Arc<Progress>,
}

impl BlockWriter {
    /// Creates the file.
    pub fn create(
        storage: &dyn Storage,
        path: &str,
        zstd_level: i32,
        temperature: Temperature,
    ) -> Result<BlockWriter> {
        let file = storage.create(path)?;
        let compressor = zstd::bulk::Compressor::new(zstd_level)
            .map_err(|e| crate::error::Error::io("start compression of", path, &e))?;
        let mut buffer = Vec::with_capacity(BUFFER_LEN + (64 << 10));
        buffer.extend_from_slice(&MAGIC);
        buffer.extend_from_slice(&VERSION.to_le_bytes());
        buffer.extend_from_slice(&[0; 4]);
        let (sections, pages) = (Vec::new(), BTreeMap::new());
        Ok(BlockWriter {
            file,
            path: path.to_owned(),
            buffer,
            flushed: 0,
            sections,
            pages,
            compressor,
            zstd_level,
            temperature,
            progress: Arc::default(),
        })
    }

    /// Tells from now on how far it is.
    pub(crate) fn tell(&mut self, progress: &Arc<Progress>) {
        self.progress = Arc::clone(progress);
    }

    /// Half of what is to do for some rows is done: they are taken, or encoded.
    #[inline]
    pub(crate) fn half_done(&self, rows: u64) {
        self.progress.half_done(rows);
    }

    /// Writes a whole section. Each kind is written at most once.
    pub fn section(&mut self, kind: u16, raw: &[u8]) -> Result<()> {
        let extent = self.put(raw, Codec::Zstd)?;
        self.sections.push(Section {
            kind,
            paged: false,
            extent,
        });
        Ok(())
    }

    /// Writes the next page of a paged section and returns its number.
    pub fn page(&mut self, kind: u16, raw: &[u8], codec: Codec) -> Result<u32> {
        let extent = self.put(raw, codec)?;
        let pages = self.pages.entry(kind).or_default();
        pages.push(extent);
        Ok(pages.len() as u32 - 1)
    }

    /// Like [`BlockWriter::page`], compressed at a level of its own.
    pub fn page_at(&mut self, kind: u16, raw: &[u8], zstd_level: i32) -> Result<u32> {
        self.set_level(zstd_level)?;
        let number = self.page(kind, raw, Codec::Zstd);
        self.set_level(self.zstd_level)?;
        number
    }

    fn set_level(&mut self, level: i32) -> Result<()> {
        self.compressor
            .set_compression_level(level)
            .map_err(|e| crate::error::Error::io("set compression of", self.path.as_str(), &e))
    }

    /// How long the block's rows are expected to stay as they are.
    pub fn temperature(&self) -> Temperature {
        self.temperature
    }

    fn put(&mut self, raw: &[u8], codec: Codec) -> Result<Extent> {
        let offset = self.flushed + self.buffer.len() as u64;
        let compressed = match codec {
            Codec::Zstd => self.compressor.compress(raw).ok().filter(|c| c.len() < raw.len()),
            Codec::Plain => None,
        };
        let (codec, stored) = match &compressed {
            Some(bytes) => (Codec::Zstd, bytes.as_slice()),
            None => (Codec::Plain, raw),
        };
        let crc = crc32fast::hash(stored);
        let (stored_len, raw_len) = (stored.len() as u32, raw.len() as u32);
        self.buffer.extend_from_slice(stored);
        if self.buffer.len() >= BUFFER_LEN {
            self.drain()?;
        }
        Ok(Extent {
            offset,
            stored_len,
            raw_len,
            crc,
            codec,
        })
    }

    fn drain(&mut self) -> Result<()> {
        self.file.write_at(self.flushed, &self.buffer)?;
        self.flushed += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Writes page directories and footer, syncs file and name, and returns the block's meta with its length.
    /// `meta` brings identity, level, day and places; the rest is taken from `written`.
    pub fn finish(mut self, storage: &dyn Storage, meta: BlockMeta, written: Written) -> Result<BlockMeta> {
        for (kind, pages) in std::mem::take(&mut self.pages) {
            let mut directory = Vec::with_capacity(pages.len() * EXTENT_LEN);
            for extent in pages {
                extent.encode(&mut directory);
            }
            let extent = self.put(&directory, Codec::Plain)?;
            self.sections.push(Section {
                kind,
                paged: true,
                extent,
            });
        }
        let Written {
            min_time,
            max_time,
            rows,
            groups,
        } = written;
        let mut meta = BlockMeta {
            min_time,
            max_time,
            rows,
            groups,
            bytes: 0,
            ..meta
        };
        let mut footer = Vec::new();
        meta.encode(&mut footer);
        put_uvarint(&mut footer, self.sections.len() as u64);
        for section in &self.sections {
            footer.extend_from_slice(&section.kind.to_le_bytes());
            footer.push(section.paged.into());
            section.extent.encode(&mut footer);
        }
        let crc = crc32fast::hash(&footer);
        self.buffer.extend_from_slice(&footer);
        self.buffer
            .extend_from_slice(&(footer.len() as u32).to_le_bytes());
        self.buffer.extend_from_slice(&crc.to_le_bytes());
        self.buffer.extend_from_slice(&VERSION.to_le_bytes());
        self.buffer.extend_from_slice(&[0; 4]);
        self.buffer.extend_from_slice(&MAGIC);
        debug_assert_eq!(TRAILER_LEN, 4 * 4 + MAGIC.len());
        self.drain()?;
        self.file.sync()?;
        storage.sync_dir(parent(&self.path))?;
        meta.bytes = self.flushed;
        Ok(meta)
    }
}

impl Extent {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(&self.stored_len.to_le_bytes());
        out.extend_from_slice(&self.raw_len.to_le_bytes());
        out.extend_from_slice(&self.crc.to_le_bytes());
        out.extend_from_slice(&[self.codec as u8, 0, 0, 0]);
    }
}
