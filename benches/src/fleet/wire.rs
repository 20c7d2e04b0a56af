//! Label sets as they go over the wire: spelled once for each recorded series, then copied with the replica's own identity
//! of fixed length put in, so that a body costs the generator little.

use std::io::Write;

use kymo_proto::remote_write::{Sample, v2};
use kymo_proto::snappy;
use kymo_proto::wire::{put_bytes, put_double, put_integer, put_varint};

use super::otlp::{OtlpBody, OtlpTemplate};
use crate::recording::Recorded;

/// Bytes of an identity.
const IDENTITY_LEN: usize = MARK.len();
/// Where an identity goes. No recorded text has control characters.
const MARK: &str = "\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}";
/// The address that all recorded targets have in common.
const RECORDED_HOST: &str = "127.0.0.1";
/// The external label of the recording, the identity of series that no single target has.
const RECORDED_CLUSTER: &str = "rec-lab";

/// What tells a replica from the others: a host, and a cluster for series above hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Instead of the recorded host.
    pub host: String,
    /// Instead of the recorded cluster in series without a host.
    pub cluster: String,
}

impl Identity {
    /// The identity of a number below 3.7 million.
    pub fn new(number: u64) -> Identity {
        let octet = |n: u64| 100 + n % 156;
        Identity {
            host: format!(
                "10.{}.{}.{}",
                octet(number / 24_336),
                octet(number / 156),
                octet(number)
            ),
            cluster: format!("{RECORDED_CLUSTER}-{:06x}", number & 0xff_ffff),
        }
    }
}

/// A label set with places for the identity.
#[derive(Debug, Clone)]
pub struct LabelTemplate {
    labels: Vec<(String, String)>,
    /// The `labels` fields of a `TimeSeries`.
    encoded: Places,
    otlp: OtlpTemplate,
    of_host: bool,
}

/// Bytes with places for an identity.
#[derive(Debug, Clone)]
pub(super) struct Places {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

impl Places {
    /// Finds the places.
    pub(super) fn new(bytes: Vec<u8>) -> Places {
        let mut places = Vec::new();
        while let Some(at) = find(
            &bytes,
            MARK.as_bytes(),
            places.last().map_or(0, |p| p + IDENTITY_LEN),
        ) {
            places.push(at);
        }
        Places { bytes, places }
    }

    /// Appends the bytes with an identity put in.
    pub(super) fn fill(&self, identity: &str, out: &mut Vec<u8>) {
        let at = out.len();
        out.extend_from_slice(&self.bytes);
        for place in &self.places {
            out[at + place..at + place + IDENTITY_LEN].copy_from_slice(identity.as_bytes());
        }
    }
}

impl LabelTemplate {
    /// The template of a recorded series.
    pub fn new(series: &Recorded) -> LabelTemplate {
        let of_host = series.labels.iter().any(|(_, v)| v.contains(RECORDED_HOST));
        let from = if of_host { RECORDED_HOST } else { RECORDED_CLUSTER };
        let mut labels = series.labels.clone();
        labels.iter_mut().for_each(|(_, v)| *v = v.replace(from, MARK));
        let (mut encoded, mut part) = (Vec::new(), Vec::new());
        for (name, value) in &labels {
            part.clear();
            put_bytes(&mut part, 1, name.as_bytes());
            put_bytes(&mut part, 2, value.as_bytes());
            put_bytes(&mut encoded, 1, &part);
        }
        LabelTemplate {
            otlp: OtlpTemplate::new(&labels),
            labels,
            encoded: Places::new(encoded),
            of_host,
        }
    }

    fn text<'i>(&self, identity: &'i Identity) -> &'i str {
        if self.of_host {
            &identity.host
        } else {
            &identity.cluster
        }
    }

    /// The labels of a replica.
    pub fn labels(&self, identity: &Identity) -> Vec<(String, String)> {
        let text = self.text(identity);
        let filled = |(name, value): &(String, String)| (name.clone(), value.replace(MARK, text));
        self.labels.iter().map(filled).collect()
    }
}

