//! Servers under test: [`TestServer`] in this process, [`Child`] as the real binary.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use kymo_server::config::{self, Config, Overrides};
use kymo_server::run::{RunError, listen, run, runtime};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::client::Client;
use crate::wait::until;

/// How long a server may take to be ready or to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server in this process, on a free port.
#[derive(Debug)]
pub struct TestServer {
    /// Talks to it.
    pub client: Client,
    /// Talks to its OTLP/HTTP listener, where the configuration has one.
    pub otlp_http: Option<Client>,
    /// The address of its OTLP/gRPC listener, where the configuration has one.
    pub otlp_grpc: Option<SocketAddr>,
    /// Talks to its listener of Loki's API, where the configuration has one.
    pub loki: Option<Client>,
    /// Talks to its listener of Tempo's API, where the configuration has one.
    pub tempo: Option<Client>,
    /// Talks to its listener of Jaeger's API, where the configuration has one.
    pub jaeger: Option<Client>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), RunError>>>,
}

/// A configuration for tests: data in `dir`, a free port, data of any age, and the given keys.
///
/// # Panics
/// When a key or value is wrong.
pub fn config(dir: &Path, sets: &[(&str, &str)]) -> Config {
    let mut overrides = Overrides::default();
    let base = [
        ("data_dir", dir.to_str().expect("a UTF-8 path")),
        ("listen", "127.0.0.1:0"),
        ("otlp.grpc_listen", "off"),
        ("otlp.http_listen", "off"),
        ("loki.listen", "off"),
        ("tempo.listen", "off"),
        ("jaeger.listen", "off"),
        ("retention.time", "0s"),
    ];
    for (key, value) in base.iter().chain(sets) {
        overrides.flags.insert((*key).to_owned(), (*value).to_owned());
    }
    config::load(None, &overrides).expect("a valid configuration")
}

impl TestServer {
    /// Starts with data in `dir` and waits until it is ready.
    pub fn start(dir: &Path) -> TestServer {
        TestServer::start_with(dir, &[])
    }

    /// Starts with more configuration.
    ///
    /// # Panics
    /// When the server does not become ready.
    pub fn start_with(dir: &Path, sets: &[(&str, &str)]) -> TestServer {
        let server = TestServer::start_unready(config(dir, sets));
        until("ready", PATIENCE, || {
            let ended = server.thread.as_ref().is_some_and(JoinHandle::is_finished);
            assert!(!ended, "the server ended while starting");
            (server.client.get("/-/ready", &[]).status == 200).then_some(())
        });
        server
    }

    /// Starts without waiting.
    ///
    /// # Panics
    /// When no port can be had.
    pub fn start_unready(config: Config) -> TestServer {
        let (stop, stopped) = oneshot::channel();
        let (send_address, address) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = runtime().expect("a runtime");
            runtime.block_on(async move {
                let listeners = listen(&config).await?;
                let of =
                    |listener: &TcpListener| listener.local_addr().expect("a bound listener has an address");
                let others = [
                    &listeners.otlp_http,
                    &listeners.otlp_grpc,
                    &listeners.loki,
                    &listeners.tempo,
                    &listeners.jaeger,
                ];
                let addresses = (of(&listeners.main), others.map(|other| other.as_ref().map(of)));
                send_address
                    .send(addresses)
                    .expect("the test waits for the address");
                run(config, listeners, async {
                    let _ = stopped.await;
                })
                .await
            })
        });
        let (main, [otlp_http, otlp_grpc, loki, tempo, jaeger]) = address.recv().expect("the server listens");
        let client = |address: SocketAddr| Client::new(format!("http://{address}"));
        TestServer {
            client: client(main),
            otlp_http: otlp_http.map(client),
            otlp_grpc,
            loki: loki.map(client),
            tempo: tempo.map(client),
            jaeger: jaeger.map(client),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Stops it as SIGTERM would and waits for its end.
    ///
    /// # Panics
    /// When it does not end well.
    pub fn stop(mut self) {
        self.end().expect("a clean end");
    }

    /// Stops it and gives how it ended.
    ///
    /// # Panics
    /// When its thread panicked.
    pub fn end(&mut self) -> Result<(), RunError> {
        drop(self.stop.take());
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        thread.join().expect("the server's thread does not panic")
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = self.end();
        }
    }
}

/// The real binary as a process of its own, killed when dropped.
#[derive(Debug)]
pub struct Child {
    /// The process.
    pub process: std::process::Child,
    /// Talks to it.
    pub client: Client,
}

impl Child {
    /// Starts `kymo serve` at `port` with data in `dir`, without waiting until it is ready.
    ///
    /// # Panics
    /// When the process does not start.
    pub fn start(dir: &Path, port: u16, args: &[&str]) -> Child {
        let process = Command::new(kymo_binary())
            .args([
                "serve",
                "--main-only",
                "--log-level",
                "warn",
                "--retention-time",
                "0s",
                "--data",
            ])
            .arg(dir)
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .args(args)
            .stdout(Stdio::null())
            .spawn()
            .expect("kymo starts");
        Child {
            process,
            client: Client::new(format!("http://127.0.0.1:{port}")),
        }
    }

    /// Waits until it is ready.
    pub fn wait_ready(&self) {
        until("ready", PATIENCE, || {
            let answer = self.client.try_send("GET", "/-/ready", &[], b"")?;
            (answer.status == 200).then_some(())
        });
    }

    /// Kills it as a crash would, and waits until it is gone.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub fn kill(&mut self) {
        self.process.kill().expect("the process can be killed");
        self.process.wait().expect("the process ends");
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port that is free now.
///
/// # Panics
/// When there is none.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener
        .local_addr()
        .expect("a bound listener has an address")
        .port()
}

/// The binary `kymo` of this build, built when it is not there: cargo builds it for tests of its own package only.
///
/// # Panics
/// When it cannot be built.
pub fn kymo_binary() -> std::path::PathBuf {
    static BUILT: std::sync::OnceLock<std::path::PathBuf> = std::sync::OnceLock::new();
    BUILT.get_or_init(build_binary).clone()
}

fn build_binary() -> std::path::PathBuf {
    // The test binary lies in target/<profile>/deps.
    let test = std::env::current_exe().expect("the path of the test binary");
    let profile = test
        .parent()
        .and_then(Path::parent)
        .expect("test binaries lie two levels deep");
    let mut build = Command::new(env!("CARGO"));
    build.args([
        "build",
        "--quiet",
        "--package",
        "kymo-server",
        "--bin",
        "kymo",
        "--manifest-path",
    ]);
    build.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"));
    build.env("CARGO_TARGET_DIR", profile.parent().expect("a target directory"));
    if profile.ends_with("release") {
        build.arg("--release");
    }
    let status = build.status().expect("cargo runs");
    assert!(status.success(), "kymo does not build");
    profile.join("kymo")
}
