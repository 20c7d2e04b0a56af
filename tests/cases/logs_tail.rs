//! Tails over real websockets: what is stored comes first, then what is written, each entry once, whatever is flushed, late or
//! sent again meanwhile; who takes nothing is told what it missed.

use std::net::TcpStream;
use std::time::Duration;

use kymo_tests::client::{Client, encode};
use kymo_tests::server::TestServer;
use serde_json::{Value, json};
use tungstenite::http::Request;
use tungstenite::{Message, WebSocket};

/// 2023-11-14T22:13:20Z in nanoseconds.
const T: i64 = 1_700_000_000_000_000_000;

struct Tail(WebSocket<TcpStream>);

impl Tail {
    /// Opens a tail; the error is status and body of what was answered instead.
    fn open(
        client: &Client,
        path: &str,
        params: &[(&str, &str)],
        flags: &str,
    ) -> Result<Tail, (u16, String)> {
        let address = client.base().strip_prefix("http://").unwrap();
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let request = Request::builder()
            .uri(format!("ws://{address}{path}?{}", encode(params)))
            .header("Host", address)
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header(
                "Sec-WebSocket-Key",
                tungstenite::handshake::client::generate_key(),
            )
            .header("Origin", "http://elsewhere.example")
            .header("X-Loki-Response-Encoding-Flags", flags)
            .body(())
            .unwrap();
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(Tail(socket)),
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(response))) => {
                let body = response.body().clone().unwrap_or_default();
                Err((response.status().as_u16(), String::from_utf8(body).unwrap()))
            }
            Err(other) => panic!("{other}"),
        }
    }

    fn of(client: &Client, params: &[(&str, &str)]) -> Tail {
        match Tail::open(client, "/loki/api/v1/tail", params, "") {
            Ok(tail) => tail,
            Err(refused) => panic!("{refused:?}"),
        }
    }

    /// The next message with entries.
    fn frame(&mut self) -> Value {
        loop {
            match self.0.read().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Lines in the order they come, until there are so many.
    fn lines(&mut self, n: usize) -> Vec<String> {
        let mut lines = Vec::new();
        while lines.len() < n {
            lines.extend(lines_of(&self.frame()).into_iter().map(|(_, line)| line));
        }
        lines
    }

    /// Why it is closed.
    fn closed(mut self) -> (u16, String) {
        loop {
            match self.0.read().unwrap() {
                Message::Close(Some(frame)) => return (frame.code.into(), frame.reason.to_string()),
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Times and lines of a message.
fn lines_of(frame: &Value) -> Vec<(i64, String)> {
    let streams = frame["streams"].as_array().unwrap().iter();
    let entries = streams.flat_map(|stream| stream["values"].as_array().unwrap());
    entries
        .map(|entry| {
            (
                entry[0].as_str().unwrap().parse().unwrap(),
                entry[1].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

fn push(client: &Client, app: &str, entries: &[(i64, String)]) {
    let values: Vec<Value> = entries
        .iter()
        .map(|(time, line)| json!([time.to_string(), line]))
        .collect();
    let body = json!({"streams": [{"stream": {"app": app}, "values": values}]});
    let headers = [("Content-Type", "application/json")];
    let answer = client.send("POST", "/loki/api/v1/push", &headers, body.to_string().as_bytes());
    assert_eq!(answer.status, 204, "{}", answer.text());
}

fn entries(numbers: std::ops::Range<i64>) -> Vec<(i64, String)> {
    numbers
        .map(|n| (T + n * 1_000_000, format!("level=info n={n}")))
        .collect()
}

fn texts(numbers: std::ops::Range<i64>) -> Vec<String> {
    entries(numbers).into_iter().map(|(_, line)| line).collect()
}

const ALL: (&str, &str) = ("start", "1700000000");

#[test]
fn stored_lines_come_first_then_those_that_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start_with(dir.path(), &[("loki.listen", "127.0.0.1:0")]);
    let client = server.loki.clone().unwrap();
    push(&client, "web", &entries(0..250));
    push(&client, "db", &entries(0..10));
    let query = ("query", "{app=\"web\"} |= \"level\" | logfmt");
    let mut newest = Tail::of(&client, &[query, ("limit", "3"), ALL]);
    let mut all = Tail::of(&client, &[query, ALL]);
    assert_eq!(newest.lines(3), texts(247..250));
    let first = all.frame();
    assert_eq!(lines_of(&first).len(), 100, "so many entries make a message");
    assert_eq!(
        first["streams"][0]["stream"],
        json!({"app": "web", "detected_level": "info", "level": "info", "n": "0", "service_name": "web"})
    );
    assert_eq!(all.lines(150), texts(100..250));
    push(&client, "web", &entries(250..252));
    push(&client, "db", &entries(250..252));
    // Late, sent again, and one that passes not.
    push(&client, "web", &[(T - 5, "level=warn late".to_owned())]);
    push(&client, "web", &entries(251..253));
    push(&client, "web", &[(T, "nothing".to_owned())]);
    push(&client, "web", &entries(253..254));
    let mut expected = texts(250..252);
    expected.push("level=warn late".to_owned());
    expected.extend(texts(252..254));
    let mut live = all.lines(5);
    let mut of_newest = newest.lines(5);
    for lines in [&mut live, &mut of_newest, &mut expected] {
        lines.sort();
    }
    assert_eq!((live, of_newest), (expected.clone(), expected));
}

#[test]
fn kinds_of_labels_are_told_apart_where_asked() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start(dir.path());
    let query = [("query", "{app=\"web\"} | logfmt n"), ALL];
    // Nothing was ever written.
    let open = |path: &str| {
        let opened = Tail::open(&server.client, path, &query, "categorize-labels");
        opened.unwrap_or_else(|refused| panic!("{refused:?}"))
    };
    let (mut tail, mut legacy) = (open("/loki/api/v1/tail"), open("/api/prom/tail"));
    push(&server.client, "web", &entries(7..8));
    assert_eq!(
        tail.frame(),
        json!({"encodingFlags": ["categorize-labels"], "streams": [{
            "stream": {"app": "web", "service_name": "web"},
            "values": [[(T + 7_000_000).to_string(), "level=info n=7",
                {"structuredMetadata": {"detected_level": "info"}, "parsed": {"n": "7"}}]],
        }]})
    );
    assert_eq!(
        legacy.frame(),
        json!({"streams": [{
            "labels": "{app=\"web\", detected_level=\"info\", n=\"7\", service_name=\"web\"}",
            "entries": [{"ts": "2023-11-14T22:13:20.007Z", "line": "level=info n=7"}],
        }]})
    );
    server.stop();
}

#[test]
fn nothing_is_lost_and_nothing_comes_twice_while_many_write() {
    const WRITERS: i64 = 4;
    const EACH: i64 = 300;
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start(dir.path());
    let client = &server.client;
    let mut found: Vec<(i64, String)> = Vec::new();
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            scope.spawn(move || {
                for n in 0..EACH {
                    // Each writer at its own place in time, so that most entries are late.
                    let time = T + (writer * EACH + n) * 1_000;
                    push(client, "web", &[(time, format!("{writer}/{n}"))]);
                    if n % 100 == 99 {
                        client.send("POST", "/api/v1/admin/flush", &[], b"");
                    }
                }
            });
        }
        // Tails that begin in the midst of it, one after the other, and stop at once but the last.
        for _ in 0..5 {
            let mut tail = Tail::of(client, &[("query", "{app=\"web\"}"), ALL]);
            lines_of(&tail.frame());
        }
        let mut tail = Tail::of(client, &[("query", "{app=\"web\"}"), ALL]);
        while found.len() < usize::try_from(WRITERS * EACH).unwrap() {
            found.extend(lines_of(&tail.frame()));
        }
        push(client, "web", &[(T - 1, "last".to_owned())]);
        assert_eq!(
            lines_of(&tail.frame()),
            [(T - 1, "last".to_owned())],
            "nothing more"
        );
    });
    found.sort();
    let written = (0..WRITERS * EACH).map(|n| (T + n * 1_000, format!("{}/{}", n / EACH, n % EACH)));
    assert_eq!(found, written.collect::<Vec<_>>());
}

#[test]
fn a_tail_goes_on_where_another_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start(dir.path());
    let client = &server.client;
    push(client, "web", &entries(0..20));
    let mut tail = Tail::of(client, &[("query", "{app=\"web\"}"), ALL]);
    assert_eq!(tail.lines(20), texts(0..20));
    drop(tail);
    // More than a page, and more than Loki's default limit.
    for at in (20..6_500).step_by(1_000) {
        push(client, "web", &entries(at..(at + 1_000).min(6_500)));
    }
    let next = (T + 19_000_000 + 1).to_string();
    let mut tail = Tail::of(client, &[("query", "{app=\"web\"}"), ("start", &next)]);
    assert_eq!(tail.lines(6_480), texts(20..6_500));
}

#[test]
fn held_back_lines_come_in_order_of_time() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start(dir.path());
    let client = &server.client;
    push(client, "web", &entries(0..1));
    let mut tail = Tail::of(client, &[("query", "{app=\"web\"}"), ALL, ("delay_for", "1")]);
    assert_eq!(tail.lines(1), texts(0..1));
    let started = std::time::Instant::now();
    push(client, "web", &entries(5..6));
    push(client, "web", &entries(3..4));
    let mut lines = tail.lines(2);
    assert!(
        started.elapsed() >= Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
    lines.sort();
    assert_eq!(lines, [texts(3..4), texts(5..6)].concat());
}

#[test]
fn who_is_too_slow_is_told_what_was_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start(dir.path());
    let client = &server.client;
    push(client, "web", &entries(0..1));
    let mut tail = Tail::of(client, &[("query", "{app=\"web\"}"), ALL]);
    assert_eq!(tail.lines(1), texts(0..1));
    // More than waits for a client and in its connection: 48 MiB and more.
    let line = "x".repeat(256 << 10);
    for n in 1..200 {
        push(client, "web", &[(T + n, format!("{n} {line}"))]);
    }
    let (mut got, mut dropped) = (Vec::new(), Vec::new());
    while got.len() + dropped.len() < 199 {
        let frame = tail.frame();
        got.extend(lines_of(&frame).into_iter().map(|(time, _)| time));
        for entry in frame["dropped_entries"].as_array().into_iter().flatten() {
            assert_eq!(entry["labels"], json!({"app": "web", "service_name": "web"}));
            dropped.push(entry["timestamp"].as_str().unwrap().parse::<i64>().unwrap());
        }
    }
    assert!(
        !got.is_empty() && !dropped.is_empty(),
        "{} {}",
        got.len(),
        dropped.len()
    );
    let mut all = [got, dropped].concat();
    all.sort_unstable();
    assert_eq!(all, (1..200).map(|n| T + n).collect::<Vec<_>>());
}

#[test]
fn wrong_tails_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let sets = [
        ("logs.tails", "1"),
        ("logs.tail_time", "3s"),
        ("logs.max_entries", "100"),
    ];
    let server = TestServer::start_with(dir.path(), &sets);
    let client = &server.client;
    let refused =
        |params: &[(&str, &str)]| Tail::open(client, "/loki/api/v1/tail", params, "").err().unwrap();
    let web = ("query", "{app=\"web\"}");
    assert_eq!(
        refused(&[web, ("delay_for", "6")]),
        (400, "delay_for can't be greater than 5".to_owned())
    );
    let (status, text) = refused(&[("query", "rate({app=\"web\"}[1m])")]);
    assert_eq!(status, 400, "{text}");
    assert_eq!(refused(&[("query", "{app=")]).0, 400);
    assert_eq!(
        refused(&[web, ("limit", "101")]),
        (
            400,
            "max entries limit per query exceeded, limit > max_entries_limit_per_query (101 > 100)"
                .to_owned()
        )
    );
    assert_eq!(refused(&[web, ("start", "yesterday")]).0, 400);
    assert_eq!(
        client.get("/loki/api/v1/tail", &[web]).status,
        400,
        "no websocket"
    );
    push(client, "web", &entries(0..1));
    let mut first = Tail::of(client, &[web, ALL]);
    assert_eq!(first.lines(1), texts(0..1));
    let second = Tail::of(client, &[web]);
    let limit = "max concurrent tail requests limit exceeded, count > limit (2 > 1)".to_owned();
    assert_eq!(second.closed(), (1011, limit));
    assert_eq!(
        first.closed(),
        (1011, "reached tail max duration limit".to_owned())
    );
}
