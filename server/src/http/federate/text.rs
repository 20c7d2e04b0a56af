//! Families in Prometheus' text format and in OpenMetrics.

use kymo_query::number::format_go;

use super::escape::is_classic;
use super::family::{Family, Member, Type, Value, classic_buckets, counts};
use super::format::{Format, Kind};

/// Appends all families.
pub(super) fn write(families: &[Family], format: &Format, out: &mut Vec<u8>) {
    let mut text = String::new();
    let open = format.kind == Kind::OpenMetrics;
    for family in families {
        let kind = match family.kind {
            Type::Untyped if open => "unknown",
            Type::Untyped => "untyped",
            Type::GaugeHistogram if open => "gaugehistogram",
            Type::Histogram | Type::GaugeHistogram => "histogram",
        };
        text.push_str("# TYPE ");
        push_name(&mut text, &family.name);
        text.push_str(&format!(" {kind}\n"));
        let writer = Writer { family, open };
        family
            .members
            .iter()
            .for_each(|member| writer.member(&mut text, member));
    }
    if open {
        text.push_str("# EOF\n");
    }
    out.extend(text.into_bytes());
}

struct Writer<'f> {
    family: &'f Family,
    open: bool,
}

impl Writer<'_> {
    fn member(&self, out: &mut String, member: &Member) {
        match &member.value {
            Value::Float(value) => self.sample(out, "", member, None, *value),
            Value::Histogram(histogram) => {
                for (bound, count) in classic_buckets(histogram) {
                    self.sample(out, "_bucket", member, Some(bound), count);
                }
                let gauge = self.open && self.family.kind == Type::GaugeHistogram;
                let (sum, count) = if gauge {
                    ("_gsum", "_gcount")
                } else {
                    ("_sum", "_count")
                };
                self.sample(out, sum, member, None, histogram.sum);
                self.sample(out, count, member, None, counts(histogram).0);
            }
        }
    }

    fn sample(&self, out: &mut String, suffix: &str, member: &Member, bound: Option<f64>, value: f64) {
        let name = format!("{}{suffix}", self.family.name);
        let mut separator = '{';
        if is_classic(&name) {
            out.push_str(&name);
        } else {
            out.push('{');
            push_quoted(out, &name);
            separator = ',';
        }
        for (label, value) in &member.labels {
            out.push(separator);
            separator = ',';
            push_name(out, label);
            out.push('=');
            push_quoted(out, value);
        }
        if let Some(bound) = bound {
            out.push(separator);
            separator = ',';
            out.push_str("le=");
            push_quoted(out, &self.number(bound));
        }
        if separator == ',' {
            out.push('}');
        }
        out.push(' ');
        out.push_str(&self.number(value));
        out.push(' ');
        if self.open {
            out.push_str(&self.number(member.time as f64 / 1000.0));
        } else {
            out.push_str(&member.time.to_string());
        }
        out.push('\n');
    }

    /// OpenMetrics wants floats that look like floats.
    fn number(&self, value: f64) -> String {
        let mut text = format_go(value);
        if self.open && value.is_finite() && !text.contains(['e', '.']) {
            text.push_str(".0");
        }
        text
    }
}

/// Names outside the classic alphabet stand in quotes.
fn push_name(out: &mut String, name: &str) {
    if is_classic(name) {
        out.push_str(name);
    } else {
        push_quoted(out, name);
    }
}

fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' => out.push_str("\\\""),
            c => out.push(c),
        }
    }
    out.push('"');
}
