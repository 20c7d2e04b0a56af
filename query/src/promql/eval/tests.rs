//! Evaluation over a source in memory.

mod answers;
