//! From decoded messages to the engine's batches: what is accepted, what is refused and why.

pub mod metrics;
mod rejects;

pub use rejects::{Reason, Rejects};
