//! Expressions of numbers as text, in one line.

use std::fmt;

use super::{label, labels, nanoseconds};
use crate::lex::string::quote;
use crate::logql::ast::metric::Replacement;
use crate::logql::ast::{Binary, Grouping, LogRange, Metric, RangeAggregation, Unwrap, VectorAggregation};
use crate::number;
use crate::promql::ast::Cardinality;

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Metric::Range(range) => range.fmt(f),
            Metric::Vector(vector) => vector.fmt(f),
            Metric::Binary(binary) => binary.fmt(f),
            Metric::LabelReplace(replace) => {
                write!(
                    f,
                    "label_replace({}, {})",
                    replace.inner,
                    texts(&replace.replacement).join(", ")
                )
            }
            Metric::Number(n) => f.write_str(&number::format_plain(*n)),
            Metric::VectorOf(n) => write!(f, "vector({})", number::format_plain(*n)),
        }
    }
}

/// The texts behind what labels are replaced of.
pub(super) fn texts(of: &Replacement) -> [String; 4] {
    [&of.dst, &of.replacement, &of.src, &of.regex].map(|text| quote(text))
}

impl fmt::Display for Grouping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.without { "without" } else { "by" };
        write!(f, "{word} ({})", labels(&self.labels))
    }
}

impl fmt::Display for Unwrap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.conversion.name() {
            Some(function) => write!(f, "| unwrap {function}({})", label(&self.label))?,
            None => write!(f, "| unwrap {}", label(&self.label))?,
        }
        self.filters
            .iter()
            .try_for_each(|filter| write!(f, " | {filter}"))
    }
}

impl fmt::Display for LogRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.log.fmt(f)?;
        if let Some(unwrap) = &self.unwrap {
            write!(f, " {unwrap}")?;
        }
        let space = if self.log.stages.is_empty() && self.unwrap.is_none() {
            ""
        } else {
            " "
        };
        write!(f, "{space}[{}]{}", nanoseconds(self.range), offset(self))
    }
}

/// ` offset 5m`, or nothing.
pub(super) fn offset(of: &LogRange) -> String {
    match of.offset {
        0 => String::new(),
        nanos => format!(" offset {}", nanoseconds(nanos)),
    }
}

impl fmt::Display for RangeAggregation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.op.as_str())?;
        if let Some(param) = self.param {
            write!(f, "{}, ", number::format_plain(param))?;
        }
        write!(f, "{})", self.range)?;
        match &self.grouping {
            Some(grouping) => write!(f, " {grouping}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for VectorAggregation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.head())?;
        if self.op.takes_count() {
            write!(f, "{}, ", self.param)?;
        }
        write!(f, "{})", self.inner)
    }
}

impl VectorAggregation {
    /// The function up to its opening parenthesis.
    pub(super) fn head(&self) -> String {
        match &self.grouping {
            Some(grouping) => format!("{} {grouping} (", self.op.as_str()),
            None => format!("{}(", self.op.as_str()),
        }
    }
}

impl fmt::Display for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {}",
            side(&self.left),
            self.operator(),
            side(&self.right)
        )
    }
}

/// A side of an operator, in parentheses where it has an operator itself.
pub(super) fn side(of: &Metric) -> String {
    match of {
        Metric::Binary(_) => format!("({of})"),
        _ => of.to_string(),
    }
}

impl Binary {
    /// The operator with what is said of its sides.
    pub(super) fn operator(&self) -> String {
        let mut text = self.op.as_str().to_owned();
        if self.return_bool {
            text.push_str(" bool");
        }
        if self.has_matching {
            let word = if self.matching.on { "on" } else { "ignoring" };
            text.push_str(&format!(" {word} ({})", labels(&self.matching.labels)));
        }
        let group = match self.matching.card {
            Cardinality::ManyToOne => "group_left",
            Cardinality::OneToMany => "group_right",
            _ => return text,
        };
        text.push_str(&format!(" {group} ({})", labels(&self.matching.include)));
        text
    }
}
