//! Asks a server the queries of the measurement: latency and CPU warm and cold, and memory of the heaviest.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::peer::{Kind, Server, encode};
use super::queries::{ALL, Asked, HEAVIEST, STEPS};
use super::usage::{reset_peak, usage};
use crate::http::Client;

/// Time a query is repeated for at least, so that the kernel's clock ticks can tell its CPU time.
const REPEAT_FOR: Duration = Duration::from_millis(600);
/// Repetitions of a query at least.
const REPEAT_MIN: usize = 5;

/// Over which time a server is asked.
#[derive(Debug, Clone)]
pub struct Over {
    /// First time in milliseconds since 1970.
    pub start_ms: i64,
    /// Last time.
    pub end_ms: i64,
    /// Address of one replica.
    pub host: String,
}

impl Over {
    fn path(&self, asked: &Asked) -> String {
        let text = encode(&asked.text.replace("HOST", &self.host));
        let step_ms = (self.end_ms - self.start_ms) / STEPS;
        // Aligned to the step, as dashboards ask.
        let end = self.end_ms.div_euclid(step_ms) * step_ms;
        let seconds = |ms: i64| ms as f64 / 1e3;
        if asked.range {
            let start = end - (STEPS - 1) * step_ms;
            format!(
                "/api/v1/query_range?query={text}&start={}&end={}&step={}",
                seconds(start),
                seconds(end),
                seconds(step_ms)
            )
        } else {
            format!("/api/v1/query?query={text}&time={}", seconds(end))
        }
    }
}

/// How servers are asked.
#[derive(Debug, Clone, Copy)]
pub struct How {
    /// Each query also once right after a start of its own.
    pub cold: bool,
    /// Servers compute every answer.
    pub uncached: bool,
}

/// Median latencies of all queries, one after the other, in milliseconds.
///
/// # Errors
/// When a query is refused.
pub(super) fn medians(server: &Server, over: &Over) -> Result<Vec<(&'static str, f64)>> {
    let mut client = server.ready()?;
    let mut all = Vec::new();
    for asked in &ALL {
        let took = repeat(&mut client, &over.path(asked), REPEAT_FOR)?;
        all.push((asked.name, took[took.len() / 2]));
    }
    Ok(all)
}

/// What one query took.
#[derive(Debug, Clone, Copy)]
pub struct Took {
    /// Median latency, milliseconds.
    pub warm: f64,
    /// Server CPU, milliseconds.
    pub cpu: f64,
    /// Latency of the first time after a start, milliseconds.
    pub cold: f64,
    /// Bytes of the answer.
    pub bytes: usize,
}

/// What a server took for all queries.
#[derive(Debug, Clone)]
pub struct Answers {
    /// The server.
    pub kind: Kind,
    /// By query.
    pub took: Vec<Took>,
    /// Memory of the heaviest query above what the server held before it, MiB.
    pub heaviest_mib: f64,
}

fn ask(client: &mut Client, path: &str) -> Result<(f64, usize)> {
    let started = Instant::now();
    let (status, body) = client.get(path)?;
    let took = started.elapsed().as_secs_f64() * 1e3;
    ensure!(
        status == 200,
        "{path} answered {status} {}",
        &body[..body.len().min(300)]
    );
    Ok((took, body.len()))
}

/// Latencies of a query repeated for a while, ascending.
pub(super) fn repeat(client: &mut Client, path: &str, least: Duration) -> Result<Vec<f64>> {
    let mut all = Vec::new();
    let started = Instant::now();
    while all.len() < REPEAT_MIN || started.elapsed() < least {
        all.push(ask(client, path)?.0);
    }
    all.sort_by(f64::total_cmp);
    Ok(all)
}

