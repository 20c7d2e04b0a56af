//! The input of a metrics write and what became of it: flat tables, one row per series, and series named by keys so that
//! labels are spelled only where the head does not know them. Not for wire formats (the `proto` crate) nor for the rules
//! of names and limits (the server's ingest).

use super::exemplar::Exemplar;
use super::histogram::Histogram;
use super::key::{SeriesKey, series_key};
use crate::labels::Labels;

/// A write of any number of series with their samples, and metadata of metric families.
#[derive(Debug, Default)]
pub struct WriteBatch<'a> {
    series: Vec<SeriesRow>,
    samples: Vec<(i64, f64)>,
    /// Start timestamps: empty while none is set, then one for each sample.
    starts: Vec<i64>,
    histograms: Vec<HistogramWrite>,
    exemplars: Vec<Exemplar>,
    /// Labels of series that were pushed with them.
    labels: Vec<(&'a str, &'a str)>,
    /// Metric metadata sent with the samples.
    pub metadata: Vec<Metadata<'a>>,
}

#[derive(Debug, Clone, Copy)]
struct SeriesRow {
    key: SeriesKey,
    delta: bool,
    samples_end: u32,
    histograms_end: u32,
    exemplars_end: u32,
    labels_end: u32,
}

/// A native histogram sample with its times in milliseconds since 1970; a start of 0 is unset.
#[derive(Debug, Clone, PartialEq)]
pub struct HistogramWrite {
    /// When counting began.
    pub start: i64,
    /// When it was observed.
    pub time: i64,
    /// The value.
    pub histogram: Histogram,
}

/// Spells the labels of series: asked only for those whose key the head does not know.
pub trait LabelSource {
    /// Pushes the labels of series number `series` of the batch, in any order, names unique; empty values are dropped.
    fn labels(&self, series: u32, out: &mut LabelBuffer) -> LabelsFound;
}

/// What a [`LabelSource`] says of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelsFound {
    /// The labels are in the buffer.
    Good,
    /// So are they, and they are fewer than the sender's: what was taken off is in exemplars in the buffer. Many series of a
    /// sender become one so. The key is not remembered, because it may never come again; marks of an end are left out, as
    /// they end none but the sender's series; and of several samples at one time the first stays, or all are added up when
    /// they are `parts` of a whole.
    Merged {
        /// The samples of one time in one write add up.
        parts: bool,
    },
    /// The series must be left out.
    Refused,
    /// The whole write must be refused.
    Abort,
}

/// Labels being spelled, in one buffer.
#[derive(Debug, Default)]
pub struct LabelBuffer {
    text: String,
    /// Where each name and its value begin, and where the value ends.
    places: Vec<[u32; 3]>,
    exemplars: Vec<Exemplar>,
}

impl LabelBuffer {
    /// Adds a label; one with an empty value is an absent one.
    pub fn push(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        let start = self.text.len() as u32;
        self.text.push_str(name);
        let middle = self.text.len() as u32;
        self.text.push_str(value);
        self.places.push([start, middle, self.text.len() as u32]);
    }

    /// Adds an exemplar to the series whose labels these are. Labels come in any order.
    pub fn push_exemplar(&mut self, time_ms: i64, value: f64, labels: &[(&str, &str)]) {
        self.exemplars.push(Exemplar {
            time: time_ms,
            value,
            labels: Labels::from_pairs(labels.iter().copied()),
        });
    }

    /// The exemplars that were added.
    pub fn exemplars(&self) -> &[Exemplar] {
        &self.exemplars
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.text.clear();
        self.places.clear();
        self.exemplars.clear();
    }

    /// Number of labels.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// True without labels.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The labels in the order pushed, or by name once sorted.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        self.places.iter().map(|[start, middle, end]| {
            let (start, middle, end) = (*start as usize, *middle as usize, *end as usize);
            (&self.text[start..middle], &self.text[middle..end])
        })
    }

    /// Sorts by name. Of several labels with one name the first stays.
    pub(super) fn sort(&mut self) {
        let text = &self.text;
        let name = |p: &[u32; 3]| &text[p[0] as usize..p[1] as usize];
        if !self.places.is_sorted_by(|a, b| name(a) < name(b)) {
            self.places.sort_by(|a, b| name(a).cmp(name(b)));
            self.places.dedup_by(|b, a| name(a) == name(b));
        }
    }
}

