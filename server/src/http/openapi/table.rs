//! The endpoints below `/api/v1` with their methods and parameters. Not for what they do.

/// One path.
pub(super) struct Endpoint {
    /// Below `/api/v1`.
    pub(super) path: &'static str,
    pub(super) methods: &'static [&'static str],
    pub(super) summary: &'static str,
    pub(super) params: &'static [Param],
    /// Parameters may come as a form.
    pub(super) form: bool,
    pub(super) data: Data,
}

/// A parameter.
pub(super) struct Param {
    pub(super) name: &'static str,
    pub(super) required: bool,
    pub(super) doc: &'static str,
}

/// What a success carries.
#[derive(Clone, Copy)]
pub(super) enum Data {
    /// The named schema.
    Schema(&'static str),
    Texts,
    Text,
    Objects,
    Object,
    /// No envelope but a body of this type.
    Media(&'static str),
    /// No body.
    Nothing,
}

const fn required(name: &'static str, doc: &'static str) -> Param {
    Param {
        name,
        required: true,
        doc,
    }
}

const fn optional(name: &'static str, doc: &'static str) -> Param {
    Param {
        name,
        required: false,
        doc,
    }
}

const fn get(path: &'static str, summary: &'static str, params: &'static [Param], data: Data) -> Endpoint {
    Endpoint {
        path,
        methods: &["GET"],
        summary,
        params,
        form: false,
        data,
    }
}

const fn both(path: &'static str, summary: &'static str, params: &'static [Param], data: Data) -> Endpoint {
    Endpoint {
        methods: &["GET", "POST"],
        form: true,
        ..get(path, summary, params, data)
    }
}

const fn change(
    path: &'static str,
    methods: &'static [&'static str],
    summary: &'static str,
    params: &'static [Param],
    data: Data,
) -> Endpoint {
    Endpoint {
        methods,
        ..get(path, summary, params, data)
    }
}

const QUERY: Param = required("query", "PromQL expression.");
const TIMEOUT: Param = optional("timeout", "Longest evaluation, like 30s.");
const LIMIT: Param = optional("limit", "Most elements of the answer, 0 for all.");
const LOOKBACK: Param = optional("lookback_delta", "How far instant selectors look back.");
const STATS: Param = optional("stats", "`true` or `all` adds statistics.");
const EXPLAIN: Param = optional(
    "explain",
    "`1` adds the plan and its cost, `only` answers it and does not evaluate.",
);
const START: Param = optional("start", "Earliest time: seconds since 1970 or RFC 3339.");
const END: Param = optional("end", "Latest time.");
const MATCH: Param = optional("match[]", "Selector of series; any of them.");
const SEARCH: [Param; 13] = [
    MATCH,
    optional("search[]", "Terms of which one must fit."),
    optional("fuzz_threshold", "How well it must fit, 0 to 100."),
    optional("fuzz_alg", "`subsequence` or `jarowinkler`."),
    optional("case_sensitive", "Whether case counts, which it does by default."),
    optional("sort_by", "`alpha` or `score`."),
    optional("sort_dir", "`asc` or `dsc`."),
    optional("include_score", "Adds how well each result fits."),
    optional("include_metadata", "Adds type, help and unit of metrics."),
    START,
    END,
    optional("limit", "Most results, 100 by default."),
    optional("batch_size", "Results of one line."),
];
const NDJSON: Data = Data::Media("application/x-ndjson");

/// All of them.
pub(super) const ENDPOINTS: &[Endpoint] = &[
    both(
        "/query",
        "Evaluates an expression at one time.",
        &[
            QUERY,
            optional("time", "The time, now by default."),
            TIMEOUT,
            LIMIT,
            LOOKBACK,
            STATS,
            EXPLAIN,
        ],
        Data::Schema("QueryData"),
    ),
    both(
        "/query_range",
        "Evaluates an expression at many times.",
        &[
            QUERY,
            required("start", "First step."),
            required("end", "Last step."),
            required("step", "Distance of the steps: seconds or a duration."),
            TIMEOUT,
            LIMIT,
            LOOKBACK,
            STATS,
            EXPLAIN,
        ],
        Data::Schema("QueryData"),
    ),
    both(
        "/query_exemplars",
        "Exemplars of the series that an expression selects.",
        &[QUERY, START, END],
        Data::Objects,
    ),
    both(
        "/format_query",
        "Breaks and indents an expression.",
        &[QUERY],
        Data::Text,
    ),
    both(
        "/parse_query",
        "The tree of an expression.",
        &[QUERY],
        Data::Object,
    ),
    both(
        "/labels",
        "Label names.",
        &[MATCH, START, END, LIMIT],
        Data::Texts,
    ),
    get(
        "/label/{name}/values",
        "Values of a label.",
        &[MATCH, START, END, LIMIT],
        Data::Texts,
    ),
    both(
        "/series",
        "Label sets of series.",
        &[
            required("match[]", "Selector of series; any of them."),
            START,
            END,
            LIMIT,
        ],
        Data::Schema("LabelSets"),
    ),
    get(
        "/metadata",
        "Types, help texts and units of metrics.",
        &[
            optional("metric", "One metric."),
            optional("limit", "Most metrics."),
            optional("limit_per_metric", "Most statements of each."),
        ],
        Data::Object,
    ),
    both(
        "/search/metric_names",
        "Searches metric names, where the feature is on.",
        &SEARCH,
        NDJSON,
    ),
    both(
        "/search/label_names",
        "Searches label names, where the feature is on.",
        &SEARCH,
        NDJSON,
    ),
    both(
        "/search/label_values",
        "Searches values of the label `label`, where the feature is on.",
        &SEARCH,
        NDJSON,
    ),
    change(
        "/read",
        &["POST"],
        "Remote read.",
        &[],
        Data::Media("application/x-protobuf"),
    ),
    change(
        "/write",
        &["POST"],
        "Remote write 1.0 and 2.0.",
        &[],
        Data::Nothing,
    ),
    change(
        "/otlp/v1/metrics",
        &["POST"],
        "OTLP metrics.",
        &[],
        Data::Media("application/x-protobuf"),
    ),
    get("/targets", "Scrape targets: none.", &[], Data::Object),
    get(
        "/targets/metadata",
        "Metadata of scrape targets: none.",
        &[],
        Data::Objects,
    ),
    get("/scrape_pools", "Scrape pools: none.", &[], Data::Object),
    get("/alertmanagers", "Alertmanagers: none.", &[], Data::Object),
    get("/rules", "Rules: none.", &[], Data::Object),
    get("/alerts", "Alerts: none.", &[], Data::Object),
    get("/features", "What the server can do.", &[], Data::Object),
    get("/notifications", "Notices to operators.", &[], Data::Objects),
    get(
        "/notifications/live",
        "Notices as they come.",
        &[],
        Data::Media("text/event-stream"),
    ),
    get("/status/config", "The configuration.", &[], Data::Object),
    get(
        "/status/flags",
        "Settings under the names of flags.",
        &[],
        Data::Object,
    ),
    get("/status/runtimeinfo", "The process.", &[], Data::Object),
    get("/status/buildinfo", "The build.", &[], Data::Object),
    get("/status/walreplay", "Progress of the start.", &[], Data::Object),
    get(
        "/status/tsdb",
        "Series by metric and label.",
        &[optional("limit", "Rows of each list."), MATCH, START, END],
        Data::Object,
    ),
    get("/status/tsdb/blocks", "Blocks.", &[], Data::Object),
    get(
        "/status/self_metrics",
        "The server's own metrics.",
        &[optional("metric_name_pattern", "Pattern of names, anchored.")],
        Data::Objects,
    ),
    change(
        "/status/active_queries",
        &["GET", "DELETE"],
        "Queries that run or wait; DELETE ends the one of `id`.",
        &[optional("id", "The query to end.")],
        Data::Object,
    ),
    change(
        "/status/active_queries/kill",
        &["POST"],
        "Ends a query.",
        &[required("id", "The query.")],
        Data::Object,
    ),
    get(
        "/status/top_queries",
        "The costliest queries.",
        &[
            optional("topN", "Rows of each list."),
            optional("maxLifetime", "How far back they look."),
        ],
        Data::Object,
    ),
    change(
        "/admin/tsdb/delete_series",
        &["POST", "PUT"],
        "Deletes series.",
        &[
            required("match[]", "Selector of series; any of them."),
            START,
            END,
        ],
        Data::Nothing,
    ),
    change(
        "/admin/tsdb/clean_tombstones",
        &["POST", "PUT"],
        "Takes what is deleted out of the blocks.",
        &[],
        Data::Nothing,
    ),
    change(
        "/admin/tsdb/snapshot",
        &["POST", "PUT"],
        "Makes a snapshot.",
        &[optional(
            "skip_head",
            "`true` leaves out what is in no block yet.",
        )],
        Data::Object,
    ),
    get(
        "/openapi.yaml",
        "This document.",
        &[optional("openapi_version", "`3.1` or `3.2`.")],
        Data::Media("application/yaml"),
    ),
];
