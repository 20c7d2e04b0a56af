//! What the benches and the load programs share: workloads, an HTTP client, servers to measure. Not part of the product.

pub mod fleet;
pub mod http;
pub mod lines;
pub mod measure;
pub mod recording;
pub mod shop;
pub mod workload;
