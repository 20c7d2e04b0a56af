//! One macro measurement: fill a server, kill it, start it again, bring it to rest, read back, and tell what it took.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, ensure};

use super::load::{Loaded, fill};
use super::peer::{Kind, Server, Settled};
use super::read_back::{ReadBack, read_back};
use super::usage::{Usage, usage};
use crate::fleet::{Fleet, Protocol, Size};
use crate::recording::{self, Recorded};

const INTERVAL_MS: i64 = 15_000;
const DAY_SCRAPES: u64 = 5760;
/// Seconds in which a restarted server must answer rightly.
const RESTART_MAX: f64 = 60.0;

/// The workloads that can be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Workload {
    /// 20,000 series, one hour.
    Small,
    /// 200,000 series, one hour.
    Medium,
    /// 20,000 series, one day.
    Day,
    /// 20,000 active series over one day, a twentieth of them replaced every ten minutes.
    Churn,
}

impl Workload {
    /// The fleet, its last scrape right before `now_ms`.
    ///
    /// # Errors
    /// When the recording is absent.
    pub fn fleet(self, now_ms: i64, seed: u64) -> Result<Fleet> {
        Ok(self.fleet_of(&recording::load()?, now_ms, seed))
    }

    /// As [`Workload::fleet`], with the name of its metric as one more label of every series: series that differ by their
    /// names alone are an error to `rate`.
    ///
    /// # Errors
    /// When the recording is absent.
    pub fn told_apart(self, now_ms: i64, seed: u64) -> Result<Fleet> {
        let mut recorded = recording::load()?;
        for series in &mut recorded {
            let family = ("family".to_owned(), series.label("__name__").to_owned());
            series.labels.push(family);
            series.labels.sort();
        }
        Ok(self.fleet_of(&recorded, now_ms, seed))
    }

    fn fleet_of(self, recorded: &[Recorded], now_ms: i64, seed: u64) -> Fleet {
        let (series, scrapes, churn_scrapes) = match self {
            Workload::Small => (20_000, 240, None),
            Workload::Medium => (200_000, 240, None),
            Workload::Day => (20_000, DAY_SCRAPES, None),
            Workload::Churn => (20_000, DAY_SCRAPES, Some(40)),
        };
        let size = Size {
            series,
            scrapes,
            start_ms: now_ms - scrapes as i64 * INTERVAL_MS,
            interval_ms: INTERVAL_MS,
            churn_scrapes,
            seed,
        };
        Fleet::new(recorded, size)
    }
}

/// What to measure.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The server.
    pub kind: Kind,
    /// Its program.
    pub bin: PathBuf,
    /// Connections to send over.
    pub connections: usize,
    /// Version of remote write to send.
    pub protocol: Protocol,
    /// Series to read back and compare, none for zero.
    pub verify: usize,
}

/// What was measured.
#[derive(Debug, Clone)]
pub struct Report {
    /// The server.
    pub kind: Kind,
    /// How filling went.
    pub loaded: Loaded,
    /// What the server used up to the last acknowledgement.
    pub filling: Usage,
    /// Active series it counts then.
    pub counted: u64,
    /// Active series there are.
    pub expected: u64,
    /// Seconds from the start after a kill -9 to the first right answer; none when none came in time.
    pub restart: Option<f64>,
    /// What the restarted process used, settling included.
    pub settling: Usage,
    /// What it takes on disk.
    pub settled: Settled,
    /// What was read back.
    pub read_back: Option<ReadBack>,
}

