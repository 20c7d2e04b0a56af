//! Warnings and infos of a query in Prometheus' words. Not for errors.

use std::collections::HashSet;

use crate::lex::Span;

/// What there is to say about a result. Equal texts appear once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Annotations {
    /// Texts such as `PromQL warning: quantile value should be between 0 and 1, got 2 (1:20)`.
    pub warnings: Vec<String>,
    /// Texts that start with `PromQL info: `.
    pub infos: Vec<String>,
}

/// How serious an annotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Severity {
    Warning,
    Info,
}

/// Annotations before their places are turned into lines and columns.
#[derive(Debug, Default)]
pub(super) struct Notes {
    list: Vec<(Severity, String, Span)>,
    seen: HashSet<(Severity, String, Span)>,
    /// Extremes of forced monotonicity by metric and place.
    monotonicity: Vec<Monotonicity>,
}

/// What `histogram_quantile` had to repair in buckets of one metric.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Monotonicity {
    pub(super) metric: String,
    pub(super) span: Span,
    pub(super) min_time: i64,
    pub(super) max_time: i64,
    pub(super) min_bucket: f64,
    pub(super) max_bucket: f64,
    pub(super) max_diff: f64,
    pub(super) count: u64,
}

impl Notes {
    pub(super) fn add(&mut self, severity: Severity, message: String, span: Span) {
        if self.seen.insert((severity, message.clone(), span)) {
            self.list.push((severity, message, span));
        }
    }

    /// Takes in the notes of a part of the work.
    pub(super) fn absorb(&mut self, other: &Notes) {
        for (severity, message, span) in &other.list {
            self.add(*severity, message.clone(), *span);
        }
        for one in &other.monotonicity {
            self.add_monotonicity(one.clone());
        }
    }

    pub(super) fn add_monotonicity(&mut self, new: Monotonicity) {
        let same = self
            .monotonicity
            .iter_mut()
            .find(|old| old.metric == new.metric && old.span == new.span);
        let Some(old) = same else {
            self.monotonicity.push(new);
            return;
        };
        old.min_time = old.min_time.min(new.min_time);
        old.max_time = old.max_time.max(new.max_time);
        old.min_bucket = old.min_bucket.min(new.min_bucket);
        old.max_bucket = old.max_bucket.max(new.max_bucket);
        old.max_diff = old.max_diff.max(new.max_diff);
        old.count += new.count;
    }

    pub(super) fn finish(mut self, text: &str) -> Annotations {
        for m in std::mem::take(&mut self.monotonicity) {
            let (message, span) = (m.message(), m.span);
            self.add(Severity::Info, message, span);
        }
        let mut out = Annotations::default();
        for (severity, message, span) in self.list {
            let (line, column) = span.line_column(text);
            let (prefix, list) = match severity {
                Severity::Warning => ("PromQL warning: ", &mut out.warnings),
                Severity::Info => ("PromQL info: ", &mut out.infos),
            };
            let text = format!("{prefix}{message} ({line}:{column})");
            if !list.contains(&text) {
                list.push(text);
            }
        }
        out
    }
}

impl Monotonicity {
    fn message(&self) -> String {
        const SEE: &str = "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)";
        let metric = if self.metric.is_empty() {
            String::new()
        } else {
            format!(" for metric name {}", crate::lex::string::quote(&self.metric))
        };
        let go = crate::number::format_go;
        format!(
            "{SEE}{metric}, from buckets {} to {}, with a max diff of {}, over {} samples from {} to {}",
            go(self.min_bucket),
            go(self.max_bucket),
            two_digits(self.max_diff),
            self.count,
            rfc3339(self.min_time),
            rfc3339(self.max_time)
        )
    }
}

/// Two significant digits, as Go's `%.2g` writes them.
fn two_digits(value: f64) -> String {
    let rounded = format!("{value:.1e}");
    match rounded.parse::<f64>() {
        Ok(number) if (1e-4..100.0).contains(&number.abs()) => format!("{number}"),
        Ok(number) if number.is_finite() && number != 0.0 => {
            let text = format!("{number:e}");
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let (sign, digits) = match exponent.strip_prefix('-') {
                Some(digits) => ('-', digits),
                None => ('+', exponent),
            };
            format!("{mantissa}e{sign}{digits:0>2}")
        }
        _ => crate::number::format_go(value),
    }
}

/// Milliseconds since 1970 as `2006-01-02T15:04:05Z`; what is below a second is cut.
fn rfc3339(millis: i64) -> String {
    let date = super::calendar::Date::of(millis / 1000);
    let seconds = (millis / 1000).rem_euclid(86_400);
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!(
        "{:04}-{:02}-{:02}T{h:02}:{m:02}:{s:02}Z",
        date.year, date.month, date.day
    )
}

#[cfg(test)]
mod tests;
