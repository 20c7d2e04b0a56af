//! Real clients of logs: handlers for Loki from PyPI and npm, and the exporters of OpenTelemetry's SDKs for Python and Node. What
//! they send is stored with its level, its labels and its metadata.

use std::path::Path;

use kymo_tests::client::Client;
use kymo_tests::packages::{node, python, script};
use kymo_tests::server::TestServer;
use serde_json::Value;
use tempfile::TempDir;

const OF_PYTHON: [&str; 4] = [
    "python-logging-loki==0.3.*",
    "opentelemetry-sdk==1.45.*",
    "opentelemetry-exporter-otlp-proto-http==1.45.*",
    "opentelemetry-exporter-otlp-proto-grpc==1.45.*",
];

const OF_NODE: [&str; 9] = [
    "winston@3",
    "winston-loki@6",
    "pino@10",
    "pino-loki@3",
    "@opentelemetry/sdk-logs@0.223",
    "@opentelemetry/resources@2",
    "@opentelemetry/exporter-logs-otlp-proto@0.223",
    "@opentelemetry/exporter-logs-otlp-http@0.223",
    "@opentelemetry/exporter-logs-otlp-grpc@0.223",
];

struct Opened {
    server: TestServer,
    _dir: TempDir,
}

fn open() -> Opened {
    let dir = tempfile::tempdir().unwrap();
    let sets = [
        ("otlp.grpc_listen", "127.0.0.1:0"),
        ("otlp.http_listen", "127.0.0.1:0"),
        ("loki.listen", "127.0.0.1:0"),
    ];
    Opened {
        server: TestServer::start_with(dir.path(), &sets),
        _dir: dir,
    }
}

impl Opened {
    fn loki(&self) -> &Client {
        self.server.loki.as_ref().unwrap()
    }

    /// Where a kind of client sends to.
    fn endpoint(&self, kind: &str) -> String {
        match kind {
            "loki" => format!("{}/loki/api/v1/push", self.loki().base()),
            "otlp-grpc" => format!("http://{}", self.server.otlp_grpc.unwrap()),
            _ if kind.starts_with("otlp-") => {
                format!("{}/v1/logs", self.server.otlp_http.as_ref().unwrap().base())
            }
            _ => self.loki().base().to_owned(),
        }
    }

    /// Labels and lines of a service, the oldest first.
    fn lines(&self, service: &str, more: &str) -> Vec<(Value, String)> {
        let query = format!("{{service_name=\"{service}\"}}{more}");
        let params = [
            ("query", query.as_str()),
            ("direction", "forward"),
            ("since", "1h"),
        ];
        let data = self.loki().get("/loki/api/v1/query_range", &params).data();
        let mut lines: Vec<(i64, Value, String)> = Vec::new();
        for stream in data["result"].as_array().unwrap() {
            for entry in stream["values"].as_array().unwrap() {
                let text = |n: usize| entry[n].as_str().unwrap().to_owned();
                lines.push((text(0).parse().unwrap(), stream["stream"].clone(), text(1)));
            }
        }
        lines.sort_by_key(|(time, ..)| *time);
        lines
            .into_iter()
            .map(|(_, labels, line)| (labels, line))
            .collect()
    }

    /// Three lines, told by their levels, have these texts.
    fn check(&self, service: &str) {
        for (level, text) in [
            ("info", "order placed"),
            ("warn", "stock is low: 3 left"),
            ("error", "payment failed"),
        ] {
            let found = self.lines(service, &format!(" | detected_level=\"{level}\""));
            assert_eq!(found.len(), 1, "{service}, {level}: {found:?}");
            assert!(found[0].1.contains(text), "{service}, {level}: {found:?}");
        }
    }

    /// What the SDKs of OpenTelemetry tell beside lines.
    fn check_otlp(&self, service: &str) {
        self.check(service);
        let found = self.lines(service, " | order=\"o-1\" | zone=\"z1\" | scope_name=\"shop\"");
        assert_eq!(found.len(), 1, "{service}: {found:?}");
        let labels = &found[0].0;
        assert_eq!(
            (&labels["severity_number"], &labels["severity_text"]),
            (&"13".into(), &"WARN".into())
        );
        assert!(labels["observed_timestamp"].is_string(), "{labels}");
    }
}

#[test]
fn handlers_of_python_are_understood() {
    let Some(python) = python("logs-python", &OF_PYTHON) else {
        return;
    };
    let opened = open();
    for kind in ["loki", "otlp-http", "otlp-grpc"] {
        let service = format!("python-{kind}");
        script(
            &python,
            "logs_clients.py",
            &[kind, &opened.endpoint(kind), &service],
            &[],
        );
        match kind {
            "loki" => opened.check(&service),
            _ => opened.check_otlp(&service),
        }
    }
    let failed = opened.lines("python-otlp-http", " | exception_type=\"ValueError\"");
    assert_eq!(failed[0].0["exception_message"], "no such card");
    let failed = opened.lines("python-loki", " |= \"Traceback\" | severity=\"error\"");
    assert!(failed[0].1.ends_with("ValueError: no such card"), "{failed:?}");
}

#[test]
fn transports_of_node_are_understood() {
    let Some(packages) = node("logs-node", &OF_NODE) else {
        return;
    };
    let modules = packages.join("node_modules");
    let opened = open();
    for kind in [
        "winston",
        "winston-proto",
        "pino",
        "otlp-proto",
        "otlp-http",
        "otlp-grpc",
    ] {
        let service = format!("node-{kind}");
        let args = [kind, &opened.endpoint(kind), &service];
        script(
            Path::new("node"),
            "logs_clients.cjs",
            &args,
            &[("NODE_PATH", &modules)],
        );
        match kind.starts_with("otlp") {
            true => opened.check_otlp(&service),
            false => opened.check(&service),
        }
    }
    // A body of several members is a line of JSON, so they are found.
    let failed = opened.lines("node-otlp-grpc", " | json | card_last=\"4242\"");
    assert_eq!(
        failed[0].1,
        r#"{"card":{"last":4242},"message":"payment failed"}"#
    );
}
