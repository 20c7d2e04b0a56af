//! Traces as clients send and read them: the bodies of a real SDK, and reading back by id, in a form that can be compared
//! whatever the grouping of spans is.

use std::collections::BTreeMap;
use std::io::Read;

use kymo_proto::wire::Reader;
use opentelemetry_proto::tonic::trace::v1::{Span, TracesData};
use prost::Message;

use crate::client::Client;
use crate::shared;

/// A span with all that is said of its resource and scope. It is compared by its bytes, as doubles may be no numbers.
#[derive(Debug, Clone)]
pub struct Whole {
    /// Its resource and scope.
    pub context: String,
    /// The span.
    pub span: Span,
}

impl PartialEq for Whole {
    fn eq(&self, other: &Whole) -> bool {
        self.context == other.context && self.span.encode_to_vec() == other.span.encode_to_vec()
    }
}

/// Whole traces by id in hex, the spans of each by start, id and kind.
pub type Traces = BTreeMap<String, Vec<Whole>>;

/// The bodies that a real SDK sent to a path of OTLP/HTTP, gzipped as they were; `None` when they are absent.
///
/// # Panics
/// When they do not read.
pub fn sdk_bodies(sent_to: &str) -> Option<Vec<Vec<u8>>> {
    let path = shared("data/wire/otlp-http-python-sdk.tar.zst")?;
    let file = std::fs::File::open(path).expect("the bodies open");
    let mut archive = tar::Archive::new(zstd::Decoder::new(file).expect("the bodies are zstd"));
    let mut files = BTreeMap::new();
    for entry in archive.entries().expect("the bodies are a tar") {
        let mut entry = entry.expect("a readable entry");
        let name = entry.path().expect("a path").to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("a readable entry");
        files.insert(name.trim_start_matches("./").to_owned(), bytes);
    }
    let index = String::from_utf8(files["index.jsonl"].clone()).expect("an index of text");
    let rows = index.lines().map(|line| {
        let row: serde_json::Value = serde_json::from_str(line).expect("lines of JSON");
        row
    });
    let wanted = rows.filter(|row| row["path"] == sent_to);
    Some(
        wanted
            .map(|row| files[row["file"].as_str().expect("the name of a file")].clone())
            .collect(),
    )
}

/// What gzip holds.
///
/// # Panics
/// When it is no gzip.
pub fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(bytes)
        .read_to_end(&mut out)
        .expect("gzip");
    out
}

/// Adds the spans of an export's body, or of an answer's.
///
/// # Panics
/// When it does not decode.
pub fn add_spans(into: &mut Traces, body: &[u8]) {
    let data = TracesData::decode(body).expect("traces in protobuf");
    for resource in data.resource_spans {
        let about = format!("{:?} {:?}", resource.resource, resource.schema_url);
        for scope in resource.scope_spans {
            let context = format!("{about} {:?} {:?}", scope.scope, scope.schema_url);
            for mut span in scope.spans {
                // A status that says nothing is the same as none.
                span.status.get_or_insert_default();
                let id = hex(&span.trace_id);
                let context = context.clone();
                into.entry(id).or_default().push(Whole { context, span });
            }
        }
    }
    for spans in into.values_mut() {
        spans.sort_by(|a, b| order(&a.span).cmp(&order(&b.span)));
        spans.dedup_by(|a, b| order(&a.span) == order(&b.span));
    }
}

fn order(span: &Span) -> (u64, &[u8], i32) {
    (span.start_time_unix_nano, &span.span_id, span.kind)
}

/// Bytes in hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The trace of an id by `/tempo/api/v2/traces/{id}`, empty when there is none.
///
/// # Panics
/// When the answer is none.
pub fn read_trace(client: &Client, id: &str) -> Vec<Whole> {
    let headers = [("Accept", "application/protobuf")];
    let answer = client.send("GET", &format!("/tempo/api/v2/traces/{id}"), &headers, b"");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut reader = Reader::new(&answer.body);
    let mut traces = Traces::new();
    while let Some(field) = reader.next_field().expect("protobuf") {
        if field.number == 1 {
            add_spans(&mut traces, field.bytes().expect("a message"));
        }
    }
    assert!(traces.len() <= 1, "{traces:?}");
    traces.into_values().next().unwrap_or_default()
}

/// Holds the stored traces against those that were sent.
///
/// # Panics
/// When one is different.
pub fn check_traces(client: &Client, sent: &Traces, when: &str) {
    for (id, wanted) in sent {
        let found = read_trace(client, id);
        assert_eq!(found.len(), wanted.len(), "{when}: trace {id}");
        for (found, wanted) in found.iter().zip(wanted) {
            assert!(
                found == wanted,
                "{when}: trace {id}: {found:#?} is not {wanted:#?}"
            );
        }
    }
}