fn find(haystack: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let rest = haystack.get(from..)?;
    Some(from + rest.windows(needle.len()).position(|w| w == needle)?)
}

/// How the workload is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// Remote write 1.0.
    #[default]
    One,
    /// Remote write 2.0.
    Two,
    /// OTLP over HTTP, not compressed.
    Otlp,
    /// OTLP over HTTP, gzip.
    OtlpGzip,
}

impl std::str::FromStr for Protocol {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Protocol, &'static str> {
        match text {
            "1" => Ok(Protocol::One),
            "2" => Ok(Protocol::Two),
            "otlp" => Ok(Protocol::Otlp),
            "otlp-gzip" => Ok(Protocol::OtlpGzip),
            _ => Err("1, 2, otlp or otlp-gzip"),
        }
    }
}

/// A body that fills up.
#[derive(Debug, Default)]
pub struct Body {
    protocol: Protocol,
    message: Vec<u8>,
    sample: Vec<u8>,
    samples: usize,
    two: v2::Encoder,
    otlp: OtlpBody,
    refs: Vec<u32>,
    text: String,
}

impl Body {
    /// An empty one.
    pub fn new(protocol: Protocol) -> Body {
        Body {
            protocol,
            ..Body::default()
        }
    }

    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Appends a series with one sample.
    pub fn push(&mut self, template: &LabelTemplate, identity: &Identity, time: i64, value: f64) {
        match self.protocol {
            Protocol::One => self.push_one(template, identity, time, value),
            Protocol::Two => self.push_two(template, identity, time, value),
            Protocol::Otlp | Protocol::OtlpGzip => {
                self.otlp
                    .push(&template.otlp, template.text(identity), time, value);
            }
        }
        self.samples += 1;
    }

    fn push_one(&mut self, template: &LabelTemplate, identity: &Identity, time: i64, value: f64) {
        self.sample.clear();
        put_double(&mut self.sample, 1, value);
        put_integer(&mut self.sample, 2, time.cast_unsigned());
        self.message.push(1 << 3 | 2);
        // A sample never reaches 128 bytes, so its length is one.
        put_varint(
            &mut self.message,
            (template.encoded.bytes.len() + self.sample.len() + 2) as u64,
        );
        template.encoded.fill(template.text(identity), &mut self.message);
        put_bytes(&mut self.message, 2, &self.sample);
    }

    fn push_two(&mut self, template: &LabelTemplate, identity: &Identity, timestamp: i64, value: f64) {
        self.refs.clear();
        for (name, value) in &template.labels {
            let value = match value.split_once(MARK) {
                None => value,
                Some(_) => {
                    self.text.clear();
                    for (i, part) in value.split(MARK).enumerate() {
                        self.text
                            .push_str(if i > 0 { template.text(identity) } else { "" });
                        self.text.push_str(part);
                    }
                    &self.text
                }
            };
            let name = self.two.symbol(name);
            self.refs.extend([name, self.two.symbol(value)]);
        }
        let samples = &[Sample {
            start: 0,
            timestamp,
            value,
        }];
        let parts = v2::SeriesParts {
            samples,
            ..v2::SeriesParts::default()
        };
        self.two.series_of_refs(&self.refs, parts);
    }

    /// The compressed body; what comes next fills a new one.
    pub fn finish(&mut self) -> Vec<u8> {
        self.samples = 0;
        match self.protocol {
            Protocol::One => {
                let body = snappy::compress(&self.message);
                self.message.clear();
                body
            }
            Protocol::Two => std::mem::take(&mut self.two).compressed(),
            Protocol::Otlp => self.otlp.finish(),
            Protocol::OtlpGzip => gzip(&self.otlp.finish()),
        }
    }
}

fn gzip(message: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    // Writing to memory cannot fail.
    encoder
        .write_all(message)
        .and_then(|()| encoder.finish())
        .unwrap_or_default()
}
