//! Tempo's status pages and the paths of its parts over real sockets: what there is is told, what there is not says why.

use kymo_tests::client::Answer;
use kymo_tests::server::TestServer;
use kymo_tests::shop;
use serde_json::json;
use tempfile::TempDir;

fn start() -> (TempDir, TestServer) {
    let dir = TempDir::new().unwrap();
    let server = TestServer::start_with(dir.path(), &[("tempo.listen", "127.0.0.1:0")]);
    (dir, server)
}

/// The answer of Tempo's own listener, which that below `/tempo` must equal.
fn get(server: &TestServer, path: &str, params: &[(&str, &str)]) -> Answer {
    let below = server.client.get(&format!("/tempo{path}"), params);
    let own = server.tempo.as_ref().unwrap().get(path, params);
    assert_eq!((below.status, below.text()), (own.status, own.text()), "{path}");
    own
}

#[test]
fn overrides_are_shown_as_they_are_set_and_as_they_apply() {
    let (_dir, server) = start();
    let page = |path: &str| {
        let answer = get(&server, path, &[]);
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        answer.text()
    };
    assert_eq!(page("/status/overrides"), "no tenant has overrides\n");
    assert_eq!(page("/status/runtime_config").trim(), "overrides: {}");
    assert!(page("/status/overrides/default").contains("disable_collection: false"));
    let set = json!({"metrics_generator": {"disable_collection": true}}).to_string();
    let answer = server
        .client
        .send("PATCH", "/tempo/api/overrides", &[], set.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(page("/status/overrides").starts_with("default: version "));
    let config = page("/status/runtime_config");
    assert!(
        config.contains("default:") && config.contains("disable_collection: true"),
        "{config}"
    );
    assert!(page("/status/overrides/default").contains("disable_collection: true"));
    // Another tenant has what the configuration says.
    assert!(page("/status/overrides/other").contains("disable_collection: false"));
    assert_eq!(
        page("/status/usage-stats"),
        "usage statistics are neither collected nor sent\n"
    );
}

#[test]
fn what_belongs_to_other_parts_of_tempo_says_why_it_is_not_there() {
    let (_dir, server) = start();
    for (path, why) in [
        ("/distributor/ring", "one process"),
        ("/live-store/ring", "one process"),
        ("/partition-ring", "one process"),
        ("/memberlist", "one process"),
        ("/live-store/prepare-downscale", "one process"),
        ("/live-store/prepare-partition-downscale", "one process"),
        ("/status/backendscheduler", "no backend scheduler"),
        ("/usage_metrics", "no cost attribution"),
        ("/api/mcp", "not served"),
        ("/debug/pprof/profile", "not served"),
        ("/status/nothing", "no such page: nothing"),
    ] {
        let answer = get(&server, path, &[]);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text().contains(why), "{path}: {}", answer.text());
    }
    for client in [&server.client, server.tempo.as_ref().unwrap()] {
        let path = if std::ptr::eq(client, &server.client) {
            "/tempo/metrics"
        } else {
            "/metrics"
        };
        let metrics = client.get(path, &[]);
        assert!(metrics.text().contains("\nkymo_ready 1\n"), "{}", metrics.text());
    }
}

#[test]
fn a_querier_answers_what_the_whole_does_and_nothing_for_a_part() {
    let (_dir, server) = start();
    shop::send(&server.client, 3);
    let trace = format!("/api/traces/{}", shop::trace_id(1));
    for (path, params) in [
        (trace.as_str(), vec![]),
        ("/api/search", vec![("q", "{ status = error }")]),
        ("/api/v2/search/tags", vec![("scope", "span")]),
        ("/api/v2/search/tag/resource.service.name/values", vec![]),
    ] {
        let whole = get(&server, path, &params);
        assert_eq!(whole.status, 200, "{path}");
        let mut asked = params.clone();
        asked.push(("mode", "all"));
        let same = get(&server, &format!("/querier{path}"), &asked);
        assert_eq!((same.status, same.text()), (200, whole.text()), "{path}");
    }
    for (name, value) in [
        ("mode", "blocks"),
        ("mode", "ingesters"),
        ("blockStart", "00"),
        ("blockID", "x"),
    ] {
        let part = get(&server, "/querier/api/search", &[("q", "{}"), (name, value)]);
        assert_eq!(part.status, 400, "{name}={value}");
        assert!(
            part.text().starts_with(&format!("invalid {name}")),
            "{}",
            part.text()
        );
    }
}
