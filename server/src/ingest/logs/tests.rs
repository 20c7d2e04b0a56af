//! What becomes of requests: labels, metadata, levels, and what is refused with which text.

use kymo_engine::logs::Batch;
use kymo_proto::loki::PushEncoder;
use kymo_proto::otlp::json::logs_request;
use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_700_000_000_000;

fn config(sets: &[(&str, &str)]) -> Config {
    let mut overrides = crate::config::Overrides::default();
    let sets = sets
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    overrides.flags.extend(sets);
    crate::config::parse("", &overrides).unwrap()
}

fn taken(format: LogFormat, body: &[u8], sets: &[(&str, &str)]) -> Incoming {
    read(format, body, Rules::at(NOW, &config(sets))).unwrap()
}

/// Stream, time, line and metadata of each entry, as text.
fn shown(batch: &Batch) -> Vec<String> {
    let mut out = Vec::new();
    for stream in batch.streams() {
        let mut labels = String::new();
        kymo_proto::loki::put_labels(&mut labels, stream.labels.iter());
        for entry in stream.first..stream.first + stream.count {
            let line = String::from_utf8_lossy(batch.line(entry));
            let set = batch.set(batch.set_of(entry));
            let metadata: Vec<_> = set.iter().map(|(n, v)| format!("{n}={v}")).collect();
            let time = batch.time(entry) - NOW * 1_000_000;
            out.push(format!("{labels} {time} {line} {}", metadata.join(" ")));
        }
    }
    out
}

fn json(streams: &str, sets: &[(&str, &str)]) -> Incoming {
    let body = format!("{{\"streams\":[{streams}]}}");
    taken(LogFormat::PushJson, body.as_bytes(), sets)
}

/// The time now, then another.
fn at(nanos: i64) -> String {
    (NOW * 1_000_000 + nanos).to_string()
}

#[test]
fn json_and_protobuf_are_taken_alike() {
    let (one, two) = (at(1), at(2));
    let by_json = json(
        &format!(
            r#"{{"stream":{{"job":"api","empty":""}},"values":[["{one}","level=warn \"x\""],["{two}","plain",{{"user.id":"7","9x":"y"}}]]}}"#
        ),
        &[],
    );
    let mut encoder = PushEncoder::default();
    let metadata = [("user.id", "7"), ("9x", "y")];
    encoder.stream(
        "{job=\"api\", empty=\"\"}",
        [
            (NOW * 1_000_000 + 1, b"level=warn \"x\"".as_slice(), [].as_slice()),
            (NOW * 1_000_000 + 2, b"plain", &metadata),
        ],
    );
    let by_protobuf = taken(LogFormat::Push, &encoder.finish(), &[]);
    let expected = [
        "{job=\"api\", service_name=\"api\"} 1 level=warn \"x\" detected_level=warn",
        "{job=\"api\", service_name=\"api\"} 2 plain detected_level=unknown key_9x=y user_id=7",
    ];
    assert_eq!(shown(&by_json.batch), expected);
    assert_eq!(shown(&by_protobuf.batch), expected);
    assert_eq!((by_json.streams, by_json.refused.is_empty()), (1, true));
}

#[test]
fn the_form_before_is_taken_too() {
    let body = r#"{"labels":"{app=\"a\"}","entries":[{"ts":"2023-11-14T22:13:20.000000005Z","line":"x"}]}"#;
    let taken = json(
        body,
        &[("logs.detect_level", "off"), ("logs.service_name_from", "")],
    );
    assert_eq!(shown(&taken.batch), ["{app=\"a\"} 5 x "]);
}

#[test]
fn labels_of_high_cardinality_become_metadata() {
    let stream = format!(
        r#"{{"stream":{{"app":"a","trace_id":"t1"}},"values":[["{}","x"]]}},{{"stream":{{"app":"a","trace_id":"t2"}},"values":[["{}","y"]]}}"#,
        at(0),
        at(1)
    );
    let incoming = json(&stream, &[]);
    assert_eq!(
        shown(&incoming.batch),
        [
            "{app=\"a\", service_name=\"a\"} 0 x detected_level=unknown trace_id=t1",
            "{app=\"a\", service_name=\"a\"} 1 y detected_level=unknown trace_id=t2",
        ]
    );
    assert_eq!(incoming.refused.moved_labels, 2);
    let kept = json(
        &stream,
        &[("logs.high_cardinality_labels", ""), ("logs.detect_level", "off")],
    );
    assert_eq!(
        shown(&kept.batch)[0],
        "{app=\"a\", service_name=\"a\", trace_id=\"t1\"} 0 x "
    );
}

