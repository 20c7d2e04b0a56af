//! A query as text: in one line as it would be written, and over several lines ([`pretty`]) as Loki formats queries.
//! What is printed parses to the same query.

mod metric;
mod pretty;
mod tail;

use std::fmt;

use kymo_engine::metrics::matcher::Matcher;

use super::ast::{
    Bound, Expr, Filter, LabelFormat, LineFilter, LineText, LogExpr, LogfmtParser, NameFilter, Stage,
};
use crate::lex::string::quote;
use crate::lex::{duration, go_duration};
use crate::number;

pub use pretty::pretty;

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Log(log) => log.fmt(f),
            Expr::Metric(metric) => metric.fmt(f),
        }
    }
}

impl fmt::Display for LogExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pieces = Vec::with_capacity(self.stages.len() + 1);
        if !self.anywhere {
            pieces.push(selector(&self.selector));
        }
        pieces.extend(self.stages.iter().map(ToString::to_string));
        pieces.extend(self.tail.iter().map(ToString::to_string));
        f.write_str(&pieces.join(" "))
    }
}

/// Matchers in braces.
pub(super) fn selector(matchers: &[Matcher]) -> String {
    let matchers: Vec<String> = matchers.iter().map(matcher).collect();
    format!("{{{}}}", matchers.join(", "))
}

/// A label's name, in quotes where it must be.
pub(super) fn label(name: &str) -> String {
    match crate::logql::lexer::is_name(name) {
        true => name.to_owned(),
        false => quote(name),
    }
}

fn labels(names: &[String]) -> String {
    list(names, |name| label(name))
}

fn matcher(matcher: &Matcher) -> String {
    format!(
        "{}{}{}",
        label(matcher.name()),
        matcher.op().as_str(),
        quote(matcher.value())
    )
}

/// Items with commas between them.
fn list<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
    items.iter().map(show).collect::<Vec<_>>().join(", ")
}

fn field(of: &(String, String)) -> String {
    let (name, path) = of;
    match name == path {
        true => name.clone(),
        false => format!("{name}={}", quote(path)),
    }
}

fn name_filter(of: &NameFilter) -> String {
    match of {
        NameFilter::Name(name) => label(name),
        NameFilter::Matcher(of) => matcher(of),
    }
}

fn label_format(of: &(String, LabelFormat)) -> String {
    match &of.1 {
        LabelFormat::Rename(from) => format!("{}={from}", of.0),
        LabelFormat::Template(text) => format!("{}={}", of.0, quote(text)),
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stage::Line(filter) => filter.fmt(f),
            Stage::Json(fields) if fields.is_empty() => f.write_str("| json"),
            Stage::Json(fields) => write!(f, "| json {}", list(fields, field)),
            Stage::Logfmt(options) => options.fmt(f),
            Stage::Regexp(pattern) => write!(f, "| regexp {}", quote(pattern)),
            Stage::Pattern(pattern) => write!(f, "| pattern {}", quote(pattern)),
            Stage::Unpack => f.write_str("| unpack"),
            Stage::Filter(filter) => write!(f, "| {filter}"),
            Stage::LineFormat(text) => write!(f, "| line_format {}", quote(text)),
            Stage::LabelFormat(formats) => write!(f, "| label_format {}", list(formats, label_format)),
            Stage::Decolorize => f.write_str("| decolorize"),
            Stage::Drop(names) => write!(f, "| drop {}", list(names, name_filter)),
            Stage::Keep(names) => write!(f, "| keep {}", list(names, name_filter)),
            Stage::Fields(names) => write!(f, "| fields {}", labels(names)),
        }
    }
}

impl fmt::Display for LogfmtParser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("| logfmt")?;
        if self.strict {
            f.write_str(" --strict")?;
        }
        if self.keep_empty {
            f.write_str(" --keep-empty")?;
        }
        match self.fields.is_empty() {
            true => Ok(()),
            false => write!(f, " {}", list(&self.fields, field)),
        }
    }
}

impl fmt::Display for LineFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |text: &LineText| match text {
            LineText::Text(text) => quote(text),
            LineText::Ip(pattern) => format!("ip({})", quote(pattern)),
        };
        let any: Vec<String> = self.any.iter().map(text).collect();
        write!(f, "{} {}", self.op.as_str(), any.join(" or "))
    }
}

/// `and` binds tighter than `or`, and both go from left to right: a side that does not is in parentheses.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Filter::Text(of) => f.write_str(&matcher(of)),
            Filter::Quantity(name, compare, to) => {
                write!(f, "{}{}{}", label(name), compare.as_str(), bound(*to))
            }
            Filter::Ip(name, pattern, negated) => {
                let op = if *negated { "!=" } else { "=" };
                write!(f, "{}{op}ip({})", label(name), quote(pattern))
            }
            Filter::And(a, b) => {
                let side = |of: &Filter, right: bool| match of {
                    Filter::Or(..) => format!("({of})"),
                    Filter::And(..) if right => format!("({of})"),
                    _ => of.to_string(),
                };
                write!(f, "{} and {}", side(a, false), side(b, true))
            }
            Filter::Or(a, b) => match **b {
                Filter::Or(..) => write!(f, "{a} or ({b})"),
                _ => write!(f, "{a} or {b}"),
            },
        }
    }
}

fn bound(of: Bound) -> String {
    match of {
        Bound::Number(n) => number::format_plain(n),
        Bound::Duration(nanos) => nanoseconds(nanos),
        Bound::Bytes(bytes) => {
            const UNITS: [(&str, u64); 10] = [
                ("PiB", 1 << 50),
                ("PB", 1_000_000_000_000_000),
                ("TiB", 1 << 40),
                ("TB", 1_000_000_000_000),
                ("GiB", 1 << 30),
                ("GB", 1_000_000_000),
                ("MiB", 1 << 20),
                ("MB", 1_000_000),
                ("KiB", 1 << 10),
                ("kB", 1000),
            ];
            let whole = UNITS.iter().find(|(_, size)| bytes > 0 && bytes % size == 0);
            match whole {
                Some((unit, size)) => format!("{}{unit}", bytes / size),
                None => format!("{bytes}B"),
            }
        }
    }
}

/// A duration in Prometheus' form where that has room for it, in Go's otherwise.
fn nanoseconds(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let size = nanos.saturating_abs();
    match size % 1_000_000 {
        0 => format!("{sign}{}", duration::format(size / 1_000_000)),
        _ => format!("{sign}{}", go_duration::format(size)),
    }
}

#[cfg(test)]
mod tests;
