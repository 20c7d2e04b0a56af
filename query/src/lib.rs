//! The query languages of Kymo: text to AST to values, over snapshots of the engine.
//!
//! Knows no wire format, no HTTP and no clock. [`promql`], [`traceql`] and [`logql`] are the three, and [`insights`] asks for
//! logs in another manner; [`promqltest`], [`traceqltest`] and [`logqltest`] run their scripts; [`lex`] and [`number`] are what the languages share.

#![forbid(unsafe_code)]

mod exact;
pub mod insights;
pub mod lex;
pub mod logql;
pub mod logqltest;
pub mod number;
mod outcome;
pub mod promql;
pub mod promqltest;
pub mod traceql;
pub mod traceqltest;
