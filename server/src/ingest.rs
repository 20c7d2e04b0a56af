//! From bodies of every dialect to the engine's batches: what is accepted, what is refused and why. Transports (HTTP,
//! gRPC) are not known here.

mod fault;
mod histogram;
mod inflate;
mod logs;
pub mod metrics;
mod otlp;
mod rejects;
mod remote_write;
mod remote_write_v2;
mod traces;
mod write;

pub(crate) use fault::Fault;
pub(crate) use inflate::Coding;
pub use logs::LogReason;
pub(crate) use logs::{LogFormat, Rates, Refused};
pub(crate) use otlp::Stated;
pub use rejects::{Reason, Rejects};
pub(crate) use write::{Format, LogOutcome, Outcome, Reserved, write, write_logs, write_traces};

#[cfg(test)]
mod tests;
