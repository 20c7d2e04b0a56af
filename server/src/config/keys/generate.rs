//! Keys of the metrics that are made of spans.

use super::Key;
use super::values::{count, duration, on_off, on_off_text};
use crate::units::duration_text;

fn millis(text: &str, least: u64) -> Result<i64, String> {
    let ms = duration(text)?;
    match i64::try_from(ms) {
        Ok(found) if ms >= least => Ok(found),
        _ => Err(format!("{text:?} is below {} or too long", duration_text(least))),
    }
}

fn text(ms: i64) -> String {
    duration_text(u64::try_from(ms).unwrap_or_default())
}

pub(super) const KEYS: &[Key] = &[
    Key {
        path: "span_metrics.enabled",
        default: "on",
        doc: "Whether `traces_spanmetrics_*` and `traces_service_graph_*` are made of spans.",
        list: false,
        apply: |c, v| on_off(v).map(|v| c.generate.enabled = v),
        show: |c| on_off_text(c.generate.enabled),
    },
    Key {
        path: "span_metrics.step",
        default: "15s",
        doc: "Distance of their samples, which stand at the times of the spans.",
        list: false,
        apply: |c, v| millis(v, 1_000).map(|v| c.generate.step_ms = v),
        show: |c| text(c.generate.step_ms),
    },
    Key {
        path: "span_metrics.wait",
        default: "10s",
        doc: "How long a step, and one side of a call, waits for spans that are still to come.",
        list: false,
        apply: |c, v| millis(v, 0).map(|v| c.generate.wait_ms = v),
        show: |c| text(c.generate.wait_ms),
    },
    Key {
        path: "span_metrics.max_groups",
        default: "20000",
        doc: "Most operations and edges per tenant; further ones count as one with `metric_overflow=\"true\"`.",
        list: false,
        apply: |c, v| {
            count(v, 1, 10_000_000)
                .map(|v| c.generate.entities_max = usize::try_from(v).unwrap_or(usize::MAX))
        },
        show: |c| c.generate.entities_max.to_string(),
    },
    Key {
        path: "span_metrics.max_waiting",
        default: "100000",
        doc: "Most calls per tenant of which one side is waited for; above it they are not counted.",
        list: false,
        apply: |c, v| {
            count(v, 1, 100_000_000).map(|v| c.generate.edges_max = usize::try_from(v).unwrap_or(usize::MAX))
        },
        show: |c| c.generate.edges_max.to_string(),
    },
];
