//! OTLP metrics over real sockets: both HTTP paths, both forms, each compression, gRPC on its own port and on the main one,
//! partial success, refusals, limits, and the bodies a real SDK sent (`../shared/data/wire`).

use std::io::{Read, Write};

use kymo_proto::otlp::{json, reply};
use kymo_tests::client::{Answer, Client};
use kymo_tests::server::TestServer;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use serde_json::{Value, json};
use tempfile::TempDir;
use tonic::codec::CompressionEncoding;
use tonic::{Code, Status};

const NOW: u64 = 1_700_000_000;

fn start() -> (TempDir, TestServer) {
    start_with(&[])
}

/// A server with both listeners of OTLP.
fn start_with(sets: &[(&str, &str)]) -> (TempDir, TestServer) {
    let dir = TempDir::new().unwrap();
    let listeners = [
        ("otlp.grpc_listen", "127.0.0.1:0"),
        ("otlp.http_listen", "127.0.0.1:0"),
    ];
    let sets: Vec<_> = listeners.iter().chain(sets).copied().collect();
    let server = TestServer::start_with(dir.path(), &sets);
    (dir, server)
}

/// A request of gauges, one for each value, a second apart.
fn gauges(name: &str, values: &[f64]) -> Value {
    let points: Vec<Value> = values
        .iter()
        .enumerate()
        .map(|(i, value)| json!({"timeUnixNano": ((NOW + i as u64) * 1_000_000_000).to_string(), "asDouble": value}))
        .collect();
    json!({"resourceMetrics": [{
        "resource": {"attributes": [
            {"key": "service.name", "value": {"stringValue": "shop"}},
            {"key": "host.name", "value": {"stringValue": "h1"}}
        ]},
        "scopeMetrics": [{"metrics": [{"name": name, "gauge": {"dataPoints": points}}]}]
    }]})
}

fn protobuf(request: &Value) -> Vec<u8> {
    json::metrics_request(request.to_string().as_bytes()).unwrap()
}

fn post(client: &Client, path: &str, content_type: &str, coding: &str, body: &[u8]) -> Answer {
    let mut headers = vec![("Content-Type", content_type)];
    if !coding.is_empty() {
        headers.push(("Content-Encoding", coding));
    }
    client.send("POST", path, &headers, body)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The values of a metric now, by query.
fn values(server: &TestServer, query: &str) -> Vec<String> {
    let time = (NOW + 10).to_string();
    let data = server
        .client
        .get("/api/v1/query", &[("query", query), ("time", &time)])
        .data();
    let result = data["result"].as_array().unwrap();
    result
        .iter()
        .map(|row| row["value"][1].as_str().unwrap().to_owned())
        .collect()
}

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

#[test]
fn every_path_form_and_compression_is_taken() {
    let (_dir, server) = start();
    let own = server.otlp_http.clone().unwrap();
    let places = [
        (&server.client, "/api/v1/otlp/v1/metrics"),
        (&server.client, "/v1/metrics"),
        (&own, "/v1/metrics"),
    ];
    let mut n = 0;
    for (client, path) in places {
        for content_type in [PROTOBUF, JSON] {
            for coding in ["", "identity", "gzip", "zstd"] {
                n += 1;
                let name = format!("g{n}");
                let request = gauges(&name, &[f64::from(n)]);
                let plain = match content_type {
                    JSON => request.to_string().into_bytes(),
                    _ => protobuf(&request),
                };
                let body = match coding {
                    "gzip" => gzip(&plain),
                    "zstd" => zstd::encode_all(&plain[..], 3).unwrap(),
                    _ => plain,
                };
                let answer = post(client, path, content_type, coding, &body);
                assert_eq!(
                    answer.status,
                    200,
                    "{path} {content_type} {coding}: {}",
                    answer.text()
                );
                assert_eq!(answer.header("content-type"), content_type);
                let empty = if content_type == JSON { "{}" } else { "" };
                assert_eq!(answer.text(), empty);
                assert_eq!(values(&server, &name), [n.to_string()]);
            }
        }
    }
    let info = r#"target_info{job="shop", host_name="h1"}"#;
    assert_eq!(values(&server, info), ["1"]);
}

#[test]
fn what_is_no_request_is_refused_in_the_form_it_came() {
    let (_dir, server) = start();
    let send =
        |content_type, coding, body: &[u8]| post(&server.client, "/v1/metrics", content_type, coding, body);
    let answer = send(PROTOBUF, "", &[0x0a, 0x7f]);
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (400, PROTOBUF.to_owned())
    );
    assert!(answer.text().contains("ends inside a field"), "{}", answer.text());
    let answer = send(JSON, "", b"{");
    assert_eq!((answer.status, answer.json()["code"].as_u64()), (400, Some(3)));
    let answer = send(PROTOBUF, "gzip", b"no gzip");
    assert_eq!(answer.status, 400, "{}", answer.text());
    for (content_type, coding) in [("text/plain", ""), (PROTOBUF, "br"), (JSON, "snappy")] {
        let answer = send(content_type, coding, b"x");
        assert_eq!(answer.status, 415, "{content_type} {coding}");
        assert!(answer.text().contains("supported: "), "{}", answer.text());
    }
    assert_eq!(server.client.get("/v1/metrics", &[]).status, 405);
}

