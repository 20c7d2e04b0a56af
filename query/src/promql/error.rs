//! What is wrong with a query's text. Not for errors of evaluation.

use crate::lex::Span;

/// A syntax or type error. It displays as Prometheus' message does: `1:5: parse error: unexpected end of input`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: parse error: {message}")]
pub struct ParseError {
    /// What is wrong, in Prometheus' words.
    pub message: String,
    /// Where in the text.
    pub span: Span,
    /// Line of the start of the span, from 1.
    pub line: usize,
    /// Column of the start of the span in bytes, from 1.
    pub column: usize,
}

/// An error before its line and column are known.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) span: Span,
    pub(crate) message: String,
}

impl Fault {
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Fault {
        Fault {
            span,
            message: message.into(),
        }
    }

    pub(crate) fn in_text(self, text: &str) -> ParseError {
        let (line, column) = self.span.line_column(text);
        ParseError {
            message: self.message,
            span: self.span,
            line,
            column,
        }
    }
}
