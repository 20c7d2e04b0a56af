//! Writes Prometheus' text format: families, samples, histograms. Not for reading it.

use std::fmt::Write;

use crate::go_float::push_value;

/// A page of metrics being written.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    text: String,
}

impl Exposition {
    /// Begins a family; its samples follow.
    pub(crate) fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// A family of one sample without labels.
    pub(crate) fn single(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    /// A sample of the family begun last.
    pub(crate) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.text.push_str(name);
        for (i, (label, text)) in labels.iter().enumerate() {
            let escaped = text
                .replace('\\', "\\\\")
                .replace('\n', "\\n")
                .replace('"', "\\\"");
            let _ = write!(
                self.text,
                "{}{label}=\"{escaped}\"",
                if i == 0 { '{' } else { ',' }
            );
        }
        self.text.push_str(if labels.is_empty() { " " } else { "} " });
        push_value(&mut self.text, value);
        self.text.push('\n');
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
        let mut total = 0;
        let bucket_name = format!("{name}_bucket");
        for (i, n) in buckets.iter().enumerate() {
            total += n;
            let mut bound = String::new();
            push_value(&mut bound, bounds.get(i).copied().unwrap_or(f64::INFINITY));
            let labels: Vec<_> = labels.iter().copied().chain([("le", bound.as_str())]).collect();
            self.sample(&bucket_name, &labels, total as f64);
        }
        self.sample(&format!("{name}_sum"), labels, sum);
        self.sample(&format!("{name}_count"), labels, total as f64);
    }

    /// The page.
    pub(crate) fn into_text(self) -> String {
        self.text
    }
}
