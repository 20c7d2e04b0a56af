//! Compares results with expectations by Prometheus' rules. Not for annotations of other queries than the one asked.

use kymo_engine::labels::Labels;
use kymo_engine::metrics::is_stale;

use super::expectation::{Expectation, Row, Text};
use super::script::Times;
use super::sequence::Element;
use crate::promql::eval::{Annotations, Series, Value};
use crate::promql::histogram::{Buckets, FloatHistogram};

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

fn shown(labels: &Labels, samples: &[(i64, Element)]) -> String {
    let pairs: Vec<String> = samples
        .iter()
        .map(|(t, element)| match element {
            Element::Omitted => format!("_@{t}"),
            Element::Float(value) => format!("{value}@{t}"),
            Element::Histogram { value, .. } => format!("{}@{t}", detailed(value)),
        })
        .collect();
    format!("{labels:?} {}", pairs.join(" "))
}

/// A histogram with what its text leaves out.
fn detailed(h: &FloatHistogram) -> String {
    format!(
        "{h}/schema {} zero {} {:?} {:?}",
        h.schema, h.zero_threshold, h.custom_values, h.reset_hint
    )
}

fn all_shown(series: &[Series]) -> String {
    if series.is_empty() {
        return "an empty result".to_owned();
    }
    series
        .iter()
        .map(|s| shown(&s.labels, &elements(s)))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The samples of a series with their times.
fn elements(series: &Series) -> Vec<(i64, Element)> {
    let floats = series.samples.timestamps.iter().zip(&series.samples.values);
    let histograms = series.histograms.iter().map(|(t, value)| {
        let value = value.clone();
        (*t, Element::Histogram { value, hinted: false })
    });
    let mut all: Vec<(i64, Element)> = floats
        .map(|(t, v)| (*t, Element::Float(*v)))
        .chain(histograms)
        .collect();
    all.sort_by_key(|(time, _)| *time);
    all
}

/// The expected samples of a row, at multiples of the step.
fn samples_of(row: &Row, start: i64, step: i64) -> Vec<(i64, Element)> {
    let there = row.elements.iter().enumerate();
    there
        .filter(|(_, element)| !matches!(element, Element::Omitted))
        .map(|(i, element)| (start + step * i as i64, element.clone()))
        .collect()
}

fn same_samples(want: &[(i64, Element)], got: &[(i64, Element)], with_times: bool) -> bool {
    want.len() == got.len()
        && want.iter().zip(got).all(|((at, want), (time, got))| {
            (!with_times || at == time)
                && match (want, got) {
                    (Element::Float(want), Element::Float(got)) => almost_equal(*want, *got),
                    (Element::Histogram { value, hinted }, Element::Histogram { value: got, .. }) => {
                        same_histograms(value, got, *hinted)
                    }
                    _ => false,
                }
        })
}

fn same_histograms(want: &FloatHistogram, got: &FloatHistogram, with_hint: bool) -> bool {
    let (mut want, mut got) = (want.clone(), got.clone());
    want.compact();
    got.compact();
    let same_side = |a: &Buckets, b: &Buckets| {
        a.indexes() == b.indexes()
            && a.counts()
                .iter()
                .zip(b.counts())
                .all(|(a, b)| almost_equal(*a, *b))
    };
    want.schema == got.schema
        && almost_equal(want.count, got.count)
        && almost_equal(want.sum, got.sum)
        && want.custom_values == got.custom_values
        && want.zero_threshold == got.zero_threshold
        && almost_equal(want.zero_count, got.zero_count)
        && same_side(&want.positive, &got.positive)
        && same_side(&want.negative, &got.negative)
        && (!with_hint || want.reset_hint == got.reset_hint)
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
    let rows: Vec<(Labels, Vec<(i64, Element)>)> = want
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
        let same = only.labels.is_empty()
            && only.histograms.is_empty()
            && only.samples.values.iter().all(|v| almost_equal(scalar, *v));
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
                if *labels == one.labels && same_samples(samples, &elements(one), with_times) => {}
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
