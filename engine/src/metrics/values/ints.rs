//! Columns of integers: differences of order 0, 1 or 2 around a centre, divided by what they have in common, then packed
//! with patches or entropy-coded, whichever is smallest. Exact for every `i64`; arithmetic wraps.
//! Byte layout in FORMAT.md, "Integer columns".

use super::Effort;
use super::entropy::{self, Distinct, Histogram};
use super::fine::{self, Fine};
use super::stream::{BitSink, BitSource, mask};
use crate::coding::{Malformed, Reader, put_svarint, put_uvarint};

const ORDER_CONSTANT: u8 = 3;
const ORDER_MASK: u8 = 3;
const HAS_CENTRE: u8 = 1 << 2;
const HAS_DIVISOR: u8 = 1 << 3;
const CODING_SHIFT: u32 = 4;
const CODING_PACKED: u8 = 0;
const CODING_CLASSES: u8 = 1;
const CODING_DISTINCT: u8 = 2;
const CODING_FINE: u8 = 3;

/// What is left of a column once it is predicted.
#[derive(Debug, Default)]
struct Residuals {
    order: u8,
    start: [i64; 2],
    centre: i64,
    divisor: u64,
    /// Zigzag quotients.
    quotients: Vec<u64>,
    histogram: Histogram,
}

impl Residuals {
    /// Predicts by differences of an order below the number of values.
    fn compute(&mut self, values: &[i64], order: u8) {
        self.order = order;
        self.start = [0; 2];
        self.quotients.clear();
        self.quotients.reserve(values.len());
        let out = &mut self.quotients;
        match order {
            0 => out.extend(values.iter().map(|v| *v as u64)),
            1 => out.extend(values.windows(2).map(|w| w[1].wrapping_sub(w[0]) as u64)),
            _ => out.extend(values.windows(3).map(|w| {
                let (before, last) = (w[1].wrapping_sub(w[0]), w[2].wrapping_sub(w[1]));
                last.wrapping_sub(before) as u64
            })),
        }
        if order > 0 {
            self.start[0] = values[0];
        }
        if order > 1 {
            self.start[1] = values[1].wrapping_sub(values[0]);
        }
        self.centre = if order < 2 { middle(out) } else { 0 };
        self.histogram = Histogram::default();
        for r in out {
            let n = (*r as i64).wrapping_sub(self.centre);
            *r = zigzag(n);
            self.histogram.add(*r);
        }
        self.divisor = 1;
    }

    /// Divides by the greatest common divisor.
    fn divide(&mut self) {
        let mut divisor = 0;
        for q in &self.quotients {
            divisor = greatest_common_divisor(unzigzag(*q).unsigned_abs(), divisor);
            if divisor == 1 {
                return;
            }
        }
        if divisor < 2 || divisor > i64::MAX as u64 {
            return;
        }
        self.divisor = divisor;
        self.histogram = Histogram::default();
        for q in &mut self.quotients {
            *q = zigzag(unzigzag(*q) / divisor as i64);
            self.histogram.add(*q);
        }
    }

    /// Bits that the column takes, about.
    fn cost(&self, effort: Effort) -> f64 {
        let packed = f64::from(self.histogram.packed_cost());
        let starts = f64::from(self.order) * 16.0;
        match effort {
            Effort::Young => packed + starts,
            Effort::Settled | Effort::Cold => packed.min(self.histogram.class_cost()) + starts,
        }
    }

    /// Appends the column in the coding that takes least.
    fn write(&self, effort: Effort, out: &mut Vec<u8>) {
        let packed = f64::from(self.histogram.packed_cost());
        if effort == Effort::Young {
            self.write_head(CODING_PACKED, out);
            return pack(self, out);
        }
        let classes = self.histogram.class_cost();
        let distinct = Distinct::of(&self.quotients);
        let distinct = distinct.filter(|d| d.cost() < packed.min(classes));
        let others = distinct.as_ref().map_or(packed.min(classes), Distinct::cost);
        let fine = if effort == Effort::Cold {
            Fine::of(&self.quotients)
        } else {
            None
        };
        if let Some(fine) = fine.filter(|f| f.cost() < others) {
            self.write_head(CODING_FINE, out);
            fine.encode(&self.quotients, out);
        } else if let Some(distinct) = distinct {
            self.write_head(CODING_DISTINCT, out);
            entropy::encode_distinct(&self.quotients, &distinct, out);
        } else if classes < packed {
            self.write_head(CODING_CLASSES, out);
            entropy::encode_classes(&self.quotients, &self.histogram, out);
        } else {
            self.write_head(CODING_PACKED, out);
            pack(self, out);
        }
    }

    fn write_head(&self, coding: u8, out: &mut Vec<u8>) {
        let mut head = self.order | coding << CODING_SHIFT;
        head |= if self.centre == 0 { 0 } else { HAS_CENTRE };
        head |= if self.divisor == 1 { 0 } else { HAS_DIVISOR };
        out.push(head);
        for start in &self.start[..usize::from(self.order)] {
            put_svarint(out, *start);
        }
        if self.centre != 0 {
            put_svarint(out, self.centre);
        }
        if self.divisor != 1 {
            put_uvarint(out, self.divisor);
        }
    }
}

/// The middle one of some of the values, evenly spread.
fn middle(values: &[u64]) -> i64 {
    let mut some = [0i64; 15];
    for (i, s) in some.iter_mut().enumerate() {
        *s = values[i * values.len() / 15] as i64;
    }
    some.sort_unstable();
    some[7]
}

#[inline]
fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)) as u64
}

