//! Traces over real sockets: every transport, form and compression, what is refused and why, and that what is read back by
//! id is what was sent, field by field, in the head, from a block, after a merge and after a restart. The bodies of a real
//! SDK are in `../shared/data/wire`.

use std::io::Write;

use kymo_proto::otlp::json;
use kymo_tests::client::{Answer, Client};
use kymo_tests::server::TestServer;
use kymo_tests::traces::{Traces, add_spans, check_traces, gunzip, read_trace, sdk_bodies};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use prost::Message;
use serde_json::{Value, json};
use tempfile::TempDir;
use tonic::codec::CompressionEncoding;
use tonic::{Code, Status};

const NOW: u64 = 1_700_000_000_000_000_000;
const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

fn start_with(sets: &[(&str, &str)]) -> (TempDir, TestServer) {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), &[&LISTENERS[..], sets].concat());
    (dir, server)
}

const LISTENERS: [(&str, &str); 3] = [
    ("otlp.grpc_listen", "127.0.0.1:0"),
    ("otlp.http_listen", "127.0.0.1:0"),
    ("tempo.listen", "127.0.0.1:0"),
];

fn post(client: &Client, content_type: &str, coding: &str, body: &[u8]) -> Answer {
    let mut headers = vec![("Content-Type", content_type)];
    if !coding.is_empty() {
        headers.push(("Content-Encoding", coding));
    }
    client.send("POST", "/v1/traces", &headers, body)
}

/// An export of one span that says everything there is to say.
fn full(trace_id: &str) -> Value {
    let values = json!([
        {"key": "text", "value": {"stringValue": "\u{e4}\"\\"}},
        {"key": "none", "value": {"stringValue": ""}},
        {"key": "bool", "value": {"boolValue": false}},
        {"key": "int", "value": {"intValue": "-9223372036854775808"}},
        {"key": "zero", "value": {"doubleValue": -0.0}},
        {"key": "nan", "value": {"doubleValue": "NaN"}},
        {"key": "bytes", "value": {"bytesValue": "AP8="}},
        {"key": "list", "value": {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "x"}, {"arrayValue": {"values": []}}]}}},
        {"key": "map", "value": {"kvlistValue": {"values": [{"key": "a", "value": {"boolValue": true}}, {"key": "a", "value": {"intValue": 2}}]}}},
        {"key": "unset", "value": {}},
        {"key": "text", "value": {"stringValue": "again"}},
        {"key": "text", "value": {"intValue": "3"}},
        {"key": "", "value": {"stringValue": "no key"}},
    ]);
    json!({"resourceSpans": [{
        "resource": {"attributes": values, "droppedAttributesCount": 1, "entityRefs": [
            {"schemaUrl": "https://e", "type": "service", "idKeys": ["text"], "descriptionKeys": ["int", "bool"]}]},
        "schemaUrl": "https://r",
        "scopeSpans": [{
            "scope": {"name": "s", "version": "1", "attributes": values, "droppedAttributesCount": 2},
            "schemaUrl": "https://s",
            "spans": [{
                "traceId": trace_id, "spanId": "0123456789ABCDEF", "parentSpanId": "fedcba9876543210",
                "traceState": "a=b", "flags": 769, "name": "full", "kind": 3,
                "startTimeUnixNano": NOW.to_string(), "endTimeUnixNano": NOW + 5,
                "attributes": values, "droppedAttributesCount": 3,
                "events": [
                    {"timeUnixNano": (NOW + 1).to_string(), "name": "e", "attributes": values, "droppedAttributesCount": 4},
                    {"timeUnixNano": "0", "name": ""}],
                "droppedEventsCount": 5,
                "links": [
                    {"traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708", "traceState": "c=d",
                        "attributes": values, "droppedAttributesCount": 6, "flags": 257},
                    {"traceId": "00000000000000000000000000000000", "spanId": "0000000000000000", "attributes": values}],
                "droppedLinksCount": 7,
                "status": {"code": 2, "message": "no"},
            }],
        }],
    }]})
}

fn protobuf(request: &Value) -> Vec<u8> {
    json::trace_request(request.to_string().as_bytes()).unwrap()
}

/// Exports over gRPC; gives how many spans were refused, and why.
fn export(base: &str, coding: Option<CompressionEncoding>, body: &[u8]) -> Result<(i64, String), Status> {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut client = TraceServiceClient::connect(base.to_owned()).await.unwrap();
        if let Some(coding) = coding {
            client = client.send_compressed(coding);
        }
        let answer = client.export(request).await?.into_inner().partial_success;
        Ok(answer.map_or((0, String::new()), |p| (p.rejected_spans, p.error_message)))
    })
}

