//! Tempo's API over real sockets: searches, tags and values, series, and the streaming gRPC, in the shapes that strict
//! decoders take, before and after a flush.

use std::collections::BTreeSet;

use kymo_proto::wire::{Reader, put_bytes, put_integer};
use kymo_tests::client::{Answer, Client};
use kymo_tests::server::TestServer;
use kymo_tests::shop::{self, MS, START, trace_id};
use serde_json::{Value, json};
use tempfile::TempDir;
use tonic::{Code, Status};

fn start(traces: u64) -> (TempDir, TestServer) {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), &[("tempo.listen", "127.0.0.1:0")]);
    shop::send(&server.client, traces);
    (dir, server)
}

fn get(server: &TestServer, path: &str, params: &[(&str, &str)]) -> Answer {
    let below = server.client.get(&format!("/tempo{path}"), params);
    let own = server.tempo.as_ref().unwrap().get(path, params);
    assert_eq!((below.status, below.text()), (own.status, own.text()), "{path}");
    own
}

fn flush(server: &TestServer) {
    assert_eq!(server.client.post("/api/v1/admin/flush", &[]).status, 200);
}

fn short(n: u64) -> String {
    trace_id(n).trim_start_matches('0').to_owned()
}

fn found(answer: &Value) -> Vec<&str> {
    let traces = answer["traces"].as_array().unwrap();
    traces
        .iter()
        .map(|trace| trace["traceID"].as_str().unwrap())
        .collect()
}

#[test]
fn a_search_has_the_members_of_tempo_and_no_others() {
    let (_dir, server) = start(2);
    for flushed in [false, true] {
        if flushed {
            flush(&server);
        }
        let query = "{ span.http.status_code >= 500 && resource.service.name = \"frontend\" }";
        let answer = get(&server, "/api/search", &[("q", query)]).json();
        let begin = (START + 1000 * MS).to_string();
        let set = json!({
            "spans": [{"spanID": "0000000000000001", "startTimeUnixNano": begin, "durationNanos": "100000000", "attributes": [
                {"key": "http.status_code", "value": {"intValue": "500"}},
                {"key": "service.name", "value": {"stringValue": "frontend"}}]}],
            "matched": 1,
        });
        let trace = json!({
            "traceID": short(1), "rootServiceName": "frontend", "rootTraceName": "GET /",
            "startTimeUnixNano": begin, "durationMs": 100, "spanSet": set, "spanSets": [set],
            "serviceStats": {"cart": {"spanCount": 2, "errorCount": 1}, "frontend": {"spanCount": 2}},
        });
        assert_eq!(answer["traces"], json!([trace]), "flushed: {flushed}");
        let keys: Vec<_> = answer.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["traces", "metrics"]);
        let known = [
            "inspectedTraces",
            "inspectedSpans",
            "totalJobs",
            "completedJobs",
            "totalBlocks",
            "inspectedBytes",
            "totalBlockBytes",
        ];
        let metrics = answer["metrics"].as_object().unwrap();
        assert!(
            metrics.keys().all(|key| known.contains(&key.as_str())),
            "{metrics:?}"
        );
    }
}

