//! Whether and how metrics are made of spans: Tempo's settings of its processors `span-metrics` and `service-graphs`, under
//! Tempo's names. Not for making them.

pub(crate) mod policy;

pub(crate) use policy::Policy;
use serde::{Deserialize, Serialize};

/// The configuration of metrics from spans.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Generate {
    /// Whether they are made.
    pub enabled: bool,
    /// Distance of their samples in milliseconds.
    pub step_ms: i64,
    /// How long a step, and one side of a call, waits for spans, in milliseconds.
    pub wait_ms: i64,
    /// Most groups of series: operations and edges. What comes above counts as one.
    pub entities_max: usize,
    /// Most calls of which one side is waited for.
    pub edges_max: usize,
    /// Which metrics are made.
    pub(crate) processors: Processors,
    /// Metrics of operations.
    pub(crate) spans: SpanMetrics,
    /// Metrics of calls between services.
    pub(crate) graph: ServiceGraph,
}

/// Which metrics are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a part that Tempo switches by a name of its own"
)]
pub(crate) struct Processors {
    /// `traces_spanmetrics_calls_total`.
    pub(crate) span_count: bool,
    /// `traces_spanmetrics_latency`.
    pub(crate) span_latency: bool,
    /// `traces_spanmetrics_size_total`.
    pub(crate) span_size: bool,
    /// `traces_service_graph_request_total` and `..._failed_total`.
    pub(crate) graph_request: bool,
    /// The durations of calls.
    pub(crate) graph_latency: bool,
    /// `traces_service_graph_connection_info`.
    pub(crate) graph_connection_info: bool,
}

type Switch = fn(&mut Processors);

/// Tempo's names of processors and of their parts, with what they switch on.
const PROCESSORS: [(&str, Switch); 8] = [
    ("service-graphs", |p| {
        (p.graph_request, p.graph_latency) = (true, true)
    }),
    ("service-graphs-request", |p| p.graph_request = true),
    ("service-graphs-latency", |p| p.graph_latency = true),
    ("service-graphs-connection-info", |p| {
        p.graph_connection_info = true
    }),
    ("span-metrics", |p| {
        (p.span_count, p.span_latency, p.span_size) = (true, true, true)
    }),
    ("span-metrics-count", |p| p.span_count = true),
    ("span-metrics-latency", |p| p.span_latency = true),
    ("span-metrics-size", |p| p.span_size = true),
];

impl Processors {
    /// Those of a list of names.
    ///
    /// # Errors
    /// A name that is none.
    pub(crate) fn of<S: AsRef<str>>(names: &[S]) -> Result<Processors, String> {
        let mut all = Processors::default();
        for name in names {
            let name = name.as_ref();
            match PROCESSORS.iter().find(|(known, _)| *known == name) {
                Some((_, switch)) => switch(&mut all),
                None => {
                    let known = PROCESSORS.map(|(known, _)| known).join(", ");
                    return Err(format!("{name:?} is none of {known}"));
                }
            }
        }
        Ok(all)
    }

    /// Their names: whole processors where all of one's parts are on.
    pub(crate) fn names(self) -> Vec<&'static str> {
        let mut names = Vec::new();
        let mut named = Processors::default();
        for (name, switch) in PROCESSORS {
            let (mut with, mut all) = (named, self);
            switch(&mut with);
            switch(&mut all);
            if all == self && with != named {
                names.push(name);
                named = with;
            }
        }
        names
    }

    /// Whether operations are counted.
    pub(crate) fn spans(self) -> bool {
        self.span_count || self.span_latency || self.span_size
    }

    /// Whether calls between services are counted.
    pub(crate) fn graph(self) -> bool {
        self.graph_request || self.graph_latency || self.graph_connection_info
    }
}

