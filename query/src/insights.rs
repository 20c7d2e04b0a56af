//! A language for logs in the manner of CloudWatch Logs Insights: commands between pipes, over the same entries as LogQL.
//! Text to tree ([`parse`]), tree to text, and [`query`]: from tree to rows over the parts of a store.
//!
//! ```text
//! fields @timestamp, request.path as path     # more columns; expressions, too
//! | filter response.status >= 400 and @message not like /health/
//! | parse @message "took * ms" as took
//! | stats count(*) as n, pct(took, 95) by bin(5m), path
//! | sort n desc
//! | limit 20
//! ```
//!
//! A name is looked up in structured metadata and labels, then in the line: in JSON by its dotted path (`items.0.id`), elsewhere
//! among `name=value` pairs. Not for the HTTP shapes of queries and answers, which are the server's.

pub mod ast;
mod error;
pub mod eval;
mod fields;
mod lexer;
mod parser;
mod printer;
mod value;

pub use ast::Query;
pub use error::ParseError;
pub use eval::{Answer, QueryOptions, query};
pub use fields::has_value;
pub use parser::parse;

#[cfg(test)]
mod tests;
