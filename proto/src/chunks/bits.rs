//! Streams of bits, the highest of each byte first. Not for what the bits mean.

use crate::error::{Error, Result};

/// Bits being written.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits of the last byte that are free.
    free: u32,
}

impl BitWriter {
    /// Continues after whole bytes.
    pub(super) fn after(bytes: Vec<u8>) -> BitWriter {
        BitWriter { bytes, free: 0 }
    }

    pub(super) fn bit(&mut self, bit: bool) {
        self.bits(u64::from(bit), 1);
    }

    /// Appends the lowest `n` bits of `value`, at most 64.
    pub(super) fn bits(&mut self, value: u64, mut n: u32) {
        while n > 0 {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            let take = n.min(self.free);
            let part = (value >> (n - take)) & ((1 << take) - 1);
            if let Some(last) = self.bytes.last_mut() {
                *last |= (part << (self.free - take)) as u8;
            }
            self.free -= take;
            n -= take;
        }
    }

    pub(super) fn double(&mut self, value: f64) {
        self.bits(value.to_bits(), 64);
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Bits being read.
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    /// The next bit.
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> BitReader<'a> {
        BitReader { bytes, at: 0 }
    }

    pub(super) fn bit(&mut self) -> Result<bool> {
        Ok(self.bits(1)? == 1)
    }

    /// The next `n` bits, at most 64.
    pub(super) fn bits(&mut self, n: u32) -> Result<u64> {
        if self.at + n as usize > self.bytes.len() * 8 {
            return Err(Error::Chunk {
                what: "it ends inside a sample",
            });
        }
        let mut value = 0_u64;
        let mut left = n;
        while left > 0 {
            let (byte, used) = (self.at / 8, (self.at % 8) as u32);
            let take = left.min(8 - used);
            let part = (u64::from(self.bytes[byte]) >> (8 - used - take)) & ((1 << take) - 1);
            value = value << (take % 64) | part;
            self.at += take as usize;
            left -= take;
        }
        Ok(value)
    }

    pub(super) fn double(&mut self) -> Result<f64> {
        Ok(f64::from_bits(self.bits(64)?))
    }

    /// A varint whose bytes need not begin at a byte.
    pub(super) fn varint(&mut self) -> Result<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.bits(8)?;
            value |= (byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Error::Chunk {
            what: "an integer is longer than 64 bits",
        })
    }
}
