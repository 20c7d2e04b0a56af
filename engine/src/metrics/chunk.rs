//! Gorilla chunks: timestamps as delta of deltas, values as XOR with the one before (Pelkonen et al., VLDB 2015), with
//! prefixes for milliseconds. Bit layout in FORMAT.md, "Gorilla". Exact for every bit pattern.

use super::bits::{BitReader, BitWriter};
use super::series::Samples;
use crate::coding::Malformed;

/// Samples after which the head seals a chunk.
pub const SAMPLES_MAX: u16 = 120;

/// Encodes values, each against the one before.
#[derive(Debug, Clone, Default)]
pub struct ValueEncoder {
    last: u64,
    leading: u8,
    meaningful: u8,
}

impl ValueEncoder {
    /// Appends the first value.
    #[inline]
    pub fn first(&mut self, bits: &mut BitWriter, value: f64) {
        self.last = value.to_bits();
        bits.put(self.last, 64);
    }

    /// Appends a further value.
    #[inline]
    pub fn next(&mut self, bits: &mut BitWriter, value: f64) {
        let xor = value.to_bits() ^ self.last;
        self.last = value.to_bits();
        if xor == 0 {
            return bits.put(0, 1);
        }
        let leading = (xor.leading_zeros() as u8).min(31);
        let trailing = xor.trailing_zeros() as u8;
        let window_trailing = 64 - self.leading - self.meaningful;
        if self.meaningful > 0 && leading >= self.leading && trailing >= window_trailing {
            bits.put(0b10, 2);
            return bits.put(xor >> window_trailing, self.meaningful.into());
        }
        let meaningful = 64 - leading - trailing;
        bits.put(
            0b11 << 11 | u64::from(leading) << 6 | u64::from(meaningful - 1),
            13,
        );
        bits.put(xor >> trailing, meaningful.into());
        (self.leading, self.meaningful) = (leading, meaningful);
    }

    /// The value appended last.
    pub fn last(&self) -> f64 {
        f64::from_bits(self.last)
    }
}

/// Decodes what [`ValueEncoder`] wrote.
#[derive(Debug, Default)]
pub struct ValueDecoder {
    last: u64,
    leading: u32,
    meaningful: u32,
}

impl ValueDecoder {
    /// The first value.
    #[inline]
    pub fn first(&mut self, bits: &mut BitReader<'_>) -> Result<f64, Malformed> {
        self.last = bits.get(64)?;
        Ok(f64::from_bits(self.last))
    }

    /// A further value.
    #[inline]
    pub fn next(&mut self, bits: &mut BitReader<'_>) -> Result<f64, Malformed> {
        if bits.bit()? {
            if bits.bit()? {
                let window = bits.get(11)? as u32;
                (self.leading, self.meaningful) = (window >> 6, (window & 63) + 1);
            }
            let trailing = 64u32
                .checked_sub(self.leading + self.meaningful)
                .filter(|_| self.meaningful > 0)
                .ok_or(Malformed("XOR window over 64 bits"))?;
            self.last ^= bits.get(self.meaningful)? << trailing;
        }
        Ok(f64::from_bits(self.last))
    }
}

/// Widths of the delta of deltas behind the prefixes `10`, `110`, `1110`, `1111`.
const WIDTHS: [u32; 4] = [7, 14, 20, 64];

/// A chunk that takes samples with ascending timestamps.
#[derive(Debug, Clone, Default)]
pub struct OpenChunk {
    bits: BitWriter,
    values: ValueEncoder,
    count: u16,
    first_time: i64,
    last_time: i64,
    last_delta: i64,
}

impl OpenChunk {
    /// Appends a sample whose time is above [`OpenChunk::last_time`].
    pub fn push(&mut self, time: i64, value: f64) {
        match self.count {
            0 => {
                self.first_time = time;
                self.values.first(&mut self.bits, value);
            }
            _ => {
                let delta = time.wrapping_sub(self.last_time);
                put_delta_of_delta(&mut self.bits, delta.wrapping_sub(self.last_delta));
                self.last_delta = delta;
                self.values.next(&mut self.bits, value);
            }
        }
        self.last_time = time;
        self.count += 1;
    }