/// Type, help and unit of a metric family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Metadata<'a> {
    /// Name of the metric family.
    pub family: &'a str,
    /// Its type.
    pub kind: MetricKind,
    /// Help text.
    pub help: &'a str,
    /// Unit.
    pub unit: &'a str,
}

/// Metric types; the numbers are those of remote write and of Kymo's formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum MetricKind {
    Unknown = 0,
    Counter = 1,
    Gauge = 2,
    Histogram = 3,
    GaugeHistogram = 4,
    Summary = 5,
    Info = 6,
    StateSet = 7,
}

impl MetricKind {
    /// The type of a number; numbers that are not known are `Unknown`.
    pub fn from_number(n: u64) -> MetricKind {
        match n {
            1 => MetricKind::Counter,
            2 => MetricKind::Gauge,
            3 => MetricKind::Histogram,
            4 => MetricKind::GaugeHistogram,
            5 => MetricKind::Summary,
            6 => MetricKind::Info,
            7 => MetricKind::StateSet,
            _ => MetricKind::Unknown,
        }
    }

    /// The name as Prometheus' metadata API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            MetricKind::Unknown => "unknown",
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram => "histogram",
            MetricKind::GaugeHistogram => "gaugehistogram",
            MetricKind::Summary => "summary",
            MetricKind::Info => "info",
            MetricKind::StateSet => "stateset",
        }
    }
}

/// One series of a [`WriteBatch`]. Times are milliseconds since 1970, in any order.
#[derive(Debug, Clone, Copy)]
pub struct SeriesWrite<'b> {
    /// Its name as its sender spells it.
    pub key: SeriesKey,
    /// Samples are deltas, not running totals.
    pub delta: bool,
    /// Times and values.
    pub samples: &'b [(i64, f64)],
    /// Start timestamps of the samples, 0 where unset; empty when no sample of the batch has one.
    pub starts: &'b [i64],
    /// Native histograms.
    pub histograms: &'b [HistogramWrite],
    /// Exemplars.
    pub exemplars: &'b [Exemplar],
}

impl<'a> WriteBatch<'a> {
    /// Begins a series: what is pushed next belongs to it.
    pub fn begin_series(&mut self, key: SeriesKey) {
        self.series.push(SeriesRow {
            key,
            delta: false,
            samples_end: self.samples.len() as u32,
            histograms_end: self.histograms.len() as u32,
            exemplars_end: self.exemplars.len() as u32,
            labels_end: self.labels.len() as u32,
        });
    }

    /// Marks the series just begun as one of deltas.
    pub fn set_delta(&mut self) {
        if let Some(row) = self.series.last_mut() {
            row.delta = true;
        }
    }

    /// Adds a sample to the series just begun; `start_ms` 0 is unset.
    #[inline]
    pub fn push_sample(&mut self, start_ms: i64, time_ms: i64, value: f64) {
        self.samples.push((time_ms, value));
        if start_ms != 0 || !self.starts.is_empty() {
            self.starts.resize(self.samples.len() - 1, 0);
            self.starts.push(start_ms);
        }
        if let Some(row) = self.series.last_mut() {
            row.samples_end += 1;
        }
    }

    /// Adds a native histogram to the series just begun; `start_ms` 0 is unset.
    pub fn push_histogram(&mut self, start_ms: i64, time_ms: i64, histogram: Histogram) {
        self.histograms.push(HistogramWrite {
            start: start_ms,
            time: time_ms,
            histogram,
        });
        if let Some(row) = self.series.last_mut() {
            row.histograms_end += 1;
        }
    }

    /// Adds an exemplar to the series just begun. Labels come in any order.
    pub fn push_exemplar(&mut self, time_ms: i64, value: f64, labels: &[(&str, &str)]) {
        self.exemplars.push(Exemplar {
            time: time_ms,
            value,
            labels: Labels::from_pairs(labels.iter().copied()),
        });
        if let Some(row) = self.series.last_mut() {
            row.exemplars_end += 1;
        }
    }

