//! Sums and means of many histograms that keep the digits which plain additions lose.

use super::arithmetic::{Combined, Incompatible};
use super::{Buckets, FloatHistogram};

/// A compensated addition (Kahan's in Neumaier's form): what is lost of `sum` goes to `rest`.
fn add_to(sum: &mut f64, rest: &mut f64, value: f64) {
    let total = *sum + value;
    if total.is_infinite() {
        *rest = 0.0;
    } else if sum.abs() >= value.abs() {
        *rest += (*sum - total) + value;
    } else {
        *rest += (value - total) + *sum;
    }
    *sum = total;
}

/// A sum of histograms.
#[derive(Debug, Clone)]
pub(crate) struct HistogramSum {
    sum: FloatHistogram,
    /// What the counts of `sum` have lost, at the same layout.
    rest: Option<FloatHistogram>,
}

fn add_side(sum: &mut Buckets, rest: &mut Buckets, other: &Buckets) {
    sum.list_also(other);
    rest.list_also(sum);
    let mut at = 0;
    for (index, value) in other.iter() {
        while sum.indexes()[at] < index {
            at += 1;
        }
        add_to(&mut sum.counts_mut()[at], &mut rest.counts_mut()[at], value);
    }
}

impl HistogramSum {
    /// The sum of one histogram.
    pub(crate) fn new(first: &FloatHistogram) -> HistogramSum {
        HistogramSum {
            sum: first.clone(),
            rest: None,
        }
    }

    /// Adds a histogram.
    pub(crate) fn add(&mut self, other: &FloatHistogram) -> Result<Combined, Incompatible> {
        let aligned = self.sum.align(other)?;
        let other = aligned.other.as_ref().unwrap_or(other);
        let sum = &mut self.sum;
        let rest = self.rest.get_or_insert_with(|| FloatHistogram {
            zero_threshold: sum.zero_threshold,
            custom_values: sum.custom_values.clone(),
            ..FloatHistogram::empty(sum.schema)
        });
        rest.follow(sum);
        add_to(&mut sum.zero_count, &mut rest.zero_count, other.zero_count);
        add_to(&mut sum.count, &mut rest.count, other.count);
        add_to(&mut sum.sum, &mut rest.sum, other.sum);
        add_side(&mut sum.positive, &mut rest.positive, &other.positive);
        add_side(&mut sum.negative, &mut rest.negative, &other.negative);
        Ok(aligned.combined)
    }

    fn divide(&mut self, divisor: f64) {
        self.sum.divide(divisor);
        if let Some(rest) = &mut self.rest {
            rest.divide(divisor);
        }
    }

    fn multiply(&mut self, factor: f64) {
        self.sum.multiply(factor);
        if let Some(rest) = &mut self.rest {
            rest.multiply(factor);
        }
    }

    /// The total.
    pub(crate) fn total(mut self) -> FloatHistogram {
        let Some(rest) = self.rest else { return self.sum };
        let sum = &mut self.sum;
        sum.zero_count += rest.zero_count;
        sum.count += rest.count;
        sum.sum += rest.sum;
        sum.positive.combine(&rest.positive, |sum, rest| *sum += rest);
        sum.negative.combine(&rest.negative, |sum, rest| *sum += rest);
        self.sum
    }
}

impl FloatHistogram {
    /// Takes on the layout of `sum`, which is this one's or a coarser one.
    fn follow(&mut self, sum: &FloatHistogram) {
        if sum.uses_custom_buckets() {
            if self.custom_values != sum.custom_values {
                self.rebound(&sum.custom_values);
            }
            return;
        }
        if self.zero_threshold < sum.zero_threshold {
            self.widen_zero(sum.zero_threshold);
            self.zero_threshold = sum.zero_threshold;
        }
        self.reduce_to(sum.schema);
    }
}

/// A mean of histograms. It goes on incrementally when the sum would overflow.
#[derive(Debug, Clone)]
pub(crate) struct HistogramMean {
    acc: HistogramSum,
    count: f64,
    incremental: bool,
}

impl HistogramMean {
    /// The mean of one histogram.
    pub(crate) fn new(first: &FloatHistogram) -> HistogramMean {
        HistogramMean {
            acc: HistogramSum::new(first),
            count: 1.0,
            incremental: false,
        }
    }

    /// Takes in a histogram.
    pub(crate) fn add(&mut self, other: &FloatHistogram) -> Result<Combined, Incompatible> {
        self.count += 1.0;
        if !self.incremental {
            let mut next = self.acc.clone();
            let combined = next.add(other)?;
            if !next.sum.overflows() {
                self.acc = next;
                return Ok(combined);
            }
            self.incremental = true;
            self.acc.divide(self.count - 1.0);
        }
        self.acc.multiply((self.count - 1.0) / self.count);
        let mut part = other.clone();
        part.divide(self.count);
        self.acc.add(&part)
    }

    /// The mean.
    pub(crate) fn value(mut self) -> FloatHistogram {
        if !self.incremental {
            self.acc.divide(self.count);
        }
        self.acc.total()
    }
}
