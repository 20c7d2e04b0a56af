//! The input of a metrics write and what became of it. One flat buffer per request, borrowed from the request's body.
//! Not for wire formats (the `proto` crate) nor for validation of names and limits (the server's ingest).

/// A write of any number of series, their samples and metric metadata, borrowing its strings.
#[derive(Debug, Default)]
pub struct WriteBatch<'a> {
    labels: Vec<(&'a str, &'a str)>,
    samples: Vec<(i64, f64)>,
    series: Vec<SeriesEnd>,
    /// Metric metadata sent with the samples.
    pub metadata: Vec<Metadata<'a>>,
}

#[derive(Debug, Clone, Copy)]
struct SeriesEnd {
    labels_end: u32,
    samples_end: u32,
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

/// One series of a [`WriteBatch`].
#[derive(Debug, Clone, Copy)]
pub struct SeriesWrite<'b, 'a> {
    /// Sorted by name, names unique, values not empty.
    pub labels: &'b [(&'a str, &'a str)],
    /// Milliseconds since 1970 and value, in any order.
    pub samples: &'b [(i64, f64)],
}

impl<'a> WriteBatch<'a> {
    /// Appends a series. `labels` must be sorted by name, unique and without empty values.
    pub fn push_series(
        &mut self,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        samples: impl IntoIterator<Item = (i64, f64)>,
    ) {
        let start = self.labels.len();
        self.labels.extend(labels);
        debug_assert!(
            self.labels[start..].windows(2).all(|w| w[0].0 < w[1].0),
            "labels sorted and unique"
        );
        self.samples.extend(samples);
        self.series.push(SeriesEnd {
            labels_end: self.labels.len() as u32,
            samples_end: self.samples.len() as u32,
        });
    }

    /// The series in the order they were pushed.
    pub fn series(&self) -> impl ExactSizeIterator<Item = SeriesWrite<'_, 'a>> {
        (0..self.series.len()).map(|i| self.series_at(i))
    }

    /// The series pushed as number `i`.
    pub fn series_at(&self, i: usize) -> SeriesWrite<'_, 'a> {
        let start = if i == 0 {
            SeriesEnd {
                labels_end: 0,
                samples_end: 0,
            }
        } else {
            self.series[i - 1]
        };
        let end = self.series[i];
        SeriesWrite {
            labels: &self.labels[start.labels_end as usize..end.labels_end as usize],
            samples: &self.samples[start.samples_end as usize..end.samples_end as usize],
        }
    }

    /// Number of series.
    pub fn series_count(&self) -> usize {
        self.series.len()
    }

    /// Number of samples.
    pub fn sample_count(&self) -> usize {
        self.samples.len()
    }
}

/// What became of an appended batch once it is durable and applied.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Applied {
    /// Samples stored.
    pub stored: u64,
    /// Samples that were already there with the same bits.
    pub duplicates: u64,
    /// Samples refused because another value stands at their time.
    pub conflicts: Vec<Conflict>,
    /// Series refused because the tenant has as many active series as it may.
    pub over_limit: Vec<u32>,
}

/// A sample that was refused because its series has another value at its time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conflict {
    /// Which series of the batch.
    pub series: u32,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// The refused value.
    pub value: f64,
}
