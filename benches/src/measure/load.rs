//! Fills a server with a fleet's life, as fast as it acknowledges.

use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::fleet::{Body, Fleet, Protocol};
use crate::http::Client;

/// Path of the receiver, the same everywhere.
const PATH: &str = "/api/v1/write";
/// Samples in a request at most, as Prometheus sends by default.
const SAMPLES_MAX: usize = 2000;
/// Scrapes by which one connection may be ahead of another: the fleet's clock is one.
const AHEAD_MAX: u64 = 4;

/// How filling went.
#[derive(Debug, Clone, Copy)]
pub struct Loaded {
    /// Samples acknowledged, stale markers included.
    pub samples: u64,
    /// Seconds from the first request to the last acknowledgement.
    pub seconds: f64,
}

/// Scrapes done by each connection, so that none runs away.
struct Pace {
    done: Mutex<Vec<u64>>,
    moved: Condvar,
}

impl Pace {
    /// Tells that a connection has done a scrape, all when `None`, and waits until the others are near.
    fn step(&self, connection: usize, done: u64) {
        let Ok(mut all) = self.done.lock() else { return };
        all[connection] = done;
        self.moved.notify_all();
        while all.iter().any(|other| other.saturating_add(AHEAD_MAX) < done) && done < u64::MAX {
            match self.moved.wait(all) {
                Ok(guard) => all = guard,
                Err(_) => return,
            }
        }
    }
}

/// Sends the fleet's life over some connections; the targets are split among them, each sends its own in order.
///
/// # Errors
/// When a request is answered with anything but 2xx.
pub fn fill(host: &str, fleet: &Fleet, connections: usize, protocol: Protocol) -> Result<Loaded> {
    let pace = Pace {
        done: Mutex::new(vec![0; connections]),
        moved: Condvar::new(),
    };
    let started = Instant::now();
    let samples = thread::scope(|scope| {
        let workers: Vec<_> = (0..connections)
            .map(|c| {
                let pace = &pace;
                scope.spawn(move || {
                    let sent = send(host, protocol, fleet, (c, connections), pace);
                    pace.step(c, u64::MAX);
                    sent
                })
            })
            .collect();
        let mut samples = 0;
        for worker in workers {
            samples += worker.join().ok().context("a connection's thread panicked")??;
        }
        anyhow::Ok(samples)
    })?;
    let seconds = started.elapsed().as_secs_f64();
    Ok(Loaded { samples, seconds })
}

fn send(
    host: &str,
    protocol: Protocol,
    fleet: &Fleet,
    (part, parts): (usize, usize),
    pace: &Pace,
) -> Result<u64> {
    let mut client = Client::connect(host)?;
    let mut player = fleet.player(part, parts);
    let (mut body, mut ready) = (Body::new(protocol), Vec::new());
    let (mut samples, mut scrapes) = (0, 0);
    while player.scrape(|labels, identity, time, value| {
        body.push(labels, identity, time, value);
        samples += 1;
        if body.samples() == SAMPLES_MAX {
            ready.push(body.finish());
        }
    }) {
        for body in ready.drain(..) {
            deliver(&mut client, protocol, &body)?;
        }
        scrapes += 1;
        pace.step(part, scrapes);
    }
    if body.samples() > 0 {
        deliver(&mut client, protocol, &body.finish())?;
    }
    Ok(samples)
}

fn deliver(client: &mut Client, protocol: Protocol, body: &[u8]) -> Result<()> {
    let status = match protocol {
        Protocol::One => client.remote_write(PATH, body)?,
        Protocol::Two => client.remote_write_v2(PATH, body)?,
        Protocol::Otlp => client.otlp(body, "identity")?,
        Protocol::OtlpGzip => client.otlp(body, "gzip")?,
    };
    ensure!(status / 100 == 2, "{PATH} answered {status}");
    Ok(())
}
