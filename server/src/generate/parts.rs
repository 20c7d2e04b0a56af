//! Which metrics each family of entities has by the settings.

use super::rules::Rules;
use super::steps::{Counts, Family, Histogram};

/// One metric of an entity.
pub(super) enum Part<'r> {
    /// The counter of calls.
    Calls(&'static str),
    /// The counter of bytes, or of failures.
    Second(&'static str),
    /// A gauge that is 1.
    Presence(&'static str),
    /// A histogram with its bounds.
    Histogram(&'static str, &'r [f64], Which),
}

/// Which histogram of the counts.
#[derive(Clone, Copy)]
pub(super) enum Which {
    Server,
    Client,
    Between,
}

impl Which {
    /// That histogram.
    pub(super) fn of(self, counts: &Counts) -> &Histogram {
        match self {
            Which::Server => &counts.server,
            Which::Client => &counts.client,
            Which::Between => &counts.between,
        }
    }
}

/// The metrics of a family, always in the same order.
pub(super) fn parts(rules: &Rules, family: Family) -> Vec<Part<'_>> {
    match family {
        Family::Operation => of_operation(rules),
        Family::Edge => of_edge(rules, false),
        Family::Messages => of_edge(rules, rules.settings.graph.messaging_latency),
        Family::Target => vec![Part::Presence("traces_target_info")],
    }
}

fn of_operation(rules: &Rules) -> Vec<Part<'_>> {
    let on = rules.settings.processors;
    let bounds = &rules.settings.spans.buckets;
    let all = [
        (on.span_count, Part::Calls("traces_spanmetrics_calls_total")),
        (on.span_size, Part::Second("traces_spanmetrics_size_total")),
        (
            on.span_latency,
            Part::Histogram("traces_spanmetrics_latency", bounds, Which::Server),
        ),
    ];
    all.into_iter()
        .filter_map(|(on, part)| on.then_some(part))
        .collect()
}

fn of_edge(rules: &Rules, between: bool) -> Vec<Part<'_>> {
    let on = rules.settings.processors;
    let bounds = &rules.settings.graph.buckets;
    let all = [
        (
            on.graph_request,
            Part::Calls("traces_service_graph_request_total"),
        ),
        (
            on.graph_request,
            Part::Second("traces_service_graph_request_failed_total"),
        ),
        (
            on.graph_latency,
            Part::Histogram(
                "traces_service_graph_request_server_seconds",
                bounds,
                Which::Server,
            ),
        ),
        (
            on.graph_latency,
            Part::Histogram(
                "traces_service_graph_request_client_seconds",
                bounds,
                Which::Client,
            ),
        ),
        (
            between,
            Part::Histogram(
                "traces_service_graph_request_messaging_system_seconds",
                bounds,
                Which::Between,
            ),
        ),
        (
            on.graph_connection_info,
            Part::Presence("traces_service_graph_connection_info"),
        ),
    ];
    all.into_iter()
        .filter_map(|(on, part)| on.then_some(part))
        .collect()
}
