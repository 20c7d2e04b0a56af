//! Everything of Kymo that knows users: HTTP, CLI, config and workers.

#![forbid(unsafe_code)]

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod counters;
mod deletes;
mod files;
pub mod generate;
pub mod go_float;
mod governor;
mod grpc;
mod http;
pub mod ingest;
mod listener;
mod machine;
mod options;
pub mod pool;
mod remember;
pub mod run;
pub mod scripts;
mod spans;
mod trace_out;
pub mod units;