#[test]
fn searches_are_newest_first_over_all_times() {
    let (_dir, server) = start(5);
    let all = get(&server, "/api/search", &[]).json();
    assert_eq!(found(&all), [4, 3, 2, 1, 0].map(short));
    let two = get(&server, "/api/search", &[("q", "{}"), ("limit", "2")]).json();
    assert_eq!(found(&two), [4, 3].map(short));
    // Times bound by overlap, and the last second counts whole.
    let second = |n: u64| (START / 1_000_000_000 + n).to_string();
    let params = [("q", "{}"), ("start", &second(1)), ("end", &second(2))];
    let some = get(&server, "/api/search", &params).json();
    assert_eq!(found(&some), [2, 1].map(short));
    flush(&server);
    assert_eq!(
        found(&get(&server, "/api/search", &params).json()),
        [2, 1].map(short)
    );
    // Tags are found in parts of values, and durations bound traces.
    for (tags, wanted) in [
        ("http.status_code=500", vec![3, 1]),
        ("user=U2", vec![2]),
        ("error=true", vec![3, 1]),
        ("name=additem user=u4", vec![4]),
    ] {
        let answer = get(&server, "/api/search", &[("tags", tags)]).json();
        assert_eq!(
            found(&answer),
            wanted.into_iter().map(short).collect::<Vec<_>>(),
            "{tags}"
        );
    }
    assert_eq!(
        found(&get(&server, "/api/search", &[("minDuration", "101ms")]).json()),
        [""; 0]
    );
    assert_eq!(
        found(&get(&server, "/api/search", &[("user", "u3")]).json()),
        [short(3)]
    );
}

#[test]
fn span_sets_are_cut_and_counted() {
    let (_dir, server) = start(1);
    let sets = |params: &[(&str, &str)]| {
        let answer = get(&server, "/api/search", params).json();
        let sets = answer["traces"][0]["spanSets"].clone();
        let count = |set: &Value| {
            (
                set["spans"].as_array().unwrap().len(),
                set["matched"].as_u64().unwrap(),
            )
        };
        sets.as_array().unwrap().iter().map(count).collect::<Vec<_>>()
    };
    assert_eq!(sets(&[("q", "{}")]), [(3, 4)]);
    assert_eq!(sets(&[("q", "{}"), ("spss", "1")]), [(1, 4)]);
    assert_eq!(sets(&[("q", "{}"), ("spss", "0")]), [(4, 4)]);
    assert_eq!(sets(&[("q", "{} | by(resource.service.name)")]), [(2, 2), (2, 2)]);
    assert_eq!(
        sets(&[("q", "{ name = \"GET /\" } >> { name = \"send\" }")]),
        [(1, 1)]
    );
    let answer = get(
        &server,
        "/api/search",
        &[("q", "{ name = \"call\" } | select(kind, resource.pod)")],
    )
    .json();
    let span = &answer["traces"][0]["spanSet"]["spans"][0];
    assert_eq!(span["name"], "call");
    assert_eq!(
        span["attributes"],
        json!([{"key": "kind", "value": {"stringValue": "client"}}, {"key": "pod", "value": {"intValue": "7"}}])
    );
}

#[test]
fn what_is_no_question_is_400_in_tempos_words() {
    let (_dir, server) = start(1);
    for (path, params, text) in [
        (
            "/api/search",
            &[("limit", "0")][..],
            "invalid limit: must be a positive number",
        ),
        (
            "/api/search",
            &[("spss", "101")],
            "spans per span set exceeds 100. received 101",
        ),
        (
            "/api/search",
            &[("start", "9"), ("end", "3")],
            "http parameter start must be before end. received start=9 end=3",
        ),
        (
            "/api/search",
            &[("q", "{}"), ("tags", "a=b")],
            "invalid request: can't specify tags and q in the same query",
        ),
        ("/api/v2/search/tags", &[("scope", "x")], "invalid scope: x"),
        (
            "/api/metrics/query_range",
            &[("q", "{} | rate()"), ("start", "9"), ("end", "3")],
            "end must be greater than start",
        ),
    ] {
        let answer = get(&server, path, params);
        assert_eq!((answer.status, answer.text().as_str()), (400, text), "{path}");
    }
    for (path, query) in [
        ("/api/search", "{ name > 3 }"),
        ("/api/search", "{ a b }"),
        ("/api/search", "{} | rate()"),
        ("/api/metrics/query_range", "{}"),
        ("/api/metrics/query", "{ x"),
    ] {
        let answer = get(&server, path, &[("q", query)]);
        assert_eq!(answer.status, 400, "{path} {query}");
        assert!(
            answer.text().starts_with("invalid TraceQL query: "),
            "{}",
            answer.text()
        );
    }
    // Only attributes can be of another type than the query thinks.
    let answer = get(&server, "/api/search", &[("q", "{ duration > span.user }")]);
    assert_eq!((answer.status, &answer.json()["traces"]), (200, &json!([])));
    assert_eq!(get(&server, "/api/v2/search/tag/x%20y/values", &[]).status, 400);
    assert_eq!(get(&server, "/api/v2/search/tag/x", &[]).status, 404);
}

