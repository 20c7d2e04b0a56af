//! The Kymo store: one log, heads, blocks, merges and retention for every signal.
//!
//! Knows no query language, no wire format, no async runtime and no clock: time is an argument, I/O is a trait.

pub mod block;
pub mod cache;
pub mod coding;
pub mod compaction;
pub mod db;
pub mod error;
pub mod health;
pub mod labels;
pub mod log;
pub mod logs;
pub mod manifest;
pub mod metrics;
pub mod node;
pub mod retention;
pub mod signal;
pub mod storage;
pub mod store;
pub mod ticket;
pub mod tombstone;
pub mod traces;
pub mod wake;

pub use error::{BudgetExceeded, Error, ErrorKind, Result};
