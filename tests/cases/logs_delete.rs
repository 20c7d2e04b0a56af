//! Deleting log lines over real sockets: what is asked is gone at once from every answer, listed, taken back, carried out, and
//! so after a kill.

use kymo_tests::client::{Answer, Client, encode};
use kymo_tests::server::{Child, TestServer, free_port};
use kymo_tests::wait::until;
use serde_json::{Value, json};

/// 2023-11-14T22:13:20Z in nanoseconds.
const T: i64 = 1_700_000_000_000_000_000;

const SECOND: i64 = 1_000_000_000;

const DELETE: &str = "/loki/api/v1/delete";

fn push(client: &Client, app: &str, lines: &[(i64, &str)]) {
    let values: Vec<Value> = lines
        .iter()
        .map(|(second, line)| json!([(T + second * SECOND).to_string(), line, {"user": "ann"}]))
        .collect();
    let body = json!({"streams": [{"stream": {"app": app}, "values": values}]});
    let headers = [("Content-Type", "application/json")];
    let answer = client.send("POST", "/loki/api/v1/push", &headers, body.to_string().as_bytes());
    assert_eq!(answer.status, 204, "{}", answer.text());
}

fn filled(client: &Client) {
    push(
        client,
        "web",
        &[(0, "keep one"), (1, "secret two"), (2, "keep three")],
    );
    push(client, "db", &[(0, "secret four"), (30, "keep five")]);
}

const RANGE: [(&str, &str); 2] = [("start", "1700000000"), ("end", "1700000060")];

fn get(client: &Client, path: &str, more: &[(&str, &str)]) -> Value {
    let params: Vec<_> = RANGE.iter().chain(more).copied().collect();
    let answer = client.get(path, &params);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

fn lines(client: &Client) -> Vec<String> {
    let found = get(
        client,
        "/loki/api/v1/query_range",
        &[("query", "{app=~\".+\"}"), ("direction", "forward")],
    );
    let streams = found["data"]["result"].as_array().unwrap();
    let entries = streams
        .iter()
        .flat_map(|stream| stream["values"].as_array().unwrap());
    let mut lines: Vec<String> = entries
        .map(|entry| entry[1].as_str().unwrap().to_owned())
        .collect();
    lines.sort();
    lines
}

fn send(client: &Client, method: &str, params: &[(&str, &str)]) -> Answer {
    client.send(method, &format!("{DELETE}?{}", encode(params)), &[], b"")
}

fn refusal(client: &Client, method: &str, params: &[(&str, &str)]) -> (u16, String) {
    let answer = send(client, method, params);
    (answer.status, answer.text())
}

/// Asks for a deletion and gives its name.
fn delete(client: &Client, query: &str) -> String {
    let answer = send(client, "POST", &[("query", query), RANGE[0], RANGE[1]]);
    assert_eq!((answer.status, answer.text().as_str()), (204, ""));
    answer.header("X-Delete-Request-ID")
}

fn status(client: &Client, id: &str) -> Option<String> {
    let all = client.get(DELETE, &[]).json();
    let of = all.as_array().unwrap().iter().find(|of| of["request_id"] == id)?;
    Some(of["status"].as_str().unwrap().to_owned())
}

#[test]
fn deleted_lines_are_gone_from_every_answer() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start(dir.path());
    let client = &server.client;
    filled(client);
    let id = delete(client, "{app=\"web\"} |= \"secret\" | user=\"ann\"");
    let kept = ["keep five", "keep one", "keep three", "secret four"];
    assert_eq!(lines(client), kept);
    let all = client.get(DELETE, &[]).json();
    assert_eq!(all.as_array().map(Vec::len), Some(1), "{all}");
    let request = &all[0];
    assert_eq!(
        (&request["request_id"], &request["query"], &request["status"]),
        (
            &json!(id),
            &json!("{app=\"web\"} |= \"secret\" | user=\"ann\""),
            &json!("received")
        )
    );
    assert_eq!(
        (&request["start_time"], &request["end_time"]),
        (&json!(1_700_000_000), &json!(1_700_000_060))
    );
    assert!(request["created_at"].as_f64().unwrap() > 1.7e9);
    // What is written afterwards stays, and what a stream held is gone with it.
    delete(client, "{app=\"db\"}");
    let names = get(client, "/loki/api/v1/label/app/values", &[]);
    assert_eq!(names["data"], json!(["web"]));
    push(client, "web", &[(1, "secret two")]);
    let counted = get(
        client,
        "/loki/api/v1/query",
        &[
            ("query", "sum by (app) (count_over_time({app=~\".+\"}[1m]))"),
            ("time", "1700000059"),
        ],
    );
    assert_eq!(
        counted["data"]["result"],
        json!([{"metric": {"app": "web"}, "value": [1_700_000_059, "3"]}])
    );
    assert_eq!(
        get(client, "/loki/api/v1/index/stats", &[("query", "{app=~\".+\"}")])["entries"],
        3
    );
    let volume = get(client, "/loki/api/v1/index/volume", &[("query", "{app=\"db\"}")]);
    assert_eq!(volume["data"]["result"], json!([]));
    // In a snapshot, too.
    let name = client.post("/api/v1/admin/tsdb/snapshot", &[]).data()["name"]
        .as_str()
        .unwrap()
        .to_owned();
    let copy = TestServer::start(&dir.path().join("snapshots").join(name));
    assert_eq!(lines(&copy.client), ["keep one", "keep three", "secret two"]);
    assert_eq!(status(&copy.client, &id).as_deref(), Some("received"));
}

