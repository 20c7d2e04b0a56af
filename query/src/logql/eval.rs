//! From AST to values. [`metric`] is for numbers.

pub mod error;
pub mod labels;
pub mod metric;

pub use error::EvalError;
pub use labels::LabelSet;