#[test]
fn every_transport_form_and_compression_keeps_everything() {
    let (_dir, server) = start_with(&[]);
    let own = server.otlp_http.clone().unwrap();
    let grpc = format!("http://{}", server.otlp_grpc.unwrap());
    let mut sent = Traces::new();
    let mut n = 0;
    let mut next = || {
        n += 1;
        let request = full(&format!("{n:032x}"));
        let body = protobuf(&request);
        add_spans(&mut sent, &body);
        (request, body)
    };
    for client in [&server.client, &own] {
        for content_type in [PROTOBUF, JSON] {
            for coding in ["", "gzip", "zstd"] {
                let (request, body) = next();
                let plain = match content_type {
                    JSON => request.to_string().into_bytes(),
                    _ => body,
                };
                let body = match coding {
                    "gzip" => gzip(&plain),
                    "zstd" => zstd::encode_all(&plain[..], 3).unwrap(),
                    _ => plain,
                };
                let answer = post(client, content_type, coding, &body);
                assert_eq!(answer.status, 200, "{content_type} {coding}: {}", answer.text());
                assert_eq!(answer.header("content-type"), content_type);
                assert_eq!(answer.text(), if content_type == JSON { "{}" } else { "" });
            }
        }
    }
    for base in [grpc.as_str(), server.client.base()] {
        for coding in [
            None,
            Some(CompressionEncoding::Gzip),
            Some(CompressionEncoding::Zstd),
        ] {
            let (_, body) = next();
            assert_eq!(export(base, coding, &body).unwrap(), (0, String::new()));
        }
    }
    assert_eq!(sent.len(), 18);
    check_traces(&server.client, &sent, "in the head");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn what_a_real_sdk_sent_reads_back_equal_at_every_age() {
    let Some(bodies) = sdk_bodies("/v1/traces") else {
        return;
    };
    let (dir, server) = start_with(&[]);
    let mut sent = Traces::new();
    add_spans(&mut sent, &protobuf(&full("000000000000000000000000000000ff")));
    post(&server.client, JSON, "", full("ff").to_string().as_bytes());
    post(
        &server.client,
        PROTOBUF,
        "",
        &protobuf(&full("000000000000000000000000000000ff")),
    );
    let half = bodies.len() / 2;
    let send = |server: &TestServer, bodies: &[Vec<u8>], sent: &mut Traces| {
        for body in bodies {
            let answer = post(server.otlp_http.as_ref().unwrap(), PROTOBUF, "gzip", body);
            assert_eq!((answer.status, answer.text().as_str()), (200, ""));
            add_spans(sent, &gunzip(body));
        }
    };
    send(&server, &bodies[..half], &mut sent);
    check_traces(&server.client, &sent, "in the head");
    assert_eq!(server.client.post("/api/v1/admin/flush", &[]).status, 200);
    check_traces(&server.client, &sent, "in a block");
    send(&server, &bodies[half..], &mut sent);
    check_traces(&server.client, &sent, "in a block and the head");
    // What is sent again changes nothing.
    send(&server, &bodies, &mut sent);
    check_traces(&server.client, &sent, "sent twice");
    assert_eq!(server.client.post("/api/v1/admin/flush", &[]).status, 200);
    check_traces(&server.client, &sent, "in two blocks");
    let merged = server.client.post("/api/v1/admin/compact", &[("wait", "true")]);
    assert_eq!(merged.status, 200, "{}", merged.text());
    check_traces(&server.client, &sent, "after a merge");
    let spans: usize = sent.values().map(Vec::len).sum();
    assert_eq!(spans, 5145);
    server.stop();
    let server = TestServer::start_with(dir.path(), &LISTENERS);
    check_traces(&server.client, &sent, "after a restart");
}

/// A plain span with changes to its members.
fn span_with(changes: &Value) -> Value {
    let mut span = json!({"traceId": "11111111111111111111111111111111", "spanId": "2222222222222222", "name": "plain",
        "startTimeUnixNano": NOW.to_string(), "endTimeUnixNano": NOW.to_string()});
    for (name, value) in changes.as_object().unwrap() {
        span[name] = value.clone();
    }
    span
}

fn export_of(spans: &[Value]) -> Value {
    json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})
}

