//! Data points to series: a number is one series; a histogram or summary is its sum, its count and one series for each
//! bucket or quantile; an exponential histogram is one series of native histograms.

use std::borrow::Cow;
use std::mem::take;

use kymo_engine::metrics::{Histogram, STALE_NAN_BITS, SeriesKey, series_key};
use kymo_proto::otlp::KeyValues;
use kymo_proto::otlp::metrics::{Exemplar, HistogramPoint, Number, Points, SummaryPoint, Temporality};

use super::histogram::{custom, exponential};
use super::{Of, Part, Request, Row, values};
use crate::ingest::Reason;
use crate::ingest::metrics::EXEMPLAR_CHARS_MAX;

/// The flag of a point without a value, which ends its series.
const NO_VALUE: u64 = 1;

const NANOS_PER_MS: u64 = 1_000_000;

/// A point that is taken.
#[derive(Clone, Copy)]
struct Taken {
    of: Of,
    /// Its number in the request.
    point: u32,
    key: SeriesKey,
    start: i64,
    time: i64,
    stale: bool,
}

impl Taken {
    /// The value, or the mark of the end.
    fn value(&self, value: f64) -> f64 {
        if self.stale {
            f64::from_bits(STALE_NAN_BITS)
        } else {
            value
        }
    }

    /// The key of one of several series of the point.
    fn part_key(&self, tag: u8, bound: f64) -> SeriesKey {
        let mut spelling = [0; 25];
        spelling[..16].copy_from_slice(&self.key.to_le_bytes());
        spelling[16] = tag;
        spelling[17..].copy_from_slice(&bound.to_bits().to_le_bytes());
        series_key(&spelling)
    }
}

fn millis(nanos: u64) -> i64 {
    (nanos / NANOS_PER_MS).cast_signed()
}

fn double(number: Number) -> Option<f64> {
    match number {
        Number::Absent => None,
        Number::Int(n) => Some(n as f64),
        Number::Double(n) => Some(n),
    }
}

impl<'a> Request<'a> {
    /// Counts a point and checks its time.
    fn take(
        &mut self,
        of: Of,
        start: u64,
        time: u64,
        flags: u64,
        attributes: Cow<'a, [u8]>,
    ) -> Option<Taken> {
        let point = self.points.len() as u32;
        self.scratch.clear();
        self.scratch.extend_from_slice(&of.hash.to_le_bytes());
        self.scratch.extend_from_slice(&attributes);
        self.points.push(attributes);
        let time = millis(time);
        if !self.context.rules.accepts(time) {
            let (reason, text) = self.context.rules.time_fault(time);
            self.refuse(point, of, reason, &text);
            return None;
        }
        self.span.add(time, time);
        Some(Taken {
            of,
            point,
            key: series_key(&self.scratch),
            start: millis(start),
            time,
            stale: flags & NO_VALUE != 0,
        })
    }

    fn begin(&mut self, taken: &Taken, key: SeriesKey, part: Part) {
        self.batch.begin_series(key);
        if taken.of.delta {
            self.batch.set_delta();
        }
        self.rows.push(Row {
            part,
            point: taken.point,
        });
    }

    /// Adds a series of one sample that is a part of its point.
    fn add_part(&mut self, taken: &Taken, (tag, part): (u8, Part), value: f64) {
        let bound = match part {
            Part::Bucket(_, bound) | Part::Quantile(_, bound) => bound,
            _ => 0.0,
        };
        self.begin(taken, taken.part_key(tag, bound), part);
        self.batch
            .push_sample(taken.start, taken.time, taken.value(value));
    }

    /// Adds the points of a gauge or sum; `said` is false for a sum that does not say what its points cover.
    pub(super) fn add_numbers(
        &mut self,
        mut points: Points<'a>,
        of: Of,
        said: bool,
    ) -> kymo_proto::Result<()> {
        while let Some(mut point) = points.next_number()? {
            let Some(taken) = self.take(
                of,
                point.start,
                point.time,
                point.flags,
                take(&mut point.attributes),
            ) else {
                continue;
            };
            let value = match double(point.value) {
                Some(value) if said => value,
                None if said && taken.stale => 0.0,
                _ => {
                    let text = if said { "it has no value" } else { NO_TEMPORALITY };
                    self.refuse(taken.point, of, Reason::InvalidPoint, text);
                    continue;
                }
            };
            self.begin(&taken, taken.key, Part::Value(of.metric));
            self.batch
                .push_sample(taken.start, taken.time, taken.value(value));
            self.add_exemplars(point.exemplars.iter());
        }
        Ok(())
    }

    /// Adds the points of a histogram with explicit bounds.
    pub(super) fn add_histograms(&mut self, mut points: Points<'a>, of: Of) -> kymo_proto::Result<()> {
        let said = points.temporality != Temporality::Unspecified;
        while let Some(mut point) = points.next_histogram()? {
            let Some(taken) = self.take(
                of,
                point.start,
                point.time,
                point.flags,
                take(&mut point.attributes),
            ) else {
                continue;
            };
            if !said {
                self.refuse(taken.point, of, Reason::InvalidPoint, NO_TEMPORALITY);
            } else if self.context.settings.histograms_to_nhcb {
                let made = custom(&point, of.delta, taken.stale);
                self.add_native(&taken, made, &point.exemplars);
            } else {
                self.add_classic(&taken, &point);
            }
        }
        Ok(())
    }

