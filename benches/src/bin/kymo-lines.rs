//! Loads a server with the log lines of a shop over Loki's push protocol and prints what it measured.
//!
//! `fill` sends lines as fast as they are acknowledged over several connections, optionally kills the server and counts what is
//! missing, brings it to rest, and prints CPU time, latencies of acknowledgements, memory and disk. `ask` prints the latencies
//! of queries. `engine` measures the store by itself. Not for correctness (see `tests/`).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};
use clap::{Args, Parser, Subcommand};
use kymo_benches::http::Client;
use kymo_benches::lines::{Lines, STREAMS, ShopLine, labels};
use kymo_benches::measure::send::{Body, Sending};
use kymo_benches::measure::{Kind, Server, usage};
use kymo_engine::labels::Labels;
use kymo_engine::logs::{BatchBuilder, NO_SET, Scan};
use kymo_engine::node::{Node, NodeOptions};
use kymo_engine::storage::LocalStorage;
use kymo_proto::wire::{put_bytes, put_integer};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Ingest: CPU, acknowledgements, memory, disk.
    Fill(Fill),
    /// Latencies of queries against a filled data directory.
    Ask(Ask),
    /// The store without a server.
    Engine(Engine),
}

#[derive(Args)]
struct Fill {
    /// The binary `kymo`.
    #[arg(long, default_value = "target/release/kymo")]
    bin: PathBuf,
    /// Lines to send.
    #[arg(long, default_value_t = 5_000_000)]
    lines: u64,
    /// Connections.
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Directory to keep the data in; a temporary one when absent.
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Kill the server with SIGKILL once all is acknowledged, start it again and count what is missing.
    #[arg(long)]
    kill: bool,
}

#[derive(Args)]
struct Ask {
    /// The binary `kymo`.
    #[arg(long, default_value = "target/release/kymo")]
    bin: PathBuf,
    /// Directory that `fill --keep` filled.
    #[arg(long)]
    keep: PathBuf,
    /// Lines that `fill` sent.
    #[arg(long, default_value_t = 5_000_000)]
    lines: u64,
    /// Times each query is asked.
    #[arg(long, default_value_t = 21)]
    times: usize,
    /// Only queries whose name has this text.
    #[arg(long, default_value = "")]
    only: String,
}

#[derive(Args)]
struct Engine {
    /// A new directory.
    dir: PathBuf,
    /// Lines.
    #[arg(long, default_value_t = 1_000_000)]
    lines: u64,
}

/// Ten in the morning (UTC) of the day before: `ask` on the day of `fill` asks for its lines.
fn first_time() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let days = now.map_or(0, |now| now.as_secs() / 86_400);
    (days.saturating_sub(1) * 86_400 + 36_000) * 1_000_000_000
}

const STEP_NS: u64 = 2_000_000;
const SEED: u64 = 7;
/// Lines of a push.
const PUSH: usize = 2_000;

fn main() -> Result<()> {
    match Cli::parse().what {
        What::Fill(args) => fill(&args),
        What::Ask(args) => ask(&args),
        What::Engine(args) => engine(&args),
    }
}

fn shop() -> Lines {
    Lines::new(SEED, first_time(), STEP_NS)
}

/// All pushes, and the bytes of their lines.
fn bodies(lines: u64) -> Result<(Vec<Body>, usize)> {
    let mut shop = shop();
    let (mut bodies, mut bytes) = (Vec::new(), 0);
    while shop.made < lines {
        let batch: Vec<ShopLine> = (0..PUSH).map(|_| shop.next_line()).collect();
        bytes += batch.iter().map(|line| line.text.len()).sum::<usize>();
        bodies.push((push(&batch)?, batch.len()));
    }
    Ok((bodies, bytes))
}

/// A push of Loki: streams with their labels as text, entries with time, line and structured metadata.
fn push(batch: &[ShopLine]) -> Result<Vec<u8>> {
    let mut request = Vec::new();
    for stream in 0..STREAMS {
        let mut message = Vec::new();
        let pairs: Vec<String> = labels(stream)
            .iter()
            .map(|(n, v)| format!("{n}=\"{v}\""))
            .collect();
        put_bytes(&mut message, 1, format!("{{{}}}", pairs.join(", ")).as_bytes());
        let mut is_empty = true;
        for line in batch.iter().filter(|line| line.stream == stream) {
            is_empty = false;
            let (mut entry, mut time) = (Vec::new(), Vec::new());
            put_integer(&mut time, 1, line.time / 1_000_000_000);
            put_integer(&mut time, 2, line.time % 1_000_000_000);
            put_bytes(&mut entry, 1, &time);
            put_bytes(&mut entry, 2, line.text.as_bytes());
            if let Some(id) = &line.trace_id {
                let mut pair = Vec::new();
                put_bytes(&mut pair, 1, b"trace_id");
                put_bytes(&mut pair, 2, id.as_bytes());
                put_bytes(&mut entry, 3, &pair);
            }
            put_bytes(&mut message, 2, &entry);
        }
        if !is_empty {
            put_bytes(&mut request, 1, &message);
        }
    }
    Ok(snap::raw::Encoder::new().compress_vec(&request)?)
}