fn strings(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_str().unwrap())
        .collect()
}

#[test]
fn names_are_listed_by_scope() {
    let (_dir, server) = start(3);
    for flushed in [false, true] {
        if flushed {
            flush(&server);
        }
        let v1 = get(&server, "/api/search/tags", &[]).json();
        let wanted = [
            "cached",
            "exception.type",
            "http.status_code",
            "pod",
            "ratio",
            "service.name",
            "user",
            "why",
        ];
        assert_eq!(strings(&v1["tagNames"]), wanted);
        assert_eq!(
            strings(&get(&server, "/api/search/tags", &[("scope", "resource")]).json()["tagNames"]),
            ["pod", "service.name"]
        );
        let v2 = get(&server, "/api/v2/search/tags", &[("limit", "5000")]).json();
        let scopes: Vec<(&str, Vec<&str>)> = v2["scopes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|scope| (scope["name"].as_str().unwrap(), strings(&scope["tags"])))
            .collect();
        assert_eq!(scopes[0], ("resource", vec!["pod", "service.name"]));
        assert_eq!(
            scopes[1],
            ("span", vec!["cached", "http.status_code", "ratio", "user"])
        );
        assert_eq!(scopes[2], ("event", vec!["exception.type"]));
        assert_eq!(scopes[3], ("link", vec!["why"]));
        let (last, intrinsics) = scopes.last().unwrap();
        assert_eq!((*last, intrinsics.len()), ("intrinsic", 25));
        let keys: BTreeSet<_> = v2.as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, BTreeSet::from(["scopes".to_owned(), "metrics".to_owned()]));
        let only = get(
            &server,
            "/api/v2/search/tags",
            &[("scope", "span"), ("limit", "2")],
        )
        .json();
        assert_eq!(
            only["scopes"],
            json!([{"name": "span", "tags": ["cached", "http.status_code"]}])
        );
        // Names of spans that match: only failing ones have events.
        let failing = [("scope", "event"), ("q", "{ status = error }")];
        assert_eq!(
            get(&server, "/api/v2/search/tags", &failing).json()["scopes"][0]["tags"],
            json!(["exception.type"])
        );
        let others = [("scope", "event"), ("q", "{ status = unset }")];
        assert_eq!(
            get(&server, "/api/v2/search/tags", &others).json()["scopes"],
            json!([])
        );
    }
}

