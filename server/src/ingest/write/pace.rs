//! Slows writers down a little when flushes fall behind them, so that nobody is refused later: a writer that waits for
//! its acknowledgement sends no more meanwhile. Refusing is the store's business, once even that does not help.

use std::time::Duration;

use kymo_engine::signal::Signal;
use kymo_engine::store::Store;

/// What a writer waits for each MiB it sends while a head is being flushed: a few writers then send about as much as is
/// flushed meanwhile, and each waits for about as long as the others.
const STEADY: Duration = Duration::from_millis(16);
/// The share of its flush size at which the head behind the one being flushed makes writers wait for that long.
const NEAR: f64 = 0.25;
/// The share from which on they wait for longer.
const FAR: f64 = 1.5;
/// How much longer when the head has grown by its flush size beyond that.
const STEP: Duration = Duration::from_millis(24);

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

/// Steady at first, for stopping and going makes some wait for long; then with the cube, which is enough for many writers.
fn wait_at(behind: f64, bytes: usize) -> Duration {
    let far = (behind - FAR).max(0.0);
    let mib = bytes as f64 / f64::from(1 << 20);
    STEADY.mul_f64((behind / NEAR).clamp(0.0, 1.0) * mib) + STEP.mul_f64(far * far * far)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writers_wait_for_longer_the_more_there_is_to_flush() {
        let waits: Vec<u128> = [0.0, 0.125, 0.25, 1.5, 2.5, 4.0]
            .into_iter()
            .map(|behind| wait_at(behind, 1 << 20).as_millis())
            .collect();
        assert_eq!(waits, [0, 8, 16, 16, 40, 391]);
        assert_eq!(wait_at(1.0, 1 << 16), Duration::from_millis(1));
    }
}
