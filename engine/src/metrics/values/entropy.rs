//! Entropy coding of unsigned integers: by the class of their length with the bits below the top one plain, or, of few
//! distinct ones, by their place among them.

use super::ans::{self, Model, SYMBOLS_MAX, Table};
use super::stream::{BitSink, BitSource, PEEK_BITS, mask};
use crate::coding::{Malformed, Reader, put_bytes, put_uvarint};

/// Lengths in bits that integers have.
const CLASSES: usize = 65;
/// Most distinct values coded by place.
const DISTINCT_MAX: usize = 48;

/// How many integers there are of each length in bits.
#[derive(Debug, Clone)]
pub(super) struct Histogram([u32; CLASSES]);

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram([0; CLASSES])
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

    /// Bits of coding by class, about.
    pub(super) fn class_cost(&self) -> f64 {
        let below = |(class, n): (usize, &u32)| class.saturating_sub(1) as f64 * f64::from(*n);
        entropy(&self.0) + self.0.iter().enumerate().map(below).sum::<f64>() + 32.0
    }

    /// Bits of packing in the cheapest width.
    pub(super) fn packed_cost(&self) -> u32 {
        self.cheapest_width().1
    }

    /// The width in which packing with patches takes least, and the bits it takes. Half of the numbers at least have it.
    pub(super) fn cheapest_width(&self) -> (u32, u32) {
        let total: u32 = self.0.iter().sum();
        let largest = self.0.iter().rposition(|n| *n > 0).unwrap_or(0);
        let mut below = 0;
        let mut best = (largest as u32, u32::MAX);
        for (width, n) in self.0[..=largest].iter().enumerate() {
            below += n;
            if below * 2 < total {
                continue;
            }
            let mut bits = total * width as u32;
            for (over, n) in self.0[width..=largest].iter().enumerate().skip(1) {
                bits += n * (8 + (over as u32).div_ceil(7) * 8);
            }
            if bits < best.1 {
                best = (width as u32, bits);
            }
        }
        best
    }
}

/// Bits of symbols that occur so often, their table included, about.
pub(super) fn entropy(occurrences: &[u32]) -> f64 {
    let total = f64::from(occurrences.iter().sum::<u32>());
    let mut bits = 0.0;
    for n in occurrences.iter().filter(|n| **n > 0) {
        let n = f64::from(*n);
        bits += n * (total / n).log2() + 5.0;
    }
    bits
}

/// Appends integers by class.
pub(super) fn encode_classes(numbers: &[u64], histogram: &Histogram, out: &mut Vec<u8>) {
    let mut occurrences = [0; SYMBOLS_MAX];
    occurrences[..CLASSES].copy_from_slice(&histogram.0);
    let symbols: Vec<u8> = numbers.iter().map(|n| class(*n) as u8).collect();
    let below = |i: usize| {
        let len = u32::from(symbols[i].saturating_sub(1));
        (len, numbers[i] & mask(len))
    };
    put_symbols(&Model::new(&occurrences), &symbols, below, out);
}

/// Reads what [`encode_classes`] wrote.
pub(super) fn decode_classes(r: &mut Reader<'_>, count: usize, out: &mut Vec<i64>) -> Result<(), Malformed> {
    let mut bits = BitSource::take_framed(r)?;
    let table = Table::new(&Model::read(&mut bits, CLASSES)?);
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

/// The distinct ones of some integers, ascending, and how often each occurs.
#[derive(Debug)]
pub(super) struct Distinct {
    values: Vec<u64>,
    occurrences: [u32; SYMBOLS_MAX],
}

impl Distinct {
    /// None when there are too many.
    pub(super) fn of(numbers: &[u64]) -> Option<Distinct> {
        let mut found = Distinct {
            values: Vec::with_capacity(DISTINCT_MAX),
            occurrences: [0; SYMBOLS_MAX],
        };
        for n in numbers {
            match found.values.binary_search(n) {
                Ok(at) => found.occurrences[at] += 1,
                Err(_) if found.values.len() == DISTINCT_MAX => return None,
                Err(at) => {
                    found.values.insert(at, *n);
                    found.occurrences.copy_within(at..DISTINCT_MAX, at + 1);
                    found.occurrences[at] = 1;
                }
            }
        }
        Some(found)
    }

    /// Bits of coding by place, about.
    pub(super) fn cost(&self) -> f64 {
        let lens = self.values.windows(2).map(|w| class(w[1] - w[0]).div_ceil(7) * 8);
        entropy(&self.occurrences) + f64::from(lens.sum::<u32>()) + 48.0
    }

    fn place(&self, n: u64) -> u8 {
        self.values.binary_search(&n).unwrap_or(0) as u8
    }

    fn write(&self, out: &mut Vec<u8>) {
        put_uvarint(out, self.values.len() as u64);
        let mut last = 0;
        for n in &self.values {
            put_uvarint(out, n - last);
            last = *n;
        }
    }
}

/// Reads what [`Distinct::write`] wrote.
fn read_distinct(r: &mut Reader<'_>) -> Result<[u64; SYMBOLS_MAX], Malformed> {
    let len = r.count(1)?;
    if len == 0 || len > DISTINCT_MAX {
        return Err(Malformed("number of distinct integers"));
    }
    let mut distinct = [0u64; SYMBOLS_MAX];
    let mut last = 0u64;
    for n in &mut distinct[..len] {
        last = last.wrapping_add(r.uvarint()?);
        *n = last;
    }
    Ok(distinct)
}

/// Appends symbols, each with bits of its own: how many and which.
pub(super) fn put_symbols(
    model: &Model,
    symbols: &[u8],
    below: impl Fn(usize) -> (u32, u64),
    out: &mut Vec<u8>,
) {
    let mut steps = Vec::new();
    let first = ans::encode(model, symbols, &mut steps);
    let mut stream = Vec::with_capacity(symbols.len() * 2);
    let mut bits = BitSink::new(&mut stream);
    model.write(&mut bits);
    bits.put(first.into(), model.log());
    for (i, (step, len)) in steps.iter().enumerate() {
        let (below_len, below) = below(i);
        bits.put(below, below_len);
        bits.put((*step).into(), (*len).into());
    }
    bits.finish();
    put_bytes(out, &stream);
}

/// Appends integers by their place among the distinct ones.
pub(super) fn encode_distinct(numbers: &[u64], distinct: &Distinct, out: &mut Vec<u8>) {
    distinct.write(out);
    let symbols: Vec<u8> = numbers.iter().map(|n| distinct.place(*n)).collect();
    put_symbols(&Model::new(&distinct.occurrences), &symbols, |_| (0, 0), out);
}

/// Reads what [`encode_distinct`] wrote.
pub(super) fn decode_distinct(r: &mut Reader<'_>, count: usize, out: &mut Vec<i64>) -> Result<(), Malformed> {
    let distinct = read_distinct(r)?;
    let mut bits = BitSource::take_framed(r)?;
    let table = Table::new(&Model::read(&mut bits, SYMBOLS_MAX)?);
    let mut state = table.state(bits.get(table.log()) as u16);
    out.extend((0..count).map(|_| {
        let value = distinct[usize::from(state.symbol) % SYMBOLS_MAX] as i64;
        state = table.state(state.base + bits.get(state.len.into()) as u16);
        value
    }));
    bits.check()
}
