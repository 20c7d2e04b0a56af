//! Labels whose every value would make a series, such as ids of traces: they are taken off the series and kept as exemplars
//! of its samples, which lead to the same place. Not for the labels of exemplars that were sent as such.

use kymo_engine::labels::METRIC_NAME;
use kymo_engine::metrics::{Counts, LabelBuffer, LabelsFound, SeriesWrite, is_stale};

use super::{EXEMPLAR_CHARS_MAX, RawLabel};
use crate::ingest::Rejects;

/// The label by which a classic bucket is known.
const BUCKET_BOUND: &str = "le";

/// Takes the labels of these names out of the checked labels of a series that are in `out`. Each of its samples becomes an
/// exemplar that has them, with the sample's time and value: of a native histogram the mean of what it counted, and none
/// of a classic bucket, whose value is no observation. Labels beyond the 128 characters of an exemplar are dropped,
/// those later in the list first. `parts` says whether samples of one time add up.
pub(in crate::ingest) fn take_off(
    names: &[String],
    parts: bool,
    sent: SeriesWrite<'_>,
    labels: &[RawLabel<'_>],
    rejects: &mut Rejects,
    out: &mut LabelBuffer,
) -> LabelsFound {
    let is_listed = |name: &str| name != METRIC_NAME && names.iter().any(|listed| listed == name);
    if !out.iter().any(|(name, _)| is_listed(name)) {
        return LabelsFound::Good;
    }
    // Whatever passed the rules is text.
    let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
    let texts = || labels.iter().map(|(name, value)| (text(name), text(value)));
    out.clear();
    for (name, value) in texts().filter(|(name, _)| !is_listed(name)) {
        out.push(name, value);
    }
    let mut room = EXEMPLAR_CHARS_MAX;
    let mut moved = Vec::new();
    for listed in names {
        let found = texts().find(|(name, value)| is_listed(name) && name == listed && !value.is_empty());
        let Some((name, value)) = found else { continue };
        let chars = name.chars().count() + value.chars().count();
        rejects.note_moved(name, chars <= room);
        if chars <= room {
            room -= chars;
            moved.push((name, value));
        }
    }
    if !moved.is_empty() {
        add_exemplars(sent, &moved, out);
    }
    LabelsFound::Merged { parts }
}

fn add_exemplars(sent: SeriesWrite<'_>, moved: &[(&str, &str)], out: &mut LabelBuffer) {
    let is_bucket = out.iter().any(|(name, _)| name == BUCKET_BOUND);
    for (time, value) in sent.samples.iter().filter(|_| !is_bucket) {
        if !is_stale(*value) {
            out.push_exemplar(*time, *value, moved);
        }
    }
    for write in sent.histograms {
        let count = match write.histogram.counts {
            Counts::Integer { count, .. } => count as f64,
            Counts::Float { count, .. } => count,
        };
        let mean = write.histogram.sum / count;
        if mean.is_finite() {
            out.push_exemplar(write.time, mean, moved);
        }
    }
}

#[cfg(test)]
mod tests;