#[test]
fn a_body_over_the_limit_is_413_however_small_it_comes() {
    let (_dir, server) = start_with(&[("limits.body_size", "64KiB")]);
    let large = vec![b' '; 1 << 20];
    for (coding, body) in [
        // Larger ones are answered before they are read, which a client may see as a broken pipe.
        ("", large[..80 << 10].to_vec()),
        ("gzip", gzip(&large)),
        ("zstd", zstd::encode_all(&large[..], 3).unwrap()),
    ] {
        let answer = post(&server.client, "/v1/metrics", JSON, coding, &body);
        assert_eq!(answer.status, 413, "{coding}: {}", answer.text());
    }
}

#[test]
fn too_many_bytes_in_work_are_503_with_retry_after() {
    let (_dir, server) = start_with(&[("limits.in_flight", "1MiB")]);
    let body = vec![b' '; 2 << 20];
    let answer = post(&server.client, "/v1/metrics", JSON, "gzip", &gzip(&body));
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(!answer.header("retry-after").is_empty());
    assert_eq!(answer.json()["code"], 14);
}

#[test]
fn refused_points_are_a_partial_success_and_the_others_are_stored() {
    let (_dir, server) = start();
    let mut request = gauges("g", &[1.0, 2.0]);
    let points = &mut request["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["gauge"]["dataPoints"];
    points[0] = json!({"timeUnixNano": "9000000000000000000", "asDouble": 3});
    let answer = post(&server.client, "/v1/metrics", PROTOBUF, "", &protobuf(&request));
    assert_eq!(answer.status, 200);
    let (rejected, text) = reply::read_export_response(&answer.body).unwrap();
    assert_eq!(rejected, 1, "{text}");
    assert!(text.contains("too far in the future"), "{text}");
    let answer = post(
        &server.client,
        "/v1/metrics",
        JSON,
        "",
        request.to_string().as_bytes(),
    );
    assert_eq!(answer.json()["partialSuccess"]["rejectedDataPoints"], "1");
    assert_eq!(values(&server, "g"), ["2"]);
}

#[test]
fn a_conflict_is_one_rejected_point_however_many_series_it_makes() {
    let (_dir, server) = start();
    let histogram = |counts: [u64; 3]| {
        let total: u64 = counts.iter().sum();
        json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "h", "histogram": {
            "aggregationTemporality": 2,
            "dataPoints": [{"timeUnixNano": (NOW * 1_000_000_000).to_string(), "count": total, "sum": 1,
                "bucketCounts": counts, "explicitBounds": [1, 2]}]}}]}]}]})
    };
    let send = |request: &Value| {
        post(
            &server.client,
            "/v1/metrics",
            JSON,
            "",
            request.to_string().as_bytes(),
        )
    };
    assert_eq!(send(&histogram([1, 1, 1])).text(), "{}");
    assert_eq!(
        send(&histogram([1, 1, 1])).text(),
        "{}",
        "the same again is no conflict"
    );
    let answer = send(&histogram([2, 2, 2])).json();
    assert_eq!(answer["partialSuccess"]["rejectedDataPoints"], "1");
    let text = answer["partialSuccess"]["errorMessage"].as_str().unwrap();
    assert!(text.contains("duplicate sample for timestamp"), "{text}");
    assert!(text.contains("h_count{} at 1700000000000 ms"), "{text}");
}

