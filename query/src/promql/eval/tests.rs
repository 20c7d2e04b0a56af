//! Evaluation over a source in memory.

mod answers;
mod fused;
mod fuzz;
mod rules;
