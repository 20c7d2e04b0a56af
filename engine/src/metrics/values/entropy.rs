//! Entropy coding of unsigned integers: by the class of their length with the bits below the top one plain, or, of few
//! distinct ones, by their place among them.

use super::Effort;
use super::ans::{self, Model, SYMBOLS_MAX, Table};
use super::stream::{BitSink, BitSource, PEEK_BITS, mask};
use crate::coding::{Malformed, Reader, put_bytes, put_uvarint};

/// Most distinct values coded by place.
const DISTINCT_MAX: usize = 48;

/// How many integers there are of each length in bits.
#[derive(Debug, Clone)]
pub(super) struct Histogram([u32; SYMBOLS_MAX]);

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram([0; SYMBOLS_MAX])
    }
}

#[inline]
fn class(n: u64) -> u32 {
    64 - n.leading_zeros()
}

impl Histogram {
    #[inline]
    pub(super) fn add(&mut self, n: u64) {
        self.0[class(n) as usize] += 1;
    }

    /// Bits that coding takes about.
    pub(super) fn cost(&self, effort: Effort) -> f64 {
        let total = f64::from(self.0.iter().sum::<u32>());
        if effort == Effort::Young {
            return self.packed_cost(self.cheapest_width());
        }
        let mut bits = 0.0;
        for (class, n) in self.0.iter().enumerate().filter(|(_, n)| **n > 0) {
            let n = f64::from(*n);
            bits += n * ((total / n).log2() + class.saturating_sub(1) as f64) + 5.0;
        }
        bits
    }

    fn packed_cost(&self, width: u32) -> f64 {
        let mut bits = self.0.iter().sum::<u32>() * width;
        for (over, n) in self.0[width as usize..].iter().enumerate().skip(1) {
            bits += n * (8 + (over as u32).div_ceil(7) * 8);
        }
        f64::from(bits)
    }

    /// The width in which packing with patches takes least. Half of the numbers at least have it.
    pub(super) fn cheapest_width(&self) -> u32 {
        let total: u32 = self.0.iter().sum();
        let mut below = 0;
        let (mut best, mut cost) = (64, f64::INFINITY);
        for (width, n) in self.0.iter().enumerate() {
            below += n;
            if below * 2 < total {
                continue;
            }
            let bits = self.packed_cost(width as u32);
            if bits < cost {
                (best, cost) = (width as u32, bits);
            }
            if below == total {
                break;
            }
        }
        best
    }
}

/// Appends integers by class.
pub(super) fn encode_classes(numbers: &[u64], histogram: &Histogram, out: &mut Vec<u8>) {
    let model = Model::new(&histogram.0);
    let symbols: Vec<u8> = numbers.iter().map(|n| class(*n) as u8).collect();
    let mut steps = Vec::new();
    let first = ans::encode(&model, &symbols, &mut steps);
    let mut stream = Vec::with_capacity(numbers.len() * 2);
    let mut bits = BitSink::new(&mut stream);
    model.write(&mut bits);
    bits.put(first.into(), model.log());
    for ((n, symbol), (step, len)) in numbers.iter().zip(&symbols).zip(&steps) {
        let below = u32::from(symbol.saturating_sub(1));
        bits.put(n & mask(below), below);
        bits.put((*step).into(), (*len).into());
    }
    bits.finish();
    put_bytes(out, &stream);
}

/// Reads what [`encode_classes`] wrote.
pub(super) fn decode_classes(r: &mut Reader<'_>, count: usize, out: &mut Vec<i64>) -> Result<(), Malformed> {
    let mut bits = BitSource::new(r.bytes()?);
    let table = Table::new(&Model::read(&mut bits)?);
    let mut state = table.state(bits.get(table.log()) as u16);
    out.extend((0..count).map(|_| {
        let below = u32::from(state.symbol.saturating_sub(1));
        let top = u64::from(state.symbol > 0) << below;
        let len = u32::from(state.len);
        if below + len <= PEEK_BITS {
            let word = bits.peek();
            bits.skip(below + len);
            state = table.state(state.base + ((word >> below) & mask(len)) as u16);
            (top | word & mask(below)) as i64
        } else {
            let low = bits.get(below);
            state = table.state(state.base + bits.get(len) as u16);
            (top | low) as i64
        }
    }));
    bits.check()
}

/// Appends integers by their place among the distinct ones; false, with rubbish behind, when there are too many of those.
pub(super) fn encode_distinct(numbers: &[u64], out: &mut Vec<u8>) -> bool {
    let mut distinct: Vec<u64> = Vec::with_capacity(DISTINCT_MAX);
    for n in numbers {
        if let Err(at) = distinct.binary_search(n) {
            if distinct.len() == DISTINCT_MAX {
                return false;
            }
            distinct.insert(at, *n);
        }
    }
    put_uvarint(out, distinct.len() as u64);
    let mut last = 0;
    for n in &distinct {
        put_uvarint(out, n - last);
        last = *n;
    }
    let place = |n: &u64| distinct.binary_search(n).unwrap_or(0) as u8;
    let symbols: Vec<u8> = numbers.iter().map(place).collect();
    let mut occurrences = [0; SYMBOLS_MAX];
    symbols.iter().for_each(|s| occurrences[*s as usize] += 1);
    let model = Model::new(&occurrences);
    let mut steps = Vec::new();
    let first = ans::encode(&model, &symbols, &mut steps);
    let mut stream = Vec::with_capacity(numbers.len());
    let mut bits = BitSink::new(&mut stream);
    model.write(&mut bits);
    bits.put(first.into(), model.log());
    for (step, len) in &steps {
        bits.put((*step).into(), (*len).into());
    }
    bits.finish();
    put_bytes(out, &stream);
    true
}

/// Reads what [`encode_distinct`] wrote.
pub(super) fn decode_distinct(r: &mut Reader<'_>, count: usize, out: &mut Vec<i64>) -> Result<(), Malformed> {
    let len = r.count(1)?;
    if len == 0 || len > DISTINCT_MAX {
        return Err(Malformed("number of distinct integers"));
    }
    let mut distinct = [0i64; SYMBOLS_MAX];
    let mut last = 0u64;
    for n in &mut distinct[..len] {
        last = last.wrapping_add(r.uvarint()?);
        *n = last as i64;
    }
    let mut bits = BitSource::new(r.bytes()?);
    let table = Table::new(&Model::read(&mut bits)?);
    let mut state = table.state(bits.get(table.log()) as u16);
    out.extend((0..count).map(|_| {
        let value = distinct[state.symbol as usize];
        state = table.state(state.base + bits.get(state.len.into()) as u16);
        value
    }));
    bits.check()
}
