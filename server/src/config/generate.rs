//! Whether and how metrics are made of spans.

/// The configuration of metrics from spans.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
}
