//! `/federate` over real sockets, and scraped by a real Prometheus.

use std::time::Duration;

use kymo_proto::histogram::{Buckets, Count, Histogram, Span};
use kymo_proto::remote_write::RequestEncoder;
use kymo_tests::note;
use kymo_tests::peer::prometheus;
use kymo_tests::server::TestServer;
use kymo_tests::wait::until;
use tempfile::TempDir;

const STALE: u64 = 0x7ff0_0000_0000_0002;

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    since.as_millis() as i64
}

fn histogram(time: i64) -> Histogram {
    Histogram {
        count: Count::Integer(9),
        zero_count: Count::Integer(1),
        sum: 12.5,
        schema: 1,
        zero_threshold: 0.001,
        positive: Buckets {
            spans: vec![Span { offset: 0, length: 2 }],
            deltas: vec![3, 2],
            counts: Vec::new(),
        },
        timestamp: time,
        ..Histogram::default()
    }
}

fn start(sets: &[(&str, &str)]) -> (TempDir, TestServer, i64) {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), sets);
    let now = now_ms();
    let mut request = RequestEncoder::default();
    request.series(
        [("__name__", "up"), ("job", "a")],
        [(now - 2000, 0.0), (now - 1000, 1.0)],
    );
    request.series(
        [("__name__", "up"), ("instance", "i"), ("job", "b")],
        [(now - 1000, 2.0)],
    );
    let stale = f64::from_bits(STALE);
    request.series(
        [("__name__", "up"), ("job", "gone")],
        [(now - 2000, 1.0), (now - 1000, stale)],
    );
    request.series([("__name__", "up"), ("job", "old")], [(now - 400_000, 1.0)]);
    request.histograms([("__name__", "latency"), ("job", "a")], &[histogram(now - 1000)]);
    assert_eq!(server.client.write(&request).status, 204);
    (dir, server, now)
}

#[test]
fn the_newest_samples_are_written_as_text() {
    let (_dir, server, now) = start(&[("external_labels", "region=eu")]);
    let answer = server
        .client
        .get("/federate", &[("match[]", "up"), ("match[]", "{job=\"a\"}")]);
    let content_type = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
    assert_eq!(
        (answer.status, answer.header("content-type").as_str()),
        (200, content_type)
    );
    let time = now - 1000;
    let wanted = format!(
        "# TYPE up untyped\nup{{instance=\"i\",job=\"b\",region=\"eu\"}} 2 {time}\nup{{job=\"a\",instance=\"\",region=\"eu\"}} 1 {time}\n"
    );
    assert_eq!(answer.text(), wanted);
    assert_eq!(server.client.get("/federate", &[]).text(), "");
    let wrong = server.client.get("/federate", &[("match[]", "up{")]);
    assert_eq!(wrong.status, 400);
    assert!(wrong.text().contains("parse error"), "{}", wrong.text());
    assert_eq!(server.client.post("/federate", &[]).status, 405);
}

#[test]
fn a_prometheus_federates_from_kymo() {
    let (_dir, server, _) = start(&[]);
    let peer = TempDir::new().unwrap();
    let target = server.client.base().strip_prefix("http://").unwrap();
    let config = format!(
        "global: {{scrape_interval: 1s}}
scrape_configs:
- {{job_name: federate, honor_labels: true, metrics_path: /federate, params: {{'match[]': ['{{job=~\".+\"}}']}}, static_configs: [{{targets: ['{target}']}}]}}
"
    );
    let Some((_program, theirs)) = prometheus(peer.path(), &config) else {
        return;
    };
    let ask = |query: &str| -> Option<String> {
        let answer = theirs.try_send("GET", &format!("/api/v1/query?query={query}"), &[], b"")?;
        let json: serde_json::Value = serde_json::from_slice(&answer.body).ok()?;
        Some(json["data"]["result"][0]["value"][1].as_str()?.to_owned())
    };
    for (query, wanted) in [
        ("up%7Bjob=%22a%22%7D", "1"),
        ("up%7Binstance=%22i%22%7D", "2"),
        ("histogram_count(latency)", "9"),
        ("histogram_sum(latency)", "12.5"),
    ] {
        let got = until("a scrape", Duration::from_secs(30), || ask(query));
        assert_eq!(got, wanted, "{query}");
    }
    assert_eq!(ask("count(up%7Bjob=~%22gone%7Cold%22%7D)"), None);
    note("a Prometheus federated floats and native histograms from Kymo");
}
