//! The queries of the macro measurement, from cheap to heavy, over the series of a fleet. Not for checking their answers
//! (see `tests/`).

/// A query of the measurement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// A name for the table.
    pub(super) name: &'static str,
    /// The expression. `HOST` stands for the address of one replica.
    pub(super) text: &'static str,
    /// Over the whole range, at [`STEPS`] steps; otherwise at its end.
    pub(super) range: bool,
}

/// Steps of a range query.
pub(super) const STEPS: i64 = 240;

const fn instant(name: &'static str, text: &'static str) -> Asked {
    Asked {
        name,
        text,
        range: false,
    }
}

const fn range(name: &'static str, text: &'static str) -> Asked {
    Asked {
        name,
        text,
        range: true,
    }
}

/// The one that looks at every sample there is.
pub(super) const HEAVIEST: &str = "rate + sum by, all series";

/// All queries.
pub(super) const ALL: [Asked; 24] = [
    instant("one series, instant", r#"node_load1{instance="HOST:19100"}"#),
    range("one series, range", r#"node_load1{instance="HOST:19100"}"#),
    instant("absent", r#"absent(up{job="nothing"})"#),
    instant("sum, instant", "sum(up)"),
    range(
        "rate, one instance",
        r#"rate(node_cpu_seconds_total{instance="HOST:19100"}[5m])"#,
    ),
    range("avg_over_time", "avg_over_time(node_load1[30m])"),
    range(
        "sum by mode of rate",
        "sum by (mode) (rate(node_cpu_seconds_total[5m]))",
    ),
    range(
        "max_over_time",
        "max_over_time(process_resident_memory_bytes[10m])",
    ),
    range(
        "quantile_over_time",
        "quantile_over_time(0.9, go_goroutines[15m])",
    ),
    range(
        "predict_linear",
        "predict_linear(node_filesystem_avail_bytes[1h], 3600) < 0",
    ),
    range(
        "changes",
        "sum by (job) (changes(process_start_time_seconds[1h]))",
    ),
    range(
        "subquery",
        "max_over_time(sum(rate(node_network_receive_bytes_total[1m]))[30m:1m])",
    ),
    range(
        "join one to one",
        "node_memory_MemAvailable_bytes / on (instance) node_memory_MemTotal_bytes",
    ),
    range(
        "join many to one",
        r#"sum by (instance, mode) (rate(node_cpu_seconds_total{mode!="idle"}[5m])) * on (instance) group_left (nodename) node_uname_info"#,
    ),
    range(
        "error ratio",
        r#"sum by (job) (rate(prometheus_http_requests_total{code=~"5.."}[5m])) / sum by (job) (rate(prometheus_http_requests_total[5m])) > 0.01"#,
    ),
    range(
        "topk of rate",
        "topk(5, rate(prometheus_http_requests_total[5m]))",
    ),
    range("every series of a metric", "up"),
    range(
        "histogram_quantile",
        "histogram_quantile(0.99, sum by (le) (rate(prometheus_http_request_duration_seconds_bucket[5m])))",
    ),
    range(
        "histogram_quantile by instance",
        "histogram_quantile(0.95, sum by (le, instance) (rate(job_duration_seconds_bucket[5m])))",
    ),
    range(
        "regex over many",
        r#"sum by (instance) (rate({__name__=~"node_.*", instance=~"10\\..*"}[5m]))"#,
    ),
    range(
        "rate + sum, all buckets",
        r#"sum by (job) (rate({__name__=~".+_bucket"}[5m]))"#,
    ),
    instant(
        "topk by name",
        r#"topk(10, count by (__name__) ({__name__=~".+"}))"#,
    ),
    range("count, all series", r#"count({cluster!=""})"#),
    range(HEAVIEST, r#"sum by (job) (rate({cluster!=""}[5m]))"#),
];
