//! Compares results with expectations by Prometheus' rules. Not for annotations of other queries than the one asked.

use kymo_engine::labels::Labels;
use kymo_engine::metrics::{Samples, is_stale};

use super::expectation::{Expectation, Row, Text};
use super::script::Times;
use super::sequence::Element;
use crate::promql::eval::{Annotations, Series, Value};

const TOLERANCE: f64 = 1e-6;

/// Equal up to a relative difference of 1e-6; the staleness marker equals only itself.
fn almost_equal(a: f64, b: f64) -> bool {
    if is_stale(a) || is_stale(b) {
        return is_stale(a) && is_stale(b);
    }
    if a == b || (a.is_nan() && b.is_nan()) {
        return true;
    }
    let (sum, diff) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return diff < TOLERANCE * f64::MIN_POSITIVE;
    }
    diff / sum.min(f64::MAX) < TOLERANCE
}

/// Expected and actual, where they differ.
pub(super) type Difference = (String, String);

fn shown(labels: &Labels, samples: &Samples) -> String {
    let pairs: Vec<String> = samples
        .timestamps
        .iter()
        .zip(&samples.values)
        .map(|(t, v)| format!("{v}@{t}"))
        .collect();
    format!("{labels:?} {}", pairs.join(" "))
}

fn all_shown(series: &[Series]) -> String {
    if series.is_empty() {
        return "an empty result".to_owned();
    }
    series
        .iter()
        .map(|s| shown(&s.labels, &s.samples))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The expected samples of a row, at multiples of the step.
fn samples_of(row: &Row, start: i64, step: i64) -> Samples {
    let mut samples = Samples::default();
    for (i, element) in row.elements.iter().enumerate() {
        if let Element::Float(value) = element {
            samples.push(start + step * i as i64, *value);
        }
    }
    samples
}

fn same_samples(a: &Samples, b: &Samples, with_times: bool) -> bool {
    (!with_times || a.timestamps == b.timestamps)
        && a.len() == b.len()
        && a.values.iter().zip(&b.values).all(|(a, b)| almost_equal(*a, *b))
}

/// Compares a result.
pub(super) fn value(want: &Expectation, times: Times, got: &Value) -> Result<(), Difference> {
    if let Some(text) = &want.string {
        return match got {
            Value::String(got) if got == text => Ok(()),
            got => Err((format!("{text:?}"), format!("{got:?}"))),
        };
    }
    match got {
        Value::Scalar(got) => match want.scalar {
            Some(want) if almost_equal(want, *got) => Ok(()),
            Some(want) => Err((want.to_string(), got.to_string())),
            None => Err(("no scalar".to_owned(), got.to_string())),
        },
        Value::String(got) => Err(("no string".to_owned(), format!("{got:?}"))),
        Value::Vector(got) => series(want, got, (0, 0), false),
        Value::Matrix(got) => {
            let grid = match times {
                Times::Range { start, step, .. } => (start, step),
                Times::Instant(_) => want
                    .range_vector
                    .ok_or_else(|| ("no range vector".to_owned(), all_shown(got)))?,
            };
            if !got.is_sorted_by(|a, b| a.labels < b.labels) {
                return Err(("series in the order of their labels".to_owned(), all_shown(got)));
            }
            series(want, got, grid, true)
        }
    }
}

fn series(
    want: &Expectation,
    got: &[Series],
    (start, step): (i64, i64),
    with_times: bool,
) -> Result<(), Difference> {
    let rows: Vec<(Labels, Samples)> = want
        .rows
        .iter()
        .map(|row| (row.labels.clone(), samples_of(row, start, step)))
        .collect();
    let differ = || {
        let mut rows: Vec<String> = rows
            .iter()
            .map(|(labels, samples)| shown(labels, samples))
            .collect();
        rows.extend(want.scalar.map(|scalar| scalar.to_string()));
        let want = if rows.is_empty() {
            "an empty result".to_owned()
        } else {
            rows.join("\n")
        };
        Err((want, all_shown(got)))
    };
    if let (Some(scalar), [only]) = (want.scalar, got) {
        // A scalar over a range: the same number at each step.
        let same = only.labels.is_empty() && only.samples.values.iter().all(|v| almost_equal(scalar, *v));
        return if same { Ok(()) } else { differ() };
    }
    if got.len() != rows.len() || want.scalar.is_some() {
        return differ();
    }
    for (i, one) in got.iter().enumerate() {
        let row = if want.ordered {
            rows.get(i)
        } else {
            rows.iter().find(|(labels, _)| *labels == one.labels)
        };
        match row {
            Some((labels, samples))
                if *labels == one.labels && same_samples(samples, &one.samples, with_times) => {}
            _ => return differ(),
        }
    }
    Ok(())
}

/// Compares warnings and infos where the script speaks of them.
pub(super) fn annotations(want: &Expectation, got: &Annotations) -> Result<(), Difference> {
    let check = |want: &[Text], none: bool, got: &[String], kind: &str| {
        if none && !got.is_empty() {
            return Err((format!("no {kind}"), got.join("\n")));
        }
        if want.is_empty() {
            return Ok(());
        }
        let unexpected = got.iter().find(|text| !want.iter().any(|w| w.accepts(text)));
        let missing = want.iter().find(|w| !got.iter().any(|text| w.accepts(text)));
        match (unexpected, missing) {
            (None, None) => Ok(()),
            _ => Err((format!("{kind} {want:?}"), format!("{got:?}"))),
        }
    };
    check(&want.warnings, want.no_warnings, &got.warnings, "warnings")?;
    check(&want.infos, want.no_infos, &got.infos, "infos")
}
