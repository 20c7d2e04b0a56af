//! Operation: start, stop, restart with the data, refusals to start with their exit codes, and the command line.

use std::process::{Command, Output};

use kymo_server::run::RunError;
use kymo_tests::server::{Child, TestServer, config, free_port, kymo_binary};
use kymo_tests::wait::until;
use serde_json::json;
use tempfile::TempDir;

const NOW: i64 = 1_700_000_000_000;

fn kymo(args: &[&str]) -> Output {
    Command::new(kymo_binary()).args(args).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_restart_keeps_the_data() {
    let dir = TempDir::new().unwrap();
    for round in 0..3 {
        let server = TestServer::start(dir.path());
        let job = format!("job-{round}");
        server
            .client
            .write_series(&[("__name__", "up"), ("job", &job)], &[(NOW + round, 1.0)]);
        let jobs = server.client.get("/api/v1/label/job/values", &[]).data();
        assert_eq!(jobs.as_array().unwrap().len() as i64, round + 1);
        server.stop();
    }
}

#[test]
fn a_second_server_on_the_same_directory_is_refused() {
    let dir = TempDir::new().unwrap();
    let first = TestServer::start(dir.path());
    let mut second = TestServer::start_unready(config(dir.path(), &[]));
    let error = until("the second to end", std::time::Duration::from_secs(20), || {
        let answer = second.client.try_send("GET", "/-/ready", &[], b"");
        answer.is_none().then(|| second.end().unwrap_err())
    });
    let locked = matches!(
        &error,
        RunError::Open {
            cause: kymo_engine::Error::Locked { .. },
            ..
        }
    );
    assert!(locked, "{error}");
    let data = dir.path().to_str().unwrap();
    let output = kymo(&["serve", "--main-only", "--data", data, "--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(5), "{}", stderr(&output));
    first.stop();
}

#[test]
fn refusals_to_start_have_their_exit_codes_and_name_the_cause() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().to_str().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let busy = kymo(&["serve", "--main-only", "--data", data, "--listen", &address]);
    assert_eq!(busy.status.code(), Some(3), "{}", stderr(&busy));
    assert!(stderr(&busy).contains(&address), "{}", stderr(&busy));

    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let unusable = kymo(&[
        "serve",
        "--main-only",
        "--data",
        file.to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(unusable.status.code(), Some(4), "{}", stderr(&unusable));

    let newer = TempDir::new().unwrap();
    std::fs::write(newer.path().join("kymo.version"), "kymo data 4000000\n").unwrap();
    let output = kymo(&[
        "serve",
        "--main-only",
        "--data",
        newer.path().to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("use a newer kymo"),
        "{}",
        stderr(&output)
    );

    let wrong = kymo(&[
        "serve",
        "--set",
        "query.timeout=soon",
        "--set",
        "retention.time=x",
        "--print-config",
    ]);
    assert_eq!(wrong.status.code(), Some(2));
    let text = stderr(&wrong);
    assert!(
        text.contains("query.timeout") && text.contains("retention.time"),
        "{text}"
    );
}

#[test]
fn a_signal_stops_the_binary_cleanly_and_the_data_is_there_offline() {
    let dir = TempDir::new().unwrap();
    let mut child = Child::start(dir.path(), free_port(), &[]);
    child.wait_ready();
    child
        .client
        .write_series(&[("__name__", "up"), ("job", "a")], &[(NOW, 1.0)]);
    let pid = rustix::process::Pid::from_child(&child.process);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let status = child.process.wait().unwrap();
    assert_eq!(status.code(), Some(0));

    let data = dir.path().to_str().unwrap();
    for command in ["status", "blocks", "flush", "compact", "verify"] {
        let output = kymo(&["admin", command, "--json", "--data", data]);
        assert_eq!(output.status.code(), Some(0), "{command}: {}", stderr(&output));
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        match command {
            "status" => assert_eq!(json["tenants"][0]["tenant"], "default", "{json}"),
            "blocks" => assert_eq!(json["blocks"][0]["samples"], 1, "{json}"),
            "verify" => assert_eq!((&json["checked"], &json["errors"]), (&json!(1), &json!([]))),
            _ => {}
        }
    }
}

#[test]
fn print_config_reads_back() {
    let dir = TempDir::new().unwrap();
    let printed = Command::new(kymo_binary())
        .args([
            "serve",
            "--print-config",
            "--retention-time",
            "30d",
            "--set",
            "tenancy=on",
        ])
        .env("KYMO_QUERY_TIMEOUT", "45s")
        .output()
        .unwrap();
    let text = String::from_utf8(printed.stdout).unwrap();
    for line in ["  time: 30d", "tenancy: on", "  timeout: 45s"] {
        assert!(text.lines().any(|l| l == line), "{line}: {text}");
    }
    let file = dir.path().join("kymo.yaml");
    std::fs::write(&file, &text).unwrap();
    let file = file.to_str().unwrap();
    assert_eq!(kymo(&["check", "config", file]).status.code(), Some(0));
    std::fs::write(file, "lisen: 1\nquery:\n  timeout: 1x\n").unwrap();
    let wrong = kymo(&["check", "config", file]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(stderr(&wrong).contains("lisen: unknown key") && stderr(&wrong).contains("query.timeout"));
}

/// Speaks just enough HTTP/2 to see that the server does: preface and empty settings out, settings back.
#[test]
fn the_same_port_speaks_http2_without_tls() {
    use std::io::{Read, Write};

    let dir = TempDir::new().unwrap();
    let server = TestServer::start(dir.path());
    let address = server.client.base().strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).unwrap();
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).unwrap();
    assert_eq!(frame[3], 4, "the first frame of a server is SETTINGS");
}

#[test]
fn queries_run_offline_and_against_a_server_alike() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let server = TestServer::start(&data);
    server.client.write_series(
        &[("__name__", "up"), ("job", "a")],
        &[(NOW, 1.0), (NOW + 60_000, 0.0)],
    );
    let run = |target: [&str; 2], extra: &[&str]| {
        let mut args = vec!["query", "promql", "up"];
        args.extend(target);
        args.extend(extra);
        let output = kymo(&args);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let base = server.client.base().to_owned();
    let status = kymo(&["admin", "status", "--server", &base]);
    assert_eq!(status.status.code(), Some(0), "{}", stderr(&status));
    assert!(String::from_utf8_lossy(&status.stdout).starts_with("state: writable\ntenant "));
    assert_eq!(
        kymo(&["admin", "--server", &base, "flush"]).status.code(),
        Some(0)
    );
    let (at, range) = (
        ["--time", "1700000000"],
        ["--start", "1700000000", "--end", "1700000060"],
    );
    let online: Vec<String> = [&at[..], &range[..], &["--json", "--time", "1700000000"]]
        .iter()
        .map(|extra| run(["--server", &base], extra))
        .collect();
    assert_eq!(
        online[0],
        "series       value  time\nup{job=\"a\"}  1      1700000000\n"
    );
    assert_eq!(online[1].lines().count(), 3, "{}", online[1]);
    server.stop();
    let data = data.to_str().unwrap();
    assert_eq!(run(["--data", data], &at), online[0]);
    assert_eq!(run(["--data", data], &range), online[1]);
    assert_eq!(
        run(["--data", data], &["--json", "--time", "1700000000"]),
        online[2]
    );
    let explained = run(["--data", data], &["--explain", "--time", "1700000000"]);
    assert!(explained.lines().count() > 3, "{explained}");
    let wrong = kymo(&["query", "promql", "up{", "--data", data]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(stderr(&wrong).contains("1:4: parse error"), "{}", stderr(&wrong));
}

#[test]
fn files_of_the_store_can_be_looked_into() {
    let dir = TempDir::new().unwrap();
    let mut child = Child::start(dir.path(), free_port(), &[]);
    child.wait_ready();
    child
        .client
        .write_series(&[("__name__", "up")], &[(NOW, 1.0), (NOW + 1, 2.0)]);
    let inspect = |kind: &str, path: &std::path::Path| {
        let output = kymo(&["inspect", kind, path.to_str().unwrap(), "--json"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    let wal = inspect("wal", &dir.path().join("wal"));
    let holds: Vec<_> = wal["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| &r["holds"])
        .collect();
    assert_eq!(
        holds,
        ["2 samples, 0 histograms, 0 exemplars, 1 new series, 0 metadata"],
        "{wal}"
    );
    let flushed = child.client.send("POST", "/api/v1/admin/flush", &[], b"");
    assert_eq!(flushed.status, 200);
    child.kill();

    let metrics = dir.path().join("tenants/default/metrics");
    let file = |dir: &std::path::Path, start: &str| {
        let mut found = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
        found
            .find(|p| p.file_name().unwrap().to_str().unwrap().starts_with(start))
            .unwrap()
    };
    let manifest = inspect("manifest", &file(&metrics, "manifest-"));
    assert_eq!(manifest["blocks"][0]["samples"], "2", "{manifest}");
    let path = file(&metrics.join("blocks"), "0");
    let block = inspect("block", &path);
    assert_eq!((&block["samples"], &block["series"]), (&json!(2), &json!(1)));

    let mut bytes = std::fs::read(&path).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let damaged = kymo(&["inspect", "block", path.to_str().unwrap()]);
    assert_eq!(damaged.status.code(), Some(1), "a flipped bit is found");
    let data = dir.path().to_str().unwrap();
    let verify = kymo(&["admin", "verify", "--data", data]);
    assert_eq!(
        verify.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&verify.stdout)
    );
}