/// Asks every query on a server that has been started over `data`, warm, and cold after a start of its own when wanted.
///
/// # Errors
/// When a query is refused.
pub fn ask_all(kind: Kind, bin: &Path, data: &Path, over: &Over, how: How) -> Result<Answers> {
    let mut took = Vec::new();
    for asked in &ALL {
        let first = if how.cold {
            let server = Server::start_with(kind, bin, data, how.uncached)?;
            let mut client = server.ready()?;
            ask(&mut client, &over.path(asked)).context(asked.text)?.0
        } else {
            f64::NAN
        };
        took.push(Took {
            warm: f64::NAN,
            cpu: f64::NAN,
            cold: first,
            bytes: 0,
        });
    }
    let server = Server::start_with(kind, bin, data, how.uncached)?;
    let mut client = server.ready()?;
    for (asked, took) in ALL.iter().zip(&mut took) {
        let path = over.path(asked);
        took.bytes = ask(&mut client, &path).context(asked.text)?.1;
        let before = usage(server.pid())?.cpu;
        let all = repeat(&mut client, &path, REPEAT_FOR)?;
        took.cpu = (usage(server.pid())?.cpu - before) / all.len() as f64 * 1e3;
        took.warm = all[all.len() / 2];
    }
    drop(client);
    drop(server);
    let heaviest_mib = heaviest(kind, bin, data, over)?;
    Ok(Answers {
        kind,
        took,
        heaviest_mib,
    })
}

/// Memory of the heaviest query above that of a server which has answered a light one.
fn heaviest(kind: Kind, bin: &Path, data: &Path, over: &Over) -> Result<f64> {
    let server = Server::start(kind, bin, data)?;
    let mut client = server.ready()?;
    ask(&mut client, &over.path(&ALL[1]))?;
    let idle = usage(server.pid())?.resident_mib;
    reset_peak(server.pid())?;
    if let Some(asked) = ALL.iter().find(|asked| asked.name == HEAVIEST) {
        ask(&mut client, &over.path(asked))?;
    }
    Ok(usage(server.pid())?.peak_mib - idle)
}

/// The geometric mean of ratios.
fn geometric_mean(ratios: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = ratios.fold((0.0, 0), |(sum, n), ratio: f64| (sum + ratio.ln(), n + 1));
    (sum / f64::from(n)).exp()
}

/// A table of all queries, and the ratios of the first server to each of the others.
pub fn table(answers: &[Answers]) -> String {
    let mut out = format!("{:<32}{:>10}", "milliseconds: warm / CPU / cold", "bytes");
    for one in answers {
        out += &format!("{:>30}", format!("{:?}", one.kind));
    }
    let Some(first) = answers.first() else { return out };
    for (i, asked) in ALL.iter().enumerate() {
        out += &format!("\n{:<32}{:>10}", asked.name, first.took[i].bytes);
        for one in answers {
            let took = one.took[i];
            out += &format!("{:>10.2}{:>10.2}{:>10.2}", took.warm, took.cpu, took.cold);
        }
        for other in &answers[1..] {
            out += &format!("   x {:.2}", first.took[i].warm / other.took[i].warm);
        }
    }
    for other in &answers[1..] {
        let ratios = |of: fn(&Took) -> f64| {
            let pairs = first.took.iter().zip(&other.took);
            pairs.map(move |(a, b)| of(a) / of(b))
        };
        out += &format!(
            "\n{:?} to {:?}, geometric means: warm x {:.3}, CPU x {:.3}, cold x {:.3}; slowest warm x {:.2}",
            first.kind,
            other.kind,
            geometric_mean(ratios(|t| t.warm)),
            // Nothing is less than what the kernel's clock can tell of all repetitions together.
            geometric_mean(ratios(|t| t.cpu.max(0.01))),
            geometric_mean(ratios(|t| t.cold)),
            ratios(|t| t.warm).fold(0.0, f64::max)
        );
    }
    for one in answers {
        out += &format!(
            "\n{:?}: heaviest query {:.0} MiB above idle",
            one.kind, one.heaviest_mib
        );
    }
    out
}
