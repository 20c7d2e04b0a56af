//! Servers under measurement: started on free ports in directories of their own, filled, asked and killed.

mod ask;
mod busy;
mod load;
mod peer;
mod queries;
mod read_back;
mod run;
pub mod send;
mod usage;

pub use ask::{Answers, How, Over, Took, ask_all, table as answers_table};
pub use busy::under_load;
pub use load::{Loaded, fill};
pub use peer::{Kind, Server, Settled};
pub use read_back::{ReadBack, read_back};
pub use run::{Plan, Report, Workload, churn, run, table};
pub use usage::{Usage, disk_bytes, reset_peak, usage};
