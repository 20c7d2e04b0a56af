//! How a query ended and what it cost. Not for its answer.

use std::time::Duration;

use super::Refused;

/// How a query ended, as counters and logs name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// With an answer.
    Success,
    /// With an error of its own.
    Failed,
    /// Its time was up, while it ran or while it waited.
    TimedOut,
    /// Its client went away, or the server stops.
    Canceled,
    /// Ended by a call of the API.
    Killed,
    /// It would have held more memory or samples than it may.
    OverLimit,
    /// There was no room in the queue.
    Rejected,
}

impl Outcome {
    /// How many there are.
    pub(crate) const COUNT: usize = 7;

    /// All, in the order of their numbers.
    pub(crate) const ALL: [Outcome; Outcome::COUNT] = [
        Outcome::Success,
        Outcome::Failed,
        Outcome::TimedOut,
        Outcome::Canceled,
        Outcome::Killed,
        Outcome::OverLimit,
        Outcome::Rejected,
    ];

    /// Its name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Failed => "failed",
            Outcome::TimedOut => "timeout",
            Outcome::Canceled => "canceled",
            Outcome::Killed => "killed",
            Outcome::OverLimit => "over_limit",
            Outcome::Rejected => "rejected",
        }
    }

    pub(super) fn of_refused(refused: &Refused) -> Outcome {
        match refused {
            Refused::QueueFull { .. } => Outcome::Rejected,
            Refused::TimedOut => Outcome::TimedOut,
            Refused::Killed => Outcome::Killed,
            Refused::Stopping => Outcome::Canceled,
        }
    }
}

/// What a query cost.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cost {
    /// From its arrival to its answer.
    pub(crate) took: Duration,
    /// Of that, waiting for its turn.
    pub(crate) waited: Duration,
    /// Most bytes held at once.
    pub(crate) peak_bytes: usize,
    /// Samples decoded from the store.
    pub(crate) samples_read: u64,
    /// Samples looked at, those in overlapping windows again for each step.
    pub(crate) samples_queryable: u64,
    /// Most samples held at once.
    pub(crate) samples_peak: u64,
    /// The error it ended with, empty when it did not.
    pub(crate) error: String,
}
