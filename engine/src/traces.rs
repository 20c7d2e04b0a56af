//! The traces signal: what a write of spans holds, how a head and a block keep it, and how traces are found and read back
//! whole. The life cycle it shares with the other signals (log, flush, merges, retention) is in `store`.

pub mod batch;
mod blob;
pub mod filter;
mod interner;
mod layout;
pub mod model;
pub mod table;
pub mod value;
mod vocabulary;

pub use crate::metrics::TraceId;
pub use batch::{Applied, Batch, BatchBuilder, Part, SpanFields};
pub use filter::{Filter, TestOp};
pub use model::{Attribute, EntityRef, Event, Link, Resource, Scope, Span, SpanId, Trace};
pub use table::{ABSENT, AttributeScope, Column, Field, NO_PARENT, ORPHAN, Run, Table};
pub use value::{Value, ValueKind, ValueRef};
