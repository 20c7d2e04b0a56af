//! Loads a server by remote write and prints what it measured.
//!
//! `ack` sends at a fixed rate over several connections and prints the latency of durable acknowledgements. `ingest` sends
//! scrapes as fast as they are acknowledged and prints the server's CPU time per million samples, its memory and disk.
//! `restart` loads, kills the server with SIGKILL, starts it again and prints the time to the first correct answer.
//! Any server with a Prometheus remote-write receiver can be measured by `ack`. Not for correctness (see `tests/`).

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use clap::{Args, Parser, Subcommand};
use kymo_benches::fleet::{Identity, Protocol};
use kymo_benches::http::Client;
use kymo_benches::measure::{self, Kind, Server, disk_bytes, usage};
use kymo_benches::workload::Workload;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Latency of durable acknowledgements at a fixed rate.
    Ack(Ack),
    /// CPU, memory and disk of a run as fast as possible.
    Ingest(Ingest),
    /// Time to the first correct answer after a kill -9.
    Restart(Restart),
    /// One server under a replicated real workload: CPU, memory, disk, restart.
    Macro(Macro),
    /// The same for several servers, one after the other, in one table.
    Versus(Versus),
    /// The 24 queries of the macro measurement against several servers holding the same series.
    Queries(Queries),
}

#[derive(Args)]
struct Queries {
    /// The binary `kymo`.
    #[arg(long, default_value = "target/release/kymo")]
    bin: PathBuf,
    /// Servers to compare, the first with each of the others.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "kymo,victoria-metrics,prometheus"
    )]
    targets: Vec<Kind>,
    #[arg(long, value_enum, default_value = "medium")]
    workload: measure::Workload,
    /// Directory in which the filled servers' data is kept; what is there already is used again.
    #[arg(long)]
    keep: PathBuf,
    /// Start each server again for each query and measure its first answer.
    #[arg(long)]
    cold: bool,
    /// Servers must compute each answer anew.
    #[arg(long)]
    uncached: bool,
    /// Ask the first server also while it takes in so many samples a second, and compare.
    #[arg(long)]
    load: Option<u64>,
}

#[derive(Args)]
struct Macro {
    /// Server to measure; its program is `--bin` or where it usually is.
    #[arg(long, value_enum, default_value = "kymo")]
    target: Kind,
    #[arg(long)]
    bin: Option<PathBuf>,
    #[command(flatten)]
    filling: Filling,
}

#[derive(Args)]
struct Versus {
    /// The binary `kymo`.
    #[arg(long, default_value = "target/release/kymo")]
    bin: PathBuf,
    /// Servers to compare, the first with each of the others.
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "kymo,victoria-metrics,prometheus"
    )]
    targets: Vec<Kind>,
    #[command(flatten)]
    filling: Filling,
}

#[derive(Args)]
struct Filling {
    #[arg(long, value_enum, default_value = "small")]
    workload: measure::Workload,
    #[arg(long, default_value_t = 2)]
    connections: usize,
    /// 1 or 2 for the versions of remote write, otlp or otlp-gzip. The peers' packaged versions know only 1.
    #[arg(long, default_value = "1")]
    protocol: Protocol,
    /// Series to read back and compare bit by bit.
    #[arg(long, default_value_t = 0)]
    verify: usize,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Args)]
struct Ack {
    /// Server to write to.
    #[arg(long, default_value = "127.0.0.1:9090")]
    server: String,
    /// Path of its remote-write receiver.
    #[arg(long, default_value = "/api/v1/write")]
    path: String,
    #[arg(long, default_value_t = 20_000)]
    series: u64,
    /// Samples a second over all connections.
    #[arg(long, default_value_t = 100_000)]
    rate: u64,
    #[arg(long, default_value_t = 4)]
    connections: u64,
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Samples in a request.
    #[arg(long, default_value_t = 500)]
    batch: u64,
}

#[derive(Args)]
struct Ingest {
    /// The binary `kymo`.
    #[arg(long, default_value = "target/release/kymo")]
    bin: PathBuf,
    #[arg(long, default_value_t = 200_000)]
    series: u64,
    #[arg(long, default_value_t = 60)]
    scrapes: u64,
    #[arg(long, default_value_t = 2)]
    connections: u64,
}

#[derive(Args)]
struct Restart {
    /// The binary `kymo`.
    #[arg(long, default_value = "target/release/kymo")]
    bin: PathBuf,
    #[arg(long, default_value_t = 200_000)]
    series: u64,
    #[arg(long, default_value_t = 20)]
    scrapes: u64,
    #[arg(long, default_value_t = 3)]
    rounds: u64,
}