#[test]
fn values_have_types() {
    let (_dir, server) = start(3);
    for flushed in [false, true] {
        if flushed {
            flush(&server);
        }
        let values = |tag: &str, params: &[(&str, &str)]| {
            let answer = get(&server, &format!("/api/v2/search/tag/{tag}/values"), params).json();
            let all = answer["tagValues"].as_array().unwrap().clone();
            all.iter()
                .map(|v| format!("{} {}", v["type"].as_str().unwrap(), v["value"].as_str().unwrap()))
                .collect::<Vec<_>>()
        };
        for (tag, wanted) in [
            ("resource.service.name", &["string cart", "string frontend"][..]),
            (".service.name", &["string cart", "string frontend"]),
            ("span.http.status_code", &["int 200", "int 500"]),
            ("span.ratio", &["float 0.5"]),
            ("span.cached", &["bool false", "bool true"]),
            (
                "name",
                &["string AddItem", "string GET /", "string call", "string send"],
            ),
            (
                "span:name",
                &["string AddItem", "string GET /", "string call", "string send"],
            ),
            ("rootServiceName", &["string frontend"]),
            ("trace:rootName", &["string GET /"]),
            ("status", &["keyword unset", "keyword ok", "keyword error"]),
            ("statusMessage", &["string no stock"]),
            ("event:name", &["string exception"]),
            ("instrumentation:version", &["string 2"]),
            ("duration", &[]),
            ("span.nothing", &[]),
        ] {
            assert_eq!(values(tag, &[]), wanted, "{tag}, flushed: {flushed}");
        }
        assert_eq!(values("kind", &[]).len(), 6);
        assert_eq!(values("span.user", &[("limit", "1")]), ["string u0"]);
        assert_eq!(
            values("span.user", &[("q", "{ span.http.status_code = 500 }")]),
            ["string u1"]
        );
        assert_eq!(
            values("name", &[("q", "{ resource.service.name = \"cart\" }")]),
            ["string AddItem", "string send"]
        );
        // What somebody is still typing.
        assert_eq!(
            values("span.user", &[("q", "{ span.http.status_code = 500 && span. }")]),
            ["string u1"]
        );
        assert_eq!(values("span.user", &[("q", "{ span. }")]).len(), 3);
        let v1 = get(&server, "/api/search/tag/service.name/values", &[]).json();
        assert_eq!(v1["tagValues"], json!(["cart", "frontend"]));
    }
}

#[test]
fn series_are_answered_over_a_range_and_at_once() {
    let (_dir, server) = start(4);
    let seconds = |n: u64| (START / 1_000_000_000 + n).to_string();
    let range = |query: &str| {
        let params = [
            ("q", query),
            ("start", &seconds(0)),
            ("end", &seconds(4)),
            ("step", "2s"),
        ];
        get(&server, "/api/metrics/query_range", &params).json()
    };
    for flushed in [false, true] {
        if flushed {
            flush(&server);
        }
        let answer = range("{} | count_over_time() by (resource.service.name)");
        let series = answer["series"].as_array().unwrap();
        assert_eq!(series.len(), 2, "{answer}");
        assert_eq!(
            series[0]["labels"],
            json!([{"key": "resource.service.name", "value": {"stringValue": "cart"}}])
        );
        let total: f64 = series[0]["samples"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["value"].as_f64().unwrap_or(0.0))
            .sum();
        assert!((total - 8.0).abs() < 1e-9, "{answer}");
        assert!(series[0]["samples"][0]["timestampMs"].is_string());
        let exemplar = &series[1]["exemplars"][0];
        let labels = exemplar["labels"]
            .as_array()
            .unwrap_or_else(|| panic!("{answer}"));
        assert!(labels.iter().any(|l| l["key"] == "trace:id"), "{exemplar}");
        assert!(exemplar["timestampMs"].as_str().unwrap().parse::<u64>().unwrap() > 0);
        let params = [
            ("q", "{} | count_over_time()"),
            ("start", &seconds(0)),
            ("end", &seconds(4)),
        ];
        let instant = get(&server, "/api/metrics/query", &params).json();
        assert_eq!(
            instant["series"],
            json!([{"labels": [{"key": "__name__", "value": {"stringValue": "count_over_time"}}], "value": 16}])
        );
        let keys: Vec<_> = instant.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["series", "metrics"]);
    }
    let params = [
        ("query", "{} | rate() by (span:name)"),
        ("since", "100000h"),
        ("maxSeries", "2"),
        ("step", "100h"),
    ];
    let cut = get(&server, "/api/metrics/query_range", &params).json();
    assert_eq!(cut["status"], "PARTIAL");
    assert!(
        cut["message"]
            .as_str()
            .unwrap()
            .starts_with("Response exceeds maximum series limit of 2")
    );
}

