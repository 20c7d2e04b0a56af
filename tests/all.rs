//! All integration tests in one binary, a module per subject.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod cases {
    //! The subjects.
    mod api;
    mod corpus;
    mod crash;
    mod endpoints;
    mod exemplar_labels;
    mod federate;
    mod governor;
    mod insights;
    mod lifecycle;
    mod logql_scripts;
    mod logs_clients;
    mod logs_delete;
    mod logs_fields;
    mod logs_limits;
    mod logs_loki;
    mod logs_real;
    mod logs_routes;
    mod logs_tail;
    mod operations;
    mod otlp;
    mod otlp_sdk;
    mod overrides;
    mod prometheus;
    mod promqltest;
    mod query;
    mod recording;
    mod remember;
    mod remote_read;
    mod remote_write;
    mod remote_write_v2;
    mod span_metrics;
    mod span_metrics_settings;
    mod tidy;
    mod traceql_corpus;
    mod traceql_scripts;
    mod traces;
    mod traces_bounds;
    mod traces_compare;
    mod traces_crash;
    mod traces_jaeger;
    mod traces_pages;
    mod traces_sdk;
    mod traces_split;
    mod traces_tempo;
    mod traces_track;
    mod track_logs;
}