#[test]
fn signals_that_are_not_there_say_so() {
    let (_dir, server) = start();
    for path in ["/v1/profiles"] {
        for client in [&server.client, server.otlp_http.as_ref().unwrap()] {
            let answer = post(client, path, PROTOBUF, "", b"");
            assert_eq!(answer.status, 404);
            assert!(
                answer.text().contains("not stored by this server"),
                "{}",
                answer.text()
            );
        }
    }
}

#[test]
fn type_and_unit_are_labels_where_the_feature_is_on() {
    let (_dir, server) = start_with(&[("features.type_and_unit_labels", "on")]);
    let request = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [{
        "name": "http.requests", "unit": "By",
        "sum": {"aggregationTemporality": 2, "isMonotonic": true,
            "dataPoints": [{"timeUnixNano": (NOW * 1_000_000_000).to_string(), "asInt": 1}]}}]}]}]});
    let body = request.to_string();
    assert_eq!(
        post(&server.client, "/v1/metrics", JSON, "", body.as_bytes()).status,
        200
    );
    let found = server
        .client
        .get("/api/v1/series", &[("match[]", "http_requests_bytes_total")]);
    let wanted =
        json!([{"__name__": "http_requests_bytes_total", "__type__": "counter", "__unit__": "bytes"}]);
    assert_eq!(found.data(), wanted);
}

#[test]
fn tenants_and_metadata() {
    let (_dir, server) = start_with(&[("tenancy", "on")]);
    let request = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [{
        "name": "http.requests", "unit": "By", "description": "Bytes.",
        "sum": {"aggregationTemporality": 2, "isMonotonic": true,
            "dataPoints": [{"timeUnixNano": (NOW * 1_000_000_000).to_string(), "asInt": 1}]}}]}]}]});
    let body = request.to_string();
    let send = |tenant: &str| {
        let headers = [("Content-Type", JSON), ("X-Scope-OrgID", tenant)];
        server
            .client
            .send("POST", "/v1/metrics", &headers, body.as_bytes())
            .status
    };
    assert_eq!((send(""), send("a"), send("b")), (401, 200, 200));
    for tenant in ["a", "b"] {
        let headers = [("X-Scope-OrgID", tenant)];
        let known = server
            .client
            .send("GET", "/api/v1/metadata", &headers, b"")
            .data();
        let wanted =
            json!({"http_requests_bytes_total": [{"type": "counter", "help": "Bytes.", "unit": "bytes"}]});
        assert_eq!(known, wanted);
    }
}

/// A request of one gauge with one string attribute.
fn grpc_request(name: &str, value: &str, times: &[u64]) -> ExportMetricsServiceRequest {
    let point = |time: &u64| NumberDataPoint {
        attributes: vec![KeyValue {
            key: "k".to_owned(),
            value: Some(AnyValue {
                value: Some(any_value::Value::StringValue(value.to_owned())),
            }),
            ..KeyValue::default()
        }],
        time_unix_nano: time * 1_000_000_000,
        value: Some(number_data_point::Value::AsInt(7)),
        ..NumberDataPoint::default()
    };
    let metric = Metric {
        name: name.to_owned(),
        data: Some(metric::Data::Gauge(Gauge {
            data_points: times.iter().map(point).collect(),
        })),
        ..Metric::default()
    };
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(Resource::default()),
            scope_metrics: vec![ScopeMetrics {
                metrics: vec![metric],
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    }
}

/// Exports over gRPC, compressed or not.
fn export(
    base: &str,
    coding: Option<CompressionEncoding>,
    request: ExportMetricsServiceRequest,
) -> Result<ExportMetricsServiceResponse, Status> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut client = MetricsServiceClient::connect(base.to_owned()).await.unwrap();
        if let Some(coding) = coding {
            client = client.send_compressed(coding);
        }
        client.export(request).await.map(tonic::Response::into_inner)
    })
}

