//! Fields and patterns of lines over real sockets: exact over all lines of a selector, the same from head and blocks.

use kymo_tests::client::Client;
use kymo_tests::server::TestServer;
use serde_json::{Value, json};

/// 2023-11-14T22:13:20Z in nanoseconds.
const T: i64 = 1_700_000_000_000_000_000;

const SECOND: i64 = 1_000_000_000;

/// More lines than are looked at one by one, most of one kind.
fn filled(client: &Client) {
    let line = |n: i64| match n {
        17 => json!({"level": "error", "rare": {"id": n}}).to_string(),
        _ if n % 4 == 0 => format!("user {n} took {}ms and left", n % 7),
        _ => json!({"level": "info", "status": 200 + n % 3, "user": format!("u{n}")}).to_string(),
    };
    let values: Vec<Value> = (0..4_000)
        .map(|n| json!([(T + n * SECOND / 100).to_string(), line(n), {"pod": format!("p{}", n % 5)}]))
        .collect();
    let body = json!({"streams": [{"stream": {"app": "web", "user": "of the stream"}, "values": values}]});
    let headers = [("Content-Type", "application/json")];
    let answer = client.send("POST", "/loki/api/v1/push", &headers, body.to_string().as_bytes());
    assert_eq!(answer.status, 204, "{}", answer.text());
}

const RANGE: [(&str, &str); 2] = [("start", "1700000000"), ("end", "1700000060")];

fn asked(client: &Client, path: &str, more: &[(&str, &str)]) -> Value {
    let params: Vec<_> = more.iter().chain(&RANGE).copied().collect();
    let answer = client.get(path, &params);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

fn check(client: &Client) {
    let web = ("query", "{app=\"web\"}");
    let found = asked(client, "/loki/api/v1/detected_fields", &[web]);
    let fields = found["fields"].as_array().unwrap();
    let cardinality = |name: &str| {
        let field = fields.iter().find(|field| field["label"] == name);
        field.map(|field| {
            (
                field["type"].as_str().unwrap().to_owned(),
                field["cardinality"].as_i64().unwrap(),
            )
        })
    };
    let is = |kind: &str, n: i64| Some((kind.to_owned(), n));
    // One line of four thousand.
    assert_eq!(cardinality("rare_id"), is("int", 1));
    assert_eq!(cardinality("status"), is("int", 3));
    assert_eq!(cardinality("user_extracted"), is("string", 2_999));
    assert_eq!(cardinality("pod"), is("string", 5));
    assert_eq!(cardinality("user"), None);
    let rare = fields.iter().find(|field| field["label"] == "rare_id").unwrap();
    assert_eq!(
        (&rare["parsers"], &rare["jsonPath"]),
        (&json!(["json"]), &json!(["rare", "id"]))
    );
    let limited = asked(client, "/loki/api/v1/detected_fields", &[web, ("limit", "2")]);
    assert_eq!(
        (limited["fields"].as_array().map(Vec::len), &limited["limit"]),
        (Some(2), &json!(2))
    );
    // Within the times asked for: the first half second.
    let early = [web, ("end", "1700000000.16")];
    let early = asked(client, "/loki/api/v1/detected_fields", &early);
    assert!(!early.to_string().contains("rare_id"), "{early}");
    let values = "/loki/api/v1/detected_field/pod/values";
    let values = asked(client, values, &[web, ("limit", "3")]);
    assert_eq!(values, json!({"values": ["p0", "p1", "p2"], "limit": 3}));
    // Behind stages, of the lines that pass.
    let errors = [("query", "{app=\"web\"} |= \"error\"")];
    let errors = asked(client, "/loki/api/v1/detected_fields", &errors);
    let names: Vec<&str> = errors["fields"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|f| f["label"].as_str())
        .collect();
    assert_eq!(names, ["detected_level", "level", "pod", "rare_id"]);
}

fn check_patterns(client: &Client) {
    let web = ("query", "{app=\"web\"}");
    let found = asked(client, "/loki/api/v1/patterns", &[web, ("step", "30")]);
    let data = found["data"].as_array().unwrap();
    let shown: Vec<(&str, &str, u64)> = data
        .iter()
        .map(|of| {
            let samples = of["samples"].as_array().unwrap().iter();
            let total = samples.map(|sample| sample[1].as_u64().unwrap()).sum();
            (
                of["pattern"].as_str().unwrap(),
                of["level"].as_str().unwrap(),
                total,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (r#"{"level":"<_>","status":<_>,"user":"<_>"}"#, "info", 2_999),
            ("user <_> took <_> and left", "unknown", 1_000),
            (r#"{"level":"<_>","rare":{"id":<_>}}"#, "error", 1),
        ]
    );
    // Each pattern finds its lines again.
    for (pattern, _, total) in shown {
        let query = format!("sum(count_over_time({{app=\"web\"}} |> `{pattern}` [1m]))");
        let params = [("query", query.as_str()), ("time", "1700000059")];
        let found = client.get("/loki/api/v1/query", &params).data();
        assert_eq!(found["result"][0]["value"][1], total.to_string(), "{query}");
    }
    // Steps begin at multiples of their length.
    assert_eq!(
        data[1]["samples"],
        json!([[1_699_999_980, 250], [1_700_000_010, 750]])
    );
    let wrong = client.get("/loki/api/v1/patterns", &[("query", "{app=\"web\"} |= \"a\"")]);
    assert_eq!(
        (wrong.status, wrong.text().as_str()),
        (400, "only label matchers are supported")
    );
}

#[test]
fn fields_and_patterns_are_those_of_all_lines() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start(dir.path());
    let client = &server.client;
    let nothing = asked(client, "/loki/api/v1/patterns", &[("query", "{app=\"web\"}")]);
    assert_eq!(nothing, json!({"status": "success", "data": []}));
    filled(client);
    check(client);
    check_patterns(client);
    client.send("POST", "/api/v1/admin/flush", &[], b"");
    check(client);
    check_patterns(client);
}
