//! Slows writers down a little when flushes fall behind them, so that nobody is refused later: a writer that waits for
//! its acknowledgement sends no more meanwhile. Refusing is the store's business, once even that does not help.

use std::time::Duration;

use kymo_engine::signal::Signal;
use kymo_engine::store::Store;

/// The share of its flush size at which the head behind one being flushed begins to slow writers down.
const FREE: f64 = 0.5;
/// What a writer waits when the head has grown by its flush size beyond that.
const STEP: Duration = Duration::from_millis(8);

/// Waits for as long as the store needs to keep up.
pub(super) async fn pace<S: Signal>(store: &Store<S>) {
    let wait = wait_at(store.behind());
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
}

/// Grows with the cube: nothing to notice while flushes keep up, and enough for many writers when they do not.
fn wait_at(behind: f64) -> Duration {
    let over = (behind - FREE).max(0.0);
    STEP.mul_f64(over * over * over)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writers_wait_for_longer_the_more_there_is_to_flush() {
        let waits: Vec<u128> = [0.0, 0.5, 1.0, 1.5, 2.5, 4.0]
            .into_iter()
            .map(|behind| wait_at(behind).as_millis())
            .collect();
        assert_eq!(waits, [0, 0, 1, 8, 64, 343]);
    }
}
