//! Workloads shared by the benchmarks and the load programs.
