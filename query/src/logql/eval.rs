//! From AST to values: [`mod@select`] is for lines, [`mod@range`] for numbers, over the parts of a [`store`].

mod columnar;
pub mod error;
pub mod labels;
pub mod metric;
mod needles;
mod parallel;
pub mod range;
pub mod select;
pub mod store;

pub(crate) use columnar::{Coded, skeleton};
pub use error::EvalError;
pub use labels::LabelSet;
pub(crate) use needles::scans;
pub(crate) use parallel::{check, in_parallel};
pub use range::{Numbers, RangeOptions, range};
pub use select::{Direction, Line, LineLabels, Lines, SelectOptions, select};
