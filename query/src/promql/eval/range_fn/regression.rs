//! Straight lines through windows, and exponential smoothing.

use super::super::EvalError;
use super::super::kahan::Kahan;
use super::Window;
use crate::number::format_go;

/// What a least-squares line is made of, exact: times are milliseconds behind an origin, values are whole numbers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sums {
    pub(crate) n: i128,
    pub(crate) x: i128,
    pub(crate) y: i128,
    pub(crate) xy: i128,
    pub(crate) xx: i128,
}

/// Whole numbers up to here are exact as floats.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// A value as a whole number, if it is one.
#[inline]
pub(crate) fn whole(value: f64) -> Option<i128> {
    (value.trunc() == value && value.abs() <= WHOLE_MAX).then_some(value as i128)
}

impl Sums {
    /// The sums over a window; none when a value is not whole.
    fn of(w: &Window<'_>, origin: i64) -> Option<Sums> {
        let mut sums = Sums::default();
        for (time, value) in w.times.iter().zip(w.values) {
            let (x, y) = (i128::from(time.saturating_sub(origin)), whole(*value)?);
            sums.n += 1;
            sums.x += x;
            sums.y += y;
            sums.xy = sums.xy.checked_add(x * y)?;
            sums.xx = sums.xx.checked_add(x * x)?;
        }
        Some(sums)
    }

    /// Slope a second and value at the origin; none when the numbers are too large to stay exact.
    pub(crate) fn line(self) -> Option<(f64, f64)> {
        let rise = self
            .n
            .checked_mul(self.xy)?
            .checked_sub(self.x.checked_mul(self.y)?)?;
        let run = self
            .n
            .checked_mul(self.xx)?
            .checked_sub(self.x.checked_mul(self.x)?)?;
        let slope = rise as f64 / run as f64 * 1000.0;
        let n = self.n as f64;
        Some((slope, self.y as f64 / n - slope * (self.x as f64 / 1000.0) / n))
    }
}

/// Slope and value at `origin` (milliseconds) of the least-squares line.
fn line(w: &Window<'_>, origin: i64) -> (f64, f64) {
    let (mut x_sum, mut y_sum) = (Kahan::default(), Kahan::default());
    let (mut xy_sum, mut xx_sum) = (Kahan::default(), Kahan::default());
    let first = w.values[0];
    // A constant is exact, where the sums might leave a slope of rounding errors.
    if w.values.iter().all(|v| *v == first) || w.values.len() == 1 {
        return if first.is_infinite() {
            (f64::NAN, f64::NAN)
        } else {
            (0.0, first)
        };
    }
    if let Some(line) = Sums::of(w, origin).and_then(Sums::line) {
        return line;
    }
    for (time, y) in w.times.iter().zip(w.values) {
        let x = time.saturating_sub(origin) as f64 / 1000.0;
        x_sum.add(x);
        y_sum.add(*y);
        xy_sum.add(x * y);
        xx_sum.add(x * x);
    }
    let n = w.values.len() as f64;
    let plain = |k: Kahan| k.sum + k.rest;
    let (x, y, xy, xx) = (plain(x_sum), plain(y_sum), plain(xy_sum), plain(xx_sum));
    let slope = (xy - x * y / n) / (xx - x * x / n);
    (slope, y / n - slope * x / n)
}

pub(super) fn deriv(w: &Window<'_>, _: &[f64]) -> Option<f64> {
    // The first sample as origin keeps the squares small.
    (w.values.len() >= 2).then(|| line(w, w.times[0]).0)
}

pub(super) fn predict_linear(w: &Window<'_>, args: &[f64]) -> Option<f64> {
    if w.values.len() < 2 {
        return None;
    }
    let (slope, intercept) = line(w, w.eval_time);
    Some(slope * args[0] + intercept)
}

/// Refuses smoothing and trend factors that are not between 0 and 1.
pub(crate) fn check_smoothing(args: &[f64]) -> Result<(), EvalError> {
    for (value, name, short) in [(args[0], "smoothing", "sf"), (args[1], "trend", "tf")] {
        if value <= 0.0 || value >= 1.0 {
            let got = format!("{value:.6}");
            let got = if value.is_finite() { got } else { format_go(value) };
            return Err(EvalError::execution(format!(
                "invalid {name} factor. Expected: 0 < {short} < 1, got: {got}"
            )));
        }
    }
    Ok(())
}

pub(super) fn smoothing(w: &Window<'_>, args: &[f64]) -> Option<f64> {
    if w.values.len() < 2 {
        return None;
    }
    let (sf, tf) = (args[0], args[1]);
    let (mut before, mut level) = (0.0, w.values[0]);
    let mut trend = w.values[1] - w.values[0];
    for (i, value) in w.values.iter().enumerate().skip(1) {
        if i > 1 {
            trend = tf * (level - before) + (1.0 - tf) * trend;
        }
        (before, level) = (level, sf * value + (1.0 - sf) * (level + trend));
    }
    Some(level)
}
