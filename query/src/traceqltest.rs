//! Scripts for TraceQL (`*.test`): traces to load, queries, and what they must give, in the style of Prometheus' scripts.
//! [`run`] runs one script. Not for the HTTP shapes of answers.
//!
//! ```text
//! # A comment.
//! clear
//!
//! load
//!   trace 01
//!     span a frontend "GET /" 0s 100ms kind=server status=error span.http.status_code=500
//!       event exception 10ms exception.message="boom"
//!       link 02 b reason="retry"
//!     span b cart get 10ms 20ms parent=a resource.region="eu"
//!
//! eval spans { status = error } >> { }
//!   01: b
//!
//! eval traces { resource.region = "eu" } | by(name)
//!   trace 01 0s 100ms frontend "GET /" cart=1/0 frontend=1/1
//!     spanset 1 by(name)="get"
//!       span b 10ms 20ms "get" region="eu"
//!
//! eval range 0s 20s 10s { } | rate() by (resource.service.name)
//!   {resource.service.name="cart"} 0 0.1 0
//!   {resource.service.name="frontend"} 0.1 0 0
//!
//! eval instant 0s 10s { } | count_over_time()
//!   {__name__="count_over_time"} 2
//!
//! eval spans { .a / 0
//!   fail unexpected $end
//! ```
//!
//! Times count from 1970; a span has its start and its duration. Ids are hexadecimal digits that are filled up with zeros on
//! the left. Keys without a scope are the span's, those of an event or a link its own. `spans` shows ids only, the spansets of
//! a trace between bars; options such as `limit=3`, `spss=2` and `times=0s..9s` stand before the query. `_` is a step without a
//! sample.

pub use crate::outcome::{Failure, Outcome, ScriptError};
use std::sync::Arc;

use kymo_engine::traces::{AttributeScope, Trace};

use crate::traceql::Query;
use crate::traceql::options::Part;

mod load;
pub mod memory;
mod runner;
mod script;
mod show;
mod words;

pub use runner::run;

/// Takes the parts for a query and the names of attributes.
pub type Visit<'v> = dyn FnMut(&[Part<'_>], &[(AttributeScope, Arc<str>)]) + 'v;

/// Where a script puts its traces. `clear` begins with an empty store.
pub trait Loader {
    /// Forgets everything loaded so far.
    ///
    /// # Errors
    /// What the store says.
    fn clear(&mut self) -> Result<(), String>;

    /// Adds traces.
    ///
    /// # Errors
    /// What the store says.
    fn load(&mut self, traces: Vec<Trace>) -> Result<(), String>;

    /// Shows the parts that can matter to a query over some times (nanoseconds since 1970, both inclusive) to `visit`, with the
    /// names of attributes there are.
    ///
    /// # Errors
    /// What the store says.
    fn with_parts(
        &self,
        query: &Query,
        times: Option<(i64, i64)>,
        visit: &mut Visit<'_>,
    ) -> Result<(), String>;
}

#[cfg(test)]
mod tests;
