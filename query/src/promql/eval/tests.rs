//! Evaluation over a source in memory.

mod answers;
mod depth;
mod fuzz;
mod rules;