    /// Number of samples.
    pub fn count(&self) -> u16 {
        self.count
    }

    /// Time of the newest sample; meaningless without samples.
    pub fn last_time(&self) -> i64 {
        self.last_time
    }

    /// Value of the newest sample.
    pub fn last_value(&self) -> f64 {
        self.values.last()
    }

    /// The samples so far as an immutable chunk.
    pub fn to_chunk(&self) -> Chunk {
        Chunk {
            words: self.bits.to_words().into_boxed_slice(),
            count: self.count,
            first_time: self.first_time,
            last_time: self.last_time,
        }
    }

    /// Time of the first sample; meaningless without samples.
    pub fn first_time(&self) -> i64 {
        self.first_time
    }

    /// Appends the samples so far to `out`.
    pub fn decode(&self, out: &mut Samples) -> Result<(), Malformed> {
        decode(self.bits.reader(), self.first_time, self.count, out)
    }

    /// Bytes of memory behind the chunk.
    pub fn heap_bytes(&self) -> usize {
        self.bits.heap_bytes()
    }
}

fn put_delta_of_delta(bits: &mut BitWriter, dod: i64) {
    if dod == 0 {
        return bits.put(0, 1);
    }
    for (i, width) in WIDTHS.iter().enumerate() {
        let half = 1i64 << (width - 1);
        if *width == 64 || (-half..half).contains(&dod) {
            let prefix_len = (i as u32 + 2).min(4);
            let prefix = (1 << prefix_len) - if i < 3 { 2 } else { 1 };
            bits.put(prefix, prefix_len);
            return bits.put(dod as u64 & (u64::MAX >> (64 - width)), *width);
        }
    }
}

fn get_delta_of_delta(bits: &mut BitReader<'_>) -> Result<i64, Malformed> {
    let mut ones = 0;
    while ones < 4 && bits.bit()? {
        ones += 1;
    }
    if ones == 0 {
        return Ok(0);
    }
    let width = WIDTHS[ones - 1];
    let raw = bits.get(width)?;
    Ok((raw << (64 - width)) as i64 >> (64 - width))
}

/// An immutable chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    words: Box<[u64]>,
    count: u16,
    first_time: i64,
    last_time: i64,
}

impl Chunk {
    /// A chunk of samples in ascending time, at most [`u16::MAX`] of them.
    pub fn from_samples(samples: impl IntoIterator<Item = (i64, f64)>) -> Chunk {
        let mut open = OpenChunk::default();
        for (time, value) in samples {
            open.push(time, value);
        }
        open.to_chunk()
    }

    /// Number of samples.
    pub fn count(&self) -> u16 {
        self.count
    }

    /// Time of the first sample.
    pub fn first_time(&self) -> i64 {
        self.first_time
    }

    /// Time of the last sample.
    pub fn last_time(&self) -> i64 {
        self.last_time
    }

    /// Bytes of memory behind the chunk.
    pub fn heap_bytes(&self) -> usize {
        self.words.len() * 8
    }

    /// Appends all samples to `out`.
    pub fn decode(&self, out: &mut Samples) -> Result<(), Malformed> {
        decode(BitReader::new(&self.words), self.first_time, self.count, out)
    }
}

fn decode(mut bits: BitReader<'_>, first_time: i64, count: u16, out: &mut Samples) -> Result<(), Malformed> {
    let mut values = ValueDecoder::default();
    let (mut time, mut delta) = (first_time, 0i64);
    out.timestamps.reserve(count.into());
    out.values.reserve(count.into());
    for i in 0..count {
        if i == 0 {
            out.push(time, values.first(&mut bits)?);
            continue;
        }
        delta = delta.wrapping_add(get_delta_of_delta(&mut bits)?);
        time = time.wrapping_add(delta);
        out.push(time, values.next(&mut bits)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
