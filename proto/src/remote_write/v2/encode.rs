//! Builds remote-write 2.0 bodies, for senders: load programs, tests and benches.

use std::collections::HashMap;

use super::Sample;
use crate::histogram::Histogram;
use crate::snappy;
use crate::wire::{put_bytes, put_double, put_integer, put_packed};

/// Builds one `io.prometheus.write.v2.Request`.
#[derive(Debug)]
pub struct Encoder {
    symbols: Vec<u8>,
    numbers: HashMap<String, u32>,
    series: Vec<u8>,
}

/// Labels, value and timestamp of an exemplar.
pub type ExemplarParts<'a> = (&'a [(&'a str, &'a str)], f64, i64);

/// What a series has beside its labels.
#[derive(Debug, Clone, Copy, Default)]
pub struct SeriesParts<'a> {
    /// Samples.
    pub samples: &'a [Sample],
    /// Native histograms.
    pub histograms: &'a [Histogram],
    /// Exemplars.
    pub exemplars: &'a [ExemplarParts<'a>],
    /// Type number, help and unit.
    pub metadata: Option<(u64, &'a str, &'a str)>,
}

impl Default for Encoder {
    fn default() -> Encoder {
        let mut encoder = Encoder {
            symbols: Vec::new(),
            numbers: HashMap::new(),
            series: Vec::new(),
        };
        encoder.symbol("");
        encoder
    }
}

impl Encoder {
    /// The number of a string in the table, which it joins when it is new.
    pub fn symbol(&mut self, text: &str) -> u32 {
        if let Some(n) = self.numbers.get(text) {
            return *n;
        }
        let n = self.numbers.len() as u32;
        put_bytes(&mut self.symbols, 4, text.as_bytes());
        self.numbers.insert(text.to_owned(), n);
        n
    }

    /// Appends a series, labels in the order given.
    pub fn series<'a>(
        &mut self,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        parts: SeriesParts<'_>,
    ) -> &mut Self {
        let refs = self.refs(labels);
        self.series_of_refs(&refs, parts)
    }

    /// Appends a series whose labels are given by numbers, right or wrong.
    pub fn series_of_refs(&mut self, refs: &[u32], parts: SeriesParts<'_>) -> &mut Self {
        let mut series = Vec::new();
        put_packed(&mut series, 1, refs.iter().map(|n| u64::from(*n)));
        for sample in parts.samples {
            put_message(&mut series, 2, |out| put_sample(out, sample));
        }
        for histogram in parts.histograms {
            put_message(&mut series, 3, |out| histogram.encode(out));
        }
        for (labels, value, timestamp) in parts.exemplars {
            let refs = self.refs(labels.iter().copied());
            put_message(&mut series, 4, |out| {
                put_packed(out, 1, refs.iter().map(|n| u64::from(*n)));
                put_double(out, 2, *value);
                put_integer(out, 3, timestamp.cast_unsigned());
            });
        }
        if let Some((kind, help, unit)) = parts.metadata {
            let (help, unit) = (self.symbol(help), self.symbol(unit));
            put_message(&mut series, 5, |out| {
                put_integer(out, 1, kind);
                put_integer(out, 3, u64::from(help));
                put_integer(out, 4, u64::from(unit));
            });
        }
        put_bytes(&mut self.series, 5, &series);
        self
    }

    /// The message without compression.
    pub fn message(&self) -> Vec<u8> {
        [&self.symbols[..], &self.series[..]].concat()
    }

    /// The body of a request: the message as a snappy block.
    pub fn compressed(&self) -> Vec<u8> {
        snappy::compress(&self.message())
    }

    fn refs<'a>(&mut self, labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<u32> {
        labels
            .into_iter()
            .flat_map(|(name, value)| [self.symbol(name), self.symbol(value)])
            .collect()
    }
}

fn put_message(out: &mut Vec<u8>, field: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    let mut message = Vec::new();
    fill(&mut message);
    put_bytes(out, field, &message);
}

fn put_sample(out: &mut Vec<u8>, sample: &Sample) {
    put_double(out, 1, sample.value);
    put_integer(out, 2, sample.timestamp.cast_unsigned());
    put_integer(out, 3, sample.start.cast_unsigned());
}
