//! Steps over all entries as text.

use std::fmt;

use super::{label, labels, list};
use crate::logql::ast::{Aggregate, AggregateOp, Tail};
use crate::number;

impl fmt::Display for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tail::Sort(by) => {
                let one = |(name, descending): &(String, bool)| {
                    format!("{}{}", label(name), if *descending { " desc" } else { "" })
                };
                write!(f, "| sort {}", list(by, one))
            }
            Tail::Dedup(names) if names.is_empty() => f.write_str("| dedup"),
            Tail::Dedup(names) => write!(f, "| dedup {}", labels(names)),
            Tail::Limit(most) => write!(f, "| limit {most}"),
            Tail::Stats(aggregates, by) => {
                write!(f, "| stats {}", list(aggregates, ToString::to_string))?;
                match by.is_empty() {
                    true => Ok(()),
                    false => write!(f, " by ({})", labels(by)),
                }
            }
        }
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = self.label.as_deref().map(label).unwrap_or_default();
        let param = match self.op {
            AggregateOp::Pct => format!(", {}", number::format_plain(self.param)),
            _ => String::new(),
        };
        write!(f, "{}({of}{param}) as {}", self.op.as_str(), label(&self.name))
    }
}
