//! The metrics signal: what a write holds, how a head and a block keep it, and how series are selected and read back.
//! The life cycle it shares with the other signals (log, flush, merges, retention) is in `store`.

pub mod batch;
pub mod bits;
pub mod block;
pub mod chunk;
pub mod head;
pub mod matcher;
pub mod postings;
pub mod re2;
pub mod record;
pub mod registry;
pub mod samples;
pub mod select;
pub mod series;
pub mod signal;
pub mod symbols;
pub mod values;

pub use batch::{Applied, Conflict, Metadata, MetricKind, SeriesWrite, WriteBatch};
pub use head::Input;
pub use matcher::{MatchOp, Matcher};
pub use record::OwnedMetadata;
pub use series::{STALE_NAN_BITS, Samples, Selection, SeriesData, is_stale};
pub use signal::Metrics;
