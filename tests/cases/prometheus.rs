//! Beside a real Prometheus: Debian's `prometheus` scrapes `prometheus-node-exporter` and itself and writes to Kymo;
//! both are asked the same queries over the same data. Without the binaries the test says so and passes.

use std::path::Path;
use std::time::Duration;

use kymo_tests::client::Client;
use kymo_tests::compare::difference;
use kymo_tests::note;
use kymo_tests::peer::{Program, installed};
use kymo_tests::server::{TestServer, free_port};
use kymo_tests::wait::until;
use serde_json::Value;
use tempfile::TempDir;

const TOLERANCE: f64 = 1e-9;

/// Queries of everyday dashboards and alerts over what the two targets expose.
const QUERIES: &[&str] = &[
    "up",
    "up == 1",
    "sum(up)",
    "count by (job) (up)",
    "absent(up{job=\"none\"})",
    "scrape_duration_seconds > bool 0",
    "node_load1",
    "node_load1 / on(instance) count by (instance) (node_cpu_seconds_total{mode=\"idle\"})",
    "node_cpu_seconds_total",
    "rate(node_cpu_seconds_total[10s])",
    "irate(node_cpu_seconds_total{mode!=\"idle\"}[10s])",
    "sum by (mode) (rate(node_cpu_seconds_total[10s]))",
    "100 - avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[10s])) * 100",
    "sum without (cpu) (rate(node_cpu_seconds_total{mode=~\"user|system\"}[8s]))",
    "avg by (cpu) (rate(node_cpu_seconds_total{mode!~\"idle|iowait\"}[8s]))",
    "topk(3, sum by (mode) (node_cpu_seconds_total))",
    "bottomk(2, sum by (mode) (node_cpu_seconds_total))",
    "quantile by (instance) (0.9, node_cpu_seconds_total)",
    "stddev by (mode) (node_cpu_seconds_total)",
    "stdvar by (mode) (node_cpu_seconds_total)",
    "count_values(\"value\", up)",
    "group by (job) (up)",
    "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
    "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes > 0",
    "node_memory_MemTotal_bytes - node_memory_MemFree_bytes - node_memory_Cached_bytes",
    "(node_filesystem_size_bytes - node_filesystem_avail_bytes) / node_filesystem_size_bytes * 100",
    "node_filesystem_avail_bytes{fstype!=\"tmpfs\"} < bool 1e9",
    "sum by (device) (rate(node_network_receive_bytes_total[10s])) * 8",
    "sum by (device) (increase(node_network_transmit_bytes_total[10s]))",
    "rate(node_context_switches_total[10s])",
    "delta(node_load1[10s])",
    "deriv(node_memory_MemFree_bytes[10s])",
    "predict_linear(node_memory_MemFree_bytes[10s], 3600)",
    "changes(up[10s])",
    "resets(node_cpu_seconds_total[10s])",
    "idelta(node_memory_MemFree_bytes[10s])",
    "avg_over_time(node_load1[10s])",
    "min_over_time(node_memory_MemFree_bytes[10s])",
    "max_over_time(node_memory_MemFree_bytes[10s])",
    "sum_over_time(up[10s])",
    "count_over_time(up[10s])",
    "quantile_over_time(0.5, node_memory_MemFree_bytes[10s])",
    "stddev_over_time(node_memory_MemFree_bytes[10s])",
    "last_over_time(node_load1[10s])",
    "present_over_time(up[10s])",
    "max_over_time(rate(node_cpu_seconds_total{mode=\"user\"}[4s])[6s:1s])",
    "sum(rate(node_cpu_seconds_total[5s] offset 3s))",
    "timestamp(up)",
    "time() - node_boot_time_seconds",
    "ceil(node_load1) + floor(node_load5) + round(node_load15, 0.1)",
    "clamp(node_load1, 0.1, 0.2)",
    "ln(node_memory_MemTotal_bytes) + log2(node_memory_MemTotal_bytes) + log10(node_memory_MemTotal_bytes)",
    "sqrt(abs(-node_load1)) ^ 2",
    "label_replace(up, \"host\", \"$1\", \"instance\", \"(.*):.*\")",
    "label_join(up, \"both\", \"-\", \"job\", \"instance\")",
    "sort_desc(sum by (mode) (node_cpu_seconds_total))",
    "node_uname_info * on(instance) group_left(machine) node_uname_info",
    "up and on(instance) node_load1",
    "up or node_load1",
    "up unless on(instance) node_load1",
    "vector(1) + scalar(sum(up))",
    "day_of_week() + hour() * 0 + minute() * 0",
    "prometheus_tsdb_head_series",
    "rate(prometheus_tsdb_head_samples_appended_total[10s])",
    "histogram_quantile(0.9, sum by (le) (rate(prometheus_http_request_duration_seconds_bucket[10s])))",
    "histogram_quantile(0.5, prometheus_http_response_size_bytes_bucket)",
    "sum by (handler, code) (rate(prometheus_http_requests_total[10s]))",
    "sum by (handler) (prometheus_http_request_duration_seconds_sum) / sum by (handler) (prometheus_http_request_duration_seconds_count)",
    "prometheus_build_info",
    "process_resident_memory_bytes{job=\"prometheus\"} / 1024 / 1024",
    "go_goroutines",
    "max by (job) (process_open_fds) / max by (job) (process_max_fds)",
    "count({__name__=~\"node_.*\"})",
    "count by (__name__) ({job=\"node\"}) > 3",
];

