//! The settings of one tenant's metrics from spans, ready to be asked for every span: labels with valid names, compiled
//! policies, and all attributes that anything asks for.

use std::sync::Arc;

use crate::config::Generate;
use crate::config::generate::policy::Policies;

/// Settings ready to be asked.
pub(super) struct Rules {
    /// As configured.
    pub(super) settings: Generate,
    pub(super) span_policies: Policies,
    pub(super) graph_policies: Policies,
    /// Labels of operations and the attributes they come from.
    pub(super) dimensions: Vec<(String, String)>,
    /// Labels of operations, the attributes they join, and what stands between.
    pub(super) mappings: Vec<(String, Vec<String>, String)>,
    pub(super) graph_dimensions: Vec<GraphDimension>,
    /// All attributes that anything asks for by [`super::Fact::text`].
    pub(super) asked: Vec<Arc<str>>,
}

/// A label of edges.
pub(super) struct GraphDimension {
    /// The attribute it comes from.
    pub(super) key: String,
    /// Its names: of no side, of the client, of the server.
    pub(super) plain: String,
    pub(super) client: String,
    pub(super) server: String,
}

/// Labels of operations that dimensions must not take.
const OPERATION_LABELS: [&str; 7] = [
    "service",
    "span_name",
    "span_kind",
    "status_code",
    "status_message",
    "job",
    "instance",
];
/// Labels of edges that dimensions must not take.
const EDGE_LABELS: [&str; 4] = ["client", "server", "connection_type", "virtual_node"];
/// Attributes that name a database's address.
pub(super) const ADDRESS_KEYS: [&str; 4] = [
    "peer.service",
    "server.address",
    "network.peer.address",
    "network.peer.port",
];

impl Rules {
    pub(super) fn new(settings: &Generate) -> Rules {
        // Policies were checked when they were read.
        let policies = |stated| Policies::compile(stated).unwrap_or_default();
        let (spans, graph) = (&settings.spans, &settings.graph);
        let dimension = |key: &String| (label(key, &OPERATION_LABELS), key.clone());
        let mapping = |m: &crate::config::generate::Mapping| {
            (
                label(&m.name, &OPERATION_LABELS),
                m.source_labels.clone(),
                m.join.clone(),
            )
        };
        Rules {
            span_policies: policies(&spans.policies),
            graph_policies: policies(&graph.policies),
            dimensions: spans.dimensions.iter().map(dimension).collect(),
            mappings: spans.mappings.iter().map(mapping).collect(),
            graph_dimensions: graph.dimensions.iter().map(|key| graph_dimension(key)).collect(),
            asked: asked(settings),
            settings: settings.clone(),
        }
    }

    /// Attributes that labels of operations come from.
    pub(super) fn label_keys(&self) -> impl Iterator<Item = &str> {
        let mapped = self.mappings.iter().flat_map(|(_, keys, _)| keys);
        let dimensions = self.dimensions.iter().map(|(_, key)| key);
        dimensions.chain(mapped).map(String::as_str)
    }
}

fn graph_dimension(key: &str) -> GraphDimension {
    let plain = label(key, &EDGE_LABELS);
    GraphDimension {
        key: key.to_owned(),
        client: format!("client_{plain}"),
        server: format!("server_{plain}"),
        plain,
    }
}

fn asked(settings: &Generate) -> Vec<Arc<str>> {
    let (spans, graph) = (&settings.spans, &settings.graph);
    let lists = [
        &spans.dimensions,
        &graph.dimensions,
        &graph.peer_attributes,
        &graph.database_attributes,
    ];
    let mapped = spans.mappings.iter().flat_map(|m| &m.source_labels);
    let stated = lists.into_iter().flatten().chain(mapped).map(String::as_str);
    let mut all: Vec<Arc<str>> = stated.chain(ADDRESS_KEYS).map(Arc::from).collect();
    all.sort();
    all.dedup();
    all
}

/// The label that an attribute becomes: a valid name, with `__` before it when it is that of another label.
pub(super) fn label(key: &str, taken: &[&str]) -> String {
    let valid = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let mut name: String = key.chars().map(valid).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    if taken.contains(&name.as_str()) {
        name.insert_str(0, "__");
    }
    name
}

/// How many spans one stands for by the sampling threshold in its trace state (OpenTelemetry's `ot=th:`, 56 bits of which
/// trailing zeros are left out), `None` without one.
pub(super) fn sampled(trace_state: &str) -> Option<f64> {
    let ot = trace_state
        .split(',')
        .find_map(|member| member.trim().strip_prefix("ot="))?;
    let digits = ot.split(';').find_map(|field| field.strip_prefix("th:"))?;
    let is_hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
    if digits.is_empty() || digits.len() > 14 || !is_hex {
        return None;
    }
    let rejected = u64::from_str_radix(digits, 16).ok()? << (4 * (14 - digits.len()));
    let all = (1u64 << 56) as f64;
    Some(all / (all - rejected as f64))
}

#[cfg(test)]
mod tests;
