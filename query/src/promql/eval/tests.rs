//! Evaluation over a source in memory.

mod answers;
mod depth;
mod fused;
mod fuzz;
mod rules;
