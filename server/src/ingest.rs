//! From bodies of every dialect to the engine's batches: what is accepted, what is refused and why. Transports (HTTP,
//! gRPC) are not known here.

mod fault;
mod histogram;
pub mod metrics;
mod rejects;
mod remote_write;
mod remote_write_v2;
mod write;

pub(crate) use fault::Fault;
pub use rejects::{Reason, Rejects};
pub(crate) use write::{Format, Outcome, Reserved, write};
