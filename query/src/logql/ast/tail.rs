//! What becomes of the entries of a query as a whole. Loki has nothing of the kind.

/// A step over all entries.
#[derive(Debug, Clone, PartialEq)]
pub enum Tail {
    /// `| sort a, b desc`: labels, true for the greatest first.
    Sort(Vec<(String, bool)>),
    /// `| dedup a, b`: of entries with the same labels the first; without labels of those with the same line.
    Dedup(Vec<String>),
    /// `| limit 10`.
    Limit(usize),
    /// `| stats count(), avg(took) as mean by service`: one entry for each group.
    Stats(Vec<Aggregate>, Vec<String>),
}

/// A number of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// Which.
    pub op: AggregateOp,
    /// Of which label; none counts entries.
    pub label: Option<String>,
    /// Percentile, for [`AggregateOp::Pct`].
    pub param: f64,
    /// Label of the answer.
    pub name: String,
}

/// Numbers of groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AggregateOp {
    /// Entries, or entries with the label.
    Count,
    /// Different values.
    CountDistinct,
    /// The sum.
    Sum,
    /// The mean.
    Avg,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// A percentile.
    Pct,
}

impl AggregateOp {
    /// Every one.
    pub const ALL: [AggregateOp; 7] = [
        AggregateOp::Count,
        AggregateOp::CountDistinct,
        AggregateOp::Sum,
        AggregateOp::Avg,
        AggregateOp::Min,
        AggregateOp::Max,
        AggregateOp::Pct,
    ];

    /// The name in a query.
    pub fn as_str(self) -> &'static str {
        match self {
            AggregateOp::Count => "count",
            AggregateOp::CountDistinct => "count_distinct",
            AggregateOp::Sum => "sum",
            AggregateOp::Avg => "avg",
            AggregateOp::Min => "min",
            AggregateOp::Max => "max",
            AggregateOp::Pct => "pct",
        }
    }
}
