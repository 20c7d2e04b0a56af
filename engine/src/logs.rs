//! The logs signal: what a write of log lines holds, how a head and a block keep them, and how lines are found and given back
//! byte for byte. The life cycle it shares with the other signals (log, flush, merges, retention) is in `store`.

pub mod batch;
pub mod block;
pub mod catalogue;
mod class;
pub mod columns;
pub mod deletion;
pub mod fields;
mod flush;
pub mod follow;
pub mod grams;
pub mod head;
pub mod labels;
pub mod line;
mod merge;
pub mod needle;
pub mod pattern;
pub mod rows;
pub mod scan;
pub mod signal;
pub mod values;

pub use batch::{Batch, BatchBuilder, NO_SET};
pub use catalogue::{Buckets, Volume};
pub use columns::{Columns, Run};
pub use deletion::{Condition, Deletion, LineTest};
pub use fields::{FieldName, FieldSink};
pub use follow::{Follower, Following, Missed};
pub use head::Applied;
pub use needle::Needle;
pub use pattern::Patterns;
pub use rows::{Rows, Sets, StreamRows};
pub use scan::{Part, Scan, Wanted};
pub use signal::Logs;

#[cfg(test)]
mod tests;
