//! Labels whose every value would make a series, over real sockets: remote write 1.0, 2.0 and OTLP give one series and the
//! exemplars that lead to what the labels named, before and after a flush; and they can be left alone.

use kymo_proto::otlp::json;
use kymo_proto::remote_write::v2::{Encoder, SeriesParts};
use kymo_proto::remote_write::{RequestEncoder, Sample};
use kymo_tests::server::TestServer;
use serde_json::{Value, json};
use tempfile::TempDir;

const NOW: i64 = 1_700_000_000_000;
/// A label of a series, as JSON has it.
const A: &str = "\"a\":\"b\",";
const STALE: u64 = 0x7ff0_0000_0000_0002;

fn start_with(sets: &[(&str, &str)]) -> (TempDir, TestServer) {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), sets);
    (dir, server)
}

fn id(n: i64) -> String {
    format!("{n:032x}")
}

/// Series with their samples in the ten hours from [`NOW`] on, as lines `{labels} value@milliseconds ..`.
fn stored(server: &TestServer, selector: &str) -> Vec<String> {
    let (query, time) = (format!("{selector}[10h]"), (NOW / 1000 + 35_999).to_string());
    let data = server
        .client
        .get("/api/v1/query", &[("query", &query), ("time", &time)])
        .data();
    let line = |row: &Value| {
        let values = row["values"].as_array().unwrap().iter();
        let values: Vec<String> = values
            .map(|v| {
                let ms = (v[0].as_f64().unwrap() * 1000.0).round() as i64 - NOW;
                format!("{}@{ms}", v[1].as_str().unwrap())
            })
            .collect();
        format!("{} {}", row["metric"], values.join(" "))
    };
    data["result"].as_array().unwrap().iter().map(line).collect()
}

/// All exemplars of a selector: labels, value and milliseconds after [`NOW`].
fn exemplars(server: &TestServer, selector: &str) -> Vec<(Value, String, i64)> {
    let (start, end) = ((NOW / 1000).to_string(), (NOW / 1000 + 35_999).to_string());
    let params = [("query", selector), ("start", &start), ("end", &end)];
    let data = server.client.get("/api/v1/query_exemplars", &params).data();
    let all = data.as_array().unwrap().iter();
    all.flat_map(|series| series["exemplars"].as_array().unwrap().clone())
        .map(|e| {
            let ms = (e["timestamp"].as_f64().unwrap() * 1000.0).round() as i64 - NOW;
            (e["labels"].clone(), e["value"].as_str().unwrap().to_owned(), ms)
        })
        .collect()
}

/// The value of a line of the server's own metrics.
fn own(server: &TestServer, line: &str) -> Option<u64> {
    let text = server.client.get("/metrics", &[]).text();
    let found = text.lines().find_map(|l| l.strip_prefix(&format!("{line} ")))?;
    found.parse().ok()
}

#[test]
fn ten_thousand_traces_on_a_counter_are_one_series() {
    let (_dir, server) = start_with(&[("wal.sync", "off")]);
    for n in 0..10_000 {
        let (mut write, id) = (RequestEncoder::default(), id(n));
        let labels = [("__name__", "hits_total"), ("job", "a"), ("trace_id", &id)];
        write.series(labels, [(NOW + n, n as f64)]);
        assert_eq!(server.client.write(&write).status, 204);
    }
    let look = |when: &str| {
        let tsdb = server.client.get("/api/v1/status/tsdb", &[]).data();
        assert_eq!(tsdb["headStats"]["numSeries"], 1, "{when}");
        let series = server
            .client
            .get("/api/v1/series", &[("match[]", "hits_total")])
            .data();
        assert_eq!(series, json!([{"__name__": "hits_total", "job": "a"}]), "{when}");
        let found = exemplars(&server, "hits_total");
        assert_eq!(found.len(), 10_000, "{when}");
        assert_eq!(
            found[77],
            (json!({"trace_id": id(77)}), "77".to_owned(), 77),
            "{when}"
        );
        let tracked = server
            .client
            .get(&format!("/api/v1/track/{}", id(9_999)), &[])
            .data();
        assert_eq!(
            tracked["exemplars"],
            json!([{"seriesLabels": {"__name__": "hits_total", "job": "a"},
                "exemplars": [{"labels": {"trace_id": id(9_999)}, "value": "9999", "timestamp": 1_700_000_009.999}]}]),
            "{when}"
        );
    };
    look("before a flush");
    assert_eq!(server.client.post("/api/v1/admin/flush", &[]).status, 200);
    look("after a flush");
    let moved = "kymo_ingest_moved_metric_labels_total{label=\"trace_id\"}";
    assert_eq!(own(&server, moved), Some(10_000));
    assert_eq!(own(&server, "kymo_ingest_merged_samples_total"), Some(0));
    server.stop();
}

