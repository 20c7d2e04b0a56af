//! Reads series back over the API and compares them with what was sent, bit by bit.

use anyhow::{Context, Result};
use serde_json::Value;

use super::peer::{Server, query};
use crate::fleet::{Fleet, Replayed};

/// What a comparison found.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReadBack {
    /// Series compared.
    pub series: usize,
    /// Samples they were sent with.
    pub samples: usize,
    /// Samples that are missing, too many, or differ in time or value. The API writes every NaN as `NaN`.
    pub wrong: usize,
}

/// Compares `count` series spread over the fleet.
///
/// # Errors
/// When the server does not answer.
pub fn read_back(server: &Server, fleet: &Fleet, count: usize) -> Result<ReadBack> {
    let mut client = server.ready()?;
    let all: Vec<_> = fleet.last_series().collect();
    let mut found = ReadBack::default();
    let seconds = (fleet.end_ms() - fleet.size().start_ms) / 1000 + 60;
    for (slot, series) in all.iter().step_by((all.len() / count).max(1)) {
        let sent = fleet.replay(*slot, *series);
        let selector = format!("{}[{seconds}s]", selector(&sent));
        let answer = query(&mut client, &selector, fleet.end_ms() as f64 / 1e3)?;
        let rows = answer["data"]["result"].as_array().context("no result")?;
        let empty = Vec::new();
        let exact = rows.iter().find(|row| same_labels(&row["metric"], &sent));
        let values = exact.and_then(|row| row["values"].as_array()).unwrap_or(&empty);
        found.series += 1;
        found.samples += sent.samples.len();
        found.wrong += differences(values, &sent.samples);
    }
    Ok(found)
}

/// A selector of these labels; series with more labels match it too.
fn selector(series: &Replayed) -> String {
    let matchers: Vec<String> = series
        .labels
        .iter()
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    format!("{{{}}}", matchers.join(","))
}

fn same_labels(metric: &Value, series: &Replayed) -> bool {
    metric.as_object().is_some_and(|m| m.len() == series.labels.len())
}

fn differences(values: &[Value], sent: &[(i64, f64)]) -> usize {
    let mut wrong = values.len().abs_diff(sent.len());
    for (value, (time, expected)) in values.iter().zip(sent) {
        let at = value[0].as_f64().map(|s| (s * 1e3).round() as i64);
        let text = value[1].as_str().unwrap_or_default();
        let number: f64 = text.parse().unwrap_or(f64::INFINITY);
        let equal = number.to_bits() == expected.to_bits() || (number.is_nan() && expected.is_nan());
        wrong += usize::from(at != Some(*time) || !equal);
    }
    wrong
}
