//! Keys of the metrics that are made of spans.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Key;
use super::values::{count, duration, list, on_off, on_off_text};
use crate::config::generate::policy::Policies;
use crate::config::generate::{Intrinsic, Policy, Processors, check_buckets};
use crate::go_float::push_value;
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

/// Names of attributes, each once.
pub(super) fn names(text: &str) -> Result<Vec<String>, String> {
    let all = list(text);
    match all.iter().enumerate().find(|(n, name)| all[..*n].contains(name)) {
        Some((_, twice)) => Err(format!("{twice:?} is given twice")),
        None => Ok(all),
    }
}

/// A list of JSON objects; the brackets around may be left out.
fn documents<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, String> {
    let whole = if text.trim_start().starts_with('[') {
        text.to_owned()
    } else {
        format!("[{text}]")
    };
    serde_json::from_str(&whole).map_err(|e| format!("not a list of the objects that belong here: {e}"))
}

pub(super) fn documents_text<T: Serialize>(all: &[T]) -> String {
    if all.is_empty() {
        return String::new();
    }
    serde_json::to_string(all).expect("texts, numbers and lists of them are JSON")
}

pub(super) fn policies(text: &str) -> Result<Vec<Policy>, String> {
    let stated: Vec<Policy> = documents(text)?;
    Policies::compile(&stated).map(|_| stated)
}

/// All that are on, or `NAME=BOOL` for what differs from the default.
fn intrinsic(text: &str) -> Result<Intrinsic, String> {
    let items = list(text);
    let is_map = items.iter().any(|item| item.contains('='));
    let mut all = if is_map {
        Intrinsic::default()
    } else {
        Intrinsic::NONE
    };
    for item in &items {
        match item.split_once('=') {
            Some((name, on)) => all.set(name, on_off(on)?)?,
            None => all.set(item, true)?,
        }
    }
    Ok(all)
}

pub(super) fn buckets(text: &str) -> Result<Vec<f64>, String> {
    let bound = |text: &String| {
        text.parse()
            .map_err(|_| format!("{text:?} is not a number of seconds"))
    };
    let bounds: Vec<f64> = list(text).iter().map(bound).collect::<Result<_, _>>()?;
    check_buckets(&bounds).map(|()| bounds)
}

pub(super) fn buckets_text(bounds: &[f64]) -> String {
    let text = |bound: &f64| {
        let mut out = String::new();
        push_value(&mut out, *bound);
        out
    };
    bounds.iter().map(text).collect::<Vec<_>>().join(",")
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
    Key {
        path: "span_metrics.processors",
        default: "service-graphs,span-metrics",
        doc: "Which metrics are made; also parts: `service-graphs-request`, `-latency`, `-connection-info`, `span-metrics-count`, `-latency`, `-size`.",
        list: true,
        apply: |c, v| Processors::of(&list(v)).map(|v| c.generate.processors = v),
        show: |c| c.generate.processors.names().join(","),
    },
    Key {
        path: "span_metrics.dimensions",
        default: "",
        doc: "Attributes that become labels of `traces_spanmetrics_*`, looked up on the resource, then on the span.",
        list: true,
        apply: |c, v| names(v).map(|v| c.generate.spans.dimensions = v),
        show: |c| c.generate.spans.dimensions.join(","),
    },
    Key {
        path: "span_metrics.dimension_mappings",
        default: "",
        doc: "Labels that join the values of several attributes: a list of `{name, source_labels, join}`.",
        list: true,
        apply: |c, v| documents(v).map(|v| c.generate.spans.mappings = v),
        show: |c| documents_text(&c.generate.spans.mappings),
    },
    Key {
        path: "span_metrics.intrinsic_dimensions",
        default: "service,span_name,span_kind,status_code",
        doc: "Labels from what every span has, also `status_message`: a list of all, or a map of what differs from the default.",
        list: true,
        apply: |c, v| intrinsic(v).map(|v| c.generate.spans.intrinsic = v),
        show: |c| {
            let all = c.generate.spans.intrinsic.all().into_iter();
            all.filter_map(|(name, on)| on.then_some(name))
                .collect::<Vec<_>>()
                .join(",")
        },
    },
    Key {
        path: "span_metrics.histogram_buckets",
        default: "0.002,0.004,0.008,0.016,0.032,0.064,0.128,0.256,0.512,1.024,2.048,4.096,8.192,16.384",
        doc: "Upper bounds in seconds of `traces_spanmetrics_latency`.",
        list: true,
        apply: |c, v| buckets(v).map(|v| c.generate.spans.buckets = v),
        show: |c| buckets_text(&c.generate.spans.buckets),
    },
    Key {
        path: "span_metrics.enable_target_info",
        default: "off",
        doc: "Whether `traces_target_info` has the attributes of resources, and `job` and `instance` are labels.",
        list: false,
        apply: |c, v| on_off(v).map(|v| c.generate.spans.target_info = v),
        show: |c| on_off_text(c.generate.spans.target_info),
    },
    Key {
        path: "span_metrics.target_info_excluded_dimensions",
        default: "",
        doc: "Attributes of resources that `traces_target_info` leaves out.",
        list: true,
        apply: |c, v| names(v).map(|v| c.generate.spans.target_info_excluded = v),
        show: |c| c.generate.spans.target_info_excluded.join(","),
    },
    Key {
        path: "span_metrics.enable_instance_label",
        default: "on",
        doc: "Whether there is a label `instance` where there is `job`.",
        list: false,
        apply: |c, v| on_off(v).map(|v| c.generate.spans.instance_label = v),
        show: |c| on_off_text(c.generate.spans.instance_label),
    },
    Key {
        path: "span_metrics.span_multiplier_key",
        default: "",
        doc: "Attribute with the part of the spans that was kept, such as 0.1; each then counts for 10.",
        list: false,
        apply: |c, v| {
            c.generate.spans.multiplier_key = v.to_owned();
            Ok(())
        },
        show: |c| c.generate.spans.multiplier_key.clone(),
    },
    Key {
        path: "span_metrics.enable_tracestate_span_multiplier",
        default: "off",
        doc: "Whether the threshold `ot=th:` of the trace state says how many spans each counts for.",
        list: false,
        apply: |c, v| on_off(v).map(|v| c.generate.spans.tracestate_multiplier = v),
        show: |c| on_off_text(c.generate.spans.tracestate_multiplier),
    },
    Key {
        path: "span_metrics.filter_policies",
        default: "",
        doc: "Which spans `traces_spanmetrics_*` count: a list of Tempo's `{include, include_any, exclude}`.",
        list: true,
        apply: |c, v| policies(v).map(|v| c.generate.spans.policies = v),
        show: |c| documents_text(&c.generate.spans.policies),
    },
];
