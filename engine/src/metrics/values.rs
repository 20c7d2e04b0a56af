//! The values of blocks: groups of chunks, each chunk in the smallest of several exact forms. Every bit pattern comes back.
//! Not for timestamps, nor for compression of a group as a whole, which its writer may add. Byte layout in FORMAT.md,
//! "Value groups".

mod ans;
mod chunk;
mod decimal;
mod entropy;
mod exceptions;
mod fine;
pub(in crate::metrics) mod ints;
mod stream;

use crate::coding::{Malformed, Reader, put_uvarint};

/// Most chunks in a group.
pub const CHUNKS_MAX: usize = 64;
/// Most samples in a chunk.
pub const SAMPLES_MAX: usize = 1024;

/// How hard to look for a small form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// For flushes: packed integers, decoded fastest.
    Young,
    /// For merges: entropy-coded integers, differences to the series before.
    Settled,
    /// For the last merge of a day: finer classes of integers.
    Cold,
}

impl Effort {
    /// The zstd level at which the bytes of a group are worth compressing; none when they are not.
    pub fn zstd_level(self) -> Option<i32> {
        match self {
            Effort::Young => None,
            Effort::Settled => Some(1),
            Effort::Cold => Some(3),
        }
    }
}

/// Appends a group: 1 to [`CHUNKS_MAX`] chunks of 1 to [`SAMPLES_MAX`] samples. Chunks whose series are alike should be
/// neighbours.
///
/// # Panics
/// When there are more chunks, or more or no samples in one.
pub fn encode_group(chunks: &[&[f64]], effort: Effort, out: &mut Vec<u8>) {
    assert!((1..=CHUNKS_MAX).contains(&chunks.len()), "number of chunks");
    put_uvarint(out, chunks.len() as u64);
    for run in chunks.chunk_by(|a, b| a.len() == b.len()) {
        assert!((1..=SAMPLES_MAX).contains(&run[0].len()), "number of samples");
        put_uvarint(out, run.len() as u64);
        put_uvarint(out, run[0].len() as u64);
    }
    let (mut bytes, mut before) = (Vec::new(), chunk::Before::default());
    for values in chunks {
        let from = bytes.len();
        chunk::encode(values, &mut before, effort, &mut bytes);
        put_uvarint(out, (bytes.len() - from) as u64);
    }
    out.extend_from_slice(&bytes);
}

/// Appends one column of values that is no chunk of a group; it does not know its number of values.
pub(in crate::metrics) fn encode_alone(values: &[f64], effort: Effort, out: &mut Vec<u8>) {
    chunk::encode(values, &mut chunk::Before::default(), effort, out);
}

/// Reads what [`encode_alone`] wrote and appends it to `out`. The caller bounds `count`.
pub(in crate::metrics) fn decode_alone(
    r: &mut Reader<'_>,
    count: usize,
    out: &mut Vec<f64>,
) -> Result<(), Malformed> {
    chunk::decode(r, count, &mut chunk::Scratch::default(), Some(out))
}

/// A group, ready to give out chunks.
#[derive(Debug)]
pub struct Group<'b> {
    /// Number of samples and bytes of each chunk.
    chunks: Vec<(u32, &'b [u8])>,
}

impl<'b> Group<'b> {
    /// Reads where the chunks lie.
    ///
    /// # Errors
    /// [`Malformed`] when the directory does not fit the bytes.
    pub fn open(bytes: &'b [u8]) -> Result<Group<'b>, Malformed> {
        let mut r = Reader::new(bytes);
        let n = r.count(1)?;
        if n == 0 || n > CHUNKS_MAX {
            return Err(Malformed("number of chunks in a group"));
        }
        let mut counts = Vec::with_capacity(n);
        while counts.len() < n {
            let (run, samples) = (r.uvarint()?, r.uvarint()?);
            if run == 0 || run > (n - counts.len()) as u64 || samples == 0 || samples > SAMPLES_MAX as u64 {
                return Err(Malformed("number of samples in a group"));
            }
            counts.resize(counts.len() + run as usize, samples as u32);
        }
        let mut lens = [0u64; CHUNKS_MAX];
        for len in &mut lens[..n] {
            *len = r.uvarint()?;
        }
        let mut chunks = Vec::with_capacity(n);
        for (count, len) in counts.into_iter().zip(lens) {
            let len = usize::try_from(len).map_err(|_| Malformed("length of a chunk"))?;
            chunks.push((count, r.take(len)?));
        }
        Ok(Group { chunks })
    }

    /// Number of chunks.
    pub fn chunk_count(&self) -> usize {
        self.chunks.len()
    }

    /// Number of samples of a chunk, 0 when there is none of that number.
    pub fn sample_count(&self, chunk: usize) -> usize {
        self.chunks.get(chunk).map_or(0, |(count, _)| *count as usize)
    }

    /// Appends the values of a chunk to `out`.
    ///
    /// # Errors
    /// [`Malformed`] when there is no such chunk or its bytes say nothing; `out` may have grown then.
    pub fn decode(&self, chunk: usize, out: &mut Vec<f64>) -> Result<(), Malformed> {
        let mut scratch = chunk::Scratch::default();
        let mut first = chunk;
        loop {
            let (count, bytes) = *self.chunks.get(first).ok_or(Malformed("no such chunk"))?;
            if !chunk::needs_before(bytes, count as usize)? {
                break;
            }
            first = first.checked_sub(1).ok_or(Malformed("differences to nothing"))?;
        }
        for (count, bytes) in &self.chunks[first..chunk] {
            chunk::decode(&mut Reader::new(bytes), *count as usize, &mut scratch, None)?;
        }
        let (count, bytes) = self.chunks[chunk];
        chunk::decode(&mut Reader::new(bytes), count as usize, &mut scratch, Some(out))
    }
}

#[cfg(test)]
mod tests;
