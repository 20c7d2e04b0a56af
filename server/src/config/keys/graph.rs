//! Keys of the service graph, one of the metrics that are made of spans.

use super::Key;
use super::generate::{buckets, buckets_text, documents_text, names, policies};
use super::values::{on_off, on_off_text};

pub(super) const KEYS: &[Key] = &[
    Key {
        path: "service_graph.dimensions",
        default: "",
        doc: "Attributes that become labels of `traces_service_graph_*`, looked up on the resource, then on the span.",
        list: true,
        apply: |c, v| names(v).map(|v| c.generate.graph.dimensions = v),
        show: |c| c.generate.graph.dimensions.join(","),
    },
    Key {
        path: "service_graph.enable_client_server_prefix",
        default: "off",
        doc: "Whether those labels begin with `client_` and `server_`; `off`: the server's value goes before the client's.",
        list: false,
        apply: |c, v| on_off(v).map(|v| c.generate.graph.client_server_prefix = v),
        show: |c| on_off_text(c.generate.graph.client_server_prefix),
    },
    Key {
        path: "service_graph.enable_messaging_system_latency_histogram",
        default: "off",
        doc: "Whether `traces_service_graph_request_messaging_system_seconds` measures from a producer's end to its consumer's start.",
        list: false,
        apply: |c, v| on_off(v).map(|v| c.generate.graph.messaging_latency = v),
        show: |c| on_off_text(c.generate.graph.messaging_latency),
    },
    Key {
        path: "service_graph.enable_virtual_node_label",
        default: "off",
        doc: "Whether a label `virtual_node` says which side of an edge sends no spans: `client` or `server`.",
        list: false,
        apply: |c, v| on_off(v).map(|v| c.generate.graph.virtual_node_label = v),
        show: |c| on_off_text(c.generate.graph.virtual_node_label),
    },
    Key {
        path: "service_graph.peer_attributes",
        default: "peer.service,db.name,db.system,db.system.name",
        doc: "Attributes that name a peer that sends no spans, the first found.",
        list: true,
        apply: |c, v| names(v).map(|v| c.generate.graph.peer_attributes = v),
        show: |c| c.generate.graph.peer_attributes.join(","),
    },
    Key {
        path: "service_graph.database_name_attributes",
        default: "db.namespace,db.name,db.system,db.system.name",
        doc: "Attributes of a client's span that tell that it asks a database, and what that is called.",
        list: true,
        apply: |c, v| names(v).map(|v| c.generate.graph.database_attributes = v),
        show: |c| c.generate.graph.database_attributes.join(","),
    },
    Key {
        path: "service_graph.histogram_buckets",
        default: "0.1,0.2,0.4,0.8,1.6,3.2,6.4,12.8",
        doc: "Upper bounds in seconds of `traces_service_graph_request_*_seconds`.",
        list: true,
        apply: |c, v| buckets(v).map(|v| c.generate.graph.buckets = v),
        show: |c| buckets_text(&c.generate.graph.buckets),
    },
    Key {
        path: "service_graph.span_multiplier_key",
        default: "",
        doc: "As `span_metrics.span_multiplier_key`, for calls.",
        list: false,
        apply: |c, v| {
            c.generate.graph.multiplier_key = v.to_owned();
            Ok(())
        },
        show: |c| c.generate.graph.multiplier_key.clone(),
    },
    Key {
        path: "service_graph.enable_tracestate_span_multiplier",
        default: "off",
        doc: "As `span_metrics.enable_tracestate_span_multiplier`, for calls.",
        list: false,
        apply: |c, v| on_off(v).map(|v| c.generate.graph.tracestate_multiplier = v),
        show: |c| on_off_text(c.generate.graph.tracestate_multiplier),
    },
    Key {
        path: "service_graph.filter_policies",
        default: "",
        doc: "Which spans `traces_service_graph_*` count, as `span_metrics.filter_policies`; the other side of one left out does not count either.",
        list: true,
        apply: |c, v| policies(v).map(|v| c.generate.graph.policies = v),
        show: |c| documents_text(&c.generate.graph.policies),
    },
];