#[test]
fn what_is_wrong_is_refused_alone_in_the_words_of_loki() {
    let day = 86_400_000_000_000;
    let values = format!(
        r#"["{}","old"],["{}","good"],["{}","new"],["{}","{}"],["{}","m",{{"a":"0123456789"}}],["{}","m",{{"a":"1","b":"2","c":"3"}}]"#,
        at(-2 * day),
        at(0),
        at(day),
        at(0),
        "x".repeat(33),
        at(0),
        at(0)
    );
    let sets = [
        ("retention.time", "1d"),
        ("logs.line_size", "32"),
        ("logs.metadata_size", "8"),
        ("logs.metadata_count", "2"),
        ("logs.detect_level", "off"),
    ];
    let incoming = json(
        &format!(r#"{{"stream":{{"app":"a"}},"values":[{values}]}}"#),
        &sets,
    );
    assert_eq!(
        shown(&incoming.batch),
        ["{app=\"a\", service_name=\"a\"} 0 good "]
    );
    let text = incoming.refused.text();
    for part in [
        "1 errors like: entry for stream '{app=\"a\", service_name=\"a\"}' has timestamp too old: 2023-11-12T22:13:20Z, oldest acceptable timestamp is: 2023-11-13T22:13:20Z; ",
        "1 errors like: entry for stream '{app=\"a\", service_name=\"a\"}' has timestamp too new: 2023-11-15T22:13:20Z; ",
        "1 errors like: max entry size '32' bytes exceeded for stream '{app=\"a\", service_name=\"a\"}' while adding an entry with length '33' bytes; ",
        "has structured metadata too large: '11' bytes, limit: '8' bytes. Please see `limits_config.max_structured_metadata_size`",
        "has too many structured metadata labels: '3', limit: '2'. Please see",
    ] {
        assert!(text.contains(part), "{part}\nis not in\n{text}");
    }
    assert_eq!(incoming.refused.total(), 5);
    assert_eq!(incoming.refused.count(LogReason::LineTooLong), 1);
}

#[test]
fn names_that_no_selector_can_have_are_refused_in_both_forms() {
    let time = at(1);
    let text = r#"error parsing labels '{service.name="x"}' with error: 1:9: parse error: unexpected '.', expected '='"#;
    let by_json = json(
        &format!(
            r#"{{"stream":{{"service.name":"x"}},"values":[["{time}","a"]]}},{{"stream":{{"ok":"x"}},"values":[["{time}","b"]]}}"#
        ),
        &[],
    );
    assert_eq!((by_json.batch.len(), by_json.refused.total()), (1, 1));
    assert!(
        by_json.refused.text().contains(text),
        "{}",
        by_json.refused.text()
    );
    let digit = json(
        &format!(r#"{{"stream":{{"9a":"x"}},"values":[["{time}","a"]]}}"#),
        &[],
    );
    assert_eq!((digit.batch.len(), digit.refused.total()), (0, 1));
    let mut encoder = PushEncoder::default();
    let entry = (NOW * 1_000_000, b"a".as_slice(), [].as_slice());
    encoder.stream(r#"{service.name="x"}"#, [entry]);
    let by_protobuf = taken(LogFormat::Push, &encoder.finish(), &[]);
    assert!(
        by_protobuf.refused.text().contains(text),
        "{}",
        by_protobuf.refused.text()
    );
}

#[test]
fn streams_with_wrong_labels_are_refused_whole() {
    let mut encoder = PushEncoder::default();
    let two = || [(NOW * 1_000_000, b"ab".as_slice(), [].as_slice()); 2];
    for labels in [
        "{}",
        "{a=",
        "{a=\"1\",a=\"2\"}",
        "{long_name=\"1\"}",
        "{a=\"long value\"}",
        "{a=\"1\",b=\"2\",c=\"3\"}",
        "{a=\"1\"}",
    ] {
        encoder.stream(labels, two());
    }
    let sets = [
        ("limits.label_name_length", "4"),
        ("limits.label_value_length", "4"),
        ("logs.labels_per_stream", "2"),
    ];
    let incoming = taken(LogFormat::Push, &encoder.finish(), &sets);
    assert_eq!(incoming.batch.len(), 2);
    assert_eq!((incoming.refused.total(), incoming.streams), (12, 7));
    let text = incoming.refused.text();
    for part in [
        "1 errors like: error at least one label pair is required per stream",
        "error parsing labels '{a=' with error: 1:4: parse error: unexpected end of input",
        "stream '{a=\"1\", a=\"2\"}' has duplicate label name: 'a'",
        "stream '{long_name=\"1\"}' has label name too long: 'long_name'",
        "stream '{a=\"long value\"}' has label value too long: 'long value'",
        "entry for stream '{a=\"1\", b=\"2\", c=\"3\"}' has 3 label names; limit 2",
    ] {
        assert!(text.contains(part), "{part}\nis not in\n{text}");
    }
}

const OTLP: &str = r#"{"resourceLogs":[{"resource":{"attributes":[
    {"key":"service.name","value":{"stringValue":"shop"}},
    {"key":"host.name","value":{"stringValue":"h1"}},
    {"key":"secret","value":{"stringValue":"s"}}]},
  "scopeLogs":[{"scope":{"name":"lib","version":"2","attributes":[{"key":"sa","value":{"boolValue":true}}]},"logRecords":[
    {"timeUnixNano":"1700000000000000001","observedTimeUnixNano":"1700000000000000002","severityNumber":13,"severityText":"Warn",
     "body":{"stringValue":"hello"},"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174","flags":1,
     "attributes":[{"key":"http.method","value":{"stringValue":"GET"}},
       {"key":"map","value":{"kvlistValue":{"values":[{"key":"k","value":{"intValue":"5"}}]}}}]},
    {"observedTimeUnixNano":"1700000000000000003","severityNumber":17,"eventName":"e",
     "body":{"kvlistValue":{"values":[{"key":"a","value":{"arrayValue":{"values":[{"intValue":"1"}]}}}]}}},
    {"body":{"intValue":"4"}}]}]},
  {"scopeLogs":[{"logRecords":[{"timeUnixNano":"1700000000000000009","body":{"stringValue":"bare"}}]}]}]}"#;

