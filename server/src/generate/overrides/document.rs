//! The document of overrides, with the names and nesting of Tempo's, as far as there is something behind them: what it does
//! not name is refused, so that nothing is set in vain.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::Generate;
use crate::config::generate::policy::Policies;
use crate::config::generate::{Mapping, Policy, Processors, ServiceGraph, SpanMetrics, check_buckets};

/// All that a tenant may set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    metrics_generator: Generator,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Generator {
    #[serde(skip_serializing_if = "Option::is_none")]
    processors: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_collection: Option<bool>,
    processor: Processor,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Processor {
    service_graphs: Graph,
    span_metrics: Spans,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Graph {
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_client_server_prefix: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_messaging_system_latency_histogram: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_virtual_node_label: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer_attributes: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter_policies: Option<Vec<Policy>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    histogram_buckets: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_multiplier_key: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Spans {
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intrinsic_dimensions: Option<BTreeMap<String, bool>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimension_mappings: Option<Vec<Mapping>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_target_info: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter_policies: Option<Vec<Policy>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    histogram_buckets: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_info_excluded_dimensions: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_instance_label: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_multiplier_key: Option<String>,
}

impl Limits {
    /// The configuration with what is set here.
    ///
    /// # Errors
    /// The field that is set to what cannot be, and why.
    pub(crate) fn applied_to(&self, base: &Generate) -> Result<Generate, String> {
        let mut all = base.clone();
        let generator = &self.metrics_generator;
        if let Some(names) = &generator.processors {
            all.processors = Processors::of(names).map_err(within("metrics_generator.processors"))?;
        }
        all.enabled = all.enabled && generator.disable_collection != Some(true);
        generator.processor.service_graphs.apply(&mut all)?;
        generator.processor.span_metrics.apply(&mut all)?;
        Ok(all)
    }
}

impl Limits {
    /// The document that sets everything as it is in a configuration.
    pub(crate) fn of(all: &Generate) -> Limits {
        let names = all.processors.names().into_iter().map(str::to_owned);
        Limits {
            metrics_generator: Generator {
                processors: Some(names.collect()),
                disable_collection: Some(!all.enabled),
                processor: Processor {
                    service_graphs: Graph::of(&all.graph),
                    span_metrics: Spans::of(&all.spans),
                },
            },
        }
    }
}

/// Names the field of a problem.
fn within(field: &str) -> impl Fn(String) -> String {
    move |cause| format!("{field}: {cause}")
}

fn set<T: Clone>(into: &mut T, stated: Option<&T>) {
    if let Some(stated) = stated {
        into.clone_from(stated);
    }
}

impl Graph {
    fn of(graph: &ServiceGraph) -> Graph {
        Graph {
            dimensions: Some(graph.dimensions.clone()),
            enable_client_server_prefix: Some(graph.client_server_prefix),
            enable_messaging_system_latency_histogram: Some(graph.messaging_latency),
            enable_virtual_node_label: Some(graph.virtual_node_label),
            peer_attributes: Some(graph.peer_attributes.clone()),
            filter_policies: Some(graph.policies.clone()),
            histogram_buckets: Some(graph.buckets.clone()),
            span_multiplier_key: Some(graph.multiplier_key.clone()),
        }
    }

    fn apply(&self, all: &mut Generate) -> Result<(), String> {
        const FIELD: &str = "metrics_generator.processor.service_graphs";
        check(
            FIELD,
            self.histogram_buckets.as_deref(),
            self.filter_policies.as_deref(),
        )?;
        let into = &mut all.graph;
        set(&mut into.dimensions, self.dimensions.as_ref());
        set(
            &mut into.client_server_prefix,
            self.enable_client_server_prefix.as_ref(),
        );
        set(
            &mut into.messaging_latency,
            self.enable_messaging_system_latency_histogram.as_ref(),
        );
        set(
            &mut into.virtual_node_label,
            self.enable_virtual_node_label.as_ref(),
        );
        set(&mut into.peer_attributes, self.peer_attributes.as_ref());
        set(&mut into.policies, self.filter_policies.as_ref());
        set(&mut into.buckets, self.histogram_buckets.as_ref());
        set(&mut into.multiplier_key, self.span_multiplier_key.as_ref());
        Ok(())
    }
}

impl Spans {
    fn of(spans: &SpanMetrics) -> Spans {
        let intrinsic = spans.intrinsic.all().into_iter();
        Spans {
            dimensions: Some(spans.dimensions.clone()),
            intrinsic_dimensions: Some(intrinsic.map(|(name, on)| (name.to_owned(), on)).collect()),
            dimension_mappings: Some(spans.mappings.clone()),
            enable_target_info: Some(spans.target_info),
            filter_policies: Some(spans.policies.clone()),
            histogram_buckets: Some(spans.buckets.clone()),
            target_info_excluded_dimensions: Some(spans.target_info_excluded.clone()),
            enable_instance_label: Some(spans.instance_label),
            span_multiplier_key: Some(spans.multiplier_key.clone()),
        }
    }

    fn apply(&self, all: &mut Generate) -> Result<(), String> {
        const FIELD: &str = "metrics_generator.processor.span_metrics";
        check(
            FIELD,
            self.histogram_buckets.as_deref(),
            self.filter_policies.as_deref(),
        )?;
        let into = &mut all.spans;
        for (name, on) in self.intrinsic_dimensions.iter().flatten() {
            into.intrinsic
                .set(name, *on)
                .map_err(within(&format!("{FIELD}.intrinsic_dimensions")))?;
        }
        set(&mut into.dimensions, self.dimensions.as_ref());
        set(&mut into.mappings, self.dimension_mappings.as_ref());
        set(&mut into.target_info, self.enable_target_info.as_ref());
        set(&mut into.policies, self.filter_policies.as_ref());
        set(&mut into.buckets, self.histogram_buckets.as_ref());
        set(
            &mut into.target_info_excluded,
            self.target_info_excluded_dimensions.as_ref(),
        );
        set(&mut into.instance_label, self.enable_instance_label.as_ref());
        set(&mut into.multiplier_key, self.span_multiplier_key.as_ref());
        Ok(())
    }
}

fn check(field: &str, buckets: Option<&[f64]>, policies: Option<&[Policy]>) -> Result<(), String> {
    if let Some(buckets) = buckets {
        check_buckets(buckets).map_err(within(&format!("{field}.histogram_buckets")))?;
    }
    if let Some(policies) = policies {
        Policies::compile(policies).map_err(within(&format!("{field}.filter_policies")))?;
    }
    Ok(())
}