#[test]
fn an_empty_store_answers_empty() {
    let (_dir, server) = start(0);
    assert_eq!(
        get(&server, "/api/search", &[]).text(),
        r#"{"traces":[],"metrics":{}}"#
    );
    assert_eq!(
        get(&server, "/api/v2/search/tag/name/values", &[]).json()["tagValues"],
        json!([])
    );
    assert_eq!(
        get(&server, "/api/metrics/query_range", &[("q", "{} | rate()")]).json()["series"],
        json!([])
    );
    let scopes = get(&server, "/api/v2/search/tags", &[]).json();
    assert_eq!(scopes["scopes"].as_array().unwrap().len(), 1);
}

/// Calls a method of the streaming service; gives the messages it answered.
fn call(base: &str, method: &str, message: Vec<u8>) -> Result<Vec<Vec<u8>>, Status> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let channel = tonic::transport::Channel::from_shared(base.to_owned())
            .unwrap()
            .connect()
            .await
            .unwrap();
        let mut grpc = tonic::client::Grpc::new(channel);
        grpc.ready().await.unwrap();
        let path = format!("/tempopb.StreamingQuerier/{method}").parse().unwrap();
        let request = tonic::Request::new(message);
        let mut stream = grpc
            .server_streaming(request, path, kymo_tests::grpc::Bytes)
            .await?
            .into_inner();
        let mut all = Vec::new();
        while let Some(message) = stream.message().await? {
            all.push(message);
        }
        Ok(all)
    })
}

fn text_field(field: u32, text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    put_bytes(&mut out, field, text.as_bytes());
    out
}

/// The fields of one number of all messages.
fn fields(messages: &[Vec<u8>], number: u32) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    for message in messages {
        let mut reader = Reader::new(message);
        while let Some(field) = reader.next_field().unwrap() {
            if field.number == number {
                out.push(field.bytes().unwrap().to_vec());
            }
        }
    }
    out
}

#[test]
fn grpc_streams_the_same_answers_on_both_ports() {
    let (_dir, server) = start(3);
    let bases = [server.client.base(), server.tempo.as_ref().unwrap().base()];
    for base in bases {
        let mut search = text_field(8, "{ status = error }");
        put_integer(&mut search, 4, 10);
        let traces = fields(&call(base, "Search", search).unwrap(), 1);
        assert_eq!(traces.len(), 1);
        assert_eq!(fields(&traces, 1), [short(1).into_bytes()]);
        let names = fields(&call(base, "SearchTags", text_field(1, "resource")).unwrap(), 1);
        assert_eq!(names, [b"pod".to_vec(), b"service.name".to_vec()]);
        let scopes = fields(&call(base, "SearchTagsV2", text_field(1, "event")).unwrap(), 1);
        assert_eq!(fields(&scopes, 2), [b"exception.type".to_vec()]);
        let values = fields(
            &call(base, "SearchTagValues", text_field(1, "service.name")).unwrap(),
            1,
        );
        assert_eq!(values, [b"cart".to_vec(), b"frontend".to_vec()]);
        let values = fields(
            &call(base, "SearchTagValuesV2", text_field(1, "span.http.status_code")).unwrap(),
            1,
        );
        assert_eq!(fields(&values, 2), [b"200".to_vec(), b"500".to_vec()]);
        let mut range = text_field(1, "{} | rate() by (resource.service.name)");
        put_integer(&mut range, 2, START);
        put_integer(&mut range, 3, START + 4000 * MS);
        let series = fields(&call(base, "MetricsQueryRange", range.clone()).unwrap(), 1);
        assert_eq!(series.len(), 2);
        let series = fields(&call(base, "MetricsQueryInstant", range).unwrap(), 1);
        assert_eq!(series.len(), 2);
        let status = call(base, "Search", text_field(8, "{ name > 3 }")).unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(
            status.message().starts_with("invalid TraceQL query: "),
            "{status:?}"
        );
    }
}