#[test]
fn records_of_otlp_become_entries_as_in_loki() {
    let body = logs_request(OTLP.as_bytes()).unwrap();
    let incoming = taken(LogFormat::Otlp, &body, &[("logs.otlp_drop", "secret")]);
    assert_eq!(
        shown(&incoming.batch),
        [
            "{service_name=\"shop\"} 1 hello detected_level=warn flags=1 host_name=h1 http_method=GET map_k=5 \
             observed_timestamp=1700000000000000002 sa=true scope_name=lib scope_version=2 severity_number=13 severity_text=Warn \
             span_id=eee19b7ec3c1b174 trace_id=5b8efff798038103d269b633813fc60c",
            "{service_name=\"shop\"} 3 {\"a\":[1]} detected_level=error event_name=e host_name=h1 sa=true scope_name=lib scope_version=2 severity_number=17",
            "{service_name=\"shop\"} 0 4 detected_level=unknown host_name=h1 sa=true scope_name=lib scope_version=2",
            "{service_name=\"unknown_service\"} 9 bare detected_level=unknown",
        ]
    );
}

#[test]
fn records_may_have_labels_of_their_own() {
    let body = logs_request(OTLP.as_bytes()).unwrap();
    let sets = [
        ("logs.otlp_labels", "host.name"),
        ("logs.otlp_record_labels", "http.method"),
        ("logs.severity_text_as_label", "on"),
    ];
    let incoming = taken(LogFormat::Otlp, &body, &sets);
    let streams: Vec<String> = shown(&incoming.batch)
        .iter()
        .map(|entry| entry.split_inclusive('}').next().unwrap().to_owned())
        .collect();
    assert_eq!(
        streams,
        [
            "{host_name=\"h1\", http_method=\"GET\", service_name=\"unknown_service\", severity_text=\"Warn\"}",
            "{host_name=\"h1\", service_name=\"unknown_service\"}",
            "{host_name=\"h1\", service_name=\"unknown_service\"}",
            "{service_name=\"unknown_service\"}",
        ]
    );
}

proptest! {
    #[test]
    fn no_body_panics(body in proptest::collection::vec(any::<u8>(), 0..200), text in "[{}\\[\\]\":, a-z0-9]{0,60}") {
        let config = config(&[]);
        for format in [LogFormat::Push, LogFormat::PushJson, LogFormat::Otlp] {
            let _ = read(format, &body, Rules::at(NOW, &config));
        }
        let _ = read(LogFormat::PushJson, format!("{{\"streams\":[{text}]}}").as_bytes(), Rules::at(NOW, &config));
    }
}
