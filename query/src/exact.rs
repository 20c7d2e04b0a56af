//! Sums of floats that do not depend on their order. Not for sums of whole numbers, which never do.

use std::cmp::Ordering;

/// A sum without rounding errors: floats that do not overlap, whose sum is the exact one (Shewchuk's expansions).
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Exact {
    parts: Vec<f64>,
    /// What is not finite, summed apart.
    special: f64,
}

impl Exact {
    pub(crate) fn add(&mut self, x: f64) {
        if !x.is_finite() {
            self.special += x;
            return;
        }
        let (mut x, mut kept) = (x, 0);
        for at in 0..self.parts.len() {
            let mut y = self.parts[at];
            if x.abs() < y.abs() {
                std::mem::swap(&mut x, &mut y);
            }
            let high = x + y;
            let low = y - (high - x);
            if low != 0.0 {
                self.parts[kept] = low;
                kept += 1;
            }
            x = high;
        }
        self.parts.truncate(kept);
        if x.is_finite() {
            self.parts.push(x);
        } else {
            self.special += x;
        }
    }

    pub(crate) fn merge(&mut self, other: &Exact) {
        other.parts.iter().for_each(|part| self.add(*part));
        self.special += other.special;
    }

    /// The exact sum, rounded once.
    pub(crate) fn value(&self) -> f64 {
        if self.special != 0.0 || self.special.is_nan() {
            return self.special;
        }
        let mut parts = self.parts.iter().rev();
        let mut high = parts.next().copied().unwrap_or(0.0);
        let mut low = 0.0;
        for part in parts.by_ref() {
            let x = high;
            high = x + part;
            low = part - (high - x);
            if low != 0.0 {
                break;
            }
        }
        // Half-way cases round by the sign of what follows.
        let next = parts.next().copied().unwrap_or(0.0);
        let same = low.partial_cmp(&0.0) == next.partial_cmp(&0.0)
            && next.partial_cmp(&0.0) != Some(Ordering::Equal);
        if same {
            let twice = low * 2.0;
            let up = high + twice;
            if twice == up - high {
                return up;
            }
        }
        high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(list: &[f64]) -> f64 {
        let mut exact = Exact::default();
        list.iter().for_each(|x| exact.add(*x));
        exact.value()
    }

    #[test]
    fn the_order_does_not_matter() {
        let list = [1e16, 1.0, -1e16, 0.1, 0.2, 0.3, 1e-9, -0.6];
        let forward = sum(&list);
        let mut back = list;
        back.reverse();
        assert_eq!(forward.to_bits(), sum(&back).to_bits());
        assert_eq!(sum(&[0.1; 10]), 1.0);
        let (mut a, mut b) = (Exact::default(), Exact::default());
        list[..3].iter().for_each(|x| a.add(*x));
        list[3..].iter().for_each(|x| b.add(*x));
        b.merge(&a);
        assert_eq!(b.value().to_bits(), forward.to_bits());
    }

    #[test]
    fn what_is_not_finite_stays_so() {
        assert_eq!(sum(&[1.0, f64::INFINITY]), f64::INFINITY);
        assert!(sum(&[f64::NEG_INFINITY, f64::INFINITY]).is_nan());
        assert_eq!(sum(&[]), 0.0);
    }
}
