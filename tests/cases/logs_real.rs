//! Real log lines (`../shared/data`): every line comes back byte for byte, and the id of a trace leads to exactly its lines and spans in
//! every form that Grafana asks in. Where the data is absent the tests say so and pass.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};

use kymo_proto::loki::PushEncoder;
use kymo_proto::otlp::json;
use kymo_proto::snappy;
use kymo_tests::client::Client;
use kymo_tests::server::TestServer;
use kymo_tests::traces::{Traces, add_spans};
use serde_json::Value;
use tempfile::TempDir;

/// Lines of a push.
const PUSH: usize = 500;

const FILES: [&str; 14] = [
    "loghub/android",
    "loghub/apache",
    "loghub/bgl",
    "loghub/hdfs",
    "loghub/linux",
    "loghub/openssh",
    "loghub/spark",
    "loghub/zookeeper",
    "loki-samples/agent-logfmt",
    "loki-samples/ingester-logfmt",
    "loki-samples/kafka",
    "loki-samples/kubernetes",
    "access-logs/nginxplus-status-json",
    "access-logs/semicomplete-apache",
];
const SHOP: [&str; 2] = ["logs-2022-08-22", "logs-2022-08-23"];
const SHOP_TRACES: [&str; 2] = ["traces-2022-08-22", "traces-2022-08-23"];

/// An entry as a file holds it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    labels: BTreeMap<String, String>,
    time: i64,
    line: String,
    metadata: BTreeMap<String, String>,
}

fn lines(path: &str) -> Option<impl Iterator<Item = String> + use<>> {
    let path = kymo_tests::shared(&format!("data/{path}"))?;
    let file = zstd::Decoder::new(std::fs::File::open(path).unwrap()).unwrap();
    Some(BufReader::new(file).lines().map(Result::unwrap))
}

fn read(path: &str) -> Option<Vec<Entry>> {
    let pairs = |of: &Value| -> BTreeMap<String, String> {
        let pairs = of.as_object().into_iter().flatten();
        pairs
            .map(|(n, v)| (n.clone(), v.as_str().unwrap().to_owned()))
            .collect()
    };
    let entry = |line: String| {
        let of: Value = serde_json::from_str(&line).unwrap();
        Entry {
            labels: pairs(&of["labels"]),
            time: of["timestamp_ns"].as_str().unwrap().parse().unwrap(),
            line: of["line"].as_str().unwrap().to_owned(),
            metadata: pairs(&of["structured_metadata"]),
        }
    };
    Some(lines(&format!("{path}.jsonl.zst"))?.map(entry).collect())
}

fn push(client: &Client, entries: &[Entry]) {
    let mut streams: BTreeMap<&BTreeMap<String, String>, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        streams.entry(&entry.labels).or_default().push(entry);
    }
    let mut encoder = PushEncoder::default();
    for (labels, entries) in streams {
        let labels: Vec<String> = labels.iter().map(|(n, v)| format!("{n}={v:?}")).collect();
        let metadata: Vec<Vec<(&str, &str)>> = entries
            .iter()
            .map(|e| e.metadata.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect())
            .collect();
        let entries = entries.iter().zip(&metadata);
        let entries = entries.map(|(e, metadata)| (e.time, e.line.as_bytes(), metadata.as_slice()));
        encoder.stream(&format!("{{{}}}", labels.join(", ")), entries);
    }
    let headers = [("Content-Type", "application/x-protobuf")];
    let body = snappy::compress(&encoder.finish());
    let answer = client.send("POST", "/loki/api/v1/push", &headers, &body);
    assert_eq!((answer.status, answer.text().as_str()), (204, ""));
}

/// All entries that a query finds, by labels of the stream, time, line and metadata, without the level that the server adds.
fn found(client: &Client, query: &str) -> BTreeSet<Entry> {
    let headers = [("X-Loki-Response-Encoding-Flags", "categorize-labels")];
    let params = [
        ("query", query),
        ("start", "1000000000000000000"),
        ("end", "1900000000000000000"),
        ("limit", "1000000"),
    ];
    let path = format!("/loki/api/v1/query_range?{}", kymo_tests::client::encode(&params));
    let answer = client.send("GET", &path, &headers, b"");
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    let mut all = BTreeSet::new();
    for stream in answer.json()["data"]["result"].as_array().unwrap() {
        let pairs = |of: &Value| -> BTreeMap<String, String> {
            let pairs = of.as_object().into_iter().flatten();
            let pairs = pairs.filter(|(n, _)| *n != "detected_level");
            pairs
                .map(|(n, v)| (n.clone(), v.as_str().unwrap().to_owned()))
                .collect()
        };
        for value in stream["values"].as_array().unwrap() {
            let is_new = all.insert(Entry {
                labels: pairs(&stream["stream"]),
                time: value[0].as_str().unwrap().parse().unwrap(),
                line: value[1].as_str().unwrap().to_owned(),
                metadata: pairs(&value[2]["structuredMetadata"]),
            });
            assert!(is_new, "told twice: {value}");
        }
    }
    all
}

const ALL: &str = "{service_name=~\".+\"}";