#[test]
fn remote_write_2_0_keeps_sent_exemplars_beside() {
    let (_dir, server) = start_with(&[]);
    let (mut write, uuid) = (Encoder::default(), "0af76519-16cd-43dd-8448-eb211c80319c");
    let at = |time: i64, value: f64| Sample {
        start: NOW - 1000,
        timestamp: NOW + time,
        value,
    };
    let (all, others) = (
        [at(0, 1.0), at(10, 2.0)],
        [at(10, 7.0), at(20, f64::from_bits(STALE))],
    );
    let [one, other] = [&all, &others].map(|samples| SeriesParts {
        samples,
        ..SeriesParts::default()
    });
    write
        .series([("__name__", "hits_total"), ("request_id", uuid)], one)
        .series(
            [("__name__", "hits_total"), ("span_id", "b7ad6b7169203331")],
            other,
        )
        .series([("__name__", "up")], one);
    let answer = server.client.write_v2(&write);
    assert_eq!(answer.status, 204, "{}", answer.text());
    assert_eq!(answer.header("x-prometheus-remote-write-samples-written"), "6");
    assert_eq!(
        stored(&server, "hits_total"),
        ["{\"__name__\":\"hits_total\"} 1@0 2@10"]
    );
    assert_eq!(own(&server, "kymo_ingest_merged_samples_total"), Some(2));
    let wanted = [
        (json!({"request_id": uuid}), "1".to_owned(), 0),
        (json!({"request_id": uuid}), "2".to_owned(), 10),
        (json!({"span_id": "b7ad6b7169203331"}), "7".to_owned(), 10),
    ];
    assert_eq!(exemplars(&server, "hits_total"), wanted);
    for id in [uuid, "B7AD6B7169203331", "0af7651916cd43dd8448eb211c80319c"] {
        let tracked = server.client.get(&format!("/api/v1/track/{id}"), &[]).data();
        assert_eq!(tracked["exemplars"].as_array().unwrap().len(), 1, "{id}");
    }
    // The same write again changes nothing.
    assert_eq!(server.client.write_v2(&write).status, 204);
    assert_eq!(exemplars(&server, "hits_total"), wanted);
    server.stop();
}

fn attribute(name: &str, value: &str) -> Value {
    json!({"key": name, "value": {"stringValue": value}})
}

fn point(id: &str, ms: i64, value: f64) -> Value {
    let nanos = ((NOW + ms) * 1_000_000).to_string();
    json!({"timeUnixNano": nanos, "asDouble": value, "attributes": [attribute("trace_id", id), attribute("a", "b")]})
}

fn export(server: &TestServer, resource: Value, metrics: Value) {
    let request = json!({"resourceMetrics": [{"resource": {"attributes": resource},
        "scopeMetrics": [{"metrics": metrics}]}]});
    let body = json::metrics_request(request.to_string().as_bytes()).unwrap();
    let headers = [("Content-Type", "application/x-protobuf")];
    let answer = server.client.send("POST", "/v1/metrics", &headers, &body);
    assert_eq!((answer.status, answer.body.len()), (200, 0), "{}", answer.text());
}

#[test]
fn sums_of_otlp_add_up_and_gauges_keep_the_first() {
    let (_dir, server) = start_with(&[]);
    let points = json!([point("0a", 0, 1.0), point("0b", 0, 2.0), point("0b", 10, 4.0)]);
    let nanos = (NOW * 1_000_000).to_string();
    let histogram = |id: &str, sum: f64| {
        json!({"timeUnixNano": nanos, "count": "1", "sum": sum, "bucketCounts": ["0", "1"],
        "explicitBounds": [1.0], "attributes": [attribute("trace_id", id)]})
    };
    let metrics = json!([
        {"name": "hits", "sum": {"dataPoints": points, "aggregationTemporality": 1, "isMonotonic": true}},
        {"name": "level", "gauge": {"dataPoints": points}},
        {"name": "took", "histogram": {"dataPoints": [histogram("0c", 2.5), histogram("0d", 3.5)], "aggregationTemporality": 2}},
    ]);
    export(&server, json!([attribute("service.name", "shop")]), metrics);
    let line = |name: &str, more: &str, samples: &str| {
        format!("{{\"__name__\":\"{name}\",{more}\"job\":\"shop\"}} {samples}")
    };
    assert_eq!(stored(&server, "hits_total"), [line("hits_total", A, "3@0 4@10")]);
    assert_eq!(stored(&server, "level"), [line("level", A, "1@0 4@10")]);
    assert_eq!(stored(&server, "took_sum"), [line("took_sum", "", "6@0")]);
    assert_eq!(
        stored(&server, "took_bucket{le='+Inf'}"),
        ["{\"__name__\":\"took_bucket\",\"job\":\"shop\",\"le\":\"+Inf\"} 2@0"]
    );
    let found = exemplars(&server, "level");
    assert_eq!(found[1], (json!({"trace_id": "0b"}), "2".to_owned(), 0));
    assert_eq!((found.len(), exemplars(&server, "took_bucket").len()), (3, 0));
    assert_eq!(exemplars(&server, "took_sum").len(), 2);
    server.stop();
}

#[test]
fn promoted_resource_attributes_are_moved_too() {
    let (_dir, server) = start_with(&[("otlp.promote_all_resource_attributes", "on")]);
    let metrics = json!([{"name": "level", "gauge": {"dataPoints": [point("0a", 0, 1.0)]}}]);
    let resource = json!([attribute("service.name", "shop"), attribute("request.id", "r-1")]);
    export(&server, resource, metrics);
    assert_eq!(
        exemplars(&server, "level"),
        [(json!({"request_id": "r-1", "trace_id": "0a"}), "1".to_owned(), 0)]
    );
    assert_eq!(
        stored(&server, "target_info"),
        ["{\"__name__\":\"target_info\",\"job\":\"shop\"} 1@0"]
    );
    server.stop();
}

#[test]
fn an_empty_list_moves_nothing() {
    let (_dir, server) = start_with(&[("metrics.high_cardinality_labels", "")]);
    let mut write = RequestEncoder::default();
    for n in 0..3 {
        write.series(
            [("__name__", "hits_total"), ("trace_id", id(n).as_str())],
            [(NOW, n as f64)],
        );
    }
    assert_eq!(server.client.write(&write).status, 204);
    assert_eq!(stored(&server, "hits_total").len(), 3);
    assert_eq!(exemplars(&server, "hits_total"), []);
    server.stop();
}
