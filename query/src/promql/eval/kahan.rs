//! Sums that keep the digits a plain sum loses (Kahan's method in Neumaier's form), with Prometheus' treatment of infinities.

/// A compensated sum.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kahan {
    pub(super) sum: f64,
    pub(super) rest: f64,
}

impl Kahan {
    #[inline]
    pub(super) fn add(&mut self, value: f64) {
        let total = self.sum + value;
        if total.is_infinite() {
            self.rest = 0.0;
        } else if self.sum.abs() >= value.abs() {
            self.rest += (self.sum - total) + value;
        } else {
            self.rest += (value - total) + self.sum;
        }
        self.sum = total;
    }

    pub(super) fn total(self) -> f64 {
        if self.sum.is_infinite() {
            self.sum
        } else {
            self.sum + self.rest
        }
    }
}

/// A mean that goes on incrementally when the sum would overflow.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mean {
    acc: Kahan,
    count: f64,
    incremental: bool,
}

impl Mean {
    #[inline]
    pub(super) fn add(&mut self, value: f64) {
        self.count += 1.0;
        if self.count == 1.0 {
            self.acc.sum = value;
            return;
        }
        if !self.incremental {
            let mut next = self.acc;
            next.add(value);
            if !next.sum.is_infinite() {
                self.acc = next;
                return;
            }
            self.incremental = true;
            self.acc.sum /= self.count - 1.0;
            self.acc.rest /= self.count - 1.0;
        }
        let kept = (self.count - 1.0) / self.count;
        self.acc = Kahan {
            sum: kept * self.acc.sum,
            rest: kept * self.acc.rest,
        };
        self.acc.add(value / self.count);
    }

    pub(super) fn value(self) -> f64 {
        if self.incremental {
            self.acc.sum + self.acc.rest
        } else {
            self.acc.sum / self.count + self.acc.rest / self.count
        }
    }
}

/// Variance by Welford's method with compensated sums.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Variance {
    count: f64,
    mean: Kahan,
    squares: Kahan,
}

impl Variance {
    #[inline]
    pub(super) fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - (self.mean.sum + self.mean.rest);
        self.mean.add(delta / self.count);
        self.squares
            .add(delta * (value - (self.mean.sum + self.mean.rest)));
    }

    pub(super) fn value(self) -> f64 {
        (self.squares.sum + self.squares.rest) / self.count
    }
}