#[test]
fn grpc_is_taken_on_its_port_and_on_the_main_one() {
    let (_dir, server) = start();
    let own = format!("http://{}", server.otlp_grpc.unwrap());
    let mut n = 0;
    for base in [own.as_str(), server.client.base()] {
        for coding in [
            None,
            Some(CompressionEncoding::Gzip),
            Some(CompressionEncoding::Zstd),
        ] {
            n += 1;
            let name = format!("g{n}");
            let answer = export(base, coding, grpc_request(&name, "v", &[NOW])).unwrap();
            assert!(answer.partial_success.is_none());
            assert_eq!(values(&server, &format!("{name}{{k=\"v\"}}")), ["7"]);
        }
    }
    let answer = export(&own, None, grpc_request("late", "v", &[NOW, 9_000_000_000])).unwrap();
    let partial = answer.partial_success.unwrap();
    assert_eq!(partial.rejected_data_points, 1, "{}", partial.error_message);
}

#[test]
fn grpc_limits_have_codes_that_senders_understand() {
    let (_dir, server) = start_with(&[("limits.body_size", "64KiB"), ("limits.in_flight", "1MiB")]);
    let own = format!("http://{}", server.otlp_grpc.unwrap());
    let large = "x".repeat(200_000);
    for coding in [None, Some(CompressionEncoding::Gzip)] {
        let status = export(&own, coding, grpc_request("g", &large, &[NOW])).unwrap_err();
        assert!(
            matches!(status.code(), Code::InvalidArgument | Code::ResourceExhausted),
            "{status:?}"
        );
        assert!(status.details().is_empty(), "nothing says to try again");
    }
    let flooded = "x".repeat(4_000_000);
    let status = export(&own, None, grpc_request("g", &flooded, &[NOW])).unwrap_err();
    assert!(
        matches!(status.code(), Code::InvalidArgument | Code::Unavailable),
        "{status:?}"
    );
}

#[test]
fn grpc_services_that_are_not_there_are_unimplemented() {
    let (_dir, server) = start();
    let own = format!("http://{}", server.otlp_grpc.unwrap());
    for path in [
        "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export",
        "/other.Service/Method",
    ] {
        for base in [own.as_str(), server.client.base()] {
            if base == server.client.base() && path.starts_with("/other") {
                continue;
            }
            let client = Client::new(base);
            let headers = [("Content-Type", "application/grpc")];
            let answer = client.send("POST", path, &headers, &[0, 0, 0, 0, 0]);
            assert_eq!(
                answer.header("grpc-status"),
                "12",
                "{base}{path}: {}",
                answer.status
            );
        }
    }
}

#[test]
fn the_bodies_of_a_real_sdk_are_stored() {
    let Some(path) = kymo_tests::shared("data/wire/otlp-http-python-sdk.tar.zst") else {
        return;
    };
    let (_dir, server) = start();
    let mut archive = tar::Archive::new(zstd::Decoder::new(std::fs::File::open(path).unwrap()).unwrap());
    let mut files = std::collections::BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry
            .path()
            .unwrap()
            .file_name()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        files.insert(name, bytes);
    }
    let index = String::from_utf8(files["index.jsonl"].clone()).unwrap();
    let mut sent = 0;
    for line in index.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        if row["path"] != "/v1/metrics" {
            continue;
        }
        let body = &files[row["file"].as_str().unwrap()];
        let answer = post(
            server.otlp_http.as_ref().unwrap(),
            "/v1/metrics",
            PROTOBUF,
            "gzip",
            body,
        );
        assert_eq!((answer.status, answer.text().as_str()), (200, ""), "{line}");
        sent += 1;
    }
    assert!(sent > 10, "{sent}");
    let names = server.client.get("/api/v1/label/__name__/values", &[]).data();
    let has = |name: &str| names.as_array().unwrap().iter().any(|n| n == name);
    assert!(has("target_info"), "{names}");
    let metrics = server.client.get("/metrics", &[]).text();
    assert!(
        !metrics.contains("kymo_ingest_histograms_total 0\n"),
        "exponential histograms came in"
    );
}
