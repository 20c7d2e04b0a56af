//! Results as the JSON Prometheus writes (`web/api/v1/json_codec.go`). Written by hand: answers have millions of
//! numbers, and their form is fixed.

mod histogram;

use std::sync::Arc;

use kymo_engine::labels::Labels;
use kymo_engine::metrics::Samples;
use kymo_query::promql::eval::{Series, Value};
use kymo_query::promql::histogram::FloatHistogram;

use crate::go_float::{push_seconds, push_value};
use crate::http::answer::push_json;
use histogram::push_histogram;

/// Appends a label set as an object.
pub(crate) fn push_metric(out: &mut String, labels: &Labels) {
    out.push('{');
    for (i, (name, value)) in labels.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        push_text(out, name);
        out.push(':');
        push_text(out, value);
    }
    out.push('}');
}

/// Appends a string. Nearly all label texts need no escaping, and answers have hundreds of thousands of them.
fn push_text(out: &mut String, text: &str) {
    let plain = text.bytes().all(|b| b >= b' ' && b != b'"' && b != b'\\');
    if plain {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        push_json(out, text);
    }
}

/// Bytes that a point, a histogram with its point and a bucket usually take, and those of a series beside its labels.
const POINT_BYTES: usize = 34;
const HISTOGRAM_BYTES: usize = 96;
const BUCKET_BYTES: usize = 64;
const SERIES_BYTES: usize = 64;

/// About how many bytes [`push_result`] appends, rather too many.
pub(crate) fn expected_bytes(value: &Value) -> usize {
    let histogram = |(_, h): &(i64, Arc<FloatHistogram>)| {
        HISTOGRAM_BYTES + BUCKET_BYTES * (h.positive.len() + h.negative.len() + 1)
    };
    let points = |series: &Series| {
        series.samples.len() * POINT_BYTES + series.histograms.iter().map(histogram).sum::<usize>()
    };
    match value {
        Value::Scalar(_) => 64,
        Value::String(text) => 64 + text.len(),
        Value::Vector(series) | Value::Matrix(series) => series
            .iter()
            .map(|one| SERIES_BYTES + one.labels.byte_len() + 4 * one.labels.len() + points(one))
            .sum::<usize>()
            .saturating_add(64),
    }
}

/// Appends `{"resultType":..,"result":..` without the closing brace, so that statistics can follow. The type comes
/// first: readers that stream need it before the result.
pub(crate) fn push_result(out: &mut String, value: &Value, time: i64) {
    out.push_str("{\"resultType\":\"");
    out.push_str(value.value_type().name());
    out.push_str("\",\"result\":");
    match value {
        Value::Scalar(number) => push_point(out, time, *number),
        Value::String(text) => {
            out.push('[');
            push_seconds(out, time);
            out.push(',');
            push_json(out, text);
            out.push(']');
        }
        Value::Vector(series) => push_series(out, series, push_only),
        Value::Matrix(series) => {
            let mut points = Points::default();
            push_series(out, series, |out, one| push_all(out, one, &mut points));
        }
    }
}

fn push_series(out: &mut String, series: &[Series], mut samples: impl FnMut(&mut String, &Series)) {
    out.push('[');
    for (i, one) in series.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str("{\"metric\":");
        push_metric(out, &one.labels);
        samples(out, one);
        out.push('}');
    }
    out.push(']');
}

/// Appends the one sample of a series in a vector.
fn push_only(out: &mut String, series: &Series) {
    if let Some((time, histogram)) = series.histograms.first() {
        out.push_str(",\"histogram\":");
        push_histogram_point(out, *time, histogram);
    } else if let (Some(time), Some(value)) =
        (series.samples.timestamps.first(), series.samples.values.first())
    {
        out.push_str(",\"value\":");
        push_point(out, *time, *value);
    }
}

/// Appends the floats and the histograms of a series, each under a name of its own where there are any.
fn push_all(out: &mut String, series: &Series, points: &mut Points) {
    let samples = &series.samples;
    if !samples.is_empty() {
        out.push_str(",\"values\":[");
        points.push(out, samples);
        out.push(']');
    }
    let mut separator = ",\"histograms\":[";
    for (time, histogram) in &series.histograms {
        out.push_str(separator);
        separator = ",";
        push_histogram_point(out, *time, histogram);
    }
    if !series.histograms.is_empty() {
        out.push(']');
    }
}

fn push_histogram_point(out: &mut String, time: i64, value: &FloatHistogram) {
    out.push('[');
    push_seconds(out, time);
    out.push(',');
    push_histogram(out, value);
    out.push(']');
}

/// Points of many series at the same times: what the series before needed the times and values for is copied.
#[derive(Default)]
struct Points {
    times: Vec<i64>,
    /// The times as points begin, and where each ends.
    texts: String,
    ends: Vec<usize>,
    value: String,
}

impl Points {
    fn push(&mut self, out: &mut String, samples: &Samples) {
        let skipped = self.place(&samples.timestamps);
        let mut last = None;
        let mut start = if skipped == 0 {
            1
        } else {
            self.ends[skipped - 1] + 1
        };
        for (value, end) in samples.values.iter().zip(&self.ends[skipped..]) {
            out.push_str(&self.texts[start..*end]);
            // The comma between two points.
            start = *end;
            if last != Some(value.to_bits()) {
                last = Some(value.to_bits());
                self.value.clear();
                push_value(&mut self.value, *value);
                self.value.push_str("\"]");
            }
            out.push_str(&self.value);
        }
    }

    /// Number of known times before those given, which are made known.
    fn place(&mut self, times: &[i64]) -> usize {
        if let Some(first) = times.first()
            && let Ok(at) = self.times.binary_search(first)
            && self.times[at..].starts_with(times)
        {
            return at;
        }
        self.times.clear();
        self.texts.clear();
        self.ends.clear();
        for time in times {
            self.texts.push_str(",[");
            push_seconds(&mut self.texts, *time);
            self.texts.push_str(",\"");
            self.ends.push(self.texts.len());
        }
        self.times.extend_from_slice(times);
        0
    }
}

fn push_point(out: &mut String, time: i64, value: f64) {
    out.push('[');
    push_seconds(out, time);
    out.push_str(",\"");
    push_value(out, value);
    out.push_str("\"]");
}

#[cfg(test)]
mod tests;
