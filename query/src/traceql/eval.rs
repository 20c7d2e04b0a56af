//! What queries answer over whole traces. Not for reading them from the store, which is the parts', nor for what is pruned
//! there (see [`need()`]).
//!
//! A query is compiled once: attributes numbered, patterns compiled. For each table (columns of whole traces) expressions
//! become masks of rows, on distinct values where columns have codes, and only what those leave is walked trace by trace.

mod aggregate;
mod cell;
mod compiled;
mod error;
mod found;
mod frame;
mod group;
mod grouping;
mod key;
mod mask;
mod metrics;
mod need;
mod operand;
mod parallel;
mod pipeline;
mod refuse;
mod relation;
mod row;
mod search;
mod select;
mod sieve;
mod spansets;
mod tree;
mod values;

pub use error::{EvalError, Refusal};
pub use metrics::{
    SeriesProgress, SeriesWatch, explore as metrics_over, explore_watched as metrics_watched,
    wants_attribute_names,
};
pub use need::{need, need_of};
pub use search::{search, search_watched};
pub use values::values_where;

#[cfg(test)]
mod tests;