/// What makes a plain span bad, and what is said of it.
fn bad_changes() -> Vec<(Value, &'static str)> {
    vec![
        (json!({"traceId": "1111"}), "trace ids must be 16 bytes"),
        (json!({"traceId": ""}), "trace ids must be 16 bytes"),
        (json!({"traceId": "0".repeat(32)}), "all zeros"),
        (json!({"spanId": "22"}), "span ids must be 8 bytes"),
        (json!({"spanId": "0".repeat(16)}), "all zeros"),
        (json!({"parentSpanId": "33"}), "parent span ids"),
        (
            json!({"links": [{"traceId": "44", "spanId": "2222222222222222"}]}),
            "ids of links",
        ),
        (json!({"startTimeUnixNano": "9223372036854775808"}), "2262"),
        (json!({"endTimeUnixNano": "18446744073709551615"}), "2262"),
        (
            json!({"events": [{"timeUnixNano": "18446744073709551615"}]}),
            "2262",
        ),
    ]
}

#[test]
fn bad_spans_are_refused_alone_and_named() {
    let (_dir, server) = start_with(&[]);
    let mut all = vec![span_with(&json!({"name": "first"}))];
    let bad = bad_changes();
    for (changes, text) in &bad {
        let spans = [
            span_with(changes),
            span_with(&json!({"spanId": "5555555555555555"})),
        ];
        let answer = post(&server.client, JSON, "", export_of(&spans).to_string().as_bytes());
        assert_eq!(answer.status, 200);
        let partial = &answer.json()["partialSuccess"];
        assert_eq!(partial["rejectedSpans"], "1", "{changes}");
        let message = partial["errorMessage"].as_str().unwrap();
        assert!(
            message.contains(text) && message.contains("\"plain\"") && !message.starts_with(' '),
            "{changes}: {message}"
        );
        all.push(span_with(changes));
    }
    all.push(span_with(&json!({"name": "last"})));
    let answer = post(&server.client, PROTOBUF, "", &protobuf(&export_of(&all)));
    let (rejected, message) = kymo_proto::otlp::reply::read_export_response(&answer.body).unwrap();
    assert_eq!(rejected, bad.len() as u64, "{message}");
    let found = read_trace(&server.client, &"1".repeat(32));
    assert_eq!(found.len(), 2, "{found:?}");
    let metrics = server.client.get("/metrics", &[]).text();
    for (reason, n) in [
        ("invalid_trace_id", 6),
        ("invalid_time", 6),
        ("value_too_deep", 0),
        ("too_old", 0),
    ] {
        let line = format!("kymo_ingest_rejected_spans_total{{reason=\"{reason}\"}} {n}\n");
        assert!(metrics.contains(&line), "{line}{metrics}");
    }
    assert!(metrics.contains("kymo_ingest_spans_total 2\n"), "{metrics}");
    assert!(!metrics.contains("rejected_samples_total{reason=\"invalid_trace_id\"}"));
}

#[test]
fn values_are_kept_as_deep_as_they_read_back() {
    use kymo_proto::wire::put_bytes;
    let (_dir, server) = start_with(&[]);
    for (levels, rejected) in [(64, 0), (65, 1), (1000, 1)] {
        let mut value = vec![0x0a, 1, b'x'];
        for _ in 0..levels {
            let list = std::mem::take(&mut value);
            let mut inner = Vec::new();
            put_bytes(&mut inner, 1, &list);
            put_bytes(&mut value, 5, &inner);
        }
        let mut body = protobuf(&export_of(&[]));
        let mut span = ExportTraceServiceRequest::decode(&protobuf(&export_of(&[span_with(&json!({}))]))[..])
            .unwrap()
            .resource_spans[0]
            .scope_spans[0]
            .spans[0]
            .encode_to_vec();
        let mut attribute = Vec::new();
        put_bytes(&mut attribute, 2, &value);
        put_bytes(&mut span, 9, &attribute);
        let (mut scope, mut resource) = (Vec::new(), Vec::new());
        put_bytes(&mut scope, 2, &span);
        put_bytes(&mut resource, 2, &scope);
        put_bytes(&mut body, 1, &resource);
        let answer = post(&server.client, PROTOBUF, "", &body);
        let found = kymo_proto::otlp::reply::read_export_response(&answer.body).unwrap();
        assert_eq!((answer.status, found.0), (200, rejected), "{levels}: {}", found.1);
    }
    server.client.post("/api/v1/admin/flush", &[]);
    let answer = server
        .client
        .get(&format!("/tempo/api/traces/{}", "1".repeat(32)), &[]);
    assert_eq!(answer.text().matches("arrayValue").count(), 64);
}

