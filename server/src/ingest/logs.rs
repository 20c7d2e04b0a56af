//! Log lines of every dialect to the engine's batch: what a stream's labels become, what is added to entries and which are
//! refused, by the rules of Loki's distributor. An entry that is wrong is refused alone. Not for the transports.

mod entry;
mod json;
mod level;
mod names;
mod otlp;
mod push;
mod rates;
mod refused;
mod stream;

pub(crate) use rates::{Allowance, Rates};
pub use refused::Reason as LogReason;
pub(crate) use refused::Refused;

use hashbrown::{HashMap, HashSet};
use kymo_engine::labels::Labels;
use kymo_engine::logs::{Batch, BatchBuilder};

use super::Fault;
use crate::config::{Config, Logs};
use level::Level;

/// The message that a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// Loki's push request as protobuf.
    Push,
    /// The same as JSON.
    PushJson,
    /// OTLP's `ExportLogsServiceRequest`.
    Otlp,
}

/// What is accepted, at one moment.
#[derive(Clone, Copy)]
pub(super) struct Rules<'c> {
    pub(super) settings: &'c Logs,
    label_name_bytes_max: usize,
    label_value_bytes_max: usize,
    /// First and last time that are accepted, nanoseconds since 1970.
    oldest: i64,
    newest: i64,
    /// Nanoseconds since 1970.
    now: i64,
    /// How much may be written, where that is limited.
    pub(super) allowance: Option<Allowance<'c>>,
}

impl<'c> Rules<'c> {
    /// The rules of a configuration at a time in milliseconds since 1970.
    pub(super) fn at(now_ms: i64, config: &'c Config) -> Rules<'c> {
        let limits = config.limits;
        let bytes = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let ms = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let nanos = |ms: i64| ms.saturating_mul(1_000_000);
        Rules {
            settings: &config.logs,
            label_name_bytes_max: bytes(limits.label_name_bytes_max),
            label_value_bytes_max: bytes(limits.label_value_bytes_max),
            oldest: match config.retention.time_ms {
                0 => i64::MIN,
                kept => nanos(now_ms.saturating_sub(ms(kept))),
            },
            newest: nanos(now_ms.saturating_add(ms(limits.future_ms_max))),
            now: nanos(now_ms),
            allowance: None,
        }
    }
}

/// What a body says.
pub(super) struct Incoming {
    /// What is to be stored.
    pub(super) batch: Batch,
    /// What is not.
    pub(super) refused: Refused,
    /// Streams of the request, whatever became of them.
    pub(super) streams: usize,
}

/// Decodes a body: what is to be stored, and what was refused.
///
/// # Errors
/// Bytes that are no message of the format.
pub(super) fn read(format: LogFormat, body: &[u8], rules: Rules<'_>) -> Result<Incoming, Fault> {
    let mut intake = Intake::new(rules);
    match format {
        LogFormat::Push => push::read(body, &mut intake)?,
        LogFormat::PushJson => json::read(body, &mut intake)?,
        LogFormat::Otlp => otlp::read(body, &mut intake)?,
    }
    Ok(intake.finish())
}

/// A request being taken in.
struct Intake<'c> {
    rules: Rules<'c>,
    builder: BatchBuilder,
    refused: Refused,
    streams: usize,
    /// Streams of the batch that have nothing in the store's head, counted where that is limited.
    fresh: HashSet<Labels>,
    /// Sets with a level, by the set behind them and the level.
    leveled: HashMap<(u32, Level), u32>,
}

impl<'c> Intake<'c> {
    fn new(rules: Rules<'c>) -> Intake<'c> {
        let mut builder = BatchBuilder::default();
        if rules.settings.keep_repeats {
            builder.keep_repeats();
        }
        Intake {
            rules,
            builder,
            refused: Refused::default(),
            streams: 0,
            fresh: HashSet::new(),
            leveled: HashMap::new(),
        }
    }

    fn finish(self) -> Incoming {
        Incoming {
            batch: self.builder.build(),
            refused: self.refused,
            streams: self.streams,
        }
    }
}

#[cfg(test)]
mod tests;
