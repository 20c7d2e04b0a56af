//! Slows writers down a little when flushes fall behind them, so that nobody is refused later: a writer that waits for
//! its acknowledgement sends no more meanwhile. Refusing is the store's business, once even that does not help.

use std::time::Duration;

use kymo_engine::signal::Signal;
use kymo_engine::store::Store;

/// What a writer waits for each MiB it sends when flushes are [`NEAR`] behind.
const STEADY: Duration = Duration::from_millis(16);
/// How far flushes are behind, beyond what they wait for to begin, as a share of their size.
const NEAR: f64 = 0.25;
/// The part of the wait that grows with the cube: a few writers wait for little more than in step with what is to flush, and
/// however many there are, they wait for long enough before the head is full.
const CUBE: f64 = 1.0 / 16.0;

/// No wait is longer: senders take an answer that does not come for a failure.
const LONGEST: Duration = Duration::from_secs(4);

/// Waits less than this are none: a timer takes longer.
const LEAST: Duration = Duration::from_micros(500);

/// Waits for as long as the store needs to keep up with writes of so many bytes. The last thing a write does: a sender that
/// goes away meanwhile is counted, and room for others is given back.
pub(super) async fn pace<S: Signal>(store: &Store<S>, bytes: usize) {
    let wait = wait_at(store.behind(), bytes);
    if wait >= LEAST {
        tokio::time::sleep(wait).await;
    }
}

/// Grows evenly, so that writers and flushes find a pace at which each write waits for about as long as the others.
fn wait_at(behind: f64, bytes: usize) -> Duration {
    let far = (behind - 1.0).max(0.0) / NEAR;
    let mib = bytes as f64 / f64::from(1 << 20);
    STEADY.mul_f64((far + CUBE * far * far * far) * mib).min(LONGEST)
}

#[cfg(test)]
mod tests;
