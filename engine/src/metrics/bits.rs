//! Bit streams for the Gorilla codings: most significant bit first, in 64-bit words.

use crate::coding::Malformed;

/// A growing bit stream.
#[derive(Debug, Clone, Default)]
pub struct BitWriter {
    words: Vec<u64>,
    /// Bits not yet in `words`, left-aligned.
    partial: u64,
    used: u32,
}

impl BitWriter {
    /// Appends the low `n` bits of `value`, 1 to 64 of them.
    #[inline]
    pub fn put(&mut self, value: u64, n: u32) {
        debug_assert!((1..=64).contains(&n) && (n == 64 || value >> n == 0));
        let free = 64 - self.used;
        if n < free {
            self.partial |= value << (free - n);
            self.used += n;
            return;
        }
        let over = n - free;
        self.words.push(self.partial | (value >> over));
        self.partial = if over == 0 { 0 } else { value << (64 - over) };
        self.used = over;
    }

    /// Reads the stream from its start.
    pub fn reader(&self) -> BitReader<'_> {
        BitReader {
            words: &self.words,
            tail: self.partial,
            at: 0,
        }
    }

    /// The stream as words, the last one padded with zeros.
    pub fn to_words(&self) -> Vec<u64> {
        let mut words = Vec::with_capacity(self.words.len() + 1);
        words.extend_from_slice(&self.words);
        if self.used > 0 {
            words.push(self.partial);
        }
        words
    }

    /// Bytes of memory behind the stream.
    pub fn heap_bytes(&self) -> usize {
        self.words.capacity() * 8
    }

    /// Appends the stream as bytes, padded to a whole byte.
    pub fn write_bytes(&self, out: &mut Vec<u8>) {
        for word in &self.words {
            out.extend_from_slice(&word.to_be_bytes());
        }
        let last = self.used.div_ceil(8) as usize;
        out.extend_from_slice(&self.partial.to_be_bytes()[..last]);
    }
}

/// Words of a stream that was written as bytes.
pub fn words_of_bytes(bytes: &[u8]) -> Vec<u64> {
    bytes
        .chunks(8)
        .map(|chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_be_bytes(word)
        })
        .collect()
}

/// Reads a bit stream.
#[derive(Debug, Clone)]
pub struct BitReader<'a> {
    words: &'a [u64],
    /// The word behind `words`.
    tail: u64,
    at: usize,
}

impl<'a> BitReader<'a> {
    /// Reads from the first bit.
    pub fn new(words: &'a [u64]) -> BitReader<'a> {
        match words.split_last() {
            Some((tail, words)) => BitReader {
                words,
                tail: *tail,
                at: 0,
            },
            None => BitReader {
                words,
                tail: 0,
                at: 64,
            },
        }
    }

    #[inline]
    fn word(&self, i: usize) -> Result<u64, Malformed> {
        match self.words.get(i) {
            Some(word) => Ok(*word),
            None if i == self.words.len() => Ok(self.tail),
            None => Err(Malformed("bit stream ends early")),
        }
    }

    /// The next `n` bits, 1 to 64 of them, right-aligned.
    #[inline]
    pub fn get(&mut self, n: u32) -> Result<u64, Malformed> {
        let (word, bit) = (self.at / 64, (self.at % 64) as u32);
        self.at += n as usize;
        let left = self.word(word)? << bit;
        if bit + n <= 64 {
            return Ok(left >> (64 - n));
        }
        Ok((left | (self.word(word + 1)? >> (64 - bit))) >> (64 - n))
    }

    /// The next bit.
    #[inline]
    pub fn bit(&mut self) -> Result<bool, Malformed> {
        Ok(self.get(1)? == 1)
    }
}
