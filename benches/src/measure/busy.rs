//! What taking in samples does to the latency of queries. Not for the latency of the writes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};

use super::ask::{Over, medians};
use super::peer::Server;
use crate::http::Client;
use crate::workload::Workload;

/// Median latencies of the queries while the server takes in samples, over those without.
///
/// # Errors
/// When a query or a write is refused.
pub fn under_load(server: &Server, over: &Over, rate: u64) -> Result<String> {
    let idle = medians(server, over)?;
    let busy = AtomicBool::new(true);
    let connections = 4;
    let started = Instant::now();
    let (loaded, sent) = thread::scope(|scope| {
        let busy = &busy;
        let workers: Vec<_> = (0..connections)
            .map(|c| scope.spawn(move || trickle(&server.host, rate / connections, c, busy)))
            .collect();
        let loaded = medians(server, over);
        busy.store(false, Ordering::Relaxed);
        let mut sent = 0;
        for worker in workers {
            sent += worker
                .join()
                .map_err(|_| anyhow::anyhow!("a connection's thread panicked"))??;
        }
        anyhow::Ok((loaded?, sent))
    })?;
    let acknowledged = sent as f64 / started.elapsed().as_secs_f64();
    let mut ratios: Vec<f64> = idle.iter().zip(&loaded).map(|(a, b)| b.1 / a.1).collect();
    let lines = idle.iter().zip(&loaded);
    let lines = lines.map(|(a, b)| format!("{:<32}{:>10.2}{:>10.2}", a.0, a.1, b.1));
    let lines: Vec<String> = lines.collect();
    ratios.sort_by(f64::total_cmp);
    Ok(format!(
        "milliseconds idle and at {acknowledged:.0} samples/s\n{}\nmedian ratio x {:.2}, largest x {:.2}",
        lines.join("\n"),
        ratios[ratios.len() / 2],
        ratios[ratios.len() - 1]
    ))
}

/// Sends series of its own at a rate until told to stop; returns the number of samples.
fn trickle(host: &str, rate: u64, number: u64, busy: &AtomicBool) -> Result<u64> {
    let batch = 500;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let first = number * 5000;
    let work = Workload {
        series: first + 5000,
        // Behind the window of the queries, some of which would find them.
        start_ms: since.as_millis() as i64 - 4 * 3_600_000,
        interval_ms: 1000,
    };
    let gap = Duration::from_secs_f64(batch as f64 / rate as f64);
    let mut client = Client::connect(host)?;
    let (started, mut sent) = (Instant::now(), 0u32);
    while busy.load(Ordering::Relaxed) {
        let (scrape, at) = (u64::from(sent) / 10, u64::from(sent) % 10 * batch);
        let body = work.body(first + at..first + at + batch, scrape);
        thread::sleep((started + gap * sent).saturating_duration_since(Instant::now()));
        let status = client.remote_write("/api/v1/write", &body)?;
        ensure!(status / 100 == 2, "answered {status}");
        sent += 1;
    }
    Ok(u64::from(sent) * batch)
}
