//! The metrics signal: what a write holds, how a head and a block keep it, and how series are selected and read back.
//! The life cycle it shares with the other signals (log, flush, merges, retention) is in `store`.

pub mod batch;
pub mod bits;
pub mod block;
pub mod changes;
pub mod chunk;
pub mod deletion;
pub mod estimate;
pub mod exemplar;
pub mod head;
pub mod histogram;
pub mod key;
pub mod matcher;
pub mod postings;
pub mod re2;
pub mod record;
pub mod registry;
mod rows;
pub mod samples;
pub mod scan;
pub mod select;
pub mod series;
pub mod signal;
pub mod symbols;
pub mod values;

pub use batch::{
    Applied, Conflict, HistogramWrite, LabelBuffer, LabelSource, LabelsFound, Metadata, MetricKind,
    SeriesWrite, WriteBatch,
};
pub use block::SeriesRows;
pub use changes::Moment;
pub use estimate::Estimate;
pub use exemplar::{Exemplar, TraceId, parse_trace_id};
pub use head::Input;
pub use histogram::{CUSTOM_BUCKETS, Counts, Histogram, HistogramError, ResetHint, Span};
pub use key::{SeriesKey, series_key};
pub use matcher::{MatchOp, Matcher};
pub use record::OwnedMetadata;
pub use scan::{Grouping, Identity, SeriesSet, SetReader};
pub use series::{STALE_NAN_BITS, Samples, Selection, SeriesData, is_stale};
pub use signal::Metrics;