fn main() -> Result<()> {
    match Cli::parse().what {
        What::Ack(args) => ack(&args),
        What::Ingest(args) => ingest(&args),
        What::Restart(args) => restart(&args),
        What::Macro(args) => {
            let bin = args.bin.unwrap_or_else(|| args.target.default_bin().into());
            let servers = [(args.target, bin)];
            compare(&args.filling, &servers)
        }
        What::Versus(args) => {
            let bin = |kind: Kind| match kind {
                Kind::Kymo => args.bin.clone(),
                _ => kind.default_bin().into(),
            };
            let servers: Vec<_> = args.targets.iter().map(|kind| (*kind, bin(*kind))).collect();
            compare(&args.filling, &servers)
        }
        What::Queries(args) => queries(&args),
    }
}

/// Fills the servers that are not filled yet, then asks each the same queries.
fn queries(args: &Queries) -> Result<()> {
    std::fs::create_dir_all(&args.keep)?;
    let began = args.keep.join("began");
    let now = match std::fs::read_to_string(&began) {
        Ok(text) => text.trim().parse()?,
        Err(_) => now_ms(),
    };
    std::fs::write(&began, now.to_string())?;
    let fleet = args.workload.told_apart(now, 1)?;
    let over = measure::Over {
        start_ms: fleet.size().start_ms,
        end_ms: fleet.end_ms(),
        host: Identity::new(7).host,
    };
    let mut answers = Vec::new();
    for kind in &args.targets {
        let bin = match kind {
            Kind::Kymo => args.bin.clone(),
            _ => kind.default_bin().into(),
        };
        let data = args.keep.join(format!("{kind:?}"));
        if !data.exists() {
            let server = Server::start(*kind, &bin, &data)?;
            server.ready()?;
            let loaded = measure::fill(&server.host, &fleet, 2, Protocol::One)?;
            say(&format!("{kind:?}: {} samples", loaded.samples));
            // What VictoriaMetrics has acknowledged is on its disk five seconds later.
            thread::sleep(Duration::from_secs(10));
        }
        let how = measure::How {
            cold: args.cold,
            uncached: args.uncached,
        };
        answers.push(measure::ask_all(*kind, &bin, &data, &over, how)?);
        if let Some(rate) = args.load.filter(|_| answers.len() == 1) {
            say(&measure::under_load(
                &Server::start_with(*kind, &bin, &data, args.uncached)?,
                &over,
                rate,
            )?);
        }
    }
    say(&measure::answers_table(&answers));
    Ok(())
}

/// Measures servers one after the other and prints their figures side by side; churn is told beside its absence.
fn compare(filling: &Filling, servers: &[(Kind, PathBuf)]) -> Result<()> {
    let workloads: &[_] = match filling.workload {
        measure::Workload::Churn => &[measure::Workload::Day, measure::Workload::Churn],
        ref workload => std::slice::from_ref(workload),
    };
    let mut calm: Vec<measure::Report> = Vec::new();
    for workload in workloads {
        let mut reports = Vec::new();
        for (kind, bin) in servers {
            let fleet = workload.fleet(now_ms(), filling.seed)?;
            let plan = measure::Plan {
                kind: *kind,
                bin: bin.clone(),
                connections: filling.connections,
                protocol: filling.protocol,
                verify: filling.verify,
            };
            reports.push(measure::run(&plan, &fleet)?);
        }
        say(&format!("{workload:?}\n{}\n", measure::table(&reports)));
        for (churn, calm) in reports.iter().zip(&calm) {
            say(&measure::churn(churn, calm));
        }
        calm = reports;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the measurement is the program's output")]
fn say(line: &str) {
    println!("{line}");
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as i64
}

fn ack(args: &Ack) -> Result<()> {
    let per_connection = args.series / args.connections;
    let gap = Duration::from_secs_f64(args.batch as f64 * args.connections as f64 / args.rate as f64);
    let work = Workload {
        series: args.series,
        start_ms: now_ms() - 3_600_000,
        interval_ms: 1000,
    };
    let workers: Vec<_> = (0..args.connections)
        .map(|c| {
            let first = c * per_connection;
            let (server, path) = (args.server.clone(), args.path.clone());
            let (batch, seconds) = (args.batch, args.seconds);
            thread::spawn(move || {
                paced(
                    &server,
                    &path,
                    work,
                    first..first + per_connection,
                    batch,
                    gap,
                    seconds,
                )
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for worker in workers {
        latencies.extend(
            worker
                .join()
                .map_err(|_| anyhow::anyhow!("a connection's thread panicked"))??,
        );
    }
    latencies.sort_unstable();
    let at = |q: f64| latencies[((latencies.len() - 1) as f64 * q) as usize].as_secs_f64() * 1e3;
    let rate = latencies.len() as u64 * args.batch / args.seconds;
    say(&format!(
        "acknowledged {rate} samples/s over {} connections, {} samples a request",
        args.connections, args.batch
    ));
    say(&format!(
        "ack p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, max {:.2} ms",
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0)
    ));
    Ok(())
}

/// Sends the series of a range round and round, a batch every `gap`.
fn paced(
    server: &str,
    path: &str,
    work: Workload,
    range: std::ops::Range<u64>,
    batch: u64,
    gap: Duration,
    seconds: u64,
) -> Result<Vec<Duration>> {
    let mut client = Client::connect(server)?;
    let started = Instant::now();
    let (mut at, mut scrape, mut sent) = (range.start, 0, 0u32);
    let mut latencies = Vec::new();
    while started.elapsed() < Duration::from_secs(seconds) {
        let end = (at + batch).min(range.end);
        let body = work.body(at..end, scrape);
        let due = started + gap * sent;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let before = Instant::now();
        let status = client.remote_write(path, &body)?;
        ensure!(status / 100 == 2, "answered {status}");
        latencies.push(before.elapsed());
        sent += 1;
        at = end;
        if at == range.end {
            (at, scrape) = (range.start, scrape + 1);
        }
    }
    Ok(latencies)
}

fn load(host: &str, work: Workload, scrapes: u64, connections: u64) -> Result<()> {
    let next = AtomicU64::new(0);
    let batch = 2000;
    let batches = work.series.div_ceil(batch);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..connections)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    let mut client = Client::connect(host)?;
                    loop {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        if n >= batches * scrapes {
                            return Ok(());
                        }
                        let first = n % batches * batch;
                        let body = work.body(first..(first + batch).min(work.series), n / batches);
                        let status = client.remote_write("/api/v1/write", &body)?;
                        ensure!(status / 100 == 2, "answered {status}");
                    }
                })
            })
            .collect();
        for worker in workers {
            worker
                .join()
                .map_err(|_| anyhow::anyhow!("a connection's thread panicked"))??;
        }
        Ok(())
    })
}