#[expect(clippy::print_stdout, reason = "the report of a load program")]
fn fill(args: &Fill) -> Result<()> {
    let (bodies, bytes) = bodies(args.lines)?;
    let total: usize = bodies.iter().map(|(_, n)| n).sum();
    let temporary = tempfile::tempdir()?;
    let data = args.keep.clone().unwrap_or_else(|| temporary.path().join("data"));
    let sending = Sending {
        what: "line",
        signal: "logs",
        bin: &args.bin,
        data: &data,
        kill: args.kill,
    };
    println!(
        "lines {total}, {:.0} B each, {} pushes",
        bytes as f64 / total as f64,
        bodies.len()
    );
    let server = sending.fill(&bodies, args.connections, |client, body| client.lines(body))?;
    sending.settle(&server, total)?;
    check(&server, total)
}

/// None of the lines is missing.
fn check(server: &Server, total: usize) -> Result<()> {
    let mut client = Client::connect(&server.host)?;
    let end = first_time() + 2 * STEP_NS * total as u64;
    let query = encoded("sum(count_over_time({namespace=\"shop\"}[30d]))");
    let (status, body) = client.get(&format!("/loki/api/v1/query?query={query}&time={end}"))?;
    ensure!(
        status == 200 && body.contains(&format!("\"{total}\"")),
        "not all {total} lines are there: {status} {body}"
    );
    Ok(())
}

fn encoded(text: &str) -> String {
    let one = |b: u8| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    text.bytes().map(one).collect()
}

const ALL: &str = r#"{namespace="shop"}"#;
const JSON: &str = r#"{service_name=~"gateway|cart|checkout|payment|catalogue"}"#;
const LOGFMT: &str = r#"{service_name=~"stock|shipping|pricing|search"}"#;
const PLAIN: &str = r#"{service_name=~"mailer|ledger|proxy"}"#;