#[inline]
fn unzigzag(n: u64) -> i64 {
    (n >> 1) as i64 ^ -((n & 1) as i64)
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Appends a column; it knows neither its length in bytes nor its number of values. An empty one takes no bytes.
pub(crate) fn encode(values: &[i64], effort: Effort, out: &mut Vec<u8>) {
    let Some(first) = values.first() else { return };
    if values.iter().all(|v| v == first) {
        out.push(ORDER_CONSTANT);
        put_svarint(out, *first);
        return;
    }
    // Packed, second differences are seldom worth the time.
    let orders = if effort == Effort::Young { 2 } else { 3 };
    let mut best = (f64::INFINITY, Residuals::default());
    let mut other = Residuals::default();
    for order in (0..orders).take(values.len()) {
        other.compute(values, order);
        let cost = other.cost(effort);
        if cost < best.0 {
            best.0 = cost;
            std::mem::swap(&mut best.1, &mut other);
        }
    }
    best.1.divide();
    best.1.write(effort, out);
}

/// All quotients in the width that is cheapest, and the high bits of the larger ones behind their distances.
fn pack(residuals: &Residuals, out: &mut Vec<u8>) {
    let (width, _) = residuals.histogram.cheapest_width();
    let quotients = &residuals.quotients;
    out.push(width as u8);
    let high = |q: u64| if width == 64 { 0 } else { q >> width };
    put_uvarint(out, quotients.iter().filter(|q| high(**q) > 0).count() as u64);
    let mut next = 0;
    for (i, q) in quotients.iter().enumerate() {
        if high(*q) > 0 {
            put_uvarint(out, (i - next) as u64);
            put_uvarint(out, high(*q));
            next = i + 1;
        }
    }
    let low = if width == 64 { u64::MAX } else { mask(width) };
    let mut bits = BitSink::new(out);
    quotients.iter().for_each(|q| bits.put(*q & low, width));
    bits.finish();
}

fn unpack(r: &mut Reader<'_>, count: usize, out: &mut Vec<i64>) -> Result<(), Malformed> {
    let width = u32::from(r.u8()?);
    if width > 64 {
        return Err(Malformed("width of packed integers"));
    }
    let patches = r.count(2)?;
    let from = out.len();
    let mut at_patches = r.clone();
    for _ in 0..patches {
        r.uvarint()?;
        r.uvarint()?;
    }
    let mut bits = BitSource::take(r, (count * width as usize).div_ceil(8))?;
    if width == 0 {
        out.resize(from + count, 0);
    } else {
        out.extend((0..count).map(|_| bits.get(width) as i64));
    }
    let mut next = from;
    for _ in 0..patches {
        let gap = at_patches.uvarint()?;
        let high = at_patches.uvarint()?;
        let at = usize::try_from(gap).ok().and_then(|gap| next.checked_add(gap));
        let value = at
            .and_then(|at| out.get_mut(at))
            .ok_or(Malformed("patch behind the column"))?;
        *value |= high.checked_shl(width).ok_or(Malformed("patch over 64 bits"))? as i64;
        next = at.unwrap_or(next) + 1;
    }
    Ok(())
}

/// The value of a column that has only one, which the reader goes past; none, and the reader where it was, for others.
pub(super) fn decode_same(r: &mut Reader<'_>) -> Result<Option<i64>, Malformed> {
    let mut ahead = r.clone();
    if ahead.u8()? != ORDER_CONSTANT {
        return Ok(None);
    }
    let value = ahead.svarint()?;
    *r = ahead;
    Ok(Some(value))
}

/// Reads a column of `count` values and appends them to `out`. The caller bounds `count`.
pub(crate) fn decode(r: &mut Reader<'_>, count: usize, out: &mut Vec<i64>) -> Result<(), Malformed> {
    if count == 0 {
        return Ok(());
    }
    let head = r.u8()?;
    let order = usize::from(head & ORDER_MASK);
    let from = out.len();
    if order == usize::from(ORDER_CONSTANT) {
        out.resize(from + count, r.svarint()?);
        return Ok(());
    }
    if order > count {
        return Err(Malformed("order over the column's length"));
    }
    let mut start = [0; 2];
    for s in &mut start[..order] {
        *s = r.svarint()?;
    }
    let centre = if head & HAS_CENTRE == 0 { 0 } else { r.svarint()? };
    let divisor = if head & HAS_DIVISOR == 0 { 1 } else { r.uvarint()? };
    out.reserve(count);
    out.extend_from_slice(&start[..order]);
    match head >> CODING_SHIFT {
        CODING_PACKED => unpack(r, count - order, out)?,
        CODING_CLASSES => entropy::decode_classes(r, count - order, out)?,
        CODING_DISTINCT => entropy::decode_distinct(r, count - order, out)?,
        CODING_FINE => fine::decode(r, count - order, out)?,
        _ => return Err(Malformed("unknown coding of integers")),
    }
    let column = &mut out[from..];
    let residuals = &mut column[order..];
    if divisor == 1 {
        residuals
            .iter_mut()
            .for_each(|q| *q = unzigzag(*q as u64).wrapping_add(centre));
    } else {
        residuals.iter_mut().for_each(|q| {
            *q = unzigzag(*q as u64)
                .wrapping_mul(divisor as i64)
                .wrapping_add(centre)
        });
    }
    integrate(column, order);
    Ok(())
}

/// Turns differences back into values. The first `order` places hold the first value and its first difference.
fn integrate(column: &mut [i64], order: usize) {
    if order == 2 {
        let mut delta = column[1];
        for d in &mut column[2..] {
            delta = delta.wrapping_add(*d);
            *d = delta;
        }
    }
    if order > 0 {
        let mut value = 0i64;
        for d in column {
            value = value.wrapping_add(*d);
            *d = value;
        }
    }
}

#[cfg(test)]
mod tests;
