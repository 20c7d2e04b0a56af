//! Builds remote-write bodies, for senders: load programs, tests and benches.

use crate::snappy;
use crate::wire::{put_bytes, put_double, put_integer};

/// Builds one `prometheus.WriteRequest`.
#[derive(Debug, Default)]
pub struct RequestEncoder {
    message: Vec<u8>,
    series: Vec<u8>,
    part: Vec<u8>,
}

impl RequestEncoder {
    /// Appends a series with its samples (milliseconds since 1970 and value), labels in the order given.
    pub fn series<'a>(
        &mut self,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        samples: impl IntoIterator<Item = (i64, f64)>,
    ) -> &mut Self {
        self.series.clear();
        for (name, value) in labels {
            self.part.clear();
            put_bytes(&mut self.part, 1, name.as_bytes());
            put_bytes(&mut self.part, 2, value.as_bytes());
            put_bytes(&mut self.series, 1, &self.part);
        }
        for (timestamp, value) in samples {
            self.part.clear();
            put_double(&mut self.part, 1, value);
            put_integer(&mut self.part, 2, timestamp.cast_unsigned());
            put_bytes(&mut self.series, 2, &self.part);
        }
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
}
