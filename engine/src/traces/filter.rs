//! What a question demands of spans, as plain data that blocks can be pruned by. A filter may let through more than the
//! question asks for, never less: whoever asks tests again.

use std::sync::Arc;

use super::TraceId;
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
    /// The trace has one of these ids.
    Trace(Vec<TraceId>),
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

impl Filter {
    /// The ids of the only traces with spans that may pass; `None` where ids do not tell.
    pub(super) fn traces(&self) -> Option<Vec<TraceId>> {
        match self {
            Filter::Trace(ids) => Some(ids.clone()),
            Filter::And(all) => all.iter().find_map(Filter::traces),
            Filter::Or(any) => {
                let ids: Option<Vec<Vec<TraceId>>> = any.iter().map(Filter::traces).collect();
                Some(ids?.concat())
            }
            Filter::Any | Filter::Test { .. } => None,
        }
    }
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
