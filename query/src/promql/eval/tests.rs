//! Evaluation over a source in memory.

mod answers;
mod fuzz;
mod rules;
