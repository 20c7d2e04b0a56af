//! What a recorded series does, as something that can go on for longer: constant, counting or wandering, in which unit.

use kymo_engine::metrics::is_stale;

use crate::recording::Recorded;

/// Decimals a recorded value may have to count as decimal.
const EXPONENT_MAX: i32 = 9;

/// How the values of a series are spelled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unit {
    /// Whole multiples of `step` divided by `power` of ten.
    Decimal {
        /// Greatest common divisor of the recorded multiples.
        step: f64,
        /// Power of ten.
        power: f64,
    },
    /// Sums of decimals added up in floating point, with the noise that leaves.
    Sum {
        /// Power of ten of the summands.
        power: f64,
    },
    /// Anything.
    Full,
}

/// What the values do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// Always the same value.
    Constant,
    /// Grows by the same at every scrape.
    Clockwork,
    /// Grows, and falls only to start again.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// A recorded series, ready to be played on.
#[derive(Debug, Clone)]
pub struct Shape {
    /// What the values do.
    pub motion: Motion,
    /// How they are spelled.
    pub unit: Unit,
    /// One value for each scrape of the target, in units when decimal.
    pub steps: Vec<f64>,
    /// Mean of the steps.
    pub mean: f64,
    /// What a gauge never falls below: zero, or the smallest step below it.
    pub low: f64,
    /// Whether the series is of a kind that can be NaN: neither a counter nor always NaN.
    pub can_be_nan: bool,
}

impl Shape {
    /// The shape of a series whose target was scraped at `times`; scrapes it missed repeat the value before.
    pub fn of(series: &Recorded, times: &[i64]) -> Shape {
        let samples: Vec<(i64, f64)> = series
            .samples
            .iter()
            .copied()
            .filter(|(_, v)| !is_stale(*v))
            .collect();
        let mut steps: Vec<f64> = times
            .iter()
            .map(|time| {
                let at = samples.partition_point(|(t, _)| t <= time).max(1) - 1;
                samples.get(at).map_or(f64::NAN, |(_, value)| *value)
            })
            .collect();
        let first = steps[0];
        let counter_name = ["_total", "_count", "_sum", "_bucket", "_created"]
            .iter()
            .any(|suffix| series.label("__name__").ends_with(suffix));
        let constant = steps.iter().all(|v| v.to_bits() == first.to_bits());
        // A gap inside a series that varies has no unit: it takes the value before.
        for i in 1..steps.len() {
            if steps[i].is_nan() && !constant {
                steps[i] = steps[i - 1];
            }
        }
        let unit = unit_of(&steps);
        if let Unit::Decimal { step, power } = unit {
            steps.iter_mut().for_each(|v| *v = (*v * power / step).round());
        }
        let increments = || steps.windows(2).map(|w| w[1] - w[0]);
        let motion = if constant {
            Motion::Constant
        } else if counter_name && increments().all(|d| d == steps[1] - first) {
            Motion::Clockwork
        } else if counter_name {
            Motion::Counter
        } else {
            Motion::Gauge
        };
        Shape {
            motion,
            unit,
            mean: steps.iter().sum::<f64>() / steps.len() as f64,
            low: steps.iter().copied().fold(0.0, f64::min),
            can_be_nan: !counter_name && !first.is_nan(),
            steps,
        }
    }

    /// The value of a number of units.
    pub fn value(&self, units: f64) -> f64 {
        match self.unit {
            Unit::Decimal { step, power } => units.floor() * step / power,
            Unit::Sum { .. } | Unit::Full => units,
        }
    }
}

fn unit_of(values: &[f64]) -> Unit {
    let near = |power: f64, ulps: f64| {
        values.iter().all(|v| {
            let scaled = (v * power).round();
            scaled.abs() < 9e15 && (scaled / power - v).abs() <= ulps * v.abs() * f64::EPSILON
        })
    };
    let powers = || (0..=EXPONENT_MAX).map(|e| 10f64.powi(e));
    if let Some(power) = powers().find(|power| near(*power, 0.0)) {
        let step = values.iter().fold(0, |gcd, v| {
            greatest_common_divisor(gcd, (v * power).round().abs() as u64)
        });
        let step = step.max(1) as f64;
        return Unit::Decimal { step, power };
    }
    match powers().find(|power| near(*power, 64.0)) {
        Some(power) => Unit::Sum { power },
        None => Unit::Full,
    }
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
