//! What a question demands of spans, as plain data that blocks can be pruned by. A filter may let through more than the
//! question asks for, never less: whoever asks tests again.

use std::sync::Arc;

use super::table::Field;
use super::value::Value;

/// A condition on one span.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Holds for every span as far as is known.
    Any,
    /// Every one holds.
    And(Vec<Filter>),
    /// One of them holds at least.
    Or(Vec<Filter>),
    /// A field is present and passes a test.
    Test {
        /// Which field.
        field: Field,
        /// What is asked of it.
        op: TestOp,
        /// What it is compared with. Whole numbers, doubles and durations in nanoseconds compare as numbers.
        values: Vec<Value>,
    },
}

/// What is asked of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum TestOp {
    /// Equal to one of the values; a list when one of its items is.
    Eq,
    /// Below the value.
    Lt,
    /// Not above the value.
    Le,
    /// Above the value.
    Gt,
    /// Not below the value.
    Ge,
    /// A string that matches whole a regular expression in the syntax of RE2.
    Regex(Arc<str>),
    /// There at all.
    Exists,
}
