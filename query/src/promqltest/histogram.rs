//! Native histograms as scripts write them: `{{schema:1 sum:2 count:3 buckets:[1 2] n_offset:-1 counter_reset_hint:gauge}}`.
//! Not for sequences of them.

use kymo_engine::metrics::{CUSTOM_BUCKETS, ResetHint};

use super::sequence::value;
use crate::promql::histogram::{Buckets, FloatHistogram};

/// Most buckets of one side.
const BUCKETS_MAX: usize = 1 << 16;

/// Reads a histogram; true when it names its counter reset hint. Keys come in any order and all of them may be absent.
pub(super) fn parse(text: &str) -> Result<(FloatHistogram, bool), String> {
    let bad = || format!("bad histogram {text:?}");
    let body = text
        .strip_prefix("{{")
        .and_then(|t| t.strip_suffix("}}"))
        .ok_or_else(bad)?;
    let mut read = Read::default();
    let mut rest = body.trim();
    while !rest.is_empty() {
        let (key, after) = rest.split_once(':').ok_or_else(bad)?;
        let after = after.trim_start();
        let len = match after.strip_prefix('[') {
            Some(_) => after.find(']').ok_or_else(bad)? + 1,
            None => after.find(char::is_whitespace).unwrap_or(after.len()),
        };
        read.key(key.trim(), &after[..len])
            .ok_or_else(|| format!("bad histogram key {key}:{} in {text:?}", &after[..len]))?;
        rest = after[len..].trim_start();
    }
    Ok((read.finish(), read.hint.is_some()))
}

/// What has been read of a histogram.
#[derive(Default)]
struct Read {
    schema: i32,
    sum: f64,
    count: f64,
    zero_count: f64,
    zero_threshold: f64,
    positive: Vec<f64>,
    negative: Vec<f64>,
    positive_offset: i32,
    negative_offset: i32,
    custom_values: Vec<f64>,
    hint: Option<ResetHint>,
}

impl Read {
    fn key(&mut self, key: &str, text: &str) -> Option<()> {
        match key {
            "schema" => self.schema = text.parse().ok()?,
            "sum" => self.sum = value(text)?,
            "count" => self.count = value(text)?,
            "z_bucket" => self.zero_count = value(text)?,
            "z_bucket_w" => self.zero_threshold = value(text)?,
            "buckets" => self.positive = list(text)?,
            "n_buckets" => self.negative = list(text)?,
            "custom_values" => self.custom_values = list(text)?,
            "offset" => self.positive_offset = text.parse().ok()?,
            "n_offset" => self.negative_offset = text.parse().ok()?,
            "counter_reset_hint" => {
                self.hint = Some(match text {
                    "unknown" => ResetHint::Unknown,
                    "reset" => ResetHint::Yes,
                    "not_reset" => ResetHint::No,
                    "gauge" => ResetHint::Gauge,
                    _ => return None,
                });
            }
            _ => return None,
        }
        Some(())
    }

    fn finish(&self) -> FloatHistogram {
        let side = |counts: &[f64], offset: i32| -> Buckets {
            let indexes = (0..).map(|i: i32| offset.wrapping_add(i));
            indexes.zip(counts.iter().copied()).collect()
        };
        FloatHistogram {
            schema: self.schema,
            reset_hint: self.hint.unwrap_or_default(),
            zero_threshold: self.zero_threshold,
            zero_count: self.zero_count,
            count: self.count,
            sum: self.sum,
            positive: side(&self.positive, self.positive_offset),
            negative: side(&self.negative, self.negative_offset),
            custom_values: match self.schema {
                CUSTOM_BUCKETS => self.custom_values.as_slice().into(),
                _ => [].into(),
            },
        }
    }
}

/// `[1 2.5 3]`.
fn list(text: &str) -> Option<Vec<f64>> {
    let body = text.strip_prefix('[')?.strip_suffix(']')?;
    let values: Option<Vec<f64>> = body.split_whitespace().map(value).collect();
    values.filter(|v| v.len() <= BUCKETS_MAX)
}
