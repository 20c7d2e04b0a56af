//! Entropy coding by finer classes: besides the length of a number the bits right below its top one, and its sign, may
//! belong to the symbol. Smaller than plain classes where a distribution is steep.

use super::ans::{Model, SYMBOLS_MAX, Table};
use super::entropy::{entropy, put_symbols};
use super::stream::{BitSource, PEEK_BITS, mask};
use crate::coding::{Malformed, Reader, put_uvarint};

const SIGNED: u8 = 4;

/// What belongs to the symbol.
#[derive(Debug, Clone, Copy)]
struct Split {
    /// Bits below the top one.
    sharp: u32,
    /// Whether the lowest bit, which zigzag numbers have for the sign, does: 0 or 1.
    signed: u32,
}

impl Split {
    /// The code of a number and how many of its bits are told plainly. Codes ascend with the magnitude, without gaps.
    #[inline]
    fn code(self, n: u64) -> (u32, u32) {
        let magnitude = n >> self.signed;
        let len = 64 - magnitude.leading_zeros();
        let below = len.saturating_sub(1 + self.sharp);
        let code = (below << self.sharp) + (magnitude >> below) as u32;
        (code << self.signed | (n as u32 & self.signed), below)
    }

    /// What a code stands for; none for one that no number has.
    fn base(self, code: u32) -> Option<Base> {
        let (sign, code) = (code & self.signed, code >> self.signed);
        let below = (code >> self.sharp).saturating_sub(1);
        let head = u64::from(code - (below << self.sharp));
        (below < 64).then(|| Base {
            number: head << below << self.signed | u64::from(sign),
            below,
        })
    }
}

/// The number of a code without the bits told plainly, and how many those are.
#[derive(Debug, Clone, Copy, Default)]
struct Base {
    number: u64,
    below: u32,
}

/// A column that can be coded so.
#[derive(Debug)]
pub(super) struct Fine {
    split: Split,
    /// The smallest code: symbols are counted from it.
    first: u32,
    occurrences: [u32; SYMBOLS_MAX],
    cost: f64,
}

impl Fine {
    /// The best split of numbers; none when all have too many codes.
    pub(super) fn of(numbers: &[u64]) -> Option<Fine> {
        let mut best: Option<Fine> = None;
        for (sharp, signed) in [(1, 0), (2, 0), (0, 1), (1, 1), (2, 1)] {
            let fine = Fine::with(numbers, Split { sharp, signed });
            if let Some(fine) = fine.filter(|f| best.as_ref().is_none_or(|b| f.cost < b.cost)) {
                best = Some(fine);
            }
        }
        best
    }

    fn with(numbers: &[u64], split: Split) -> Option<Fine> {
        // The smallest code may be that of the smallest magnitude with the other sign.
        let smallest = numbers.iter().min()?;
        let first = split.code(*smallest).0 & !split.signed;
        let mut occurrences = [0; SYMBOLS_MAX];
        let mut plain = 0;
        for n in numbers {
            let (code, below) = split.code(*n);
            *occurrences.get_mut((code - first) as usize)? += 1;
            plain += below;
        }
        let cost = entropy(&occurrences) + f64::from(plain) + 48.0;
        Some(Fine {
            split,
            first,
            occurrences,
            cost,
        })
    }

    /// Bits that it takes, about.
    pub(super) fn cost(&self) -> f64 {
        self.cost
    }

    /// Appends the numbers.
    pub(super) fn encode(&self, numbers: &[u64], out: &mut Vec<u8>) {
        let split = self.split;
        out.push(split.sharp as u8 | if split.signed == 1 { SIGNED } else { 0 });
        put_uvarint(out, self.first.into());
        let symbol = |n: &u64| (split.code(*n).0 - self.first) as u8;
        let symbols: Vec<u8> = numbers.iter().map(symbol).collect();
        let below = |i: usize| {
            let (_, below) = split.code(numbers[i]);
            (below, (numbers[i] >> split.signed) & mask(below))
        };
        put_symbols(&Model::new(&self.occurrences), &symbols, below, out);
    }
}

/// Reads what [`Fine::encode`] wrote.
pub(super) fn decode(r: &mut Reader<'_>, count: usize, out: &mut Vec<i64>) -> Result<(), Malformed> {
    let split = match r.u8()? {
        sharp @ 0..=2 => Split {
            sharp: sharp.into(),
            signed: 0,
        },
        sharp @ 4..=6 => Split {
            sharp: u32::from(sharp - SIGNED),
            signed: 1,
        },
        _ => return Err(Malformed("split of numbers")),
    };
    let first = r.uvarint32()?;
    let mut bits = BitSource::take_framed(r)?;
    let model = Model::read(&mut bits, SYMBOLS_MAX)?;
    let mut bases = [Base::default(); SYMBOLS_MAX];
    for (symbol, base) in bases.iter_mut().enumerate().take(model.symbols()) {
        let code = first.checked_add(symbol as u32).and_then(|code| split.base(code));
        *base = code.ok_or(Malformed("code of a number"))?;
    }
    let table = Table::new(&model);
    let mut state = table.state(bits.get(table.log()) as u16);
    out.extend((0..count).map(|_| {
        let base = bases[usize::from(state.symbol) % SYMBOLS_MAX];
        let len = u32::from(state.len);
        let low = if base.below + len <= PEEK_BITS {
            let word = bits.peek();
            bits.skip(base.below + len);
            state = table.state(state.base + ((word >> base.below) & mask(len)) as u16);
            word & mask(base.below)
        } else {
            let low = bits.get(base.below);
            state = table.state(state.base + bits.get(len) as u16);
            low
        };
        (base.number | low << split.signed) as i64
    }));
    bits.check()
}
