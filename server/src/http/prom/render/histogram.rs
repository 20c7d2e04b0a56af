//! Native histograms as the JSON Prometheus writes (`util/jsonutil`): count, sum and the buckets that hold something.

use kymo_query::promql::histogram::{Bucket, FloatHistogram};

use crate::go_float::push_value;

/// Appends a histogram as an object.
pub(super) fn push_histogram(out: &mut String, histogram: &FloatHistogram) {
    out.push_str("{\"count\":");
    push_quoted(out, histogram.count);
    out.push_str(",\"sum\":");
    push_quoted(out, histogram.sum);
    let mut any = false;
    for bucket in histogram.buckets().filter(|bucket| bucket.count != 0.0) {
        out.push_str(if any { ",[" } else { ",\"buckets\":[[" });
        any = true;
        out.push(boundaries(&bucket));
        for number in [bucket.lower, bucket.upper, bucket.count] {
            out.push(',');
            push_quoted(out, number);
        }
        out.push(']');
    }
    out.push_str(if any { "]}" } else { "}" });
}

/// Which bounds belong to the bucket.
fn boundaries(bucket: &Bucket) -> char {
    match (bucket.lower_inclusive, bucket.upper_inclusive) {
        (false, true) => '0',
        (true, false) => '1',
        (false, false) => '2',
        (true, true) => '3',
    }
}

fn push_quoted(out: &mut String, value: f64) {
    out.push('"');
    push_value(out, value);
    out.push('"');
}
