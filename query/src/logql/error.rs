//! What is wrong with a query's text, in the words of Loki. Not for errors of evaluation.

use std::fmt;

/// A syntax or type error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// What is wrong.
    pub message: String,
    /// Line and column from 1, where one is known.
    pub place: Option<(usize, usize)>,
    /// The stage that is wrong, where the error is not of the grammar.
    pub stage: Option<String>,
}

impl std::error::Error for ParseError {}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ParseError {
            message,
            place,
            stage,
        } = self;
        match (place, stage) {
            (Some((line, column)), _) => write!(f, "parse error at line {line}, col {column}: {message}"),
            (None, Some(stage)) => write!(f, "parse error : stage '{stage}' : {message}"),
            (None, None) => write!(f, "parse error : {message}"),
        }
    }
}

impl ParseError {
    pub(super) fn new(message: impl Into<String>) -> ParseError {
        ParseError {
            message: message.into(),
            place: None,
            stage: None,
        }
    }

    pub(super) fn at(message: impl Into<String>, place: (usize, usize)) -> ParseError {
        ParseError {
            place: Some(place),
            ..ParseError::new(message)
        }
    }

    pub(super) fn of_stage(message: impl Into<String>, stage: impl Into<String>) -> ParseError {
        ParseError {
            stage: Some(stage.into()),
            ..ParseError::new(message)
        }
    }
}
