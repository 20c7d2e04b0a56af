//! TraceQL of Tempo 3: text to AST ([`parse`]), AST to text (its `Display`), AST to values.
//! Not for the HTTP shapes of queries and results, which are the server's.
//!
//! Beyond Tempo's grammar it takes what Tempo parses and then calls unsupported: arithmetic and comparison of aggregates, and of
//! `(pipeline | aggregate)`; and pipelines in parentheses wherever a spanset may stand.

pub mod answer;
pub mod ast;
mod check;
pub mod error;
pub mod eval;
mod fold;
pub mod grid;
pub mod lenient;
mod lexer;
pub mod options;
mod parser;
mod printer;
mod token;
mod value;

pub use ast::Query;
pub use error::ParseError;
pub use eval::{
    EvalError, SeriesProgress, SeriesWatch, metrics_over, metrics_watched, need, need_of, search,
    search_watched, values_where, wants_attribute_names,
};
pub use lenient::lenient;
pub use parser::{DEPTH_MAX, QUERY_BYTES_MAX, parse, parse_attribute};

#[cfg(test)]
mod tests;