fn ingest(args: &Ingest) -> Result<()> {
    let data = tempfile::tempdir()?;
    let server = Server::start(Kind::Kymo, &args.bin, data.path())?;
    let interval_ms = 15_000;
    let start_ms = now_ms() - interval_ms * args.scrapes as i64;
    let work = Workload {
        series: args.series,
        start_ms,
        interval_ms,
    };
    let samples = (args.series * args.scrapes) as f64;
    server.ready()?;
    let started = Instant::now();
    load(&server.host, work, args.scrapes, args.connections)?;
    let seconds = started.elapsed().as_secs_f64();
    let measure::Usage {
        cpu, peak_mib: peak, ..
    } = usage(server.pid())?;
    say(&format!(
        "{samples} samples in {seconds:.1} s: {:.0} samples/s, client on the same cores",
        samples / seconds
    ));
    say(&format!(
        "server CPU {:.3} s per million samples, peak RSS {peak:.0} MiB",
        cpu / samples * 1e6
    ));
    let mut client = server.ready()?;
    for step in ["flush", "compact?wait=true"] {
        let (status, body) = client.post(&format!("/api/v1/admin/{step}"))?;
        ensure!(status / 100 == 2, "{step} answered {status} {body}");
    }
    let blocks = disk_bytes(&data.path().join("tenants"))? as f64;
    say(&format!(
        "blocks {:.3} bytes per sample, index included",
        blocks / samples
    ));
    let measure::Usage {
        cpu, peak_mib: peak, ..
    } = usage(server.pid())?;
    say(&format!(
        "with flush and merge: CPU {:.3} s per million samples, peak RSS {peak:.0} MiB",
        cpu / samples * 1e6
    ));
    Ok(())
}

fn restart(args: &Restart) -> Result<()> {
    let interval_ms = 15_000;
    for round in 0..args.rounds {
        let data = tempfile::tempdir()?;
        let server = Server::start(Kind::Kymo, &args.bin, data.path())?;
        let start_ms = now_ms() - interval_ms * args.scrapes as i64;
        let work = Workload {
            series: args.series,
            start_ms,
            interval_ms,
        };
        server.ready()?;
        load(&server.host, work, args.scrapes, 2)?;
        drop(server);
        let log = disk_bytes(&data.path().join("wal"))? as f64 / f64::from(1 << 20);
        let started = Instant::now();
        let server = Server::start(Kind::Kymo, &args.bin, data.path())?;
        let time = work.time(args.scrapes - 1) as f64 / 1e3;
        let path = format!("/api/v1/query?query=count(%7Bjob%3D%22node%22%7D)&time={time}");
        let wanted = format!("\"{}\"", args.series);
        let mut client = server.ready()?;
        loop {
            let (status, body) = client.get(&path)?;
            if status == 200 && body.contains(&wanted) {
                break;
            }
            ensure!(
                started.elapsed() < Duration::from_secs(120),
                "no correct answer: {status} {body}"
            );
        }
        let seconds = started.elapsed().as_secs_f64();
        let peak = usage(server.pid())?.peak_mib;
        say(&format!(
            "round {round}: {} series, {} samples, log {log:.0} MiB: first correct answer after {seconds:.2} s, peak RSS {peak:.0} MiB",
            args.series,
            args.series * args.scrapes
        ));
    }
    Ok(())
}