#[test]
fn a_request_is_taken_back_or_carried_out() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start(dir.path());
    filled(&server.client);
    let id = delete(&server.client, "{app=~\".+\"} |~ \"sec.et\"");
    assert_eq!(lines(&server.client).len(), 3);
    assert_eq!(send(&server.client, "DELETE", &[("request_id", &id)]).status, 204);
    assert_eq!(lines(&server.client).len(), 5);
    assert_eq!(status(&server.client, &id), None);
    let missing = (404, "could not find delete request with given id".to_owned());
    assert_eq!(refusal(&server.client, "DELETE", &[("request_id", &id)]), missing);
    let id = delete(&server.client, "{app=~\".+\"} |~ \"sec.et\"");
    server.stop();
    let kept = ["keep five", "keep one", "keep three"];
    let server = TestServer::start_with(dir.path(), &[("logs.delete_cancel_period", "0s")]);
    let client = &server.client;
    until("carried out", std::time::Duration::from_secs(60), || {
        assert_eq!(lines(client), kept);
        (status(client, &id).as_deref() == Some("processed")).then_some(())
    });
    assert_eq!(lines(client), kept);
    assert_eq!(
        refusal(client, "DELETE", &[("request_id", &id), ("force", "true")]),
        (
            400,
            "deletion of request which is in process or already processed is not allowed".to_owned()
        )
    );
    server.stop();
    let sets = [
        ("logs.delete_cancel_period", "0s"),
        ("logs.deletion", "filter-only"),
    ];
    let server = TestServer::start_with(dir.path(), &sets);
    let client = &server.client;
    assert_eq!(
        status(client, &id).as_deref(),
        Some("processed"),
        "the list is kept"
    );
    let late = delete(client, "{app=\"web\"}");
    let (status, text) = refusal(client, "DELETE", &[("request_id", &late)]);
    assert!(
        status == 400 && text.contains("past the deadline of 0s since its creation"),
        "{status} {text}"
    );
    assert_eq!(
        send(client, "DELETE", &[("request_id", &late), ("force", "true")]).status,
        204
    );
    assert_eq!(lines(client), kept);
}

#[test]
fn wrong_requests_are_refused_in_lokis_words() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start(dir.path());
    let client = &server.client;
    let query = ("query", "{app=\"web\"}");
    let cases: [(&[(&str, &str)], &str); 10] = [
        (&[], "query not set"),
        (&[query], "start time not set"),
        (
            &[query, ("start", "soon")],
            "invalid start time: require unix seconds or RFC3339 format",
        ),
        (
            &[query, ("start", "1700000000000")],
            "invalid start time: require unix seconds or RFC3339 format",
        ),
        (
            &[query, RANGE[0], ("end", "x")],
            "invalid end time: require unix seconds or RFC3339 format",
        ),
        (
            &[query, RANGE[0], ("end", "9999999999")],
            "deletes in the future are not allowed",
        ),
        (
            &[query, ("start", "1700000060"), ("end", "1700000000")],
            "start time can't be greater than or equal to end time",
        ),
        (
            &[query, RANGE[0], RANGE[1], ("max_interval", "1d")],
            "invalid max_interval: valid time units are 's', 'm', 'h'",
        ),
        (
            &[query, RANGE[0], RANGE[1], ("max_interval", "25h")],
            "max_interval can't be greater than 24h0m0s",
        ),
        (
            &[("query", "rate({app=\"web\"}[1m])"), RANGE[0]],
            "only log queries can be deleted by, not metric queries",
        ),
    ];
    for (params, text) in cases {
        assert_eq!(refusal(client, "PUT", params), (400, text.to_owned()));
    }
    for query in [
        "{app=\"web\"} | json | status=\"500\"",
        "{app=\"web\"} | duration > 5s",
        "{app=\"web\"} |> \"<_> failed\"",
        "{app=\"web\"} |= ip(\"10.0.0.1\")",
        "{app=\"web\"} | a=\"b\" or c=\"d\"",
        "|= \"secret\"",
    ] {
        let (status, text) = refusal(client, "POST", &[("query", query), RANGE[0]]);
        assert!(
            status == 400 && text.starts_with("cannot delete by "),
            "{query}: {status} {text}"
        );
    }
    assert_eq!(refusal(client, "POST", &[("query", "{app="), RANGE[0]]).0, 400);
    assert_eq!(client.get(DELETE, &[]).json(), json!([]));
    assert_eq!(
        client.get("/loki/api/v1/cache/generation_numbers", &[]).json(),
        json!("0")
    );
    server.stop();
    let server = TestServer::start_with(dir.path(), &[("logs.deletion", "disabled")]);
    for method in ["GET", "POST", "DELETE"] {
        let expected = (403, "deletion is not available for this tenant".to_owned());
        assert_eq!(refusal(&server.client, method, &[query, RANGE[0]]), expected);
    }
}

#[test]
fn a_deletion_that_was_acknowledged_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut server = Child::start(dir.path(), port, &[]);
    server.wait_ready();
    filled(&server.client);
    let id = delete(&server.client, "{app=~\".+\"} |= \"secret\"");
    push(&server.client, "web", &[(50, "secret six")]);
    server.kill();
    let server = Child::start(dir.path(), port, &[]);
    server.wait_ready();
    let expected = ["keep five", "keep one", "keep three", "secret six"];
    assert_eq!(lines(&server.client), expected);
    assert_eq!(status(&server.client, &id).as_deref(), Some("received"));
    server.client.send("POST", "/api/v1/admin/compact", &[], b"");
    assert_eq!(lines(&server.client), expected);
}
