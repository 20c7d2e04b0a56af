//! The real SDK of OpenTelemetry for Python, from PyPI, exporting over both transports: counters, up-down counters,
//! gauges, histograms and exponential histograms, cumulative and delta. It is installed once into the target directory;
//! where PyPI cannot be reached the test says so and passes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use kymo_tests::packages;
use kymo_tests::server::TestServer;
use tempfile::TempDir;

const PACKAGES: [&str; 3] = [
    "opentelemetry-sdk==1.45.*",
    "opentelemetry-exporter-otlp-proto-http==1.45.*",
    "opentelemetry-exporter-otlp-proto-grpc==1.45.*",
];

/// A Python that has the SDK; `None` when it cannot be installed.
pub(super) fn python() -> Option<PathBuf> {
    packages::python("otel-python", &PACKAGES)
}

/// Runs a script beside this file.
pub(super) fn script(python: &Path, name: &str, args: &[&str]) -> Output {
    Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("cases").join(name))
        .args(args)
        .output()
        .expect("python runs")
}

/// The value of a query that has one.
fn value(server: &TestServer, query: &str) -> String {
    let data = server.client.get("/api/v1/query", &[("query", query)]).data();
    let result = data["result"].as_array().unwrap();
    assert_eq!(result.len(), 1, "{query}: {data}");
    result[0]["value"][1].as_str().unwrap().to_owned()
}

fn check_cumulative(server: &TestServer, job: &str) {
    let route = r#"http_route="/a""#;
    for (query, wanted) in [
        (
            format!(r#"requests_total{{job="{job}", instance="i1", {route}, retries="2", ok="true"}}"#),
            "7",
        ),
        (format!(r#"active{{job="{job}"}}"#), "3"),
        (format!(r#"temperature_celsius{{job="{job}"}}"#), "24.5"),
        (
            format!(r#"latency_milliseconds_count{{job="{job}", {route}}}"#),
            "6",
        ),
        (
            format!(r#"latency_milliseconds_sum{{job="{job}", {route}}}"#),
            "1462",
        ),
        (
            format!(r#"latency_milliseconds_bucket{{job="{job}", {route}, le="50"}}"#),
            "4",
        ),
        (
            format!(r#"latency_milliseconds_bucket{{job="{job}", {route}, le="+Inf"}}"#),
            "6",
        ),
        (
            format!(
                r#"target_info{{job="{job}", instance="i1", zone="z1", telemetry_sdk_language="python"}}"#
            ),
            "1",
        ),
    ] {
        assert_eq!(value(server, &query), wanted, "{query}");
    }
}

fn check_delta(server: &TestServer, job: &str) {
    // Each export has what was counted since the one before.
    for (query, wanted) in [
        (format!(r#"requests_total{{job="{job}"}}"#), "4"),
        (
            format!(r#"sum_over_time(requests_total{{job="{job}"}}[5m])"#),
            "7",
        ),
        (format!(r#"increase(requests_total{{job="{job}"}}[5m])"#), "7"),
        (format!(r#"latency_milliseconds_count{{job="{job}"}}"#), "3"),
        (format!(r#"active{{job="{job}"}}"#), "3"),
    ] {
        assert_eq!(value(server, &query), wanted, "{query}");
    }
}

/// What was counted inside a span leads to its trace.
fn check_exemplars(server: &TestServer) {
    let params = [
        ("query", "requests_total"),
        ("start", "0"),
        ("end", "99999999999"),
    ];
    let found = server.client.get("/api/v1/query_exemplars", &params).data();
    let all = found.as_array().unwrap();
    assert!(!all.is_empty(), "{found}");
    for series in all {
        assert_eq!(series["seriesLabels"]["__name__"], "requests_total");
        let labels = &series["exemplars"][0]["labels"];
        let id = |name: &str| labels[name].as_str().unwrap_or("").len();
        assert_eq!((id("trace_id"), id("span_id")), (32, 16), "{found}");
    }
}

#[test]
fn the_sdk_exports_over_both_transports_with_either_temporality() {
    let Some(python) = python() else { return };
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(
        dir.path(),
        &[
            ("otlp.grpc_listen", "127.0.0.1:0"),
            ("otlp.http_listen", "127.0.0.1:0"),
        ],
    );
    let http = format!("{}/v1/metrics", server.otlp_http.as_ref().unwrap().base());
    let grpc = format!("http://{}", server.otlp_grpc.unwrap());
    let mut histograms = 0;
    for (transport, endpoint) in [("http", &http), ("grpc", &grpc)] {
        for (temporality, compression) in [("cumulative", "none"), ("cumulative", "gzip"), ("delta", "gzip")]
        {
            let job = format!("{transport}-{temporality}-{compression}");
            let args = [transport, endpoint, temporality, compression, &job];
            let output = script(&python, "otlp_sdk.py", &args);
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && errors.is_empty(), "{job}: {errors}");
            // At its end the SDK exports once more, unless there is nothing new to say.
            histograms += match temporality {
                "delta" => {
                    check_delta(&server, &job);
                    2
                }
                _ => {
                    check_cumulative(&server, &job);
                    3
                }
            };
        }
    }
    check_exemplars(&server);
    let metadata = server
        .client
        .get("/api/v1/metadata", &[("metric", "requests_total")])
        .data();
    assert_eq!(metadata["requests_total"][0]["help"], "Requests served.");
    let metrics = server.client.get("/metrics", &[]).text();
    let line = format!("kymo_ingest_histograms_total {histograms}\n");
    assert!(metrics.contains(&line), "{line}\n{metrics}");
    assert!(
        !metrics.contains("kymo_ingest_exemplars_total 0\n"),
        "exemplars came in"
    );
}
