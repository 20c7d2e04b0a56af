//! The server's own metrics as families, and their two forms: Prometheus' text format and the JSON of protobuf messages.
//! Not for metrics that others sent.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::go_float::{push_value, value_text};

/// A page of metrics being written.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    families: Vec<Family>,
}

#[derive(Debug)]
struct Family {
    name: String,
    kind: &'static str,
    help: &'static str,
    samples: Vec<Sample>,
}

#[derive(Debug)]
struct Sample {
    labels: Vec<(String, String)>,
    value: Measured,
}

#[derive(Debug)]
enum Measured {
    Number(f64),
    /// Upper bounds with counts that are not cumulated, the sum, and all observations.
    Histogram(Vec<(f64, u64)>, f64),
}

impl Exposition {
    /// Begins a family; its samples follow.
    pub(crate) fn family(&mut self, name: &str, kind: &'static str, help: &'static str) {
        self.families.push(Family {
            name: name.to_owned(),
            kind,
            help,
            samples: Vec::new(),
        });
    }

    /// A family of one sample without labels.
    pub(crate) fn single(&mut self, name: &str, kind: &'static str, help: &'static str, value: f64) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    /// A sample of the family begun last, which has this name.
    pub(crate) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.push(name, labels, Measured::Number(value));
    }

    /// A classic histogram: `buckets` are not cumulated and have one entry more than `bounds`.
    pub(crate) fn histogram(
        &mut self,
        name: &str,
        labels: &[(&str, &str)],
        bounds: &[f64],
        buckets: &[u64],
        sum: f64,
    ) {
        let bound = |i: usize| bounds.get(i).copied().unwrap_or(f64::INFINITY);
        let buckets = buckets.iter().enumerate().map(|(i, n)| (bound(i), *n)).collect();
        self.push(name, labels, Measured::Histogram(buckets, sum));
    }

    fn push(&mut self, name: &str, labels: &[(&str, &str)], value: Measured) {
        let family = self.families.last_mut().filter(|family| family.name == name);
        let labels = labels
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        if let Some(family) = family {
            family.samples.push(Sample { labels, value });
        }
    }

    /// The page in the text format.
    pub(crate) fn into_text(self) -> String {
        let mut out = String::new();
        for family in &self.families {
            let Family { name, kind, help, .. } = family;
            // Writing to a string cannot fail.
            let _infallible = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for sample in &family.samples {
                match &sample.value {
                    Measured::Number(value) => line(&mut out, name, "", &sample.labels, None, *value),
                    Measured::Histogram(buckets, sum) => {
                        let mut total = 0;
                        for (bound, n) in buckets {
                            total += n;
                            line(
                                &mut out,
                                name,
                                "_bucket",
                                &sample.labels,
                                Some(*bound),
                                total as f64,
                            );
                        }
                        line(&mut out, name, "_sum", &sample.labels, None, *sum);
                        line(&mut out, name, "_count", &sample.labels, None, total as f64);
                    }
                }
            }
        }
        out
    }

    /// The families whose names `wanted` takes, as protobuf's JSON of `io.prometheus.client.MetricFamily`.
    pub(crate) fn into_json(self, wanted: impl Fn(&str) -> bool) -> Vec<Value> {
        let families = self.families.into_iter().filter(|family| wanted(&family.name));
        families
            .map(|family| {
                let metrics: Vec<Value> = family.samples.iter().map(|s| metric(s, family.kind)).collect();
                json!({
                    "name": family.name,
                    "help": family.help,
                    "type": family.kind.to_uppercase(),
                    "metric": metrics,
                })
            })
            .collect()
    }
}

fn line(
    out: &mut String,
    name: &str,
    suffix: &str,
    labels: &[(String, String)],
    bound: Option<f64>,
    value: f64,
) {
    out.push_str(name);
    out.push_str(suffix);
    let bound = bound.map(|bound| ("le", value_text(bound)));
    let all = labels.iter().map(|(n, v)| (n.as_str(), v.clone())).chain(bound);
    let mut separator = '{';
    for (label, text) in all {
        let escaped = text
            .replace('\\', "\\\\")
            .replace('\n', "\\n")
            .replace('"', "\\\"");
        // Writing to a string cannot fail.
        let _infallible = write!(out, "{separator}{label}=\"{escaped}\"");
        separator = ',';
    }
    out.push_str(if separator == ',' { "} " } else { " " });
    push_value(out, value);
    out.push('\n');
}

fn metric(sample: &Sample, kind: &str) -> Value {
    let labels: Vec<Value> = sample
        .labels
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    let value = match &sample.value {
        Measured::Number(value) => json!({"value": number(*value)}),
        Measured::Histogram(buckets, sum) => {
            let mut total = 0;
            let buckets: Vec<Value> = buckets
                .iter()
                .map(|(bound, n)| {
                    total += n;
                    // 64-bit integers are texts in protobuf's JSON.
                    json!({"cumulativeCount": total.to_string(), "upperBound": number(*bound)})
                })
                .collect();
            json!({"sampleCount": total.to_string(), "sampleSum": number(*sum), "bucket": buckets})
        }
    };
    let mut out = json!({ kind: value });
    if !labels.is_empty() {
        out["label"] = labels.into();
    }
    out
}

/// Protobuf's JSON spells what is no number.
fn number(value: f64) -> Value {
    match value {
        v if v.is_nan() => json!("NaN"),
        f64::INFINITY => json!("Infinity"),
        f64::NEG_INFINITY => json!("-Infinity"),
        v => json!(v),
    }
}
