//! The servers that can be measured: how each is started, brought to rest and asked.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::usage::disk_bytes;
use crate::http::Client;

/// Longest wait for a server to come up or to settle.
const WAIT_MAX: Duration = Duration::from_secs(900);

/// A program that takes remote write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// This project's server.
    Kymo,
    /// Prometheus with its remote-write receiver.
    Prometheus,
    /// VictoriaMetrics, single node.
    VictoriaMetrics,
}

/// Bytes on disk once everything is flushed and merged.
#[derive(Debug, Clone, Copy)]
pub struct Settled {
    /// Blocks alone, index included.
    pub blocks: u64,
    /// The whole data directory.
    pub directory: u64,
}

/// A running server; it is killed when dropped.
#[derive(Debug)]
pub struct Server {
    kind: Kind,
    child: Child,
    /// `address:port` of its API.
    pub host: String,
    data: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Kind {
    /// The program of this kind when no other is named.
    pub fn default_bin(self) -> &'static str {
        match self {
            Kind::Kymo => "target/release/kymo",
            Kind::Prometheus => "/usr/bin/prometheus",
            Kind::VictoriaMetrics => "/usr/bin/victoria-metrics",
        }
    }

    /// What keeps it from giving the same answer again instead of computing it.
    fn uncached(self) -> &'static [&'static str] {
        match self {
            Kind::Kymo => &["--set", "query.remember=0"],
            Kind::VictoriaMetrics => &["-search.disableCache"],
            Kind::Prometheus => &[],
        }
    }

    fn arguments(self, host: &str, data: &Path) -> Result<Vec<String>> {
        let shown = data.display();
        Ok(match self {
            Kind::Kymo => [
                "serve",
                "--main-only",
                "--listen",
                host,
                "--data",
                &shown.to_string(),
            ]
            .map(str::to_owned)
            .to_vec(),
            Kind::Prometheus => {
                std::fs::create_dir_all(data)?;
                let config = data.join("config.yml");
                std::fs::write(
                    &config,
                    "global: {}\nstorage: {tsdb: {out_of_order_time_window: 30m}}\n",
                )?;
                vec![
                    format!("--config.file={}", config.display()),
                    format!("--storage.tsdb.path={shown}/tsdb"),
                    format!("--web.listen-address={host}"),
                    "--web.enable-remote-write-receiver".to_owned(),
                    "--enable-feature=remote-write-receiver".to_owned(),
                    "--web.enable-admin-api".to_owned(),
                    "--log.level=error".to_owned(),
                ]
            }
            Kind::VictoriaMetrics => vec![
                format!("-storageDataPath={shown}"),
                format!("-httpListenAddr={host}"),
                "-retentionPeriod=100y".to_owned(),
                "-search.latencyOffset=0s".to_owned(),
                "-search.maxUniqueTimeseries=1000000".to_owned(),
                "-loggerLevel=ERROR".to_owned(),
            ],
        })
    }
}

