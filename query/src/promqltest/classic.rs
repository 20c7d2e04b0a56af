//! Native histograms with custom buckets made of the series of classic ones, as `load_with_nhcb` wants them.

use std::collections::BTreeMap;

use kymo_engine::labels::{Labels, METRIC_NAME};
use kymo_engine::metrics::CUSTOM_BUCKETS;

use super::script::LoadRow;
use super::sequence::Element;
use crate::promql::histogram::FloatHistogram;

/// What the series of a classic histogram say at one time.
#[derive(Default)]
struct Moment {
    /// Upper bound and cumulative count, ascending.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
}

/// The histograms by series, and by position in the sequences.
pub(super) type Converted = BTreeMap<Labels, BTreeMap<usize, FloatHistogram>>;

/// Converts the rows of a `load`; rows that belong to no histogram are left out.
pub(super) fn convert(rows: &[LoadRow]) -> Result<Converted, String> {
    let mut found: BTreeMap<Labels, BTreeMap<usize, Moment>> = BTreeMap::new();
    for row in rows {
        let name = row.labels.metric_name();
        let suffixes = ["_bucket", "_count", "_sum"];
        let Some((base, suffix)) = suffixes
            .iter()
            .find_map(|suffix| Some((name.strip_suffix(suffix)?, *suffix)))
        else {
            continue;
        };
        let bound = row
            .labels
            .value("le")
            .parse::<f64>()
            .ok()
            .filter(|le| !le.is_nan());
        if suffix == "_bucket" && bound.is_none() {
            continue;
        }
        let labels = row
            .labels
            .to_builder()
            .set(METRIC_NAME, base)
            .remove("le")
            .build();
        let moments = found.entry(labels).or_default();
        for (i, element) in row.elements.iter().enumerate() {
            let Element::Float(value) = element else { continue };
            let moment = moments.entry(i).or_default();
            match (suffix, bound) {
                ("_bucket", Some(bound)) => moment.set_bucket(bound, *value),
                ("_count", _) => moment.count = Some(*value),
                _ => moment.sum = *value,
            }
        }
    }
    let mut out = Converted::new();
    for (labels, moments) in found {
        let mut series = BTreeMap::new();
        for (i, moment) in moments {
            let histogram = moment.histogram().map_err(|e| format!("{labels:?}: {e}"))?;
            series.insert(i, histogram);
        }
        out.insert(labels, series);
    }
    Ok(out)
}

impl Moment {
    fn set_bucket(&mut self, bound: f64, count: f64) {
        let at = self.buckets.partition_point(|(b, _)| *b < bound);
        // Of two samples for one bound the first counts.
        if self.buckets.get(at).is_none_or(|(b, _)| *b != bound) {
            self.buckets.insert(at, (bound, count));
        }
    }

    fn histogram(mut self) -> Result<FloatHistogram, String> {
        let highest = self.buckets.last().copied();
        let count = match (self.count, highest) {
            (Some(count), _) => count,
            (None, Some((_, count))) => count,
            (None, None) => 0.0,
        };
        if highest.is_none_or(|(bound, _)| bound != f64::INFINITY) {
            self.buckets.push((f64::INFINITY, count));
        }
        let mut out = FloatHistogram::empty(CUSTOM_BUCKETS);
        let (mut before, mut bounds) = (0.0, Vec::new());
        for (i, (bound, cumulative)) in self.buckets.iter().enumerate() {
            let own = cumulative - before;
            if own < 0.0 || own.is_nan() {
                return Err(format!("bucket counts fall at le={bound}"));
            }
            if own != 0.0 {
                out.positive.push(i as i32, own);
            }
            before = *cumulative;
            bounds.push(*bound);
        }
        if before != count {
            return Err(format!(
                "count {count} differs from that of the last bucket, {before}"
            ));
        }
        bounds.pop();
        out.custom_values = bounds.into();
        (out.count, out.sum) = (count, self.sum);
        Ok(out)
    }
}
