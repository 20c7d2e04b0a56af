//! What is wrong with a query's text. Not for errors of evaluation.

/// A query that is refused. It displays as Tempo's message behind `invalid TraceQL query: ` does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The text does not follow the grammar.
    #[error("parse error at line {line}, col {column}: {message}")]
    Syntax {
        /// Line of the offending token, from 1. Like Tempo's, it is 0 where the token was read character by character.
        line: usize,
        /// Column of the offending token in characters, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// The query parses, but asks for something that cannot be.
    #[error("{0}")]
    Invalid(String),
    /// The text is longer than [`super::QUERY_BYTES_MAX`].
    #[error("query of {bytes} bytes exceeds the limit of {limit} bytes")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
}