#[test]
fn queries_of_spans_are_governed_like_all_others() {
    let dir = TempDir::new().unwrap();
    let sets = [
        ("query.log_slow", "0s"),
        ("query.log_file", dir.path().join("slow").to_str().unwrap()),
    ]
    .map(|(k, v)| (k, v.to_owned()));
    let sets: Vec<(&str, &str)> = sets.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let server = TestServer::start_with(&dir.path().join("data"), &sets);
    shop::send(&server.client, 1);
    let client: &Client = &server.client;
    assert_eq!(
        client
            .get("/tempo/api/search", &[("q", "{ .user = \"u0\" }")])
            .status,
        200
    );
    let top = client.get("/api/v1/status/top_queries", &[]).data().to_string();
    assert!(top.contains("traceql_search") || top.contains(".user"), "{top}");
    let slow = std::fs::read_to_string(dir.path().join("slow")).unwrap();
    assert!(slow.contains("{ .user = \\\"u0\\\" }"), "{slow}");
}

#[test]
fn a_part_of_a_trace_can_be_asked_for() {
    let (_dir, server) = start(2);
    let names = |params: &[(&str, &str)]| {
        let answer = get(&server, &format!("/api/v2/traces/{}", trace_id(1)), params).json();
        let mut names = Vec::new();
        for resource in answer["trace"]["resourceSpans"].as_array().into_iter().flatten() {
            for span in resource["scopeSpans"][0]["spans"].as_array().unwrap() {
                names.push(span["name"].as_str().unwrap().to_owned());
            }
        }
        (names, answer["status"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(names(&[]).0.len(), 4);
    let partial = |wanted: &[&str]| {
        let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
        (wanted, "PARTIAL".to_owned())
    };
    let failed = ("q", "{ status = error }");
    assert_eq!(names(&[failed]), partial(&["AddItem"]));
    assert_eq!(
        names(&[failed, ("keep_hierarchy", "true")]),
        partial(&["GET /", "call", "AddItem"])
    );
    assert_eq!(
        names(&[failed, ("match_depth", "-1")]),
        partial(&["AddItem", "send"])
    );
    assert_eq!(names(&[("q", "{ .none = 1 }")]), partial(&[]));
    let headers = [("Accept", "application/protobuf")];
    let path = format!(
        "/tempo/api/v2/traces/{}?q=%7B%20status%20%3D%20error%20%7D",
        trace_id(1)
    );
    let answer = server.client.send("GET", &path, &headers, b"").body;
    assert!(String::from_utf8_lossy(&fields(&[answer], 4)[0]).contains("1 of 4 spans match"));
    assert_eq!(
        get(&server, "/api/v2/traces/1", &[("q", "{} | rate()")]).status,
        400
    );
}

#[test]
fn every_query_of_the_corpus_is_answered_or_refused() {
    let Some(path) = kymo_tests::shared("queries/traceql.jsonl") else {
        return;
    };
    let (_dir, server) = start(3);
    flush(&server);
    shop::send(&server.client, 4);
    let seconds = |n: u64| (START / 1_000_000_000 + n).to_string();
    let (mut answered, mut refused) = (0, 0);
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let query = row["query"].as_str().unwrap();
        let (start, end) = (seconds(0), seconds(10));
        let params = [("q", query), ("start", start.as_str()), ("end", end.as_str())];
        let mut statuses = Vec::new();
        for path in [
            "/tempo/api/search",
            "/tempo/api/metrics/query_range",
            "/tempo/api/metrics/query",
        ] {
            let answer = server.client.get(path, &params);
            assert!(
                matches!(answer.status, 200 | 400 | 422),
                "{path} {query}: {}",
                answer.text()
            );
            statuses.push(answer.status);
        }
        answered += usize::from(statuses.contains(&200));
        refused += usize::from(!statuses.contains(&200));
    }
    assert!(answered > 1000 && refused > 50, "{answered} {refused}");
}
