//! Loads a server with the spans of a shop over OTLP and prints what it measured.
//!
//! `fill` sends spans as fast as they are acknowledged over several connections, optionally kills the server and counts what
//! is missing, brings it to rest, and prints CPU time, latencies of acknowledgements, memory and disk. `ask` prints the
//! latencies of queries. Not for correctness (see `tests/`).

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::{Args, Parser, Subcommand};
use kymo_benches::http::Client;
use kymo_benches::measure::send::{Body, Sending};
use kymo_benches::measure::{Kind, Server, usage};
use kymo_benches::shop::{Known, Shop};

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
    /// Writes the bodies to a file, each behind its length (32 bits, little endian): for other stores.
    Dump(Dump),
}

#[derive(Args)]
struct Dump {
    /// The file.
    file: PathBuf,
    /// Spans.
    #[arg(long, default_value_t = 2_000_000)]
    spans: usize,
}

#[derive(Args)]
struct Fill {
    /// The binary `kymo`.
    #[arg(long, default_value = "target/release/kymo")]
    bin: PathBuf,
    /// Spans to send.
    #[arg(long, default_value_t = 2_000_000)]
    spans: usize,
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
    /// Times each query is asked.
    #[arg(long, default_value_t = 21)]
    times: usize,
    /// Start the server again for each query and measure its first answer.
    #[arg(long)]
    cold: bool,
    /// Only queries whose name has this text.
    #[arg(long, default_value = "")]
    only: String,
}

/// Ten in the morning (UTC) of the day before.
const HOUR_NS: u64 = 3_600_000_000_000;
const SEED: u64 = 7;

fn first_start() -> Result<u64> {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)?
        .as_secs();
    Ok(((now / 86_400 - 1) * 86_400 + 36_000) * 1_000_000_000)
}

fn main() -> Result<()> {
    match Cli::parse().what {
        What::Fill(args) => fill(&args),
        What::Ask(args) => ask(&args),
        What::Dump(args) => dump(&args),
    }
}

fn dump(args: &Dump) -> Result<()> {
    let mut file = BufWriter::new(File::create(&args.file)?);
    for (body, _) in bodies(args.spans)?.0 {
        file.write_all(&u32::try_from(body.len())?.to_le_bytes())?;
        file.write_all(&body)?;
    }
    Ok(file.flush()?)
}

/// All bodies with their spans, and some traces to ask for.
fn bodies(spans: usize) -> Result<(Vec<Body>, Vec<Known>)> {
    let step = HOUR_NS / (spans as u64 / 14).max(1);
    let mut shop = Shop::new(SEED, first_start()?, step);
    let (mut bodies, mut known, mut made, mut traces) = (Vec::new(), Vec::new(), 0, 0usize);
    while made < spans {
        let trace = shop.trace(&mut |body, n| bodies.push((body, n)));
        made += trace.spans as usize;
        if traces.is_multiple_of(997) {
            known.push(trace);
        }
        traces += 1;
    }
    shop.finish(&mut |body, n| bodies.push((body, n)));
    Ok((bodies, known))
}

#[expect(clippy::print_stdout, reason = "the report of a load program")]
fn fill(args: &Fill) -> Result<()> {
    let (bodies, known) = bodies(args.spans)?;
    let total: usize = bodies.iter().map(|(_, n)| n).sum();
    let sent: usize = bodies.iter().map(|(body, _)| body.len()).sum();
    let temporary = tempfile::tempdir()?;
    let data = args.keep.clone().unwrap_or_else(|| temporary.path().join("data"));
    let sending = Sending {
        what: "span",
        signal: "traces",
        bin: &args.bin,
        data: &data,
        kill: args.kill,
    };
    println!(
        "spans {total}, {:.0} B each on the wire, {} batches",
        sent as f64 / total as f64,
        bodies.len()
    );
    let server = sending.fill(&bodies, args.connections, |client, body| client.spans(body))?;
    check(&server.host, &known)?;
    sending.settle(&server, total)?;
    check(&server.host, &known)
}

/// Every trace asked for has all its spans.
fn check(host: &str, known: &[Known]) -> Result<()> {
    let mut client = Client::connect(host)?;
    let mut missing = 0;
    for trace in known {
        let (status, body) = client.get(&format!("/tempo/api/traces/{}", hex(&trace.trace_id)))?;
        ensure!(status == 200, "trace {}: {status}", hex(&trace.trace_id));
        missing += (trace.spans as usize).saturating_sub(body.matches("\"spanId\"").count());
    }
    ensure!(missing == 0, "{missing} spans are missing");
    Ok(())
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|b| format!("{b:02x}")).collect()
}

