//! Tabled asymmetric numeral systems (Duda, 2013): symbols in close to their entropy, one table look-up each. The table is
//! in the stream as counts that add up to its size. Byte layout in FORMAT.md, "Value groups".

use super::stream::{BitSink, BitSource, mask};
use crate::coding::Malformed;

/// Symbols are below this.
pub(super) const SYMBOLS_MAX: usize = 128;
const LOG_MIN: u32 = 5;
const LOG_MAX: u32 = 8;

/// Counts of symbols scaled to a power of two.
#[derive(Debug, Clone)]
pub(super) struct Model {
    log: u32,
    counts: [u16; SYMBOLS_MAX],
}

impl Model {
    /// Scales how often each symbol occurs. At least one does.
    pub(super) fn new(occurrences: &[u32; SYMBOLS_MAX]) -> Model {
        let total: u32 = occurrences.iter().sum();
        let distinct = occurrences.iter().filter(|n| **n > 0).count();
        let log = match (distinct, total) {
            (..8, ..96) => 5,
            (..24, ..192) => 6,
            (..40, ..640) => 7,
            _ => LOG_MAX,
        };
        let size = 1u32 << log;
        let mut counts = [0u16; SYMBOLS_MAX];
        for (count, n) in counts.iter_mut().zip(occurrences).filter(|(_, n)| **n > 0) {
            let scaled = (u64::from(*n) * u64::from(size) * 2 / u64::from(total)).div_ceil(2);
            *count = scaled.clamp(1, u64::from(size)) as u16;
        }
        let mut sum: u32 = counts.iter().map(|c| u32::from(*c)).sum();
        while sum != size {
            let Some(largest) = counts.iter_mut().max() else {
                break;
            };
            let change = (size.abs_diff(sum)).min(u32::from(*largest).div_ceil(4)).max(1) as u16;
            if sum > size {
                *largest -= change;
                sum -= u32::from(change);
            } else {
                *largest += change;
                sum += u32::from(change);
            }
        }
        Model { log, counts }
    }

    /// Appends the counts.
    pub(super) fn write(&self, bits: &mut BitSink<'_>) {
        let used = |c: &u16| *c > 0;
        let first = self.counts.iter().position(used).unwrap_or(0);
        let last = self.counts.iter().rposition(used).unwrap_or(0);
        bits.put((self.log - LOG_MIN).into(), 2);
        bits.put(first as u64, 7);
        bits.put((last - first) as u64, 7);
        // The last count is what is left.
        for count in &self.counts[first..last] {
            let n = u64::from(*count) + 1;
            let len = n.ilog2();
            bits.put(0, len);
            bits.put(1, 1);
            bits.put(n & mask(len), len);
        }
    }

    /// Reads the counts of symbols below a limit, at most [`SYMBOLS_MAX`].
    pub(super) fn read(bits: &mut BitSource<'_>, limit: usize) -> Result<Model, Malformed> {
        let log = bits.get(2) as u32 + LOG_MIN;
        let first = bits.get(7) as usize;
        let last = first + bits.get(7) as usize;
        if last >= limit {
            return Err(Malformed("symbol out of range"));
        }
        let mut counts = [0u16; SYMBOLS_MAX];
        let mut left = 1u32 << log;
        for count in &mut counts[first..last] {
            let len = bits.peek().trailing_zeros();
            if len > LOG_MAX {
                return Err(Malformed("count of a symbol"));
            }
            bits.skip(len + 1);
            let n = (1u32 << len | bits.get(len) as u32) - 1;
            left = left.checked_sub(n).ok_or(Malformed("counts over the table"))?;
            *count = n as u16;
        }
        if left == 0 {
            return Err(Malformed("counts over the table"));
        }
        counts[last] = left as u16;
        Ok(Model { log, counts })
    }

    /// The symbol of each state.
    fn spread(&self) -> [u8; 1 << LOG_MAX] {
        let size = 1usize << self.log;
        let step = (size >> 1) + (size >> 3) + 3;
        let mut symbols = [0u8; 1 << LOG_MAX];
        let mut at = 0;
        for (symbol, count) in self.counts.iter().enumerate() {
            for _ in 0..*count {
                symbols[at] = symbol as u8;
                at = (at + step) & (size - 1);
            }
        }
        symbols
    }
}

/// What the encoder says for one symbol: bits and their number.
pub(super) type Step = (u16, u8);

/// Encodes symbols: returns the decoder's first state, and fills `steps` with what the decoder reads after each symbol.
pub(super) fn encode(model: &Model, symbols: &[u8], steps: &mut Vec<Step>) -> u16 {
    let size = 1u32 << model.log;
    let mut starts = [0u16; SYMBOLS_MAX];
    let mut sum = 0;
    for (start, count) in starts.iter_mut().zip(&model.counts) {
        *start = sum;
        sum += count;
    }
    let mut next = starts;
    let mut states = vec![0u16; size as usize];
    for (at, symbol) in model.spread().iter().enumerate().take(size as usize) {
        let slot = &mut next[*symbol as usize];
        states[*slot as usize] = at as u16;
        *slot += 1;
    }
    steps.clear();
    steps.resize(symbols.len(), (0, 0));
    let mut state = size;
    for (symbol, step) in symbols.iter().zip(steps).rev() {
        let count = u32::from(model.counts[*symbol as usize]);
        let mut len = model.log - count.ilog2();
        if state >> len < count {
            len -= 1;
        }
        *step = ((state & (mask(len) as u32)) as u16, len as u8);
        let slot = u32::from(starts[*symbol as usize]) + (state >> len) - count;
        state = size + u32::from(states[slot as usize]);
    }
    (state - size) as u16
}

/// One state of the decoder.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct State {
    /// The symbol it stands for.
    pub(super) symbol: u8,
    /// Bits to read for the next state.
    pub(super) len: u8,
    /// The next state when those bits are zero.
    pub(super) base: u16,
}

/// The decoder's table: always of the largest size, so that no state is outside.
#[derive(Debug)]
pub(super) struct Table {
    states: [State; 1 << LOG_MAX],
    log: u32,
}

impl Table {
    pub(super) fn new(model: &Model) -> Table {
        let size = 1u32 << model.log;
        let mut next = model.counts;
        let mut states = [State::default(); 1 << LOG_MAX];
        for (state, symbol) in states.iter_mut().zip(model.spread()).take(size as usize) {
            let x = u32::from(next[symbol as usize]);
            next[symbol as usize] += 1;
            let len = model.log - x.ilog2();
            *state = State {
                symbol,
                len: len as u8,
                base: ((x << len) - size) as u16,
            };
        }
        Table {
            states,
            log: model.log,
        }
    }

    /// Bits of the first state.
    pub(super) fn log(&self) -> u32 {
        self.log
    }

    #[inline]
    pub(super) fn state(&self, state: u16) -> State {
        self.states[state as usize & ((1 << LOG_MAX) - 1)]
    }
}

impl Model {
    /// Symbols that occur are below this.
    pub(super) fn symbols(&self) -> usize {
        self.counts
            .iter()
            .rposition(|c| *c > 0)
            .map_or(0, |last| last + 1)
    }

    /// Bits of a first state.
    pub(super) fn log(&self) -> u32 {
        self.log
    }
}
