//! Remote write to the engine's batch: label rules, limits and time bounds, per series and per sample.
//! Duplicates and conflicts with what is stored are the engine's to find.

use kymo_engine::metrics::{Metadata, MetricKind, WriteBatch};
use kymo_proto::remote_write::{Label, Sample, Series, WriteRequest};

use super::{Reason, Rejects};
use crate::config::Limits;
use crate::units::duration_text;

/// What incoming samples are held against.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Limits of names, values and labels.
    pub limits: Limits,
    /// First millisecond accepted.
    pub time_min: i64,
    /// Last millisecond accepted.
    pub time_max: i64,
}

impl Rules {
    /// The rules at a moment, `retention_ms` 0 for data that never ages.
    pub fn at(now_ms: i64, limits: Limits, retention_ms: u64) -> Rules {
        let span = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
        Rules {
            limits,
            time_min: match retention_ms {
                0 => i64::MIN,
                ms => now_ms.saturating_sub(span(ms)),
            },
            time_max: now_ms.saturating_add(span(limits.future_ms_max)),
        }
    }
}

/// A request after validation.
#[derive(Debug, Default)]
pub struct Checked<'a> {
    /// What is to be stored.
    pub batch: WriteBatch<'a>,
    /// What is not.
    pub rejects: Rejects,
    /// Exemplars seen.
    pub exemplars: u64,
}

/// Validates a request. The same request under the same rules always gives the same batch, so a series' number in the
/// batch can be resolved again later.
pub fn check<'a>(request: &WriteRequest<'a>, rules: &Rules) -> Checked<'a> {
    let mut checked = Checked::default();
    let mut labels = Vec::new();
    for series in request.series() {
        checked.exemplars += u64::from(series.exemplars);
        match normalise(series.labels, &rules.limits, &mut labels) {
            Ok(()) => checked.push(&series, &labels, rules),
            Err(reason) => {
                let n = (series.samples.len() as u64 + u64::from(series.histograms)).max(1);
                checked.rejects.add(reason, n, || sent_labels(series.labels));
            }
        }
    }
    for metadata in &request.metadata {
        checked.push_metadata(metadata);
    }
    checked
}

impl<'a> Checked<'a> {
    fn push(&mut self, series: &Series<'_, 'a>, labels: &[(&'a str, &'a str)], rules: &Rules) {
        if series.histograms > 0 {
            self.rejects
                .add(Reason::NativeHistogram, u64::from(series.histograms), || {
                    label_text(labels)
                });
        }
        let mut refuse = |reason: Reason, sample: &Sample, bound: String| {
            self.rejects.add(reason, 1, || {
                format!("{} at {} ms, {bound}", label_text(labels), sample.timestamp)
            });
        };
        let mut good = 0;
        for sample in series.samples {
            if sample.timestamp > rules.time_max {
                let ahead = duration_text(rules.limits.future_ms_max);
                refuse(
                    Reason::TooFarInFuture,
                    sample,
                    format!("more than {ahead} ahead of the clock"),
                );
            } else if sample.timestamp < rules.time_min {
                refuse(
                    Reason::TooOld,
                    sample,
                    format!("the oldest accepted is {} ms", rules.time_min),
                );
            } else {
                good += 1;
            }
        }
        if good > 0 {
            let accepted = series
                .samples
                .iter()
                .filter(|s| (rules.time_min..=rules.time_max).contains(&s.timestamp));
            self.batch
                .push_series(labels.iter().copied(), accepted.map(|s| (s.timestamp, s.value)));
        }
    }

    /// Metadata never fails a request: entries that are not UTF-8 or name no family are left out.
    fn push_metadata(&mut self, metadata: &kymo_proto::remote_write::Metadata<'a>) {
        let text = |bytes: &'a [u8]| std::str::from_utf8(bytes).ok();
        let (Some(family), Some(help), Some(unit)) =
            (text(metadata.family), text(metadata.help), text(metadata.unit))
        else {
            return;
        };
        if !family.is_empty() {
            self.batch.metadata.push(Metadata {
                family,
                kind: MetricKind::from_number(metadata.kind),
                help,
                unit,
            });
        }
    }
}

/// Fills `out` with the labels sorted by name and without empty values.
fn normalise<'a>(
    sent: &[Label<'a>],
    limits: &Limits,
    out: &mut Vec<(&'a str, &'a str)>,
) -> Result<(), Reason> {
    out.clear();
    for label in sent {
        let name = std::str::from_utf8(label.name).map_err(|_| Reason::InvalidUtf8)?;
        let value = std::str::from_utf8(label.value).map_err(|_| Reason::InvalidUtf8)?;
        if name.is_empty() {
            return Err(Reason::EmptyLabelName);
        }
        if name.len() as u64 > limits.label_name_bytes_max {
            return Err(Reason::LabelNameTooLong);
        }
        if value.len() as u64 > limits.label_value_bytes_max {
            return Err(Reason::LabelValueTooLong);
        }
        out.push((name, value));
    }
    if !out.is_sorted_by(|a, b| a.0 < b.0) {
        out.sort_unstable_by_key(|(name, _)| *name);
        if out.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(Reason::DuplicateLabel);
        }
    }
    // An empty value is an absent label; it still must not hide a duplicate, so it goes last.
    out.retain(|(_, value)| !value.is_empty());
    if out.len() as u64 > limits.labels_per_series_max {
        return Err(Reason::TooManyLabels);
    }
    match out
        .iter()
        .any(|(name, _)| *name == kymo_engine::labels::METRIC_NAME)
    {
        true => Ok(()),
        false => Err(Reason::MissingName),
    }
}

/// Labels as Prometheus writes them: `name{a="b"}`.
pub fn label_text(labels: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = Vec::new();
    for (name, value) in labels {
        if *name == kymo_engine::labels::METRIC_NAME {
            out.push_str(value);
        } else {
            rest.push(format!("{name}={value:?}"));
        }
    }
    format!("{out}{{{}}}", rest.join(", "))
}

fn sent_labels(labels: &[Label<'_>]) -> String {
    let pairs: Vec<_> = labels
        .iter()
        .take(10)
        .map(|l| {
            let mut value = String::from_utf8_lossy(l.value).into_owned();
            value.truncate(value.floor_char_boundary(64));
            format!("{}={value:?}", String::from_utf8_lossy(l.name))
        })
        .collect();
    format!("{{{}}}", pairs.join(", "))
}

#[cfg(test)]
mod tests;
