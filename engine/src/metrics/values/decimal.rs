//! Values as integers over one of a few divisors, powers of ten first: `value = integer / divisor`, which division rounds
//! correctly, so that a value that was written in decimal comes back exactly. What additions in floating point left over is told in units of
//! the last place. Not every value is a decimal; those that are not are left to the caller.

/// What integers are divided by: powers of ten; thirds of them, which averages over three, six or sixty leave; and the
/// powers of ten that nearly every value is near to, last.
const DIVISORS: [f64; 25] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 3e0, 3e1, 3e2, 3e3, 3e4, 3e5, 3e6, 1e10, 1e11, 1e12,
    1e13, 1e14, 1e15, 1e16, 1e17,
];
/// Units of the last place that a value may be off its decimal.
const OFF_MAX: u64 = 64;
/// Values that the scale is chosen by.
const SAMPLE: usize = 24;
/// Among how many values one that is not decimal is bearable.
const BEARABLE: usize = 8;

/// Values that are decimals, or nearly.
#[derive(Debug, Default)]
pub(super) struct Decimals {
    /// Number of the divisor.
    pub(super) scale: u8,
    /// One for each value that is decimal.
    pub(super) integers: Vec<i64>,
    /// What to add to the bits of each quotient; empty when that is always zero.
    pub(super) off: Vec<i64>,
    /// Positions of the values that are not decimal.
    pub(super) others: Vec<usize>,
}

/// The integer over a divisor nearest to a value, and how many units of the last place that is off.
#[inline]
fn nearest(value: f64, divisor: f64) -> Option<(i64, i64)> {
    let scaled = value * divisor;
    // Rounding by a cast, which is not a call; from 2^51 on a half would not be exact, but halves are not near anything.
    let half = if scaled.abs() < 2_251_799_813_685_248.0 {
        0.5f64.copysign(scaled)
    } else {
        0.0
    };
    let integer = (scaled + half) as i64;
    let off = (value.to_bits() as i64).wrapping_sub(quotient_bits(integer, divisor));
    (off.unsigned_abs() <= OFF_MAX).then_some((integer, off))
}

#[inline]
fn quotient_bits(integer: i64, divisor: f64) -> i64 {
    (integer as f64 / divisor).to_bits() as i64
}

/// The smallest scale from `from` on that comes near a value.
fn scale_of(value: f64, from: u8) -> Option<u8> {
    let mut scales = from..DIVISORS.len() as u8;
    scales.find(|e| nearest(value, DIVISORS[usize::from(*e)]).is_some())
}

/// The integer and scale of a value that is a decimal exactly.
pub(super) fn exactly(value: f64) -> Option<(i64, u8)> {
    let scale = scale_of(value, 0)?;
    let (integer, off) = nearest(value, DIVISORS[usize::from(scale)])?;
    (off == 0).then_some((integer, scale))
}

/// Exponents worth trying, best first: that of nearly all values, then that of all.
fn candidates(values: &[f64]) -> [Option<u8>; 2] {
    let mut some = [None; SAMPLE];
    let len = values.len().min(SAMPLE);
    // What is near at a scale is near at higher ones, so the search need not begin again for each value.
    let (mut from, mut misses) = (0, 0);
    for (i, scale) in some[..len].iter_mut().enumerate() {
        *scale = scale_of(values[i * values.len() / len], from);
        from = scale.unwrap_or(from);
        misses += usize::from(scale.is_none());
        if misses * 4 > len && misses == i + 1 {
            return [None, None];
        }
    }
    // None is what no scale fits: above all others.
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
    /// Finds the scale of values, all finite and at least one; none when too many are not decimals.
    pub(super) fn of(values: &[f64]) -> Option<Decimals> {
        let mut found = Decimals {
            integers: Vec::with_capacity(values.len()),
            off: Vec::with_capacity(values.len()),
            ..Decimals::default()
        };
        for scale in candidates(values).into_iter().flatten() {
            let mut scale = scale;
            // A value that the sample missed may have more decimals than the sample.
            for _ in 0..4 {
                match found.fill(values, scale) {
                    Ok(()) => return Some(found),
                    Err(Some(higher)) => scale = higher,
                    Err(None) => break,
                }
            }
        }
        None
    }

    /// Fills in the integers that the values begin with and returns their number: most series have nothing else.
    fn fill_whole(&mut self, values: &[f64]) -> usize {
        let whole = |v: &&f64| (**v as i64 as f64).to_bits() == v.to_bits();
        self.integers
            .extend(values.iter().take_while(whole).map(|v| *v as i64));
        self.off.resize(self.integers.len(), 0);
        self.integers.len()
    }

    /// Fills in all values at a scale. Fails with a higher scale where that fits more of them.
    fn fill(&mut self, values: &[f64], scale: u8) -> Result<(), Option<u8>> {
        let divisor = DIVISORS[usize::from(scale)];
        self.scale = scale;
        self.integers.clear();
        self.off.clear();
        self.others.clear();
        let mut any_off = 0;
        let whole = if scale == 0 { self.fill_whole(values) } else { 0 };
        for (i, value) in values.iter().enumerate().skip(whole) {
            match nearest(*value, divisor) {
                Some((integer, off)) => {
                    self.integers.push(integer);
                    self.off.push(off);
                    any_off |= off;
                }
                None => {
                    self.others.push(i);
                    if self.others.len() * BEARABLE > values.len() {
                        let higher = self.others.iter().map(|i| scale_of(values[*i], scale + 1));
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

/// Appends the values of integers; `off` is empty or of the same length. False when the scale is out of range.
pub(super) fn restore(integers: &[i64], off: &[i64], scale: u8, out: &mut Vec<f64>) -> bool {
    let Some(divisor) = DIVISORS.get(usize::from(scale)) else {
        return false;
    };
    if !off.is_empty() {
        let exact = |(integer, off): (&i64, &i64)| {
            f64::from_bits(quotient_bits(*integer, *divisor).wrapping_add(*off) as u64)
        };
        out.extend(integers.iter().zip(off).map(exact));
    } else if scale == 0 {
        out.extend(integers.iter().map(|integer| *integer as f64));
    } else {
        out.extend(integers.iter().map(|integer| *integer as f64 / divisor));
    }
    true
}
