//! The effective configuration: one plain struct per concern, read from YAML, `KYMO_*` variables and flags, in that
//! order, and checked at once. [`keys`] has the one table that parsing, printing and the README derive from.

pub(crate) mod generate;
pub mod keys;
mod load;
mod logs;
mod otlp;

use std::fmt;
use std::path::PathBuf;

pub use generate::Generate;
pub use load::{Overrides, Problems, load, parse};
pub use logs::{DeletionMode, LogDeletion, LogQuestions, LogRates, Logs};
pub use otlp::{Otlp, Strategy};
use regex::Regex;

/// Everything the server can be told.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the data lies.
    pub data_dir: PathBuf,
    /// Address of the main listener, `HOST:PORT`.
    pub listen: String,
    /// What is kept.
    pub retention: Retention,
    /// When a write counts as durable.
    pub wal_sync: WalSync,
    /// What writers may send.
    pub limits: Limits,
    /// Which remote-write messages are taken.
    pub remote_write: AcceptedMessages,
    /// Labels of series that become exemplars.
    pub moved_labels: Vec<String>,
    /// How OTLP is taken.
    pub otlp: Otlp,
    /// How log lines are taken.
    pub logs: Logs,
    /// Metrics made of spans.
    pub generate: Generate,
    /// Address of the listener with Tempo's API at its own paths, `None` without.
    pub tempo_listen: Option<String>,
    /// Address of the listener with Jaeger's API at its own paths, `None` without.
    pub jaeger_listen: Option<String>,
    /// Names of fields and attributes whose values can be tracked.
    pub track_ids: Vec<String>,
    /// What queries may use.
    pub query: QueryLimits,
    /// What remote readers may ask for.
    pub remote_read: RemoteRead,
    /// Labels that tell this server from others, by name: added to what federation and remote read answer.
    pub external_labels: Vec<(String, String)>,
    /// What Prometheus keeps behind feature flags.
    pub features: Features,
    /// How the server logs.
    pub log: Log,
    /// Whether `X-Scope-OrgID` picks the tenant. Off: the header is ignored and there is one tenant.
    pub tenancy: bool,
    /// What browsers and links need.
    pub web: Web,
}

/// What is kept, by age and by size; zero means without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Age in milliseconds from which samples are dropped.
    pub time_ms: u64,
    /// Bytes of all blocks above which the oldest are dropped.
    pub size_bytes: u64,
}

/// When a write counts as durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalSync {
    /// Synced before it is acknowledged.
    Always,
    /// Synced in the background; a power loss may lose the last moments.
    Interval,
    /// Left to the operating system.
    Off,
}

/// What writers may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a label's name.
    pub label_name_bytes_max: u64,
    /// Bytes of a label's value.
    pub label_value_bytes_max: u64,
    /// Labels of one series, `__name__` included.
    pub labels_per_series_max: u64,
    /// Active series per tenant.
    pub series_max: u64,
    /// Decompressed bytes of one request.
    pub body_bytes_max: u64,
    /// Bytes, compressed and not, of all writes in work; above it writers are told to retry.
    pub in_flight_bytes_max: u64,
    /// How far ahead of the server's clock a sample may be, in milliseconds.
    pub future_ms_max: u64,
}

/// Which remote-write messages are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcceptedMessages {
    /// `prometheus.WriteRequest`, 1.0.
    pub v1: bool,
    /// `io.prometheus.write.v2.Request`, 2.0.
    pub v2: bool,
}

/// What queries may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryLimits {
    /// Longest time one query may take, in milliseconds.
    pub timeout_ms: u64,
    /// Samples one query may hold in memory.
    pub samples_max: u64,
    /// Bytes one query may hold.
    pub memory_max: u64,
    /// Bytes all queries may hold together.
    pub memory_total: MemoryTotal,
    /// Queries evaluated at the same time; more wait.
    pub concurrency: u64,
    /// Queries that may wait.
    pub queue_length: u64,
    /// Longest time a query waits, in milliseconds; 0 is as long as it may take.
    pub queue_timeout_ms: u64,
    /// Bytes of answers that are kept to be given again while they hold.
    pub remember_bytes: u64,
    /// How far an instant selector looks back, in milliseconds.
    pub lookback_ms: u64,
    /// Time from which a query counts as slow, in milliseconds.
    pub log_slow_ms: u64,
    /// Where slow queries are logged; `None` is the server's own log.
    pub log_file: Option<PathBuf>,
}

/// What remote readers may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteRead {
    /// Samples of one query that is answered in one message.
    pub samples_max: u64,
    /// Requests in work at the same time; more wait.
    pub concurrency: u64,
    /// Bytes of one frame of a stream, about.
    pub frame_bytes: u64,
}

