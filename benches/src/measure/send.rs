//! Sends prepared bodies as fast as they are acknowledged.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::http::Client;

/// A body and its number of rows.
pub type Body = (Vec<u8>, usize);

/// Sends all bodies and returns the seconds it took and how long each waited for its acknowledgement.
///
/// # Errors
/// A connection that fails, and a status that is no success.
pub fn send(
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
