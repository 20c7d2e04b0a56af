//! What every metrics write is held against: time bounds, and the rules of labels. Which labels become exemplars is in
//! `moved`. Duplicates of and conflicts with what is
//! stored are the engine's to find.

pub(super) mod moved;

use kymo_engine::metrics::{LabelBuffer, LabelSource, LabelsFound, SeriesWrite};

use super::{Reason, Rejects};
use crate::config::Limits;
use crate::units::duration_text;

/// The labels that state type and unit of a metric, where the feature is on.
pub(super) const TYPE: &str = "__type__";
pub(super) const UNIT: &str = "__unit__";

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

/// A label whose name or value may be no text.
pub(super) type RawLabel<'a> = (&'a [u8], &'a [u8]);

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

    /// True when a sample of this time is accepted.
    #[inline]
    pub fn accepts(&self, time_ms: i64) -> bool {
        (self.time_min..=self.time_max).contains(&time_ms)
    }

    /// Why a time is not accepted, and the bound it breaks.
    pub(super) fn time_fault(&self, time_ms: i64) -> (Reason, String) {
        if time_ms > self.time_max {
            let ahead = duration_text(self.limits.future_ms_max);
            let text = format!("at {time_ms} ms, more than {ahead} ahead of the clock");
            (Reason::TooFarInFuture, text)
        } else {
            let text = format!("at {time_ms} ms, the oldest accepted is {} ms", self.time_min);
            (Reason::TooOld, text)
        }
    }

    /// Spells a series of remote write, or refuses its samples and notes why. Labels of the names in `moved` become
    /// exemplars.
    pub(super) fn spell(
        &self,
        moved: &[String],
        sent: SeriesWrite<'_>,
        labels: &[RawLabel<'_>],
        rejects: &mut Rejects,
        out: &mut LabelBuffer,
    ) -> LabelsFound {
        match self.check_labels(labels, out) {
            Ok(()) => moved::take_off(moved, false, sent, labels, rejects, out),
            Err(reason) => {
                let n = sent.samples.len() + sent.histograms.len();
                rejects.add(reason, (n as u64).max(1), || sent_text(labels));
                LabelsFound::Refused
            }
        }
    }

    /// Adds labels that keep the rules to `out`, in any order.
    ///
    /// # Errors
    /// The first rule that is broken; what is in `out` then has no meaning.
    pub(super) fn check_labels(&self, sent: &[RawLabel<'_>], out: &mut LabelBuffer) -> Result<(), Reason> {
        let limits = &self.limits;
        let (mut count, mut named) = (0, false);
        for (name, value) in sent {
            let name = std::str::from_utf8(name).map_err(|_| Reason::InvalidUtf8)?;
            let value = std::str::from_utf8(value).map_err(|_| Reason::InvalidUtf8)?;
            if name.is_empty() {
                return Err(Reason::EmptyLabelName);
            }
            if name.len() as u64 > limits.label_name_bytes_max {
                return Err(Reason::LabelNameTooLong);
            }
            if value.len() as u64 > limits.label_value_bytes_max {
                return Err(Reason::LabelValueTooLong);
            }
            // An empty value is an absent label, which can be a duplicate all the same.
            if !value.is_empty() {
                count += 1;
                named |= name == kymo_engine::labels::METRIC_NAME;
                out.push(name, value);
            }
        }
        if !sent.is_sorted_by(|a, b| a.0 < b.0) {
            let mut names: Vec<&[u8]> = sent.iter().map(|label| label.0).collect();
            names.sort_unstable();
            if names.windows(2).any(|pair| pair[0] == pair[1]) {
                return Err(Reason::DuplicateLabel);
            }
        }
        if count > limits.labels_per_series_max {
            return Err(Reason::TooManyLabels);
        }
        if named { Ok(()) } else { Err(Reason::MissingName) }
    }
}

/// Most characters of an exemplar's labels, names and values together (OpenMetrics).
pub(super) const EXEMPLAR_CHARS_MAX: usize = 128;

/// The labels of an exemplar as text, `None` for those that are dropped: not UTF-8, or over 128 characters.
pub(super) fn exemplar_labels<'a>(
    sent: impl Iterator<Item = RawLabel<'a>>,
) -> Option<Vec<(&'a str, &'a str)>> {
    let mut chars = 0;
    let mut out = Vec::new();
    for (name, value) in sent {
        let (name, value) = (std::str::from_utf8(name).ok()?, std::str::from_utf8(value).ok()?);
        chars += name.chars().count() + value.chars().count();
        if chars > EXEMPLAR_CHARS_MAX {
            return None;
        }
        out.push((name, value));
    }
    Some(out)
}

/// A decoded write: a batch, and who spells the labels of its series.
pub(super) trait Incoming: LabelSource {
    /// What is to be stored.
    fn batch(&self) -> &kymo_engine::metrics::WriteBatch<'_>;

    /// What was refused so far, taken out.
    fn take_rejects(&self) -> Rejects;

    /// What is counted when a series of the batch is refused.
    fn unit(&self, series: u32) -> Unit;
}

/// What refusals are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Samples.
    Samples,
    /// Data points, each of which may make several series; this is the number of one.
    Point(u32),
    /// Nothing: the series is not the sender's own.
    Nothing,
}

/// The labels of a series of a write as [`label_text`] writes them.
pub(super) fn spelled(incoming: &dyn Incoming, series: u32) -> String {
    let mut buffer = LabelBuffer::default();
    incoming.labels(series, &mut buffer);
    let mut labels: Vec<(&str, &str)> = buffer.iter().collect();
    labels.sort_unstable();
    label_text(&labels)
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

/// Labels that may break any rule, shortened.
pub(super) fn sent_text(labels: &[RawLabel<'_>]) -> String {
    let pairs: Vec<_> = labels
        .iter()
        .take(10)
        .map(|(name, value)| {
            let mut value = String::from_utf8_lossy(value).into_owned();
            value.truncate(value.floor_char_boundary(64));
            format!("{}={value:?}", String::from_utf8_lossy(name))
        })
        .collect();
    format!("{{{}}}", pairs.join(", "))
}

#[cfg(test)]
mod tests;
