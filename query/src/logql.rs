//! LogQL of Loki 3: text to AST ([`parse`]), AST to text.
//! Not for the HTTP shapes of queries and results, which are the server's.

pub mod ast;
mod check;
mod convert;
pub mod error;
pub mod eval;
mod lexer;
mod parser;
mod pipeline;
mod printer;
pub mod template;
mod token;

pub use ast::{Expr, LogExpr, Metric};
pub use error::ParseError;
pub use lexer::bytes_of;
pub(crate) use parser::plain_name;
pub use parser::{DEPTH_MAX, QUERY_BYTES_MAX, parse, parse_log, parse_matchers, parse_metric};
pub(crate) use pipeline::look_up;
pub use printer::pretty;

use crate::promql::ast::BinaryOp;

/// What an operator makes of two numbers; none for operators of sets. Comparisons answer 0 or 1, and a division by 0 NaN.
pub(crate) fn arithmetic(op: BinaryOp, a: f64, b: f64) -> Option<f64> {
    let truth = |holds: bool| if holds { 1.0 } else { 0.0 };
    Some(match op {
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Mul => a * b,
        BinaryOp::Div | BinaryOp::Mod if b == 0.0 => f64::NAN,
        BinaryOp::Div => a / b,
        BinaryOp::Mod => a % b,
        BinaryOp::Pow => a.powf(b),
        BinaryOp::Equal => truth(a == b),
        BinaryOp::NotEqual => truth(a != b),
        BinaryOp::Greater => truth(a > b),
        BinaryOp::GreaterEqual => truth(a >= b),
        BinaryOp::Less => truth(a < b),
        BinaryOp::LessEqual => truth(a <= b),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
