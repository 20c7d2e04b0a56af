//! One side of a call, as its span tells it.

use super::super::fact::Fact;
use super::super::rules::Rules;
use super::super::steps::Exemplar;

const SERVER: i32 = 2;
const CLIENT: i32 = 3;
const PRODUCER: i32 = 4;
const CONSUMER: i32 = 5;
const ERROR: i32 = 2;

/// One side of an edge that waits for the other.
pub(super) struct Half {
    pub(super) service: u32,
    pub(super) is_client: bool,
    pub(super) failed: bool,
    pub(super) is_messaging: bool,
    /// Whether a policy leaves it out, and with it the other side.
    pub(super) is_left_out: bool,
    /// What else the side knows to be the peer.
    pub(super) peer: Option<String>,
    /// Numbers of further labels and their values.
    pub(super) dimensions: Vec<(usize, String)>,
    pub(super) seen: Exemplar,
    /// How many calls it stands for.
    pub(super) weight: f64,
    pub(super) start: i64,
    pub(super) end: i64,
}

/// Whether a span is a client's side of a call, `None` when it is no side.
pub(super) fn side(fact: &Fact<'_>) -> Option<bool> {
    match fact.shared.kind {
        CLIENT | PRODUCER => Some(true),
        SERVER | CONSUMER => Some(false),
        _ => None,
    }
}

impl Half {
    pub(super) fn of(fact: &Fact<'_>, service: u32, is_client: bool, rules: &Rules) -> Half {
        let graph = &rules.settings.graph;
        let dimensions = rules.graph_dimensions.iter().enumerate();
        Half {
            service,
            is_client,
            failed: fact.shared.status == ERROR,
            is_messaging: matches!(fact.shared.kind, PRODUCER | CONSUMER),
            is_left_out: !fact.is_kept(&rules.graph_policies),
            peer: graph.peer_attributes.iter().find_map(|key| fact.text(key)),
            dimensions: dimensions
                .filter_map(|(n, dimension)| Some((n, fact.text(&dimension.key)?)))
                .collect(),
            seen: fact.exemplar(),
            weight: fact.weight(&graph.multiplier_key, graph.tracestate_multiplier),
            start: fact.start,
            end: fact.end,
        }
    }

    /// Its further labels.
    pub(super) fn labels(&self, rules: &Rules) -> Vec<(String, String)> {
        let with_prefix = rules.settings.graph.client_server_prefix;
        let name = |n: usize| {
            let dimension = &rules.graph_dimensions[n];
            match (with_prefix, self.is_client) {
                (false, _) => &dimension.plain,
                (true, true) => &dimension.client,
                (true, false) => &dimension.server,
            }
        };
        let labels = self.dimensions.iter();
        labels
            .map(|(n, value)| (name(*n).clone(), value.clone()))
            .collect()
    }
}

/// What the database that a client's span asks is called, `None` when it asks none.
pub(super) fn database(fact: &Fact<'_>, rules: &Rules) -> Option<String> {
    let keys = &rules.settings.graph.database_attributes;
    let name = keys.iter().find_map(|key| fact.text(key))?;
    let address = || {
        let address = fact.text("network.peer.address")?;
        Some(match fact.text("network.peer.port") {
            Some(port) => format!("{address}:{port}"),
            None => address,
        })
    };
    let server = fact.text("peer.service").or_else(|| fact.text("server.address"));
    Some(server.or_else(address).unwrap_or(name))
}