    fn add_classic(&mut self, taken: &Taken, point: &HistogramPoint<'a>) {
        let metric = taken.of.metric;
        // The end of a histogram is the end of its sum, though its last point does not have one.
        if let Some(sum) = point.sum.or(taken.stale.then_some(0.0)) {
            self.add_part(taken, (1, Part::Sum(metric)), sum);
        }
        self.add_part(taken, (2, Part::Count(metric)), point.count as f64);
        let (mut total, mut below) = (0u64, f64::NEG_INFINITY);
        for (bound, count) in point.bounds.iter().zip(&point.bucket_counts) {
            total = total.saturating_add(*count);
            if bound.is_infinite() && *bound > 0.0 {
                break;
            }
            self.add_bucket(taken, point, (below, *bound), total as f64);
            below = *bound;
        }
        self.add_bucket(taken, point, (below, f64::INFINITY), point.count as f64);
    }

    fn add_bucket(
        &mut self,
        taken: &Taken,
        point: &HistogramPoint<'a>,
        (below, bound): (f64, f64),
        count: f64,
    ) {
        let part = Part::Bucket(taken.of.metric, bound);
        self.add_part(taken, (3, part), count);
        let inside = |e: &&Exemplar<'_>| double(e.value).is_some_and(|v| v > below && v <= bound);
        self.add_exemplars(point.exemplars.iter().filter(inside));
    }

    /// Adds the points of an exponential histogram.
    pub(super) fn add_exponentials(&mut self, mut points: Points<'a>, of: Of) -> kymo_proto::Result<()> {
        let said = points.temporality != Temporality::Unspecified;
        while let Some(mut point) = points.next_exponential()? {
            let Some(taken) = self.take(
                of,
                point.start,
                point.time,
                point.flags,
                take(&mut point.attributes),
            ) else {
                continue;
            };
            if said {
                let made = exponential(&point, of.delta, taken.stale);
                self.add_native(&taken, made, &point.exemplars);
            } else {
                self.refuse(taken.point, of, Reason::InvalidPoint, NO_TEMPORALITY);
            }
        }
        Ok(())
    }

    fn add_native(&mut self, taken: &Taken, made: Result<Histogram, String>, exemplars: &[Exemplar<'a>]) {
        match made {
            Ok(histogram) => {
                self.begin(taken, taken.key, Part::Value(taken.of.metric));
                self.batch.push_histogram(taken.start, taken.time, histogram);
                self.add_exemplars(exemplars.iter());
            }
            Err(text) => self.refuse(taken.point, taken.of, Reason::InvalidHistogram, &text),
        }
    }

    /// Adds the points of a summary.
    pub(super) fn add_summaries(&mut self, mut points: Points<'a>, of: Of) -> kymo_proto::Result<()> {
        while let Some(mut point) = points.next_summary()? {
            if let Some(taken) = self.take(
                of,
                point.start,
                point.time,
                point.flags,
                take(&mut point.attributes),
            ) {
                self.add_summary(&taken, &point);
            }
        }
        Ok(())
    }

    fn add_summary(&mut self, taken: &Taken, point: &SummaryPoint<'a>) {
        let metric = taken.of.metric;
        self.add_part(taken, (1, Part::Sum(metric)), point.sum);
        self.add_part(taken, (2, Part::Count(metric)), point.count as f64);
        for (quantile, value) in &point.quantiles {
            self.add_part(taken, (4, Part::Quantile(metric, *quantile)), *value);
        }
    }

    /// Adds exemplars to the series just begun; those that say nothing, or nothing that is text, are dropped.
    fn add_exemplars<'e>(&mut self, exemplars: impl Iterator<Item = &'e Exemplar<'a>>)
    where
        'a: 'e,
    {
        for exemplar in exemplars {
            let time = millis(exemplar.time);
            let (Some(value), Some(labels)) = (double(exemplar.value), exemplar_labels(exemplar)) else {
                continue;
            };
            if self.context.rules.accepts(time) {
                let labels: Vec<(&str, &str)> =
                    labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
                self.batch.push_exemplar(time, value, &labels);
            }
        }
    }
}

const NO_TEMPORALITY: &str = "it is neither cumulative nor delta";

/// Trace and span id, and the attributes as far as all together are short enough.
fn exemplar_labels(exemplar: &Exemplar<'_>) -> Option<Vec<(String, String)>> {
    let ids = [("trace_id", exemplar.trace_id), ("span_id", exemplar.span_id)];
    let mut labels: Vec<(String, String)> = ids
        .iter()
        .filter(|(_, id)| id.iter().any(|byte| *byte != 0))
        .map(|(name, id)| ((*name).to_owned(), hex(id)))
        .collect();
    let mut attributes = Vec::new();
    let mut pairs = KeyValues::new(&exemplar.attributes);
    while let Some(pair) = pairs.next_value().ok()? {
        let name = values::utf8(pair.key).ok()?.to_owned();
        attributes.push((name, values::text(pair.value).ok()?));
    }
    let chars = |all: &[(String, String)]| -> usize {
        all.iter()
            .map(|(n, v)| n.chars().count() + v.chars().count())
            .sum()
    };
    let known = chars(&labels);
    if known > EXEMPLAR_CHARS_MAX {
        return None;
    }
    if known + chars(&attributes) <= EXEMPLAR_CHARS_MAX {
        labels.extend(attributes);
    }
    Some(labels)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
