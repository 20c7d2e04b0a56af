//! Values as integers over a power of ten: `value = integer / 10^exponent`, which division rounds correctly, so that a
//! value that was written in decimal comes back exactly. What additions in floating point left over is told in units of
//! the last place. Not every value is a decimal; those that are not are left to the caller.

/// Powers of ten that are exact.
const POWERS: [f64; 18] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
];
/// Units of the last place that a value may be off its decimal.
const OFF_MAX: u64 = 64;
/// Values that the exponent is chosen by.
const SAMPLE: usize = 24;
/// Among how many values one that is not decimal is bearable.
const BEARABLE: usize = 8;

/// Values that are decimals, or nearly.
#[derive(Debug, Default)]
pub(super) struct Decimals {
    /// Power of ten below the integers.
    pub(super) exponent: u8,
    /// One for each value that is decimal.
    pub(super) integers: Vec<i64>,
    /// What to add to the bits of each quotient; empty when that is always zero.
    pub(super) off: Vec<i64>,
    /// Positions of the values that are not decimal.
    pub(super) others: Vec<usize>,
}

/// The integer over a power of ten nearest to a value, and how many units of the last place that is off.
#[inline]
fn nearest(value: f64, power: f64) -> Option<(i64, i64)> {
    let integer = (value * power).round_ties_even() as i64;
    let off = (value.to_bits() as i64).wrapping_sub(quotient_bits(integer, power));
    (off.unsigned_abs() <= OFF_MAX).then_some((integer, off))
}

#[inline]
fn quotient_bits(integer: i64, power: f64) -> i64 {
    (integer as f64 / power).to_bits() as i64
}

/// The smallest exponent that comes near a value.
fn exponent_of(value: f64, from: u8) -> Option<u8> {
    let mut exponents = from..POWERS.len() as u8;
    exponents.find(|e| nearest(value, POWERS[usize::from(*e)]).is_some())
}

/// Exponents worth trying, best first: that of nearly all values, then that of all.
fn candidates(values: &[f64]) -> [Option<u8>; 2] {
    let mut some = [None; SAMPLE];
    let len = values.len().min(SAMPLE);
    for (i, exponent) in some[..len].iter_mut().enumerate() {
        *exponent = exponent_of(values[i * values.len() / len], 0);
    }
    // None is what no exponent fits: above all others.
    let some = &mut some[..len];
    some.sort_unstable_by_key(|e| e.unwrap_or(u8::MAX));
    let most = some[(len - 1) * (BEARABLE - 1) / BEARABLE];
    let all = some[len - 1];
    match (most, all) {
        (Some(most), Some(all)) if all <= most + 3 => [Some(all), None],
        _ => [most, all],
    }
}

impl Decimals {
    /// Finds the exponent of values, all finite and at least one; none when too many are not decimals.
    pub(super) fn of(values: &[f64]) -> Option<Decimals> {
        let mut found = Decimals::default();
        for exponent in candidates(values).into_iter().flatten() {
            let mut exponent = exponent;
            // A value that the sample missed may have more decimals than the sample.
            for _ in 0..4 {
                match found.fill(values, exponent) {
                    Ok(()) => return Some(found),
                    Err(Some(higher)) => exponent = higher,
                    Err(None) => break,
                }
            }
        }
        None
    }

    /// Fills in all values at an exponent. Fails with a higher exponent where that fits more of them.
    fn fill(&mut self, values: &[f64], exponent: u8) -> Result<(), Option<u8>> {
        let power = POWERS[usize::from(exponent)];
        self.exponent = exponent;
        self.integers.clear();
        self.off.clear();
        self.others.clear();
        let mut any_off = 0;
        for (i, value) in values.iter().enumerate() {
            match nearest(*value, power) {
                Some((integer, off)) => {
                    self.integers.push(integer);
                    self.off.push(off);
                    any_off |= off;
                }
                None => {
                    self.others.push(i);
                    if self.others.len() * BEARABLE > values.len() {
                        let higher = self.others.iter().map(|i| exponent_of(values[*i], exponent + 1));
                        return Err(higher.max().flatten());
                    }
                }
            }
        }
        if any_off == 0 {
            self.off.clear();
        }
        Ok(())
    }
}

/// Appends the values of integers; `off` is empty or of the same length. False when the exponent is out of range.
pub(super) fn restore(integers: &[i64], off: &[i64], exponent: u8, out: &mut Vec<f64>) -> bool {
    let Some(power) = POWERS.get(usize::from(exponent)) else {
        return false;
    };
    if !off.is_empty() {
        let exact = |(integer, off): (&i64, &i64)| {
            f64::from_bits(quotient_bits(*integer, *power).wrapping_add(*off) as u64)
        };
        out.extend(integers.iter().zip(off).map(exact));
    } else if exponent == 0 {
        out.extend(integers.iter().map(|integer| *integer as f64));
    } else {
        out.extend(integers.iter().map(|integer| *integer as f64 / power));
    }
    true
}