/// Metrics of operations.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct SpanMetrics {
    /// Upper bounds of the durations' buckets in seconds, rising.
    pub(crate) buckets: Vec<f64>,
    /// Labels that come from what every span has.
    pub(crate) intrinsic: Intrinsic,
    /// Attributes that become labels, looked up on the resource, then on the span.
    pub(crate) dimensions: Vec<String>,
    /// Labels that join the values of several attributes.
    pub(crate) mappings: Vec<Mapping>,
    /// Whether `traces_target_info` is made, and `job` and `instance` are labels.
    pub(crate) target_info: bool,
    /// Attributes of resources that `traces_target_info` leaves out.
    pub(crate) target_info_excluded: Vec<String>,
    /// Whether there is a label `instance`.
    pub(crate) instance_label: bool,
    /// Attribute that says which part of the spans was kept.
    pub(crate) multiplier_key: String,
    /// Whether the trace state says it.
    pub(crate) tracestate_multiplier: bool,
    /// Which spans count.
    pub(crate) policies: Vec<Policy>,
}

/// Metrics of calls between services.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch that Tempo has under that name"
)]
pub(crate) struct ServiceGraph {
    /// Upper bounds of the durations' buckets in seconds, rising.
    pub(crate) buckets: Vec<f64>,
    /// Attributes that become labels.
    pub(crate) dimensions: Vec<String>,
    /// Whether those labels begin with `client_` and `server_`, by the side that has the attribute.
    pub(crate) client_server_prefix: bool,
    /// Whether the time between a producer's end and a consumer's start is measured.
    pub(crate) messaging_latency: bool,
    /// Whether a label says which side of an edge sends no spans.
    pub(crate) virtual_node_label: bool,
    /// Attributes that name a peer that sends no spans.
    pub(crate) peer_attributes: Vec<String>,
    /// Attributes that tell a database and its name.
    pub(crate) database_attributes: Vec<String>,
    /// Attribute that says which part of the spans was kept.
    pub(crate) multiplier_key: String,
    /// Whether the trace state says it.
    pub(crate) tracestate_multiplier: bool,
    /// Which spans count.
    pub(crate) policies: Vec<Policy>,
}

/// Labels that come from what every span has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a label that Tempo switches under that name"
)]
pub(crate) struct Intrinsic {
    pub(crate) service: bool,
    pub(crate) span_name: bool,
    pub(crate) span_kind: bool,
    pub(crate) status_code: bool,
    pub(crate) status_message: bool,
}

impl Default for Intrinsic {
    fn default() -> Intrinsic {
        Intrinsic {
            service: true,
            span_name: true,
            span_kind: true,
            status_code: true,
            status_message: false,
        }
    }
}

impl Intrinsic {
    /// None of them.
    pub(crate) const NONE: Intrinsic = Intrinsic {
        service: false,
        span_name: false,
        span_kind: false,
        status_code: false,
        status_message: false,
    };

    /// Switches one by its name.
    ///
    /// # Errors
    /// A name that is none.
    pub(crate) fn set(&mut self, name: &str, on: bool) -> Result<(), String> {
        match name {
            "service" => self.service = on,
            "span_name" => self.span_name = on,
            "span_kind" => self.span_kind = on,
            "status_code" => self.status_code = on,
            "status_message" => self.status_message = on,
            _ => {
                return Err(format!(
                    "{name:?} is none of service, span_name, span_kind, status_code, status_message"
                ));
            }
        }
        Ok(())
    }

    /// All with whether they are on.
    pub(crate) fn all(self) -> [(&'static str, bool); 5] {
        [
            ("service", self.service),
            ("span_name", self.span_name),
            ("span_kind", self.span_kind),
            ("status_code", self.status_code),
            ("status_message", self.status_message),
        ]
    }
}

/// A label that joins the values of several attributes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mapping {
    /// The label, before it is made a valid name.
    pub(crate) name: String,
    /// The attributes.
    pub(crate) source_labels: Vec<String>,
    /// What stands between their values.
    #[serde(default)]
    pub(crate) join: String,
}

/// Checks that bounds of buckets are finite and rise.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn check_buckets(bounds: &[f64]) -> Result<(), String> {
    if bounds.is_empty() || bounds.len() > BOUNDS_MAX {
        return Err(format!("between 1 and {BOUNDS_MAX} bounds are expected"));
    }
    let rising = bounds.windows(2).all(|pair| pair[0] < pair[1]);
    if rising && bounds.iter().all(|bound| bound.is_finite()) {
        Ok(())
    } else {
        Err("bounds must be finite and rise".to_owned())
    }
}

/// Most bounds of a histogram.
const BOUNDS_MAX: usize = 200;

#[cfg(test)]
mod tests;