/// The queries of the table in the README: a name and a path.
fn queries(known: &[Known]) -> Result<Vec<(&'static str, String)>> {
    let trace = known.get(known.len() / 2).context("traces")?;
    let start = first_start()? / 1_000_000_000;
    let range = format!("start={start}&end={}", start + 3_900);
    let search = |q: &str| format!("/tempo/api/search?{range}&limit=20&q={}", encoded(q));
    let metrics = |q: &str| format!("/tempo/api/metrics/query_range?{range}&step=60s&q={}", encoded(q));
    let user = format!("{{ span.user.id = \"user-{:05}\" }}", trace.user);
    Ok(vec![
        ("by id", format!("/tempo/api/v2/traces/{}", hex(&trace.trace_id))),
        (
            "missing id",
            "/tempo/api/v2/traces/0123456789abcdef0123456789abcdef".to_owned(),
        ),
        (
            "rare value",
            search("{ span.thread.name = \"grpc-worker-3\" && span.network.peer.port = 40000 }"),
        ),
        ("absent value", search("{ span.user.id = \"nobody\" }")),
        ("one user", search(&user)),
        (
            "errors of one service",
            search("{ resource.service.name = \"payment\" && status = error }"),
        ),
        (
            "status_code >= 500",
            search("{ span.http.response.status_code >= 500 }"),
        ),
        (
            "descendants",
            search("{ resource.service.name = \"frontend\" } >> { span.db.system = \"redis\" }"),
        ),
        (
            "children",
            search("{ resource.service.name = \"checkout\" } > { resource.service.name = \"payment\" }"),
        ),
        (
            "rare descendants",
            search("{ name = \"GET /\" } >> { span.db.system = \"nothing\" || duration > 10m }"),
        ),
        (
            "not descendants",
            search(
                "{ name = \"POST /checkout\" } !>> { resource.service.name = \"payment\" && duration > 1h }",
            ),
        ),
        ("count() per trace", search("{ } | count() > 35")),
        ("avg(duration)", search("{ } | avg(duration) > 100ms")),
        ("by()", search("{ } | by(resource.service.name) | count() > 12")),
        (
            "select()",
            search("{ status = error } | select(span.user.id, resource.k8s.pod.name)"),
        ),
        (
            "rate() by (service)",
            metrics("{ } | rate() by (resource.service.name)"),
        ),
        (
            "quantile_over_time",
            metrics("{ } | quantile_over_time(duration, 0.5, 0.9, 0.99)"),
        ),
        ("tag names", format!("/tempo/api/v2/search/tags?{range}")),
        (
            "tag values, many",
            format!("/tempo/api/v2/search/tag/span.user.id/values?{range}&limit=5000"),
        ),
        (
            "tag values, few",
            format!("/tempo/api/v2/search/tag/resource.service.name/values?{range}"),
        ),
    ])
}

fn encoded(text: &str) -> String {
    let one = |b: u8| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    text.bytes().map(one).collect()
}

#[expect(clippy::print_stdout, reason = "the report of a load program")]
fn ask(args: &Ask) -> Result<()> {
    // The same seed gives the traces that were sent.
    let (_, known) = bodies(2_000_000)?;
    let mut server = started(&args.bin, &args.keep)?;
    for (name, path) in queries(&known)?
        .into_iter()
        .filter(|(name, _)| name.contains(&args.only))
    {
        let mut took = Vec::new();
        let mut answer = (0, String::new());
        for n in 0..args.times {
            if args.cold {
                drop(server);
                server = started(&args.bin, &args.keep)?;
            }
            let mut client = Client::connect(&server.host)?;
            client.get("/-/ready")?;
            let asked = Instant::now();
            answer = client.get(&path)?;
            if args.cold || n > 0 {
                took.push(asked.elapsed().as_secs_f64() * 1e3);
            }
        }
        took.sort_by(f64::total_cmp);
        let (low, middle) = (took[0], took[took.len() / 2]);
        println!(
            "{name:24} {middle:8.2} ms (least {low:.2}) status {} {} B",
            answer.0,
            answer.1.len()
        );
    }
    println!("RSS {:.0} MiB", usage(server.pid())?.resident_mib);
    Ok(())
}

fn started(bin: &Path, data: &Path) -> Result<Server> {
    let server = Server::start(Kind::Kymo, bin, data)?;
    server.ready()?;
    Ok(server)
}
