//! Prometheus' scripts for PromQL (`*.test`): series to load, queries, and what they must give.
//! Not for rule tests of promtool.

pub mod memory;
