//! Samples by family in the order of their names, as every format writes them.

use kymo_engine::labels::{Labels, METRIC_NAME};
use kymo_engine::metrics::{CUSTOM_BUCKETS, Counts, Histogram, ResetHint, Span};

use super::format::{Format, Kind};

/// The newest sample of a series.
pub(super) struct Newest {
    /// Milliseconds since 1970.
    pub(super) time: i64,
    pub(super) value: Value,
}

/// A value.
pub(super) enum Value {
    Float(f64),
    Histogram(Histogram),
}

/// What a family holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Untyped,
    Histogram,
    GaugeHistogram,
}

/// Samples of one name and type.
pub(super) struct Family {
    pub(super) name: String,
    pub(super) kind: Type,
    pub(super) members: Vec<Member>,
}

/// A sample with its labels, spelled for the format.
pub(super) struct Member {
    pub(super) labels: Vec<(String, String)>,
    pub(super) time: i64,
    pub(super) value: Value,
}

/// Groups samples that are sorted by labels. Without a name they are left out, as are histograms that the format cannot write.
pub(super) fn families(
    mut found: Vec<(Labels, Newest)>,
    external: &[(String, String)],
    format: &Format,
) -> Vec<Family> {
    found.sort_by(|a, b| a.0.metric_name().cmp(b.0.metric_name()));
    let mut out: Vec<Family> = Vec::new();
    for (labels, newest) in found {
        let name = labels.metric_name();
        let kind = match &newest.value {
            Value::Float(_) => Type::Untyped,
            Value::Histogram(h) if h.schema != CUSTOM_BUCKETS && format.kind != Kind::Protobuf => continue,
            Value::Histogram(h) if h.reset_hint == ResetHint::Gauge => Type::GaugeHistogram,
            Value::Histogram(_) => Type::Histogram,
        };
        if name.is_empty() {
            continue;
        }
        let name = format.escaping.spell(name);
        if out
            .last()
            .is_none_or(|last| last.name != name || last.kind != kind)
        {
            out.push(Family {
                name,
                kind,
                members: Vec::new(),
            });
        }
        if let Some(family) = out.last_mut() {
            family.members.push(Member {
                labels: spelled(&labels, external, format),
                time: newest.time,
                value: newest.value,
            });
        }
    }
    out
}

/// The labels without the name, then the external ones that are missing. A series without `instance` gets an empty one, so
/// that the scraper does not put its own there.
fn spelled(labels: &Labels, external: &[(String, String)], format: &Format) -> Vec<(String, String)> {
    let own = labels.iter().filter(|(name, _)| *name != METRIC_NAME);
    let mut out: Vec<(String, String)> = own
        .map(|(name, value)| (format.escaping.spell(name), value.to_owned()))
        .collect();
    let mut added: Vec<(&str, &str)> = external.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    if !external.iter().any(|(name, _)| name == "instance") {
        added.push(("instance", ""));
        added.sort_unstable();
    }
    for (name, value) in added {
        if labels.get(name).is_none() {
            out.push((format.escaping.spell(name), value.to_owned()));
        }
    }
    out
}

/// Count, zero count, and the counts of positive and negative buckets of a histogram.
pub(super) fn counts(h: &Histogram) -> (f64, f64, Vec<f64>, Vec<f64>) {
    let all = |counts: &[u64]| counts.iter().map(|n| *n as f64).collect();
    match &h.counts {
        Counts::Integer {
            count,
            zero,
            positive,
            negative,
        } => (*count as f64, *zero as f64, all(positive), all(negative)),
        Counts::Float {
            count,
            zero,
            positive,
            negative,
        } => (*count, *zero, positive.clone(), negative.clone()),
    }
}

/// The classic buckets of a histogram with custom bounds: upper bounds with cumulated counts, +Inf last.
pub(super) fn classic_buckets(h: &Histogram) -> Vec<(f64, f64)> {
    let (count, _, positive, _) = counts(h);
    let mut by_index = vec![0.0; h.custom_values.len() + 1];
    for (index, n) in indexes(&h.positive_spans).zip(positive) {
        if let Some(bucket) = by_index.get_mut(index) {
            *bucket += n;
        }
    }
    let mut total = 0.0;
    let bounds = h.custom_values.iter().zip(&by_index);
    let mut out: Vec<(f64, f64)> = bounds
        .map(|(bound, n)| {
            total += n;
            (*bound, total)
        })
        .collect();
    out.push((f64::INFINITY, count));
    out
}

/// The indexes of the buckets of spans that begin at 0 or later.
fn indexes(spans: &[Span]) -> impl Iterator<Item = usize> {
    let mut next = 0_i64;
    spans.iter().flat_map(move |span| {
        let first = next + i64::from(span.offset);
        next = first + i64::from(span.length);
        (first..next).filter_map(|i| usize::try_from(i).ok())
    })
}