/// Bytes that all queries may hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryTotal {
    /// Half of what the machine, or the container that the server runs in, has.
    Auto,
    /// So many.
    Bytes(u64),
}

impl MemoryTotal {
    /// The bytes on this machine.
    pub fn bytes(self) -> u64 {
        match self {
            MemoryTotal::Auto => crate::machine::memory_bytes() / 2,
            MemoryTotal::Bytes(bytes) => bytes,
        }
    }
}

/// What Prometheus keeps behind feature flags, under the flags' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Features {
    /// Functions and aggregations marked experimental.
    pub promql_experimental_functions: bool,
    /// The modifiers `anchored` and `smoothed`.
    pub promql_extended_range_selectors: bool,
    /// The modifiers `fill`, `fill_left` and `fill_right`.
    pub promql_binop_fill_modifiers: bool,
    /// Metric names are dropped at the end of a query.
    pub promql_delayed_name_removal: bool,
    /// `stats=all` answers samples by step.
    pub promql_per_step_stats: bool,
    /// Functions over counters take resets from start timestamps.
    pub use_start_timestamps: bool,
    /// Series have the labels `__type__` and `__unit__`.
    pub type_and_unit_labels: bool,
    /// `/api/v1/search/*`.
    pub search_api: bool,
}

/// How the server logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Form of a line.
    pub format: LogFormat,
    /// Filter, as `tracing_subscriber::EnvFilter` reads it.
    pub level: String,
}

/// Form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// What browsers and links need.
#[derive(Debug, Clone)]
pub struct Web {
    /// Deletion and snapshots through the Prometheus API.
    pub admin_api: bool,
    /// The URL under which users reach the server, empty when unknown.
    pub external_url: String,
    /// Path before all routes of the main listener; empty takes that of `external_url`.
    pub route_prefix: String,
    /// Origins allowed to call the API from a browser, anchored.
    pub cors_origin: CorsOrigin,
}

/// An anchored pattern of origins and its text.
#[derive(Debug, Clone)]
pub struct CorsOrigin {
    /// As configured.
    pub text: String,
    /// Compiled.
    pub regex: Regex,
}

impl fmt::Display for WalSync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WalSync::Always => "always",
            WalSync::Interval => "interval",
            WalSync::Off => "off",
        })
    }
}

impl fmt::Display for MemoryTotal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MemoryTotal::Auto => f.write_str("auto"),
            MemoryTotal::Bytes(bytes) => f.write_str(&crate::units::size_text(*bytes)),
        }
    }
}

impl fmt::Display for AcceptedMessages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [(self.v1, keys::REMOTE_WRITE_V1), (self.v2, keys::REMOTE_WRITE_V2)];
        let taken: Vec<_> = names
            .iter()
            .filter(|(taken, _)| *taken)
            .map(|(_, name)| *name)
            .collect();
        f.write_str(&taken.join(","))
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        })
    }
}

impl Default for Config {
    /// The configuration without a file: every key at its default.
    fn default() -> Config {
        parse("", &Overrides::default()).expect("the defaults of the table are valid")
    }
}

impl Web {
    /// The path before all routes of the main listener, without a slash at its end; empty for none.
    pub fn prefix(&self) -> String {
        let path = match self.route_prefix.as_str() {
            "" => {
                let after_scheme = self.external_url.split_once("://").map_or("", |(_, rest)| rest);
                after_scheme.split_once('/').map_or("", |(_, path)| path)
            }
            stated => stated,
        };
        let path = path.split(['?', '#']).next().unwrap_or("").trim_matches('/');
        if path.is_empty() {
            String::new()
        } else {
            format!("/{path}")
        }
    }
}

impl Config {
    /// The lines of the configuration that are not as they would be without any.
    pub fn differences(&self) -> String {
        let defaults = Config::default();
        let mut out = String::new();
        for key in keys::all() {
            let value = (key.show)(self);
            if value != (key.show)(&defaults) {
                out.push_str(&format!("{}: {value}\n", key.path));
            }
        }
        out
    }

    /// The configuration as a YAML document that reads back to the same.
    pub fn to_yaml(&self) -> String {
        let mut out = String::new();
        let mut section = "";
        for key in keys::all() {
            let (head, leaf) = key.path.split_once('.').unwrap_or(("", key.path));
            if head != section {
                if !head.is_empty() {
                    out.push_str(&format!("{head}:\n"));
                }
                section = head;
            }
            let indent = if head.is_empty() { "" } else { "  " };
            out.push_str(&format!("{indent}{leaf}: {}\n", quoted((key.show)(self))));
        }
        out
    }
}

fn quoted(text: String) -> String {
    let plain = !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._/-".contains(c));
    if plain { text } else { format!("{text:?}") }
}

#[cfg(test)]
mod tests;
