//! `/api/v1/features`: what this server can do, in Prometheus' categories, from the tables that decide it. What Kymo has no
//! part of, such as scraping, has no entries.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use kymo_query::promql::functions::FUNCTIONS;

use crate::app::App;
use crate::config::Features;
use crate::http::answer::{Answer, Reply};

/// Operators and aggregations of the stable language.
const OPERATORS: [&str; 36] = [
    "!=",
    "!~",
    "%",
    "*",
    "+",
    "-",
    "/",
    "<",
    "<=",
    "==",
    "=~",
    ">",
    ">=",
    "@",
    "^",
    "and",
    "atan2",
    "avg",
    "bottomk",
    "count",
    "count_values",
    "group",
    "max",
    "min",
    "or",
    "quantile",
    "stddev",
    "stdvar",
    "sum",
    "topk",
    "unless",
    "</",
    ">/",
    "bool",
    "offset",
    "by",
];

/// Operators that count as part of the language rather than of its operators.
const LANGUAGE: [&str; 3] = ["bool", "offset", "by"];

type Category = BTreeMap<&'static str, bool>;

/// Answers what is there and what is switched on.
pub(crate) async fn features(State(app): State<Arc<App>>) -> Reply {
    let config = &app.config;
    let features = config.features;
    let mut all: BTreeMap<&str, Category> = BTreeMap::new();
    let mut put = |category: &'static str, entries: &[(&'static str, bool)]| {
        all.entry(category).or_default().extend(entries.iter().copied());
    };
    put(
        "api",
        &[
            ("admin", config.web.admin_api),
            ("exclude_alerts", true),
            ("label_values_match", true),
            ("lifecycle", false),
            ("openapi_3.1", true),
            ("openapi_3.2", true),
            ("otlp_write_receiver", true),
            ("query_stats", true),
            ("query_warnings", true),
            ("remote_write_receiver", true),
            ("search", features.search_api),
            ("time_range_labels", true),
            ("time_range_series", true),
        ],
    );
    put(
        "otlp_receiver",
        &[("delta_conversion", false), ("native_delta_ingestion", true)],
    );
    put("prometheus", &[("agent_mode", false), ("server_mode", true)]);
    put("promql", &language(features));
    for name in OPERATORS {
        let category = if LANGUAGE.contains(&name) {
            "promql"
        } else {
            "promql_operators"
        };
        put(category, &[(name, true)]);
    }
    let experimental = features.promql_experimental_functions;
    put(
        "promql_operators",
        &[("limitk", experimental), ("limit_ratio", experimental)],
    );
    for function in FUNCTIONS {
        put(
            "promql_functions",
            &[(function.name, experimental || !function.experimental)],
        );
    }
    put(
        "tsdb",
        &[
            ("exemplar_storage", true),
            ("isolation", true),
            ("native_histograms", true),
        ],
    );
    Answer::json(&all)
}

/// Parts of the language that are no functions or operators.
fn language(features: Features) -> [(&'static str, bool); 19] {
    let (ranges, fills) = (
        features.promql_extended_range_selectors,
        features.promql_binop_fill_modifiers,
    );
    [
        ("anchored", ranges),
        ("at_modifier", true),
        ("delayed_name_removal", features.promql_delayed_name_removal),
        ("duration_expr", true),
        ("fill", fills),
        ("fill_left", fills),
        ("fill_right", fills),
        ("group_left", true),
        ("group_right", true),
        ("ignoring", true),
        ("negative_offset", true),
        ("on", true),
        ("per_query_lookback_delta", true),
        ("per_step_stats", features.promql_per_step_stats),
        ("smoothed", ranges),
        ("subqueries", true),
        ("type_and_unit_labels", features.type_and_unit_labels),
        ("use_start_timestamps", features.use_start_timestamps),
        ("without", true),
    ]
}
