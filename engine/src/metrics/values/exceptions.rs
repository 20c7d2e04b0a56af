//! The values of a chunk that its codec does not take, NaN above all: where they stand and what they are.

use crate::coding::{Malformed, Reader, put_uvarint};
use crate::metrics::series::STALE_NAN_BITS;

/// Bits that have a code of their own, from 1 on: the quiet NaN of Prometheus, the stale marker, the quiet NaN of
/// hardware, minus zero and the infinities.
const COMMON: [u64; 6] = [
    0x7ff8_0000_0000_0001,
    STALE_NAN_BITS,
    0x7ff8_0000_0000_0000,
    1 << 63,
    0x7ff0_0000_0000_0000,
    0xfff0_0000_0000_0000,
];
const CODE_EACH: u8 = 0;
const CODE_ONE: u8 = 255;

/// Positions, ascending, and bits.
#[derive(Debug, Default)]
pub(super) struct Exceptions {
    pub(super) at: Vec<u32>,
    pub(super) bits: Vec<u64>,
}

impl Exceptions {
    pub(super) fn push(&mut self, at: usize, value: f64) {
        self.at.push(at as u32);
        self.bits.push(value.to_bits());
    }

    /// Appends them. There is at least one.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_uvarint(out, self.at.len() as u64);
        let first = self.bits.first().copied().unwrap_or(0);
        let same = self.bits.iter().all(|b| *b == first);
        let common = COMMON.iter().position(|c| *c == first);
        match (same, common) {
            (true, Some(i)) => out.push(i as u8 + 1),
            (true, None) => {
                out.push(CODE_ONE);
                out.extend_from_slice(&first.to_le_bytes());
            }
            (false, _) => out.push(CODE_EACH),
        }
        let mut next = 0;
        for at in &self.at {
            put_uvarint(out, u64::from(at - next));
            next = at + 1;
        }
        if !same {
            self.bits
                .iter()
                .for_each(|b| out.extend_from_slice(&b.to_le_bytes()));
        }
    }

    /// Reads the exceptions of a chunk of `count` samples.
    pub(super) fn decode(r: &mut Reader<'_>, count: usize) -> Result<Exceptions, Malformed> {
        let n = r.count(1)?;
        if n == 0 || n > count {
            return Err(Malformed("number of exceptions"));
        }
        let code = r.u8()?;
        let same = match code {
            CODE_EACH => None,
            CODE_ONE => Some(r.u64()?),
            _ => Some(
                *COMMON
                    .get(usize::from(code) - 1)
                    .ok_or(Malformed("code of exceptions"))?,
            ),
        };
        let mut found = Exceptions::default();
        let mut next = 0u64;
        for _ in 0..n {
            let at = next.checked_add(r.uvarint()?).filter(|at| *at < count as u64);
            let at = at.ok_or(Malformed("exception behind its chunk"))?;
            found.at.push(at as u32);
            next = at + 1;
        }
        for _ in 0..n {
            found.bits.push(match same {
                Some(bits) => bits,
                None => r.u64()?,
            });
        }
        Ok(found)
    }

    /// Puts them among the other values, which end `out` from `from` on.
    pub(super) fn insert_into(&self, out: &mut Vec<f64>, from: usize) {
        let mut read = out.len();
        out.resize(read + self.at.len(), 0.0);
        let mut write = out.len();
        for (at, bits) in self.at.iter().zip(&self.bits).rev() {
            let behind = write - (from + *at as usize + 1);
            out.copy_within(read - behind..read, write - behind);
            read -= behind;
            write -= behind + 1;
            out[write] = f64::from_bits(*bits);
        }
    }

    /// The integers of the other values with each exception's place taken by the integer before it.
    pub(super) fn fill(&self, integers: &[i64], out: &mut Vec<i64>) {
        out.clear();
        let mut exceptions = self.at.iter().peekable();
        let mut last = integers.first().copied().unwrap_or(0);
        let mut rest = integers.iter();
        for at in 0..(integers.len() + self.at.len()) as u32 {
            if exceptions.next_if(|e| **e == at).is_none() {
                last = rest.next().copied().unwrap_or(last);
            }
            out.push(last);
        }
    }

    /// What stands at the places that are not exceptions.
    pub(super) fn others<'v>(&'v self, values: &'v [i64]) -> impl Iterator<Item = i64> + 'v {
        let mut exceptions = self.at.iter().peekable();
        let other = move |(at, _): &(usize, &i64)| exceptions.next_if(|e| **e as usize == *at).is_none();
        values.iter().enumerate().filter(other).map(|(_, value)| *value)
    }
}
