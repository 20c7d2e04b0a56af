//! The query languages of Kymo: text to AST to values, over snapshots of the engine.
//!
//! Knows no wire format, no HTTP and no clock; see [`promql`] for the first of the three.

#![forbid(unsafe_code)]

pub mod lex;
pub mod number;
pub mod promql;
pub mod promqltest;
