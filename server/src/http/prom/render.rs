//! Results as the JSON Prometheus writes (`web/api/v1/json_codec.go`). Written by hand: answers have millions of
//! numbers, and their form is fixed.

use kymo_engine::labels::Labels;

use crate::http::answer::push_json;

/// Appends a label set as an object.
pub(crate) fn push_metric(out: &mut String, labels: &Labels) {
    out.push('{');
    for (i, (name, value)) in labels.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        push_json(out, name);
        out.push(':');
        push_json(out, value);
    }
    out.push('}');
}
