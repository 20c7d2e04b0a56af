//! PromQL of Prometheus 3.14: text to AST ([`parse`]), AST to text ([`printer`], [`mod@format`]), AST to values ([`eval`]).
//! Not for the HTTP shapes of queries and results, which are the server's.

pub mod ast;
mod check;
pub mod error;
pub mod eval;
pub mod format;
pub mod functions;
pub mod histogram;
mod lexer;
mod parser;
pub mod printer;
mod token;

pub use ast::Expr;
pub use error::ParseError;
pub use parser::{DEPTH_MAX, ParseOptions, parse, parse_labels, parse_selector};

/// The vector selectors of an expression, those of range selectors and inside subqueries included, in the order of the text.
pub fn selectors(expr: &Expr) -> Vec<&ast::VectorSelector> {
    let mut found = Vec::new();
    expr.walk(&mut |e| match e {
        Expr::Vector(selector) => found.push(selector),
        Expr::Matrix(matrix) => found.push(&matrix.selector),
        _ => {}
    });
    found
}

#[cfg(test)]
mod tests;
