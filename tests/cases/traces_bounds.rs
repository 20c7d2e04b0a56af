//! What bounds questions for spans in time: names and values of tags are those of spans in the times asked for, wherever the
//! spans lie, and ranges that hold no time are refused as Tempo and Jaeger refuse them.

use kymo_tests::server::TestServer;
use serde_json::{Value, json};
use tempfile::TempDir;

const SECOND: u64 = 1_000_000_000;
/// 1000 s before a day ends in UTC, in seconds since 1970.
const EVENING: u64 = 1_700_006_400 - 1_000;

fn start() -> (TempDir, TestServer) {
    let dir = TempDir::new().unwrap();
    let listen = [("tempo.listen", "127.0.0.1:0"), ("jaeger.listen", "127.0.0.1:0")];
    let server = TestServer::start_with(dir.path(), &listen);
    (dir, server)
}

/// Sends a span of ten seconds whose name, service and attributes tell at which second of the evening it starts.
fn send(server: &TestServer, second: u64, service: Option<&str>) {
    let (at, text) = (
        (EVENING + second) * SECOND,
        json!({"stringValue": format!("v{second}")}),
    );
    let resource = match service {
        Some(service) => json!([{"key": "service.name", "value": {"stringValue": service}}]),
        None => json!([]),
    };
    let span = json!({
        "traceId": format!("{:032x}", second + 1), "spanId": "0000000000000001", "name": format!("n{second}"), "kind": 2,
        "startTimeUnixNano": at.to_string(), "endTimeUnixNano": (at + 10 * SECOND).to_string(),
        "attributes": [{"key": "same", "value": text}, {"key": format!("only{second}"), "value": text}, {"key": "empty", "value": {"stringValue": ""}}],
        "events": [{"timeUnixNano": at.to_string(), "name": format!("e{second}"), "attributes": [{"key": format!("of{second}"), "value": text}]}],
    });
    let body =
        json!({"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [{"spans": [span]}]}]});
    let json_type = [("Content-Type", "application/json")];
    let answer = server
        .client
        .send("POST", "/v1/traces", &json_type, body.to_string().as_bytes());
    assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
}

fn tempo(server: &TestServer, path: &str, params: &[(&str, &str)]) -> Value {
    server.tempo.as_ref().unwrap().get(path, params).json()
}

/// The names of a scope and the values of a tag between two seconds of the evening.
fn told(server: &TestServer, from: u64, to: u64, scope: &str, tag: &str, q: &str) -> (Value, Vec<String>) {
    let (start, end) = ((EVENING + from).to_string(), (EVENING + to).to_string());
    let params = [("start", &*start), ("end", &*end), ("scope", scope), ("q", q)];
    let names = tempo(server, "/api/v2/search/tags", &params)["scopes"][0]["tags"].clone();
    let path = format!("/api/v2/search/tag/{tag}/values");
    let values = tempo(server, &path, &params)["tagValues"]
        .as_array()
        .unwrap()
        .clone();
    let text = |value: &Value| value["value"].as_str().unwrap().to_owned();
    (names, values.iter().map(text).collect())
}

#[test]
fn tags_of_a_range_are_those_of_its_spans_wherever_they_lie() {
    let (_dir, server) = start();
    // Two evenings' seconds and one of the next day, in one head.
    for (second, service) in [(0, "a"), (500, "b"), (2_000, "c")] {
        send(&server, second, Some(service));
    }
    for flushed in [false, true] {
        if flushed {
            assert_eq!(server.client.post("/api/v1/admin/flush", &[]).status, 200);
        }
        for q in ["", "{ span.same != nil }"] {
            let told = |from, to, scope, tag| told(&server, from, to, scope, tag, q);
            let when = format!("flushed: {flushed}, q: {q}");
            assert_eq!(
                told(0, 5, "span", "span.same"),
                (json!(["empty", "only0", "same"]), vec!["v0".to_owned()]),
                "{when}"
            );
            // A span counts from its start to its end.
            assert_eq!(told(509, 600, "span", "name").1, ["n500"], "{when}");
            assert_eq!(told(512, 1_900, "span", "name"), (Value::Null, vec![]), "{when}");
            assert_eq!(told(0, 600, "event", "event:name").1, ["e0", "e500"], "{when}");
            assert_eq!(told(0, 600, "event", "name").0, json!(["of0", "of500"]), "{when}");
            assert_eq!(
                told(400, 3_000, "resource", "resource.service.name").1,
                ["b", "c"],
                "{when}"
            );
            assert_eq!(
                told(400, 3_000, "span", "span.same"),
                (
                    json!(["empty", "only2000", "only500", "same"]),
                    vec!["v2000".to_owned(), "v500".to_owned()]
                ),
                "{when}"
            );
        }
    }
}

#[test]
fn spans_of_a_part_of_a_block_are_compared_by_all_of_their_attributes() {
    let (_dir, server) = start();
    for second in [0, 500] {
        send(&server, second, Some("a"));
    }
    for flushed in [false, true] {
        if flushed {
            assert_eq!(server.client.post("/api/v1/admin/flush", &[]).status, 200);
        }
        let (start, end) = ((EVENING + 400).to_string(), (EVENING + 600).to_string());
        let query = "{ } | compare({ name = \"n500\" })";
        let params = [("q", query), ("start", &*start), ("end", &*end), ("step", "100s")];
        let answer = tempo(&server, "/api/metrics/query_range", &params);
        let series = answer["series"].as_array().unwrap();
        let has = |key: &str, value: &str| {
            let label = json!({"key": key, "value": {"stringValue": value}});
            series
                .iter()
                .any(|one| one["labels"].as_array().unwrap().contains(&label))
        };
        assert!(
            has("span.same", "v500") && has("resource.service.name", "a"),
            "flushed: {flushed}, {answer}"
        );
        assert!(!has("span.same", "v0"), "flushed: {flushed}, {answer}");
    }
}

#[test]
fn an_empty_value_is_a_value_and_an_empty_name_is_none() {
    let (_dir, server) = start();
    send(&server, 0, None);
    for flushed in [false, true] {
        if flushed {
            server.client.post("/api/v1/admin/flush", &[]);
        }
        let values =
            |tag: &str| tempo(&server, &format!("/api/v2/search/tag/{tag}/values"), &[])["tagValues"].clone();
        assert_eq!(values("span.empty"), json!([{"type": "string", "value": ""}]));
        assert_eq!(values("instrumentation:name"), json!([]));
    }
    let refused = server
        .tempo
        .as_ref()
        .unwrap()
        .get("/api/v2/search/tag/parent.same/values", &[]);
    assert_eq!(refused.status, 400);
    assert!(
        refused.text().contains("parent not yet supported"),
        "{}",
        refused.text()
    );
}

#[test]
fn a_range_without_time_is_refused_and_one_of_zeros_is_none() {
    let (_dir, server) = start();
    send(&server, 0, Some("a"));
    let ask = |path: &str, params: &[(&str, &str)]| {
        let answer = server.tempo.as_ref().unwrap().get(path, params);
        (answer.status, answer.text())
    };
    let (start, end) = (EVENING.to_string(), (EVENING + 1).to_string());
    let refused = |from: &str, to: &str| {
        let text = format!("http parameter start must be before end. received start={from} end={to}");
        (400, text)
    };
    for (params, told) in [
        (&[("start", &*start)][..], refused(&start, "0")),
        (&[("end", &end)], refused("0", &end)),
        (&[("start", &end), ("end", &start)], refused(&end, &start)),
        (&[("start", &start), ("end", &start)], refused(&start, &start)),
    ] {
        assert_eq!(ask("/api/search", params), told, "{params:?}");
        assert_eq!(ask("/api/v2/search/tags", params), told, "{params:?}");
    }
    for params in [
        &[("start", "0"), ("end", "0")][..],
        &[("start", "0"), ("end", &end)],
    ] {
        let (status, text) = ask("/api/search", params);
        assert!(status == 200 && text.contains("\"n0\""), "{params:?}: {text}");
        assert_eq!(ask("/api/traces/1", params).0, 200, "{params:?}");
    }
    // One trace needs no range, and a bound alone bounds nothing.
    for params in [
        &[("start", &*start)][..],
        &[("end", &end)],
        &[("start", "1"), ("end", "2")],
    ] {
        assert_eq!(ask("/api/v2/traces/1", params).0, 200, "{params:?}");
    }
    let twice = ask("/api/search", &[("tags", "a=b c=d a=e")]);
    assert_eq!(twice, (400, "invalid tags: tag a has been set twice".to_owned()));
}

#[test]
fn jaeger_finds_spans_without_a_service_by_the_name_it_shows() {
    let (_dir, server) = start();
    send(&server, 0, None);
    send(&server, 20, Some("a"));
    let ask = |params: &[(&str, &str)]| server.jaeger.as_ref().unwrap().get("/api/traces", params);
    let found = ask(&[("service", "OTLPResourceNoServiceName")]).json();
    assert_eq!(found["data"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["data"][0]["spans"][0]["operationName"], "n0");
    let (start, end) = (format!("{}000000", EVENING + 5), format!("{}000000", EVENING + 1));
    let refused = ask(&[("service", "a"), ("start", &start), ("end", &end)]);
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["errors"][0]["msg"], "min start time is above max");
}