fn configuration(prometheus: u16, exporter: u16, kymo: &str) -> String {
    format!(
        "global: {{scrape_interval: 1s}}
scrape_configs:
- {{job_name: prometheus, static_configs: [{{targets: ['127.0.0.1:{prometheus}']}}]}}
- {{job_name: node, static_configs: [{{targets: ['127.0.0.1:{exporter}']}}]}}
remote_write:
- url: {kymo}/api/v1/write
  queue_config: {{batch_send_deadline: 500ms}}
  metadata_config: {{send_interval: 2s}}
"
    )
}

fn start_prometheus(dir: &Path, port: u16, config: &str) -> Program {
    let file = dir.join("prometheus.yml");
    std::fs::write(&file, config).unwrap();
    Program::start(
        "prometheus",
        &[
            format!("--config.file={}", file.display()),
            format!("--storage.tsdb.path={}", dir.join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
        ],
    )
}

fn ask(client: &Client, query: &str, time: i64) -> Option<Value> {
    let time = format!("{}.{:03}", time / 1000, time % 1000);
    let form = kymo_tests::client::encode(&[("query", query), ("time", &time)]);
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    let answer = client.try_send("POST", "/api/v1/query", &headers, form.as_bytes())?;
    // While it starts, Prometheus answers plain text.
    serde_json::from_slice(&answer.body).ok()
}

/// The single number of a query, `None` when there is none.
fn number(client: &Client, query: &str, time: i64) -> Option<f64> {
    let value = &ask(client, query, time)?["data"]["result"][0]["value"][1];
    value.as_str()?.parse().ok()
}

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    since.as_millis() as i64
}

/// A time at which both have the same samples and which no sample's time nor window edge touches: targets are scraped at
/// fixed offsets within the second, so a millisecond far from both offsets is chosen.
fn common_time(prometheus: &Client, kymo: &Client) -> i64 {
    let scrapes = "count_over_time(up{job=\"node\"}[1m]) >= 26 and count_over_time(up{job=\"node\"}[1m])";
    until("26 scrapes", Duration::from_secs(60), || {
        number(prometheus, scrapes, now_ms())
    });
    let offsets: Vec<i64> = ["prometheus", "node"]
        .map(|job| {
            let query = format!("timestamp(up{{job=\"{job}\"}})");
            (number(prometheus, &query, now_ms()).unwrap() * 1000.0).round() as i64 % 1000
        })
        .to_vec();
    let distance = |ms: i64| {
        offsets
            .iter()
            .map(|o| (o - ms).rem_euclid(1000).min((ms - o).rem_euclid(1000)))
            .min()
    };
    let fraction = (1..1000).max_by_key(|ms| distance(*ms)).unwrap();
    let time = now_ms() / 1000 * 1000 - 1000 + fraction;
    // The first scrapes may be older than the remote write's own start, so only the later ones are compared.
    until("both have the same samples", Duration::from_secs(30), || {
        let samples = "{__name__!=\"\"}[20s]";
        let (theirs, ours) = (ask(prometheus, samples, time)?, ask(kymo, samples, time)?);
        difference(&ours["data"], &theirs["data"], 0.0)
            .is_none()
            .then_some(())
    });
    time
}

#[test]
fn kymo_answers_as_the_prometheus_that_feeds_it() {
    if !installed("prometheus") || !installed("prometheus-node-exporter") {
        return;
    }
    assert!(QUERIES.len() >= 60);
    let dir = TempDir::new().unwrap();
    let server = TestServer::start(&dir.path().join("kymo"));
    let (port, exporter) = (free_port(), free_port());
    let _exporter = Program::start(
        "prometheus-node-exporter",
        &[format!("--web.listen-address=127.0.0.1:{exporter}")],
    );
    let config = configuration(port, exporter, server.client.base());
    let _prometheus = start_prometheus(dir.path(), port, &config);
    let prometheus = Client::new(format!("http://127.0.0.1:{port}"));
    let time = common_time(&prometheus, &server.client);
    let (mut wrong, mut empty) = (Vec::new(), 0);
    for query in QUERIES {
        let (theirs, ours) = (
            ask(&prometheus, query, time).unwrap(),
            ask(&server.client, query, time).unwrap(),
        );
        assert_eq!(theirs["status"], "success", "{query}: {theirs}");
        empty += usize::from(theirs["data"]["result"].as_array().is_some_and(Vec::is_empty));
        if let Some(what) = difference(&ours["data"], &theirs["data"], TOLERANCE) {
            wrong.push(format!("{query}: {}", what.chars().take(300).collect::<String>()));
        }
        let at = |ms: i64| format!("{}.{:03}", ms / 1000, ms % 1000);
        let (start, end) = (at(time - 6000), at(time));
        let params = [("query", *query), ("start", &start), ("end", &end), ("step", "2")];
        let (theirs, ours) = (
            prometheus.post("/api/v1/query_range", &params).json(),
            server.client.post("/api/v1/query_range", &params).json(),
        );
        if let Some(what) = difference(&ours["data"], &theirs["data"], TOLERANCE) {
            wrong.push(format!(
                "range {query}: {}",
                what.chars().take(300).collect::<String>()
            ));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(empty <= 5, "{empty} queries found nothing to compare");
    let metadata = server
        .client
        .get("/api/v1/metadata", &[("metric", "node_cpu_seconds_total")])
        .data();
    assert_eq!(metadata["node_cpu_seconds_total"][0]["type"], "counter");
    note(&format!(
        "{} queries, instant and range, answered alike",
        QUERIES.len()
    ));
}
