//! The traces signal: what a write of spans holds, how a head and a block keep it, and how traces are found and read back
//! whole. The life cycle it shares with the other signals (log, flush, merges, retention) is in `store`.

mod assemble;
pub mod batch;
mod blob;
pub mod block;
pub mod catalogue;
pub mod filter;
mod flush;
pub mod head;
mod interner;
mod layout;
mod merge;
pub mod model;
mod plan;
pub mod scan;
pub mod signal;
mod snapshot;
mod splits;
pub mod table;
pub mod value;
mod vocabulary;

pub use crate::metrics::TraceId;
pub use batch::{Applied, Batch, BatchBuilder, BatchSpan, Part, SharedFields, SpanFields};
pub(crate) use block::column::{decode_ints, effort_for, encode_ints};
pub use catalogue::Astride;
pub use filter::{Filter, TestOp};
pub use model::{Attribute, EntityRef, Event, Link, Resource, Scope, Span, SpanId, Trace};
pub use scan::{Part as ScanPart, Scan, ScanBy};
pub use signal::Traces;
pub use table::{ABSENT, AttributeScope, Column, EachTrace, Field, NO_PARENT, ORPHAN, Run, Table};
pub use value::{Value, ValueKind, ValueRef};

#[cfg(test)]
pub(crate) mod tests;