#[test]
fn text_that_is_none_and_age_refuse_spans_too() {
    let (_dir, server) = start_with(&[("retention.time", "15d")]);
    let old = protobuf(&export_of(&[span_with(&json!({}))]));
    let own = format!("http://{}", server.otlp_grpc.unwrap());
    let (rejected, message) = export(&own, None, &old).unwrap();
    assert_eq!(rejected, 1);
    assert!(message.contains("older than the retention"), "{message}");
    // The name of the span, and once that of the resource's attribute.
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let mut young = export_of(&[span_with(&json!({
        "startTimeUnixNano": now.as_nanos().to_string(), "endTimeUnixNano": now.as_nanos().to_string()}))]);
    young["resourceSpans"][0]["resource"] =
        json!({"attributes": [{"key": "plain", "value": {"stringValue": "v"}}]});
    let body = protobuf(&young);
    let places = body
        .windows(5)
        .enumerate()
        .filter(|(_, w)| *w == b"plain")
        .map(|(i, _)| i);
    let places: Vec<usize> = places.collect();
    assert_eq!(places.len(), 2);
    for place in places {
        let mut body = body.clone();
        body[place] = 0xff;
        let answer = post(&server.client, PROTOBUF, "", &body);
        let (rejected, message) = kymo_proto::otlp::reply::read_export_response(&answer.body).unwrap();
        assert_eq!(rejected, 1, "{message}");
        assert!(message.contains("not valid UTF-8"), "{message}");
    }
    assert_eq!(post(&server.client, PROTOBUF, "", &body).body, b"");
}

#[test]
fn whole_requests_are_refused_by_the_book() {
    let (_dir, server) = start_with(&[("limits.body_size", "64KiB")]);
    let send = |content_type, coding, body: &[u8]| post(&server.client, content_type, coding, body);
    for empty in [&b""[..], &[0x0a, 0x00]] {
        let answer = send(PROTOBUF, "", empty);
        assert_eq!((answer.status, answer.body.len()), (200, 0));
    }
    assert_eq!(send(JSON, "", b"{}").text(), "{}");
    let answer = send(PROTOBUF, "", &[0x0a, 0x7f]);
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (400, PROTOBUF.to_owned())
    );
    let answer = send(
        JSON,
        "",
        br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xy"}]}]}]}"#,
    );
    assert_eq!((answer.status, answer.json()["code"].as_u64()), (400, Some(3)));
    assert_eq!(send("text/plain", "", b"").status, 415);
    let large = protobuf(&export_of(&[span_with(&json!({"name": "x".repeat(3_000_000)}))]));
    assert_eq!(send(PROTOBUF, "", &large).status, 413);
    assert_eq!(send(PROTOBUF, "gzip", &gzip(&large)).status, 413);
    let own = format!("http://{}", server.otlp_grpc.unwrap());
    let status = export(&own, Some(CompressionEncoding::Gzip), &large).unwrap_err();
    assert!(
        matches!(status.code(), Code::InvalidArgument | Code::ResourceExhausted),
        "{status:?}"
    );
    assert!(status.details().is_empty(), "nothing says to try again");
}

