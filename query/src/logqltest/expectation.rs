//! What a query of a script must give, and whether it did.

use super::script::labels;
use crate::logql::eval::LabelSet;
use crate::logql::eval::metric::{Grid, Series, Value};
use crate::promqltest::sequence::{self, Element};

/// Least difference of two numbers, in proportion.
const EPSILON: f64 = 1e-6;

/// What must come.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Expectation {
    pub(super) fail: Option<Message>,
    ordered: bool,
    number: Option<f64>,
    series: Vec<(LabelSet, Vec<Option<f64>>)>,
}

/// What an error must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    Any,
    Holds(String),
    Matches(String),
}

impl Message {
    pub(super) fn fits(&self, error: &str) -> bool {
        match self {
            Message::Any => true,
            Message::Holds(text) => error.contains(text.as_str()),
            Message::Matches(pattern) => regex::Regex::new(pattern).is_ok_and(|r| r.is_match(error)),
        }
    }
}

impl Expectation {
    pub(super) fn parse(lines: &[String]) -> Result<Expectation, String> {
        let mut of = Expectation::default();
        for line in lines {
            if let Some(what) = line.strip_prefix("expect ") {
                of.directive(what.trim())?;
            } else if line.starts_with("skip ") {
                continue;
            } else if line.starts_with('{') {
                let (pairs, rest) = labels(line)?;
                let values = rest.split('#').next().unwrap_or("");
                of.series.push((LabelSet::from_pairs(pairs), numbers(values)?));
            } else {
                let text = line.split('#').next().unwrap_or("").trim();
                of.number = Some(sequence::value(text).ok_or_else(|| format!("cannot read {line:?}"))?);
            }
        }
        Ok(of)
    }

    fn directive(&mut self, what: &str) -> Result<(), String> {
        let bare = what.split('#').next().unwrap_or("").trim();
        match bare {
            "empty" => {}
            "ordered" => self.ordered = true,
            "fail" => self.fail = Some(Message::Any),
            _ => {
                let message = what.strip_prefix("fail ").map(str::trim);
                let holds = message.and_then(|m| m.strip_prefix("msg:"));
                let matches = message.and_then(|m| m.strip_prefix("regex:"));
                self.fail = Some(match (holds, matches) {
                    (Some(text), _) => Message::Holds(text.trim().to_owned()),
                    (_, Some(pattern)) => Message::Matches(pattern.trim().to_owned()),
                    _ => return Err(format!("cannot read expect {what:?}")),
                });
            }
        }
        Ok(())
    }

    /// True when a value is what must come.
    pub(super) fn is_met(&self, value: &Value, grid: &Grid) -> bool {
        let of_number;
        let series = match value {
            Value::Scalar(n) if self.number.is_some() => return self.number.is_some_and(|m| near(m, *n)),
            Value::Scalar(n) => {
                of_number = [Series {
                    labels: LabelSet::default(),
                    values: vec![Some(*n); grid.len()],
                }];
                &of_number[..]
            }
            Value::Series(series) => series,
        };
        let same = |(labels, values): &(LabelSet, Vec<Option<f64>>), got: &Series| {
            let pad = grid.len().max(values.len());
            let at = |values: &[Option<f64>], n: usize| values.get(n).copied().flatten();
            *labels == got.labels
                && (0..pad).all(|n| match (at(values, n), at(&got.values, n)) {
                    (Some(a), Some(b)) => near(a, b),
                    (a, b) => a.is_none() && b.is_none(),
                })
        };
        let whole = self.number.is_none() && self.series.len() == series.len();
        match self.ordered {
            true => whole && self.series.iter().zip(series).all(|(want, got)| same(want, got)),
            false => {
                whole
                    && self
                        .series
                        .iter()
                        .all(|want| series.iter().any(|got| same(want, got)))
            }
        }
    }
}

fn numbers(text: &str) -> Result<Vec<Option<f64>>, String> {
    let element = |element| match element {
        Element::Omitted => Ok(None),
        Element::Float(n) => Ok(Some(n)),
        Element::Histogram { .. } => Err("logs have no histograms".to_owned()),
    };
    sequence::parse(text)?.into_iter().map(element).collect()
}

fn near(a: f64, b: f64) -> bool {
    if a == b || (a.is_nan() && b.is_nan()) {
        return true;
    }
    let (size, difference) = (a.abs() + b.abs(), (a - b).abs());
    difference < EPSILON * size.max(f64::MIN_POSITIVE)
}

/// A value as lines.
pub(super) fn show(value: &Value) -> String {
    let number = |n: &Option<f64>| n.map_or("_".to_owned(), crate::number::format_plain);
    match value {
        Value::Scalar(n) => crate::number::format_plain(*n),
        Value::Series(series) => {
            let line = |s: &Series| {
                let values: Vec<String> = s.values.iter().map(number).collect();
                format!("{} {}", s.labels, values.join(" "))
            };
            series.iter().map(line).collect::<Vec<_>>().join("\n")
        }
    }
}
