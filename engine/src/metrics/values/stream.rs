//! Bit streams of the value codecs: least significant bit first, over bytes, so that eight of them are read at once.
//! Not for the Gorilla streams of the head (see `bits`), whose order is the other one.

use crate::coding::{Malformed, Reader};

/// A growing bit stream at the end of a byte vector.
#[derive(Debug)]
pub(super) struct BitSink<'o> {
    out: &'o mut Vec<u8>,
    partial: u64,
    used: u32,
}

impl<'o> BitSink<'o> {
    pub(super) fn new(out: &'o mut Vec<u8>) -> BitSink<'o> {
        BitSink {
            out,
            partial: 0,
            used: 0,
        }
    }

    /// Appends the low `n` bits of `value`, 0 to 64 of them; the bits above are zero.
    #[inline]
    pub(super) fn put(&mut self, value: u64, n: u32) {
        debug_assert!(n <= 64 && (n == 64 || value >> n == 0));
        if n == 0 {
            return;
        }
        self.partial |= value << self.used;
        let free = 64 - self.used;
        if n < free {
            self.used += n;
            return;
        }
        self.out.extend_from_slice(&self.partial.to_le_bytes());
        self.used = n - free;
        self.partial = if self.used == 0 { 0 } else { value >> free };
    }

    /// Pads to a whole byte.
    pub(super) fn finish(self) {
        let last = self.used.div_ceil(8) as usize;
        self.out.extend_from_slice(&self.partial.to_le_bytes()[..last]);
    }
}

/// Reads a bit stream. Behind its end it reads anything; [`BitSource::check`] tells whether that happened.
#[derive(Debug)]
pub(super) struct BitSource<'a> {
    /// The stream and what follows it, so that eight bytes can be read at its end too.
    bytes: &'a [u8],
    len: usize,
    at: usize,
}

/// Bits that [`BitSource::peek`] shows at least.
pub(super) const PEEK_BITS: u32 = 56;

impl<'a> BitSource<'a> {
    /// A stream of the next `len` bytes, which the reader goes past.
    pub(super) fn take(r: &mut Reader<'a>, len: usize) -> Result<BitSource<'a>, Malformed> {
        let bytes = r.clone().take(r.remaining())?;
        r.take(len)?;
        Ok(BitSource { bytes, len, at: 0 })
    }

    /// A stream behind its length.
    pub(super) fn take_framed(r: &mut Reader<'a>) -> Result<BitSource<'a>, Malformed> {
        let len = r.count(1)?;
        BitSource::take(r, len)
    }

    /// The next bits, [`PEEK_BITS`] of them at least, right-aligned.
    #[inline]
    pub(super) fn peek(&self) -> u64 {
        let from = self.at / 8;
        match self.bytes.get(from..from + 8) {
            Some(b) => u64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]) >> (self.at % 8),
            None => self.peek_end(from),
        }
    }

    #[cold]
    fn peek_end(&self, from: usize) -> u64 {
        let rest = self.bytes.get(from..).unwrap_or_default();
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        u64::from_le_bytes(word) >> (self.at % 8)
    }

    /// Goes on by `n` bits.
    #[inline]
    pub(super) fn skip(&mut self, n: u32) {
        self.at += n as usize;
    }

    /// The next `n` bits, 0 to 64 of them, right-aligned.
    #[inline]
    pub(super) fn get(&mut self, n: u32) -> u64 {
        if n <= PEEK_BITS {
            let bits = self.peek() & mask(n);
            self.skip(n);
            return bits;
        }
        let low = self.get(32);
        low | self.get(n - 32) << 32
    }

    /// Refuses a stream that was read beyond its end.
    pub(super) fn check(&self) -> Result<(), Malformed> {
        if self.at > self.len * 8 {
            return Err(Malformed("bit stream ends early"));
        }
        Ok(())
    }
}

/// The low `n` bits set, `n` below 64.
#[inline]
pub(super) fn mask(n: u32) -> u64 {
    (1 << n) - 1
}
