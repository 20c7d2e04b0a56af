//! Builds remote-write 1.0 bodies, for senders: load programs, tests and benches.

use crate::histogram::Histogram;
use crate::snappy;
use crate::wire::{put_bytes, put_double, put_integer};

/// Builds one `prometheus.WriteRequest`.
#[derive(Debug, Default)]
pub struct RequestEncoder {
    message: Vec<u8>,
    series: Vec<u8>,
    part: Vec<u8>,
    inner: Vec<u8>,
}

impl RequestEncoder {
    /// Appends a series with its samples (milliseconds since 1970 and value), labels in the order given.
    pub fn series<'a>(
        &mut self,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        samples: impl IntoIterator<Item = (i64, f64)>,
    ) -> &mut Self {
        self.begin(labels);
        for (timestamp, value) in samples {
            self.put_sample(timestamp, value);
        }
        put_bytes(&mut self.message, 1, &self.series);
        self
    }

    /// Appends a series with native histograms.
    pub fn histograms<'a>(
        &mut self,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        histograms: &[Histogram],
    ) -> &mut Self {
        self.begin(labels);
        for histogram in histograms {
            self.part.clear();
            histogram.encode(&mut self.part);
            put_bytes(&mut self.series, 4, &self.part);
        }
        put_bytes(&mut self.message, 1, &self.series);
        self
    }

    /// Appends a series with one sample and an exemplar of the same time and value.
    pub fn exemplar<'a>(
        &mut self,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        (timestamp, value): (i64, f64),
        exemplar_labels: &[(&str, &str)],
    ) -> &mut Self {
        self.begin(labels);
        self.put_sample(timestamp, value);
        self.part.clear();
        for label in exemplar_labels {
            put_label(&mut self.part, &mut self.inner, *label);
        }
        put_double(&mut self.part, 2, value);
        put_integer(&mut self.part, 3, timestamp.cast_unsigned());
        put_bytes(&mut self.series, 3, &self.part);
        put_bytes(&mut self.message, 1, &self.series);
        self
    }

    /// Appends metadata of a metric family; `kind` is the number of `MetricMetadata.MetricType`.
    pub fn metadata(&mut self, kind: u64, family: &str, help: &str, unit: &str) -> &mut Self {
        self.series.clear();
        put_integer(&mut self.series, 1, kind);
        put_bytes(&mut self.series, 2, family.as_bytes());
        put_bytes(&mut self.series, 4, help.as_bytes());
        put_bytes(&mut self.series, 5, unit.as_bytes());
        put_bytes(&mut self.message, 3, &self.series);
        self
    }

    /// The message without compression.
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// The body of a request: the message as a snappy block.
    pub fn compressed(&self) -> Vec<u8> {
        snappy::compress(&self.message)
    }

    fn begin<'a>(&mut self, labels: impl IntoIterator<Item = (&'a str, &'a str)>) {
        self.series.clear();
        for label in labels {
            put_label(&mut self.series, &mut self.part, label);
        }
    }

    fn put_sample(&mut self, timestamp: i64, value: f64) {
        self.part.clear();
        put_double(&mut self.part, 1, value);
        put_integer(&mut self.part, 2, timestamp.cast_unsigned());
        put_bytes(&mut self.series, 2, &self.part);
    }
}

fn put_label(out: &mut Vec<u8>, part: &mut Vec<u8>, (name, value): (&str, &str)) {
    part.clear();
    put_bytes(part, 1, name.as_bytes());
    put_bytes(part, 2, value.as_bytes());
    put_bytes(out, 1, part);
}
