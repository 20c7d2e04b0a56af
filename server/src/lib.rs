//! Everything of Kymo that knows users: HTTP, CLI, config and workers.

#![forbid(unsafe_code)]

pub mod config;
pub mod go_float;
pub mod units;
