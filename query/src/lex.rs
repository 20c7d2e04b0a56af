//! Pieces that the lexers of all query languages share: spans, durations, quoted strings, the syntax of regular expressions.
//! Not for tokens: each language has its own.

pub mod duration;
pub mod go_duration;
pub mod regex;
pub mod span;
pub mod string;

pub use span::Span;