#[test]
fn a_trace_is_found_by_any_form_of_its_id() {
    let (_dir, server) = start_with(&[]);
    let id = "00000000000000001f000000000000a0";
    let body = protobuf(&full(id));
    post(&server.client, PROTOBUF, "", &body);
    let tempo = server.tempo.as_ref().unwrap();
    for (client, prefix) in [(&server.client, "/tempo"), (tempo, "")] {
        let get = |path: &str, accept: &str| {
            let headers = [("Accept", accept)];
            client.send("GET", &format!("{prefix}{path}"), &headers, b"")
        };
        for form in [id, "1f000000000000a0", "1F000000000000A0", "001f000000000000a0"] {
            let answer = get(&format!("/api/traces/{form}"), "application/protobuf");
            assert_eq!(
                (answer.status, answer.header("content-type").as_str()),
                (200, "application/protobuf")
            );
            let (mut found, mut sent) = (Traces::new(), Traces::new());
            add_spans(&mut found, &answer.body);
            add_spans(&mut sent, &body);
            assert_eq!(found, sent);
        }
        let v1 = get(&format!("/api/traces/{id}"), "application/json").json();
        let v2 = get(&format!("/api/v2/traces/{id}?start=1&end=2"), "").json();
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(
            (keys(&v1), keys(&v2)),
            (
                vec!["batches".to_owned()],
                vec!["trace".to_owned(), "metrics".to_owned()]
            )
        );
        assert_eq!(v1["batches"], v2["trace"]["resourceSpans"]);
        let span = &v1["batches"][0]["scopeSpans"][0]["spans"][0];
        assert_eq!(span["traceId"], "AAAAAAAAAAAfAAAAAAAAoA==");
        assert_eq!(
            (&span["kind"], &span["flags"]),
            (&json!("SPAN_KIND_CLIENT"), &json!(769))
        );
        let none = get("/api/traces/77", "");
        assert_eq!((none.status, none.body.len()), (404, 0));
        let none = get("/api/v2/traces/77", "");
        assert_eq!(
            (none.status, none.text().as_str()),
            (200, r#"{"trace":{},"metrics":{}}"#)
        );
        for (path, text) in [
            (
                "/api/traces/x",
                "trace IDs can only contain hex characters: invalid character 'x' at position 1",
            ),
            (
                "/api/v2/traces/0123456789abcdef0123456789abcdef0",
                "trace IDs can't be larger than 128 bits",
            ),
            (
                "/api/traces/1?start=2&end=1",
                "http parameter start must be before end. received start=2 end=1",
            ),
            (
                "/api/traces/1?start=a&end=1",
                "invalid start: strconv.ParseInt: parsing \"a\": invalid syntax",
            ),
        ] {
            let answer = get(path, "");
            assert_eq!((answer.status, answer.text().as_str()), (400, text));
        }
    }
}

#[test]
fn tempo_has_its_pages() {
    let (_dir, server) = start_with(&[]);
    let tempo = server.tempo.as_ref().unwrap();
    for (client, prefix) in [(&server.client, "/tempo"), (tempo, "")] {
        let get = |path: &str| client.get(&format!("{prefix}{path}"), &[]);
        assert_eq!(get("/api/echo").text(), "echo");
        assert_eq!(get("/ready").text(), "ready\n");
        assert!(get("/api/status/buildinfo").json()["version"].is_string());
        for page in [
            "",
            "/version",
            "/services",
            "/endpoints",
            "/config",
            "/config?mode=diff",
        ] {
            assert_eq!(get(&format!("/status{page}")).status, 200, "{page}");
        }
        assert_eq!(get("/status/nowhere").status, 404);
        assert_eq!(get("/nowhere").status, 404);
    }
}

#[test]
fn tenants_do_not_see_each_other() {
    let (_dir, server) = start_with(&[("tenancy", "on")]);
    let body = full("0a")
        .to_string()
        .replace("\"0a\"", "\"0000000000000000000000000000000a\"");
    let send = |tenant: &str| {
        let headers = [("Content-Type", JSON), ("X-Scope-OrgID", tenant)];
        server
            .client
            .send("POST", "/v1/traces", &headers, body.as_bytes())
            .status
    };
    assert_eq!((send("one"), send("")), (200, 401));
    let get = |tenant: &str| {
        let headers = [("X-Scope-OrgID", tenant)];
        server
            .client
            .send("GET", "/tempo/api/traces/a", &headers, b"")
            .status
    };
    assert_eq!((get("one"), get("two"), get("")), (200, 404, 401));
}

#[test]
fn overload_tells_senders_of_spans_to_come_again() {
    let (_dir, server) = start_with(&[("limits.in_flight", "1MiB")]);
    let large = protobuf(&export_of(&[span_with(&json!({"name": "x".repeat(2 << 20)}))]));
    let answer = post(&server.client, PROTOBUF, "gzip", &gzip(&large));
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(answer.header("retry-after"), "5");
    let own = format!("http://{}", server.otlp_grpc.unwrap());
    let status = export(&own, None, &large).unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    let details = String::from_utf8_lossy(status.details()).into_owned();
    assert!(details.contains("google.rpc.RetryInfo"), "{details}");
    let metrics = server.client.get("/metrics", &[]).text();
    assert!(
        metrics.contains("kymo_ingest_deferred_requests_total 2\n"),
        "{metrics}"
    );
    assert_eq!(
        post(&server.client, PROTOBUF, "", &protobuf(&export_of(&[]))).status,
        200
    );
}
