//! Slows writers down a little when flushes fall behind them, so that nobody is refused later: a writer that waits for
//! its acknowledgement sends no more meanwhile. Refusing is the store's business, once even that does not help.

use std::time::{Duration, Instant};

use kymo_engine::signal::Signal;
use kymo_engine::store::Store;

/// How long a write of a MiB takes at least when flushes are behind by as much as one of them writes. The more that is, the less
/// it matters how evenly writes and flushes go on, and the more memory is held.
const STEADY: Duration = Duration::from_millis(40);
/// How far behind flushes are when writes take longer than that.
const FAR: f64 = 2.0;
/// How much longer when they are one more behind: grows with the cube, so that however many write, each waits for long enough
/// before the head is full.
const STEEP: Duration = Duration::from_millis(200);
/// No wait is longer: senders take an answer that does not come for a failure.
const LONGEST: Duration = Duration::from_secs(4);

/// Waits less than this are none: a timer takes longer.
const LEAST: Duration = Duration::from_micros(500);

/// Waits until as much time has passed since `began` as a write of so many bytes takes if the store is to keep up: what it took
/// to store it counts, so that some do not wait for longer than others. The last thing a write does: a sender that goes away
/// meanwhile is counted, and room for others is given back.
pub(super) async fn pace<S: Signal>(store: &Store<S>, bytes: usize, began: Instant) {
    let wait = time_of(store.behind(), bytes).saturating_sub(began.elapsed());
    if wait >= LEAST {
        tokio::time::sleep(wait).await;
    }
}

/// Grows evenly, so that writers and flushes find a pace at which each write takes about as long as the others.
fn time_of(behind: f64, bytes: usize) -> Duration {
    let near = (behind - 1.0).max(0.0);
    let far = (behind - FAR).max(0.0);
    let mib = bytes as f64 / f64::from(1 << 20);
    let of_mib = STEADY.mul_f64(near) + STEEP.mul_f64(far * far * far);
    of_mib.mul_f64(mib).min(LONGEST)
}

#[cfg(test)]
mod tests;