/// Runs a measurement in a temporary directory.
///
/// # Errors
/// When the server cannot be started, refuses something, or holds too few series.
pub fn run(plan: &Plan, fleet: &Fleet) -> Result<Report> {
    let directory = tempfile::tempdir()?;
    let data = directory.path().join("data");
    let server = Server::start(plan.kind, &plan.bin, &data)?;
    server.ready()?;
    let loaded = fill(&server.host, fleet, plan.connections, plan.protocol)?;
    let filling = usage(server.pid())?;
    let expected = fleet.size().series as u64;
    let end = fleet.end_ms() as f64 / 1e3;
    if plan.kind == Kind::VictoriaMetrics {
        // It acknowledges what is only in memory and not yet found: a kill right now would lose it.
        server.settle()?;
    }
    let mut client = server.ready()?;
    let counted = server.count(&mut client, end)?;
    if matches!(plan.protocol, Protocol::Otlp | Protocol::OtlpGzip) {
        // OTLP adds a series of what is known about each target.
        ensure!(
            counted >= expected,
            "{counted} series instead of at least {expected}"
        );
    } else if plan.kind != Kind::VictoriaMetrics {
        ensure!(counted == expected, "{counted} series instead of {expected}");
    }
    drop((client, server));
    let started = Instant::now();
    let server = Server::start(plan.kind, &plan.bin, &data)?;
    let mut client = server.ready()?;
    let restart = loop {
        let seconds = started.elapsed().as_secs_f64();
        match server.count(&mut client, end) {
            Ok(n) if n == counted => break Some(started.elapsed().as_secs_f64()),
            _ if seconds > RESTART_MAX => break None,
            _ => client = server.ready()?,
        }
    };
    drop(client);
    let settled = server.settle()?;
    let settling = usage(server.pid())?;
    let read_back = match plan.verify {
        0 => None,
        n => Some(read_back(&server, fleet, n)?),
    };
    Ok(Report {
        kind: plan.kind,
        loaded,
        filling,
        counted,
        expected,
        restart,
        settling,
        settled,
        read_back,
    })
}

impl Report {
    /// The figures, each with its name and its number; lower is better in all but the first.
    pub fn figures(&self) -> Vec<(&'static str, f64)> {
        let samples = self.loaded.samples as f64;
        let mut all = vec![
            ("samples/s to the last ack", samples / self.loaded.seconds),
            (
                "CPU s per M samples, to the ack",
                self.filling.cpu / samples * 1e6,
            ),
            ("peak RSS while ingesting, MiB", self.filling.peak_mib),
            ("RSS at the end of ingest, MiB", self.filling.resident_mib),
            (
                "first right answer after kill -9, s",
                self.restart.unwrap_or(f64::NAN),
            ),
            (
                "restart + settling, CPU s per M",
                self.settling.cpu / samples * 1e6,
            ),
            ("restart + settling, peak RSS MiB", self.settling.peak_mib),
            ("blocks, bytes per sample", self.settled.blocks as f64 / samples),
            (
                "data directory, bytes per sample",
                self.settled.directory as f64 / samples,
            ),
            ("blocks, MiB", self.settled.blocks as f64 / f64::from(1 << 20)),
            (
                "active series counted / expected",
                self.counted as f64 / self.expected as f64,
            ),
        ];
        if let Some(back) = &self.read_back {
            all.push(("samples read back", back.samples as f64));
            all.push(("of them missing or not bit-exact", back.wrong as f64));
        }
        all
    }
}

/// One table of the reports, with the ratio of the first to each of the others.
pub fn table(reports: &[Report]) -> String {
    let mut out = format!("{:<38}", "");
    let name = |kind: Kind| format!("{kind:?}");
    for report in reports {
        out += &format!("{:>16}", name(report.kind));
    }
    for other in reports.iter().skip(1) {
        out += &format!("{:>20}", format!("of {}", name(other.kind)));
    }
    let columns: Vec<_> = reports.iter().map(Report::figures).collect();
    let Some(first) = columns.first() else { return out };
    for (row, (what, value)) in first.iter().enumerate() {
        out += &format!("\n{what:<38}");
        for column in &columns {
            out += &format!("{:>16}", number(column[row].1));
        }
        for column in columns.iter().skip(1) {
            out += &format!("{:>20}", format!("x {:.2}", value / column[row].1));
        }
    }
    out
}

/// What churn costs: the figures of a run with it over those of one without.
pub fn churn(with: &Report, without: &Report) -> String {
    let ratio = |of: fn(&Report) -> f64| of(with) / of(without);
    format!(
        "{:?}, churn over no churn: blocks x {:.2}, directory x {:.2}, peak RSS x {:.2}, RSS at the end x {:.2}",
        with.kind,
        ratio(|r| r.settled.blocks as f64),
        ratio(|r| r.settled.directory as f64),
        ratio(|r| r.filling.peak_mib),
        ratio(|r| r.filling.resident_mib),
    )
}

fn number(n: f64) -> String {
    if n.abs() < 100.0 && n.fract() != 0.0 {
        format!("{n:.3}")
    } else {
        format!("{n:.0}")
    }
}
