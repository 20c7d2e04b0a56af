//! The metrics signal: what a write holds, and how series are selected and read back.
//! The life cycle it shares with the other signals (log, head, blocks, merges) is in `store`.

pub mod batch;
pub mod matcher;
pub mod series;

pub use batch::{Applied, Conflict, Metadata, MetricKind, SeriesWrite, WriteBatch};
pub use matcher::{MatchOp, Matcher};
pub use series::{STALE_NAN_BITS, Samples, Selection, SeriesData, is_stale};
