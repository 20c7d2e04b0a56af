//! The unit of a commit: a checksummed frame of records. Byte layout in FORMAT.md, "Frame".
//! It answers building, checking and walking frames; where frames lie is `segment`'s business.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Owner, Seq};
use crate::coding::{Malformed, Reader, put_bytes, put_uvarint};

/// Length of a frame's header.
pub const HEADER_LEN: usize = 56;
/// Frames begin at multiples of this, so that a scan after damage finds the next one.
pub const ALIGN: u64 = 8;
/// The largest payload a reader accepts, stored or raw: a guard against damaged lengths.
pub const PAYLOAD_LEN_MAX: u32 = 1 << 30;

const MAGIC: u32 = u32::from_le_bytes(*b"KFR1");
const COMPRESS_FROM: usize = 64 << 10;
/// A third faster than level 1 and a fifth larger on log lines, for what is read again after a crash only.
const COMPRESS_LEVEL: i32 = -3;
const CODEC_PLAIN: u8 = 0;
const CODEC_ZSTD: u8 = 1;

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Generation of the segment it was written to.
    pub generation: u64,
    /// Number of the frame, consecutive over the log's life.
    pub number: u64,
    /// Place of its first record; the others follow consecutively.
    pub first_seq: Seq,
    /// Number of records.
    pub records: u32,
    /// Length of the payload in the file.
    pub stored_len: u32,
    /// Length of the payload once decompressed.
    pub raw_len: u32,
    codec: u8,
    payload_crc: u32,
}

impl Header {
    /// Bytes the frame takes in its segment.
    pub fn frame_len(&self) -> u64 {
        (HEADER_LEN as u64 + u64::from(self.stored_len)).next_multiple_of(ALIGN)
    }

    /// Reads a header, `None` when the bytes are not one.
    pub fn parse(bytes: &[u8]) -> Option<Header> {
        let bytes = bytes.get(..HEADER_LEN)?;
        let mut r = Reader::new(bytes);
        let parsed = (|| {
            if r.u32()? != MAGIC {
                return Err(Malformed("magic"));
            }
            let codec = r.u8()?;
            r.take(3)?;
            let header = Header {
                generation: r.u64()?,
                number: r.u64()?,
                first_seq: r.u64()?,
                records: r.u32()?,
                stored_len: r.u32()?,
                raw_len: r.u32()?,
                codec,
                payload_crc: r.u32()?,
            };
            r.take(4)?;
            let sound = r.u32()? == crc32fast::hash(&bytes[..HEADER_LEN - 4]);
            Ok((header, sound))
        })();
        match parsed {
            Ok((header, true)) if header.stored_len.max(header.raw_len) <= PAYLOAD_LEN_MAX => Some(header),
            _ => None,
        }
    }

    /// Checks and decompresses the payload, `None` when it is not what the header says.
    pub fn open<'a>(&self, stored: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        if stored.len() != self.stored_len as usize || crc32fast::hash(stored) != self.payload_crc {
            return None;
        }
        match self.codec {
            CODEC_PLAIN => Some(Cow::Borrowed(stored)),
            CODEC_ZSTD => {
                let raw = zstd::bulk::decompress(stored, self.raw_len as usize).ok()?;
                (raw.len() == self.raw_len as usize).then_some(Cow::Owned(raw))
            }
            _ => None,
        }
    }
}

/// Compresses payloads. Kept from frame to frame, for what it works with is large and takes time to make.
#[derive(Default)]
pub struct Squeeze(Option<zstd::bulk::Compressor<'static>>);

impl Squeeze {
    /// The payload compressed; none when it is small or does not get smaller.
    fn compress(&mut self, payload: &[u8]) -> Option<Vec<u8>> {
        if payload.len() < COMPRESS_FROM {
            return None;
        }
        if self.0.is_none() {
            self.0 = zstd::bulk::Compressor::new(COMPRESS_LEVEL).ok();
        }
        let compressed = self.0.as_mut()?.compress(payload).ok()?;
        (compressed.len() < payload.len()).then_some(compressed)
    }
}

/// Collects the records of one frame.
pub struct FrameBuilder {
    first_seq: Seq,
    records: u32,
    payload: Vec<u8>,
}

impl FrameBuilder {
    /// A frame whose first record has the place `first_seq`.
    pub fn new(first_seq: Seq) -> FrameBuilder {
        FrameBuilder {
            first_seq,
            records: 0,
            payload: Vec::new(),
        }
    }

    /// Appends a record.
    pub fn push(&mut self, owner: &Owner, head_generation: u32, bytes: &[u8]) {
        self.records += 1;
        put_bytes(&mut self.payload, owner.tenant.as_bytes());
        self.payload.push(owner.signal);
        put_uvarint(&mut self.payload, head_generation.into());
        put_bytes(&mut self.payload, bytes);
    }

    /// Bytes of payload so far.
    pub fn len(&self) -> usize {
        self.payload.len()
    }

    /// True without records.
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Number of records.
    pub fn record_count(&self) -> u64 {
        self.records.into()
    }

    /// The place of the last record.
    pub fn last_seq(&self) -> Seq {
        self.first_seq + u64::from(self.records).max(1) - 1
    }

    /// The frame's bytes for a place in a segment.
    pub fn finish(&self, generation: u64, number: u64, squeeze: &mut Squeeze) -> Vec<u8> {
        let compressed = squeeze.compress(&self.payload);
        let (codec, stored) = match &compressed {
            Some(bytes) => (CODEC_ZSTD, bytes.as_slice()),
            None => (CODEC_PLAIN, self.payload.as_slice()),
        };
        let mut out = Vec::with_capacity(HEADER_LEN + stored.len() + ALIGN as usize);
        out.extend_from_slice(&MAGIC.to_le_bytes());
        out.extend_from_slice(&[codec, 0, 0, 0]);
        out.extend_from_slice(&generation.to_le_bytes());
        out.extend_from_slice(&number.to_le_bytes());
        out.extend_from_slice(&self.first_seq.to_le_bytes());
        out.extend_from_slice(&self.records.to_le_bytes());
        out.extend_from_slice(&(stored.len() as u32).to_le_bytes());
        out.extend_from_slice(&(self.payload.len() as u32).to_le_bytes());
        out.extend_from_slice(&crc32fast::hash(stored).to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        let crc = crc32fast::hash(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out.extend_from_slice(stored);
        out.resize(out.len().next_multiple_of(ALIGN as usize), 0);
        out
    }
}

/// A record inside a frame.
#[derive(Debug, Clone)]
pub struct RecordRef<'a> {
    /// Whose record.
    pub owner: Owner,
    /// Generation of the head it was resolved against.
    pub head_generation: u32,
    /// What it says, in the owner's encoding.
    pub bytes: &'a [u8],
}

/// Walks the records of a decompressed payload.
pub fn records(payload: &[u8]) -> impl Iterator<Item = Result<RecordRef<'_>, Malformed>> {
    let mut reader = Reader::new(payload);
    let mut tenant: Arc<str> = Arc::from("");
    std::iter::from_fn(move || {
        if reader.remaining() == 0 {
            return None;
        }
        let mut next = || {
            let name = reader.str()?;
            if *name != *tenant {
                tenant = Arc::from(name);
            }
            let owner = Owner {
                tenant: tenant.clone(),
                signal: reader.u8()?,
            };
            let head_generation = reader.uvarint32()?;
            Ok(RecordRef {
                owner,
                head_generation,
                bytes: reader.bytes()?,
            })
        };
        Some(next())
    })
}