#[test]
fn real_lines_come_back_byte_for_byte() {
    let dir = TempDir::new().unwrap();
    let limits = [("logs.max_entries", "0")];
    let server = TestServer::start_with(dir.path(), &limits);
    let mut sent = BTreeSet::new();
    for (n, file) in FILES.iter().enumerate() {
        let Some(entries) = read(file) else { return };
        entries
            .chunks(PUSH)
            .for_each(|entries| push(&server.client, entries));
        sent.extend(entries);
        if n % 3 == 1 {
            server.client.post("/api/v1/admin/flush", &[]);
        }
    }
    assert!(sent.len() > 16_000, "{} entries", sent.len());
    let check = |client: &Client, state: &str| {
        let found = found(client, ALL);
        let missing: Vec<&Entry> = sent.difference(&found).take(3).collect();
        let strange: Vec<&Entry> = found.difference(&sent).take(3).collect();
        assert!(
            missing.is_empty() && strange.is_empty(),
            "{state}: without {missing:#?}, but with {strange:#?}"
        );
    };
    check(&server.client, "over blocks and the head");
    server.client.post("/api/v1/admin/flush", &[]);
    check(&server.client, "flushed");
    server.client.post("/api/v1/admin/compact", &[("wait", "true")]);
    check(&server.client, "merged");
    server.stop();
    let server = TestServer::start_with(dir.path(), &limits);
    check(&server.client, "restarted");
}

/// Forms in which Grafana and people ask for the lines of a trace.
fn forms(id: &str, span: &str) -> [String; 8] {
    let contains = |or: &str| {
        format!(
            "{ALL} | label_format log_line_contains_trace_id=`{{{{ contains \"{id}\" __line__  }}}}` \
             | log_line_contains_trace_id=\"true\" {or} trace_id=\"{id}\""
        )
    };
    [
        format!("{ALL} | trace_id=\"{id}\""),
        format!("{ALL} |= \"{id}\""),
        format!("{ALL} |~ \"{id}\""),
        format!("{ALL} | json | trace_id=\"{id}\""),
        format!("{ALL} | logfmt | json | drop __error__ | trace_id=\"{id}\""),
        contains("or"),
        contains("OR"),
        // The lines of one span.
        format!("{ALL} |= \"{id}\" |= \"{span}\""),
    ]
}

#[test]
fn an_id_of_a_trace_leads_to_its_lines_and_spans() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), &[("logs.max_entries", "0")]);
    let client = &server.client;
    let mut sent = Traces::new();
    for day in SHOP_TRACES {
        let Some(bodies) = lines(&format!("nezha-onlineboutique/{day}.otlp.jsonl.zst")) else {
            return;
        };
        for body in bodies {
            let headers = [("Content-Type", "application/json")];
            let answer = client.send("POST", "/v1/traces", &headers, body.as_bytes());
            assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
            add_spans(&mut sent, &json::trace_request(body.as_bytes()).unwrap());
        }
        client.post("/api/v1/admin/flush", &[]);
    }
    let mut by_id: BTreeMap<String, BTreeSet<Entry>> = BTreeMap::new();
    for day in SHOP {
        let Some(entries) = read(&format!("nezha-onlineboutique/{day}")) else {
            return;
        };
        entries.chunks(PUSH).for_each(|entries| push(client, entries));
        for entry in entries {
            by_id
                .entry(entry.metadata["trace_id"].clone())
                .or_default()
                .insert(entry);
        }
    }
    assert_eq!(by_id.len(), 389);
    check_ids(client, &by_id, &sent, 40);
    client.post("/api/v1/admin/flush", &[]);
    client.post("/api/v1/admin/compact", &[("wait", "true")]);
    check_ids(client, &by_id, &sent, 16);
}

/// Asks for all of the ids by `track`, and for every so many of them in all forms (3,500 queries take minutes where nothing is optimised).
fn check_ids(client: &Client, by_id: &BTreeMap<String, BTreeSet<Entry>>, sent: &Traces, step: usize) {
    for (n, (id, lines)) in by_id.iter().enumerate() {
        let tracked = client.get(&format!("/api/v1/track/{id}"), &[]).data();
        let told: BTreeSet<(i64, &str)> = tracked["logs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|log| {
                let time = log["timeUnixNano"].as_str().unwrap().parse().unwrap();
                (time, log["line"].as_str().unwrap())
            })
            .collect();
        let wanted: BTreeSet<(i64, &str)> = lines.iter().map(|e| (e.time, e.line.as_str())).collect();
        assert_eq!(told, wanted, "lines of {id}");
        let spans: BTreeSet<&str> = tracked["trace"]["spans"]
            .as_array()
            .unwrap()
            .iter()
            .map(|span| span["spanId"].as_str().unwrap())
            .collect();
        assert_eq!(spans.len(), distinct_spans(sent, id), "spans of {id}");
        if n % step > 0 {
            continue;
        }
        let span = lines.iter().next().unwrap().metadata["span_id"].clone();
        let forms = forms(id, &span);
        for form in &forms[..7] {
            assert!(found(client, form) == *lines, "{form}");
        }
        let of_span: BTreeSet<Entry> = lines.iter().filter(|e| e.line.contains(&span)).cloned().collect();
        assert!(found(client, &forms[7]) == of_span, "{}", forms[7]);
        let other = format!("{ALL} | json | traceID=\"{id}\"");
        assert!(found(client, &other).is_empty(), "{other}");
    }
}

fn distinct_spans(sent: &Traces, id: &str) -> usize {
    let spans: BTreeSet<&[u8]> = sent[id].iter().map(|of| of.span.span_id.as_slice()).collect();
    spans.len()
}
