//! Tables of log lines over real sockets: questions as documents and as parameters, answers in CloudWatch's shape, the same
//! before and after a flush, and what is refused.

use std::process::Command;

use kymo_query::logqltest::run;
use kymo_server::scripts::{Layout, LogStoreLoader};
use kymo_tests::client::{Answer, Client};
use kymo_tests::server::{TestServer, kymo_binary};
use serde_json::{Value, json};
use tempfile::TempDir;

const PATH: &str = "/api/v1/insights/query";

/// Seconds since 1970 of the first line.
const START: i64 = 1_700_000_000;

fn push(client: &Client) {
    let at = |n: i64| ((START + n) * 1_000_000_000).to_string();
    let body = json!({"streams": [
        {"stream": {"app": "web", "service_name": "shop"}, "values": [
            [at(0), r#"{"user":{"id":"42"},"status":200,"took":5}"#],
            [at(60), r#"{"user":{"id":"7"},"status":500,"took":7}"#],
            [at(400), r#"{"user":{"id":"42"},"status":404,"took":30}"#],
        ]},
        {"stream": {"app": "db", "service_name": "store"}, "values": [[at(30), "level=error took=9 slow query"]]},
    ]});
    let headers = [("Content-Type", "application/json")];
    let answer = client.send("POST", "/loki/api/v1/push", &headers, body.to_string().as_bytes());
    assert_eq!(answer.status, 204, "{}", answer.text());
}

fn ask(client: &Client, document: &Value) -> Answer {
    let headers = [("Content-Type", "application/json")];
    client.send("POST", PATH, &headers, document.to_string().as_bytes())
}

/// Rows as `field=value`.
fn rows(answer: &Answer) -> Vec<String> {
    let body = answer.json();
    assert_eq!(
        (answer.status, body["status"].as_str()),
        (200, Some("Complete")),
        "{body}"
    );
    let cell = |cell: &Value| {
        assert_eq!(cell.as_object().unwrap().len(), 2);
        format!(
            "{}={}",
            cell["field"].as_str().unwrap(),
            cell["value"].as_str().unwrap()
        )
    };
    let row = |row: &Value| {
        row.as_array()
            .unwrap()
            .iter()
            .map(cell)
            .collect::<Vec<_>>()
            .join(" ")
    };
    body["results"].as_array().unwrap().iter().map(row).collect()
}

#[test]
fn answers_have_the_shape_of_cloudwatch_and_need_no_times() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start(dir.path());
    let client = &server.client;
    assert_eq!(rows(&ask(client, &json!({"query": "fields @message"}))), [""; 0]);
    push(client);
    for flushed in [false, true] {
        if flushed {
            assert_eq!(client.post("/api/v1/admin/flush", &[]).status, 200);
        }
        let query = "filter ispresent(status) | stats count(*) as n, max(took) by user.id | sort n desc";
        let answer = ask(client, &json!({"queryString": query}));
        assert_eq!(
            rows(&answer),
            ["user.id=42 n=2 max(took)=30", "user.id=7 n=1 max(took)=7"]
        );
        let body = answer.json();
        assert_eq!(body["queryLanguage"], "CWLI");
        assert_eq!(body["statistics"]["recordsMatched"], 3);
        assert_eq!(body["statistics"]["recordsScanned"], 4);
        // Groups of streams, selectors and times.
        let count = "stats count(*)";
        for (document, n) in [
            (json!({"query": count, "logGroupName": "shop"}), 3),
            (json!({"query": count, "logGroupNames": ["shop", "store"]}), 4),
            (json!({"query": count, "selector": "{app=\"db\"}"}), 1),
            (
                json!({"query": count, "startTime": START, "endTime": START + 60}),
                3,
            ),
            (
                json!({"query": count, "start": (START + 60) * 1000, "end": "2023-11-15T00:00:00Z"}),
                2,
            ),
        ] {
            assert_eq!(
                rows(&ask(client, &document)),
                [format!("count(*)={n}")],
                "{document}"
            );
        }
        // As parameters, of either method.
        let params = [("query", "fields took | sort took desc"), ("limit", "2")];
        assert_eq!(rows(&client.get(PATH, &params)), ["took=30", "took=9"]);
        assert_eq!(rows(&client.post(PATH, &params)), ["took=30", "took=9"]);
        let default = rows(&ask(
            client,
            &json!({"query": "filter took = 9 and @level = \"error\""}),
        ));
        assert_eq!(
            default,
            ["@timestamp=2023-11-14 22:13:50.000 @message=level=error took=9 slow query"]
        );
    }
}

#[test]
fn what_cannot_be_asked_is_refused_with_its_place() {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start(dir.path());
    let client = &server.client;
    push(client);
    for (document, text) in [
        (
            json!({"query": "fields a\n| nothing"}),
            "parse error at line 2, col 3: there is no command `nothing`",
        ),
        (
            json!({}),
            "parse error at line 1, col 1: a command is missing before the end",
        ),
        (
            json!({"query": "fields a", "oops": 1}),
            "the body is no question: unknown field `oops`",
        ),
        (json!({"query": "fields a", "start": "x"}), "\"x\" is no time"),
        (
            json!({"query": "fields a", "start": 5, "end": 4}),
            "it is before the start",
        ),
        (
            json!({"query": "fields a", "limit": 0}),
            "\"0\" is no number from 1 on",
        ),
        (json!({"query": "fields a", "selector": "{a"}), "parse error"),
    ] {
        let (status, kind, error) = ask(client, &document).error();
        assert_eq!((status, kind.as_str()), (400, "bad_data"), "{document}");
        assert!(error.contains(text), "{document}: {error}");
    }
}

#[test]
fn queries_have_budgets() {
    let dir = TempDir::new().unwrap();
    let sets = [("query.memory_max", "1MiB")];
    let server = TestServer::start_with(dir.path(), &sets);
    let values: Vec<Value> = (0..20_000)
        .map(|n| {
            json!([
                ((START + n) * 1_000_000_000).to_string(),
                format!("n={n} {}", "x".repeat(100))
            ])
        })
        .collect();
    let body = json!({"streams": [{"stream": {"app": "a"}, "values": values}]}).to_string();
    let headers = [("Content-Type", "application/json")];
    let pushed = server
        .client
        .send("POST", "/loki/api/v1/push", &headers, body.as_bytes());
    assert_eq!(pushed.status, 204);
    for query in [
        "fields @message",
        "stats count(*) by n",
        "stats count_distinct(n)",
        "sort n",
    ] {
        let (status, _, error) = ask(&server.client, &json!({"query": query})).error();
        assert_eq!(status, 422, "{query}: {error}");
        assert!(error.contains("query.memory_max"), "{query}: {error}");
    }
    let few = ask(
        &server.client,
        &json!({"query": "fields n | sort n desc | limit 3"}),
    );
    assert_eq!(rows(&few), ["n=19999", "n=19998", "n=19997"]);
    let total = ask(&server.client, &json!({"query": "stats count(*), sum(n)"}));
    assert_eq!(rows(&total), ["count(*)=20000 sum(n)=199990000"]);
}

#[test]
fn scripts_pass_from_head_and_blocks() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/insights");
    let files: Vec<_> = std::fs::read_dir(dir).unwrap().collect();
    assert!(!files.is_empty());
    for file in files {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for layout in [Layout::Head, Layout::Blocks, Layout::Merged] {
            let outcome = run(&text, &mut LogStoreLoader::new(layout).unwrap()).unwrap();
            assert!(outcome.failures.is_empty(), "{layout:?}: {:#?}", outcome.failures);
            assert!(outcome.passed > 0);
        }
    }
}

#[test]
fn the_command_asks_a_server_and_a_directory() {
    let dir = TempDir::new().unwrap();
    let mut server = TestServer::start(dir.path());
    push(&server.client);
    let query = "filter user.id = \"42\" | fields status, took | sort took";
    let ask = |target: [&str; 2]| {
        let args = ["query", "insights", query, "--limit", "5"];
        let output = Command::new(kymo_binary())
            .args(args)
            .args(target)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let expected = "status  took\n200     5\n404     30\n";
    assert_eq!(ask(["--server", server.client.base()]), expected);
    server.end().unwrap();
    assert_eq!(ask(["--data", dir.path().to_str().unwrap()]), expected);
    let wrong = Command::new(kymo_binary())
        .args(["query", "insights", "filter ]"])
        .output()
        .unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("line 1, col 8"));
}
