//! The values of blocks: groups of chunks, each chunk in the smallest of several exact forms. Every bit pattern comes back.
//! Not for timestamps, nor for compression of a group as a whole, which its writer may add. Byte layout in FORMAT.md,
//! "Value groups".

mod ans;
mod chunk;
mod decimal;
mod entropy;
mod exceptions;
mod fine;
pub(crate) mod ints;
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
pub(crate) fn encode_alone(values: &[f64], effort: Effort, out: &mut Vec<u8>) {
    chunk::encode(values, &mut chunk::Before::default(), effort, out);
}

/// Reads what [`encode_alone`] wrote and appends it to `out`. The caller bounds `count`.
pub(crate) fn decode_alone(r: &mut Reader<'_>, count: usize, out: &mut Vec<f64>) -> Result<(), Malformed> {
    chunk::decode(r, count, &mut chunk::Scratch::default(), Some(out))
}

/// Where the chunks of a group lie in its bytes, and what the one decoded last leaves for the next.
#[derive(Debug, Default)]
pub struct GroupCursor {
    /// Number of samples, first byte and end of each chunk.
    chunks: Vec<(u32, u32, u32)>,
    scratch: chunk::Scratch,
    /// The chunk after the one decoded last.
    next: usize,
}

impl GroupCursor {
    /// Reads where the chunks lie.
    ///
    /// # Errors
    /// [`Malformed`] when the directory does not fit the bytes.
    pub fn open(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        self.chunks.clear();
        self.next = usize::MAX;
        let mut r = Reader::new(bytes);
        let n = r.count(1)?;
        if n == 0 || n > CHUNKS_MAX {
            return Err(Malformed("number of chunks in a group"));
        }
        let mut counts = [0u32; CHUNKS_MAX];
        let mut known = 0;
        while known < n {
            let (run, samples) = (r.uvarint()?, r.uvarint()?);
            if run == 0 || run > (n - known) as u64 || samples == 0 || samples > SAMPLES_MAX as u64 {
                return Err(Malformed("number of samples in a group"));
            }
            counts[known..known + run as usize].fill(samples as u32);
            known += run as usize;
        }
        let mut lens = [0u64; CHUNKS_MAX];
        for len in &mut lens[..n] {
            *len = r.uvarint()?;
        }
        for (count, len) in counts.into_iter().zip(lens).take(n) {
            let start = bytes.len() - r.remaining();
            let len = usize::try_from(len).map_err(|_| Malformed("length of a chunk"))?;
            r.take(len)?;
            self.chunks.push((count, start as u32, (start + len) as u32));
        }
        Ok(())
    }

    /// Number of chunks.
    pub fn chunk_count(&self) -> usize {
        self.chunks.len()
    }

    /// Number of samples of a chunk, 0 when there is none of that number.
    pub fn sample_count(&self, chunk: usize) -> usize {
        self.chunks.get(chunk).map_or(0, |(count, _, _)| *count as usize)
    }

    fn chunk<'b>(&self, bytes: &'b [u8], chunk: usize) -> Result<(usize, &'b [u8]), Malformed> {
        let (count, from, to) = *self.chunks.get(chunk).ok_or(Malformed("no such chunk"))?;
        let bytes = bytes.get(from as usize..to as usize);
        Ok((count as usize, bytes.ok_or(Malformed("chunk behind its group"))?))
    }

    /// Appends the values of a chunk to `out`; `bytes` are those of [`GroupCursor::open`]. Chunks in ascending order are
    /// decoded once each, others again with those that they tell their differences to.
    ///
    /// # Errors
    /// [`Malformed`] when there is no such chunk or its bytes say nothing; `out` may have grown then.
    pub fn decode(&mut self, bytes: &[u8], chunk: usize, out: &mut Vec<f64>) -> Result<(), Malformed> {
        if self.next != chunk {
            let mut first = chunk;
            loop {
                let (count, bytes) = self.chunk(bytes, first)?;
                if !chunk::needs_before(bytes, count)? {
                    break;
                }
                first = first.checked_sub(1).ok_or(Malformed("differences to nothing"))?;
            }
            for before in first..chunk {
                let (count, bytes) = self.chunk(bytes, before)?;
                chunk::decode(&mut Reader::new(bytes), count, &mut self.scratch, None)?;
            }
        }
        self.next = usize::MAX;
        let (count, bytes) = self.chunk(bytes, chunk)?;
        let followed = chunk + 1 < self.chunks.len();
        chunk::decode_then(&mut Reader::new(bytes), count, &mut self.scratch, out, followed)?;
        self.next = chunk + 1;
        Ok(())
    }

    /// True when a chunk may hold NaN; false is certain.
    ///
    /// # Errors
    /// Those of [`GroupCursor::decode`].
    pub fn may_hold_nan(&self, bytes: &[u8], chunk: usize) -> Result<bool, Malformed> {
        chunk::may_hold_nan(self.chunk(bytes, chunk)?.1)
    }
}

/// A group, ready to give out chunks.
#[derive(Debug)]
pub struct Group<'b> {
    bytes: &'b [u8],
    cursor: GroupCursor,
}

impl<'b> Group<'b> {
    /// Reads where the chunks lie.
    ///
    /// # Errors
    /// [`Malformed`] when the directory does not fit the bytes.
    pub fn open(bytes: &'b [u8]) -> Result<Group<'b>, Malformed> {
        let mut cursor = GroupCursor::default();
        cursor.open(bytes)?;
        Ok(Group { bytes, cursor })
    }

    /// Number of chunks.
    pub fn chunk_count(&self) -> usize {
        self.cursor.chunk_count()
    }

    /// Number of samples of a chunk, 0 when there is none of that number.
    pub fn sample_count(&self, chunk: usize) -> usize {
        self.cursor.sample_count(chunk)
    }

    /// Appends the values of a chunk to `out`.
    ///
    /// # Errors
    /// [`Malformed`] when there is no such chunk or its bytes say nothing; `out` may have grown then.
    pub fn decode(&mut self, chunk: usize, out: &mut Vec<f64>) -> Result<(), Malformed> {
        self.cursor.decode(self.bytes, chunk, out)
    }
}

#[cfg(test)]
mod tests;
