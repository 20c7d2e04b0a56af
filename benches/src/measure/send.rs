//! Sends prepared bodies as fast as they are acknowledged, and tells what that took. Not for what bodies say, nor for whether all of
//! it is there afterwards.

use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::{Kind, Server, disk_bytes, usage};
use crate::http::Client;

/// A body and its number of rows.
pub type Body = (Vec<u8>, usize);

/// A server that is filled, and what with.
#[derive(Debug, Clone, Copy)]
pub struct Sending<'s> {
    /// What a row is called.
    pub what: &'s str,
    /// The directory of its signal.
    pub signal: &'s str,
    /// The binary `kymo`.
    pub bin: &'s Path,
    /// Where the data goes.
    pub data: &'s Path,
    /// Whether the server is killed once all is acknowledged, and started again.
    pub kill: bool,
}

impl Sending<'_> {
    /// Starts the server, sends all bodies and prints rate, latencies of acknowledgements and memory.
    ///
    /// # Errors
    /// A server that does not start, and those of connections and statuses.
    #[expect(clippy::print_stdout, reason = "the report of a load program")]
    pub fn fill(
        &self,
        bodies: &[Body],
        connections: usize,
        deliver: impl Fn(&mut Client, &[u8]) -> io::Result<u16> + Sync,
    ) -> Result<Server> {
        let total: usize = bodies.iter().map(|(_, n)| n).sum();
        let server = Server::start(Kind::Kymo, self.bin, self.data)?;
        server.ready()?;
        let idle = usage(server.pid())?;
        let (took, mut latencies) = send(&server.host, bodies, connections, deliver)?;
        let used = usage(server.pid())?;
        latencies.sort_unstable();
        let at = |q: f64| latencies[((latencies.len() - 1) as f64 * q) as usize].as_secs_f64() * 1e3;
        println!(
            "{:.0} {}s/s; server CPU {:.2} s per million",
            total as f64 / took,
            self.what,
            (used.cpu - idle.cpu) / (total as f64 / 1e6)
        );
        println!(
            "ack p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms",
            at(0.5),
            at(0.99),
            at(1.0)
        );
        println!("peak RSS {:.0} MiB (idle {:.0})", used.peak_mib, idle.peak_mib);
        if !self.kill {
            return Ok(server);
        }
        drop(server);
        let server = Server::start(Kind::Kymo, self.bin, self.data)?;
        let began = Instant::now();
        server.ready()?;
        println!("ready {:.2} s after kill -9", began.elapsed().as_secs_f64());
        Ok(server)
    }

    /// Flushes and merges, and prints what that took and what `total` rows take on disk.
    ///
    /// # Errors
    /// A server that refuses, and a directory that cannot be read.
    #[expect(clippy::print_stdout, reason = "the report of a load program")]
    pub fn settle(&self, server: &Server, total: usize) -> Result<()> {
        let total = total as f64;
        let before = usage(server.pid())?;
        let mut client = Client::connect(&server.host)?;
        for path in ["/api/v1/admin/flush", "/api/v1/admin/compact?wait=true"] {
            let (status, body) = client.post(path)?;
            ensure!(status < 300, "{path}: {status} {body}");
        }
        let settled = usage(server.pid())?;
        println!(
            "flush and full merge: CPU {:.2} s per million, peak RSS {:.0} MiB",
            (settled.cpu - before.cpu) / (total / 1e6),
            settled.peak_mib
        );
        let blocks = disk_bytes(&self.data.join(format!("tenants/default/{}/blocks", self.signal)))?;
        println!(
            "blocks {:.2} B per {}; directory {:.2}",
            blocks as f64 / total,
            self.what,
            disk_bytes(self.data)? as f64 / total
        );
        Ok(())
    }
}

/// Sends all bodies and returns the seconds it took and how long each waited for its acknowledgement.
fn send(
    host: &str,
    bodies: &[Body],
    connections: usize,
    deliver: impl Fn(&mut Client, &[u8]) -> io::Result<u16> + Sync,
) -> Result<(f64, Vec<Duration>)> {
    let next = AtomicUsize::new(0);
    let latencies = Mutex::new(Vec::with_capacity(bodies.len()));
    let began = Instant::now();
    let work = || -> Result<()> {
        let mut client = Client::connect(host)?;
        let mut own = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some((body, _)) = bodies.get(at) else { break };
            let asked = Instant::now();
            let mut status = deliver(&mut client, body)?;
            // The server takes no more before it has flushed; an agent comes again, and what it waits counts.
            while status == 503 {
                thread::sleep(Duration::from_millis(20));
                status = deliver(&mut client, body)?;
            }
            ensure!((200..300).contains(&status), "status {status}");
            own.push(asked.elapsed());
        }
        latencies
            .lock()
            .map_err(|_| anyhow::anyhow!("a sender failed"))?
            .extend(own);
        Ok(())
    };
    thread::scope(|scope| -> Result<()> {
        let senders: Vec<_> = (0..connections).map(|_| scope.spawn(work)).collect();
        for sender in senders {
            sender.join().map_err(|_| anyhow::anyhow!("a sender failed"))??;
        }
        Ok(())
    })?;
    Ok((began.elapsed().as_secs_f64(), latencies.into_inner()?))
}