/// A name and a query.
type Named = (&'static str, String);

/// A name and a path of each query of the table in the README.
fn queries(lines: u64) -> Result<Vec<Named>> {
    let (start, end) = (first_time(), first_time() + 2 * STEP_NS * lines);
    let range = format!("start={start}&end={end}");
    let log = |(name, query, limit): (&'static str, String, u32)| {
        let path = format!(
            "/loki/api/v1/query_range?{range}&limit={limit}&query={}",
            encoded(&query)
        );
        (name, path)
    };
    let instant = |(name, query): Named| {
        (
            name,
            format!("/loki/api/v1/query?time={end}&query={}", encoded(&query)),
        )
    };
    let mut all: Vec<Named> = searches(lines)?.into_iter().map(log).collect();
    all.extend(counts().into_iter().map(instant));
    all.extend(
        tables().map(|(name, query)| (name, format!("/api/v1/insights/query?query={}", encoded(query)))),
    );
    all.push((
        "label values",
        format!("/loki/api/v1/label/service_name/values?{range}"),
    ));
    Ok(all)
}

/// Queries for lines, and how many of them.
fn searches(lines: u64) -> Result<Vec<(&'static str, String, u32)>> {
    let mut shop = shop();
    let (mut in_line, mut in_metadata) = (None, None);
    for _ in 0..lines / 2 {
        let line = shop.next_line();
        in_metadata = line.trace_id.or(in_metadata);
        let behind = line.text.split("trace_id=").nth(1);
        in_line = behind.map(|rest| rest[..32].to_owned()).or(in_line);
    }
    let (in_line, in_metadata) = (in_line.context("an id")?, in_metadata.context("an id")?);
    Ok(vec![
        ("absent word", format!("{ALL} |= \"nosuchword\""), 100),
        ("word", format!("{ALL} |= \"acquirer\""), 100),
        ("part of a word, absent", format!("{ALL} |= \"quirex\""), 100),
        ("trace id in the line", format!("{ALL} |= \"{in_line}\""), 100),
        (
            "trace id in metadata",
            format!("{ALL} | trace_id=\"{in_metadata}\""),
            100,
        ),
        (
            "trace id after logfmt",
            format!("{LOGFMT} | logfmt | trace_id=\"{in_line}\""),
            100,
        ),
        (
            "JSON field filter",
            format!("{JSON} | json | response_status >= 500"),
            100,
        ),
        (
            "logfmt filter",
            format!("{LOGFMT} | logfmt | region=\"us-east-1\" and duration > 3990ms"),
            100,
        ),
        ("newest 100", ALL.to_owned(), 100),
        ("newest 1,000", ALL.to_owned(), 1_000),
    ])
}

/// Queries for numbers over everything.
fn counts() -> Vec<Named> {
    let count = |name, what: String| (name, format!("sum(count_over_time({what} [30d]))"));
    vec![
        count("part of a word, counted", format!("{ALL} |= \"cquire\"")),
        count("regex, counted", format!("{PLAIN} |~ \"took 49[0-9]{{2}} ms\"")),
        (
            "count by JSON field",
            format!("sum by (response_status) (count_over_time({JSON} | json [30d]))"),
        ),
        (
            "count by level",
            format!("sum by (detected_level) (count_over_time({ALL} [30d]))"),
        ),
        (
            "errors by service",
            format!("sum by (service_name) (count_over_time({ALL} | detected_level=\"error\" [30d]))"),
        ),
        (
            "unwrap quantile",
            format!(
                "quantile_over_time(0.99, {LOGFMT} | logfmt | unwrap duration(duration) [30d]) by (service_name)"
            ),
        ),
        (
            "unwrap sum",
            format!("sum(sum_over_time({LOGFMT} | logfmt | unwrap bytes [30d]))"),
        ),
    ]
}

/// Queries for tables.
fn tables() -> impl Iterator<Item = (&'static str, &'static str)> {
    [
        ("insights, count by field", "stats count(*) by response_status"),
        (
            "insights, by time",
            "filter response_status >= 500 | stats count(*), avg(duration_ms) by bin(5m)",
        ),
        (
            "insights, percentile",
            "stats pct(duration_ms, 99), max(bytes) by service_name",
        ),
        ("insights, word", "filter @message like 'acquirer' | limit 20"),
        ("insights, newest", "fields @timestamp, @message | limit 20"),
        (
            "insights, sorted",
            "filter response_status >= 500 | sort duration_ms desc | limit 20",
        ),
    ]
    .into_iter()
}

#[expect(clippy::print_stdout, reason = "the report of a load program")]
fn ask(args: &Ask) -> Result<()> {
    let server = Server::start(Kind::Kymo, &args.bin, &args.keep)?;
    server.ready()?;
    let asked = queries(args.lines)?
        .into_iter()
        .filter(|(name, _)| name.contains(&args.only));
    for (name, path) in asked {
        let mut took = Vec::new();
        let mut answer = (0, String::new());
        let mut client = Client::connect(&server.host)?;
        for n in 0..args.times {
            let began = Instant::now();
            answer = client.get(&path)?;
            let ms = began.elapsed().as_secs_f64() * 1e3;
            if n > 0 {
                took.push(ms);
            }
            // What takes seconds needs no twenty tries to show it.
            if ms > 2_000.0 && n >= 2 {
                break;
            }
        }
        took.sort_by(f64::total_cmp);
        let (low, middle) = (took[0], took[took.len() / 2]);
        println!(
            "{name:24} {middle:9.2} ms (least {low:.2}) status {} {} B",
            answer.0,
            answer.1.len()
        );
    }
    println!("RSS {:.0} MiB", usage(server.pid())?.resident_mib);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the report of a load program")]
fn engine(args: &Engine) -> Result<()> {
    let storage = Arc::new(LocalStorage::open(&args.dir)?);
    let (node, _) = Node::open(storage, NodeOptions::default())?;
    let committing = node.clone();
    let commits = std::thread::spawn(move || committing.run_commits());
    let tenant = node.tenant("bench")?;
    let million = args.lines as f64 / 1e6;
    let mut shop = shop();
    let (mut own, began) = (0.0, Instant::now());
    while shop.made < args.lines {
        let at = Instant::now();
        let batch: Vec<ShopLine> = (0..PUSH).map(|_| shop.next_line()).collect();
        own += at.elapsed().as_secs_f64();
        tenant.logs.append(node.log(), Arc::new(built(&batch)))?.wait()?;
        node.maintain(0)?;
    }
    node.flush()?;
    let per_line = || tenant.logs.stats().block_bytes as f64 / args.lines as f64;
    println!(
        "written and flushed in {:.2} s per million, {:.2} B per line",
        (began.elapsed().as_secs_f64() - own) / million,
        per_line()
    );
    let began = Instant::now();
    node.compact()?;
    println!(
        "merged in {:.2} s per million, {:.2} B per line",
        began.elapsed().as_secs_f64() / million,
        per_line()
    );
    let began = Instant::now();
    let all = Scan {
        from: i64::MIN,
        until: i64::MAX,
        ..Scan::default()
    };
    let (mut rows, mut bytes) = (0, 0);
    for part in tenant.logs.snapshot().scan(&all)? {
        for stream in part.load()? {
            rows += stream.rows.len();
            bytes += (0..stream.rows.len())
                .map(|row| stream.rows.line(row).len())
                .sum::<usize>();
        }
    }
    let took = began.elapsed().as_secs_f64();
    println!(
        "{rows} lines put together in {took:.2} s, {:.0} MB/s",
        bytes as f64 / took / 1e6
    );
    node.close();
    commits.join().map_err(|_| anyhow!("the commit thread failed"))?;
    Ok(())
}

fn built(batch: &[ShopLine]) -> kymo_engine::logs::Batch {
    let mut builder = BatchBuilder::default();
    for line in batch {
        let stream = builder.stream(Labels::from_pairs(labels(line.stream)));
        let id = line.trace_id.as_ref().map(|id| ("trace_id", id.as_str()));
        let set = builder.set(NO_SET, [("detected_level", line.level)].into_iter().chain(id));
        builder.push(stream, line.time as i64, set, line.text.as_bytes());
    }
    builder.build()
}
