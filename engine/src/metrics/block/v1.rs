//! Reads what version 1 wrote: series one after the other, chunks with their own places, values constant or XORed.

use super::chunk::{ChunkRef, Values};
use super::index::SeriesEntry;
use crate::coding::{Malformed, Reader};
use crate::metrics::bits::{BitReader, words_of_bytes};
use crate::metrics::chunk::ValueDecoder;

const CODEC_CONSTANT: u8 = 1;
const CODEC_XOR: u8 = 2;

/// Reads the next series of a page.
pub(super) fn series(r: &mut Reader<'_>) -> Result<SeriesEntry, Malformed> {
    let mut entry = SeriesEntry::default();
    for _ in 0..r.count(2)? {
        entry.pairs.push([r.uvarint32()?, r.uvarint32()?]);
    }
    for _ in 0..r.count(7)? {
        entry.chunks.push(chunk(r)?);
    }
    Ok(entry)
}

fn chunk(r: &mut Reader<'_>) -> Result<ChunkRef, Malformed> {
    let count = r.uvarint32()?;
    let first_time = r.svarint()?;
    Ok(ChunkRef {
        count,
        first_time,
        last_time: first_time.wrapping_add(r.uvarint()?.cast_signed()),
        times: (r.uvarint32()?, r.uvarint32()?),
        values: Values::V1 {
            page: r.uvarint32()?,
            offset: r.uvarint32()?,
        },
        column: None,
        starts: None,
        delta: false,
    })
}

/// Appends the values of a chunk to `out`.
pub(super) fn values(bytes: &[u8], count: usize, out: &mut Vec<f64>) -> Result<(), Malformed> {
    let mut r = Reader::new(bytes);
    match r.u8()? {
        CODEC_CONSTANT => {
            let value = f64::from_bits(r.u64()?);
            out.resize(out.len() + count, value);
        }
        CODEC_XOR => {
            let words = words_of_bytes(r.bytes()?);
            let (mut bits, mut decoder) = (BitReader::new(&words), ValueDecoder::default());
            out.push(decoder.first(&mut bits)?);
            for _ in 1..count {
                out.push(decoder.next(&mut bits)?);
            }
        }
        _ => return Err(Malformed("unknown value codec")),
    }
    Ok(())
}
