//! Quantiles of plain values. Not for those of histograms (see `classic`).

use std::cmp::Ordering;

use super::context::Context;
use crate::lex::Span;

/// Order of values with NaN below everything.
pub(super) fn nan_first(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

/// The `q`-quantile by linear interpolation. It sorts the values.
pub(super) fn quantile(q: f64, values: &mut [f64]) -> f64 {
    values.sort_by(|a, b| nan_first(*a, *b));
    quantile_of_sorted(q, values)
}

/// As [`quantile`], of values in the order of [`nan_first`].
pub(super) fn quantile_of_sorted(q: f64, values: &[f64]) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    let rank = q * (values.len() - 1) as f64;
    let lower = rank.floor();
    let upper = ((lower as usize) + 1).min(values.len() - 1);
    let weight = rank - lower;
    values[lower as usize] * (1.0 - weight) + values[upper] * weight
}

/// The warning for a quantile outside of [0, 1].
pub(super) fn warn_range(context: &Context<'_>, q: f64, span: Span) {
    let got = crate::number::format_go(q);
    context.warn(
        span,
        format!("quantile value should be between 0 and 1, got {got}"),
    );
}
