//! Workloads and clients shared by the benchmarks and the load programs. Not for tests of correctness.

pub mod http;
pub mod workload;
