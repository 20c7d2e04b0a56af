//! One run of samples of a series in a block: where its shared timestamp column and its values lie, and their codings.

use super::super::bits::{BitReader, BitWriter, words_of_bytes};
use super::super::chunk::{ValueDecoder, ValueEncoder};
use super::super::series::Samples;
use super::section;
use crate::block::BlockFile;
use crate::coding::{Malformed, Reader, put_svarint, put_uvarint};
use crate::error::Result;

/// Most samples in a chunk of a block.
pub const SAMPLES_MAX: usize = 1024;

const CODEC_CONSTANT: u8 = 1;
const CODEC_XOR: u8 = 2;

/// Where a chunk lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkRef {
    /// Number of samples.
    pub count: u32,
    /// Time of the first.
    pub first_time: i64,
    /// Time of the last.
    pub last_time: i64,
    /// Page of the timestamp column.
    pub times_page: u32,
    /// Its first byte in the page.
    pub times_offset: u32,
    /// Page of the values.
    pub values_page: u32,
    /// Their first byte in the page.
    pub values_offset: u32,
}

impl ChunkRef {
    /// Appends the encoded form.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_uvarint(out, self.count.into());
        put_svarint(out, self.first_time);
        put_uvarint(out, self.last_time.wrapping_sub(self.first_time) as u64);
        for n in [
            self.times_page,
            self.times_offset,
            self.values_page,
            self.values_offset,
        ] {
            put_uvarint(out, n.into());
        }
    }

    /// Reads the encoded form.
    pub fn decode(r: &mut Reader<'_>) -> std::result::Result<ChunkRef, Malformed> {
        let count = r.uvarint32()?;
        let first_time = r.svarint()?;
        Ok(ChunkRef {
            count,
            first_time,
            last_time: first_time.wrapping_add(r.uvarint()? as i64),
            times_page: r.uvarint32()?,
            times_offset: r.uvarint32()?,
            values_page: r.uvarint32()?,
            values_offset: r.uvarint32()?,
        })
    }
}

/// Appends a timestamp column: first, first delta, then deltas of deltas.
pub fn encode_times(times: &[i64], out: &mut Vec<u8>) {
    let (mut last, mut delta) = (0i64, 0i64);
    for time in times {
        let next = time.wrapping_sub(last);
        put_svarint(out, next.wrapping_sub(delta));
        (last, delta) = (*time, next);
    }
}

fn decode_times(bytes: &[u8], count: usize, out: &mut Vec<i64>) -> std::result::Result<(), Malformed> {
    let mut r = Reader::new(bytes);
    if count > bytes.len() {
        return Err(Malformed("more timestamps than bytes"));
    }
    out.reserve(count);
    let (mut last, mut delta) = (0i64, 0i64);
    for _ in 0..count {
        delta = delta.wrapping_add(r.svarint()?);
        last = last.wrapping_add(delta);
        out.push(last);
    }
    Ok(())
}

/// Appends a value chunk in the smaller coding. `values` is not empty.
pub fn encode_values(values: &[f64], out: &mut Vec<u8>) {
    let first = values[0];
    if values.iter().all(|v| v.to_bits() == first.to_bits()) {
        out.push(CODEC_CONSTANT);
        out.extend_from_slice(&first.to_bits().to_le_bytes());
        return;
    }
    let (mut bits, mut encoder) = (BitWriter::default(), ValueEncoder::default());
    encoder.first(&mut bits, first);
    for value in &values[1..] {
        encoder.next(&mut bits, *value);
    }
    let mut bytes = Vec::new();
    bits.write_bytes(&mut bytes);
    out.push(CODEC_XOR);
    put_uvarint(out, bytes.len() as u64);
    out.extend_from_slice(&bytes);
}

fn decode_values(bytes: &[u8], count: usize, out: &mut Vec<f64>) -> std::result::Result<(), Malformed> {
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

/// Appends all samples of a chunk to `out`.
///
/// # Errors
/// [`crate::Error::Corrupt`] naming the block, besides I/O errors.
pub fn read_chunk(file: &BlockFile, chunk: &ChunkRef, out: &mut Samples) -> Result<()> {
    let times = file.page(section::TIMESTAMPS, chunk.times_page)?;
    let values = file.page(section::VALUES, chunk.values_page)?;
    let decoded = (|| {
        let count = chunk.count as usize;
        if count == 0 || count > SAMPLES_MAX {
            return Err(Malformed("sample count of a chunk"));
        }
        let times = times
            .get(chunk.times_offset as usize..)
            .ok_or(Malformed("timestamps behind their page"))?;
        let values = values
            .get(chunk.values_offset as usize..)
            .ok_or(Malformed("values behind their page"))?;
        decode_times(times, count, &mut out.timestamps)?;
        decode_values(values, count, &mut out.values)
    })();
    decoded.map_err(|Malformed(what)| file.corrupt(chunk.values_offset.into(), what))
}