    /// Adds a series with its labels, sorted by name, unique and without empty values; the batch itself spells them.
    pub fn push_series(
        &mut self,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        samples: impl IntoIterator<Item = (i64, f64)>,
    ) {
        let first = self.labels.len();
        self.labels.extend(labels);
        debug_assert!(
            self.labels[first..].windows(2).all(|w| w[0].0 < w[1].0),
            "labels sorted and unique"
        );
        let mut spelled = Vec::new();
        for (name, value) in &self.labels[first..] {
            for text in [name, value] {
                spelled.extend_from_slice(text.as_bytes());
                spelled.push(0xff);
            }
        }
        self.begin_series(series_key(&spelled));
        for (time, value) in samples {
            self.push_sample(0, time, value);
        }
    }

    /// The series in the order they were pushed.
    pub fn series(&self) -> impl ExactSizeIterator<Item = SeriesWrite<'_>> {
        (0..self.series.len()).map(|i| self.series_at(i))
    }

    /// The series pushed as number `i`.
    pub fn series_at(&self, i: usize) -> SeriesWrite<'_> {
        let end = self.series[i];
        let start = match i {
            0 => [0; 3],
            _ => {
                let before = &self.series[i - 1];
                [before.samples_end, before.histograms_end, before.exemplars_end]
            }
        };
        let samples = start[0] as usize..end.samples_end as usize;
        SeriesWrite {
            key: end.key,
            delta: end.delta,
            starts: self.starts.get(samples.clone()).unwrap_or_default(),
            samples: &self.samples[samples],
            histograms: &self.histograms[start[1] as usize..end.histograms_end as usize],
            exemplars: &self.exemplars[start[2] as usize..end.exemplars_end as usize],
        }
    }

    /// The labels of a series that was pushed with them, empty for others.
    pub fn own_labels(&self, i: usize) -> &[(&'a str, &'a str)] {
        let start = if i == 0 { 0 } else { self.series[i - 1].labels_end };
        &self.labels[start as usize..self.series[i].labels_end as usize]
    }

    /// Number of series.
    pub fn series_count(&self) -> usize {
        self.series.len()
    }

    /// Number of float samples.
    pub fn sample_count(&self) -> usize {
        self.samples.len()
    }

    /// Number of native histograms.
    pub fn histogram_count(&self) -> usize {
        self.histograms.len()
    }

    /// Number of exemplars.
    pub fn exemplar_count(&self) -> usize {
        self.exemplars.len()
    }

    /// True when a sample has a start timestamp.
    pub fn has_starts(&self) -> bool {
        !self.starts.is_empty()
    }
}

/// A batch spells the labels of the series that were pushed with them.
impl LabelSource for WriteBatch<'_> {
    fn labels(&self, series: u32, out: &mut LabelBuffer) -> LabelsFound {
        for (name, value) in self.own_labels(series as usize) {
            out.push(name, value);
        }
        LabelsFound::Good
    }
}

/// What became of an appended batch once it is durable and applied.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Applied {
    /// Float samples stored.
    pub stored: u64,
    /// Float samples that were already there with the same bits.
    pub duplicates: u64,
    /// Native histograms stored.
    pub histograms: u64,
    /// Native histograms that were already there with the same bits.
    pub histogram_duplicates: u64,
    /// Exemplars stored.
    pub exemplars: u64,
    /// Exemplars that were already there.
    pub exemplar_duplicates: u64,
    /// Float samples of merged series that are not there: another value stands at their time, or they mark an end.
    pub merged: u64,
    /// Native histograms of merged series that are not there.
    pub merged_histograms: u64,
    /// Samples and histograms refused because another value stands at their time.
    pub conflicts: Vec<Conflict>,
    /// Series left out because the tenant has as many active series as it may, by their numbers in the batch.
    pub over_limit: Vec<u32>,
    /// Series left out because their [`LabelSource`] refused them.
    pub refused: Vec<u32>,
}

/// A sample that was refused because its series has another value at its time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conflict {
    /// Which series of the batch.
    pub series: u32,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// The refused value; of a native histogram its sum.
    pub value: f64,
    /// It was a native histogram.
    pub histogram: bool,
}

#[cfg(test)]
mod tests;