impl Server {
    /// Starts a program on a free port over a data directory, without waiting for it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(kind: Kind, bin: &Path, data: &Path) -> Result<Server> {
        Server::start_with(kind, bin, data, false)
    }

    /// As [`Server::start`]; `uncached` keeps it from giving an answer again instead of computing it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_with(kind: Kind, bin: &Path, data: &Path, uncached: bool) -> Result<Server> {
        let socket = std::net::TcpListener::bind("127.0.0.1:0")?;
        let host = socket.local_addr()?.to_string();
        drop(socket);
        let child = Command::new(bin)
            .args(kind.arguments(&host, data)?)
            .args(if uncached { kind.uncached() } else { &[] })
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", bin.display()))?;
        let data = data.to_owned();
        Ok(Server {
            kind,
            child,
            host,
            data,
        })
    }

    /// Id of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it answers.
    ///
    /// # Errors
    /// When it does not.
    pub fn ready(&self) -> Result<Client> {
        let path = match self.kind {
            Kind::VictoriaMetrics => "/health",
            Kind::Kymo | Kind::Prometheus => "/-/ready",
        };
        let started = Instant::now();
        loop {
            let ready = Client::connect(&self.host).and_then(|mut client| {
                let (status, _) = client.get(path)?;
                Ok((status == 200).then_some(client))
            });
            match ready {
                Ok(Some(client)) => return Ok(client),
                Err(e) if started.elapsed() > WAIT_MAX => return Err(e.into()),
                _ => thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    /// Number of series at a time in seconds, within the look-back of five minutes, NaN or not.
    ///
    /// # Errors
    /// When it does not answer with a number.
    pub fn count(&self, client: &mut Client, time: f64) -> Result<u64> {
        let expression = match self.kind {
            Kind::VictoriaMetrics => "count(count_over_time({cluster!=\"\"}[5m]))",
            Kind::Kymo | Kind::Prometheus => "count({cluster!=\"\"})",
        };
        let body = query(client, expression, time)?;
        let result = &body["data"]["result"];
        match result[0]["value"][1].as_str() {
            Some(text) => Ok(text.parse()?),
            None => Ok(0),
        }
    }

    /// Brings everything to disk in its final form and measures that.
    ///
    /// # Errors
    /// When a step is refused.
    pub fn settle(&self) -> Result<Settled> {
        let mut client = self.ready()?;
        let mut post = |path: &str| -> Result<String> {
            let (status, body) = client.post(path)?;
            ensure!(status / 100 == 2, "{path} answered {status} {body}");
            Ok(body)
        };
        match self.kind {
            Kind::Kymo => {
                post("/api/v1/admin/flush")?;
                post("/api/v1/admin/compact?wait=true")?;
                Ok(Settled {
                    blocks: disk_bytes(&self.data.join("tenants"))?,
                    directory: disk_bytes(&self.data)?,
                })
            }
            Kind::Prometheus => {
                let directory = disk_bytes(&self.data)?;
                post("/api/v1/admin/tsdb/snapshot")?;
                let blocks = disk_bytes(&self.data.join("tsdb/snapshots"))?;
                Ok(Settled { blocks, directory })
            }
            Kind::VictoriaMetrics => {
                client.get("/internal/force_flush")?;
                client.get("/internal/force_merge")?;
                self.await_merges(&mut client)?;
                let bytes = disk_bytes(&self.data)?;
                Ok(Settled {
                    blocks: bytes,
                    directory: bytes,
                })
            }
        }
    }

    /// Forced merges of VictoriaMetrics run in the background: waits until none runs and the size stays the same.
    fn await_merges(&self, client: &mut Client) -> Result<()> {
        let started = Instant::now();
        let mut last = 0;
        loop {
            thread::sleep(Duration::from_secs(3));
            let (_, metrics) = client.get("/metrics")?;
            let active = metrics.lines().any(|line| {
                (line.starts_with("vm_active_force_merges") || line.starts_with("vm_active_merges"))
                    && !line.ends_with(" 0")
            });
            let now = disk_bytes(&self.data)?;
            if !active && now == last {
                return Ok(());
            }
            if started.elapsed() > WAIT_MAX {
                bail!("merges did not end");
            }
            last = now;
        }
    }
}

/// An expression as it stands in a URL.
pub(super) fn encode(expression: &str) -> String {
    let encoded = expression.bytes().map(|b| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => char::from(b).to_string(),
        _ => format!("%{b:02X}"),
    });
    encoded.collect()
}

/// An instant query's answer.
pub(super) fn query(client: &mut Client, expression: &str, time: f64) -> Result<serde_json::Value> {
    let encoded = encode(expression);
    let (status, body) = client.get(&format!("/api/v1/query?query={encoded}&time={time}"))?;
    ensure!(status == 200, "{expression} answered {status} {body}");
    Ok(serde_json::from_str(&body)?)
}
