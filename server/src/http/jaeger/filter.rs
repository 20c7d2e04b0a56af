//! The structured filter of Jaeger's searches (RFC 0005): a tree of predicates over one span, its resource, scope, events and
//! links. Traces are found by what must hold of them in TraceQL, then tested exactly, whole.

mod lower;
mod parse;
mod reference;
mod test;

use kymo_engine::traces::Trace;
use regex::Regex;

use reference::{Constant, Reference};

/// A predicate over a span.
#[derive(Debug, Clone)]
enum Predicate {
    And(Vec<Predicate>),
    Or(Vec<Predicate>),
    Not(Box<Predicate>),
    /// A value against a constant.
    Compare(Comparison, Reference, Constant),
    /// A value against another.
    Between(Comparison, Reference, Reference),
    Regex(Reference, Regex),
    Exists(Reference),
    /// One of a list, or, when negated, there and none of it.
    In {
        reference: Reference,
        list: Vec<Constant>,
        negated: bool,
    },
    /// Some event or link for which all holds at once.
    Some(Nested, Box<Predicate>),
}

/// A comparison of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    Different,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// What a span has several of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nested {
    Events,
    Links,
}

/// A filter and its text.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    text: String,
    predicate: Predicate,
}

impl PartialEq for Filter {
    fn eq(&self, other: &Filter) -> bool {
        self.text == other.text
    }
}

impl Filter {
    /// Reads a filter: a call as protobuf's JSON has it.
    ///
    /// # Errors
    /// What is wrong with it, by the path to it.
    pub(super) fn parse(text: &str) -> Result<Filter, String> {
        Ok(Filter {
            text: text.to_owned(),
            predicate: parse::filter(text)?,
        })
    }

    /// What must hold of a trace in TraceQL; traces for which it does not are none of the answer.
    pub(super) fn necessary(&self) -> String {
        let condition = lower::necessary(&self.predicate).unwrap_or_default();
        format!("{{ {condition} }}")
    }

    /// Whether it holds for some span of a trace.
    pub(super) fn holds(&self, trace: &Trace) -> bool {
        let mut spans = trace.spans.iter();
        spans.any(|span| test::holds(&self.predicate, &reference::Place::of(trace, span)))
    }
}

impl Comparison {
    /// The same question with the sides swapped.
    fn swapped(self) -> Comparison {
        match self {
            Comparison::Greater => Comparison::Less,
            Comparison::GreaterOrEqual => Comparison::LessOrEqual,
            Comparison::Less => Comparison::Greater,
            Comparison::LessOrEqual => Comparison::GreaterOrEqual,
            same => same,
        }
    }

    /// Whether it asks for an order.
    fn is_ordered(self) -> bool {
        !matches!(self, Comparison::Equal | Comparison::Different)
    }
}

#[cfg(test)]
mod tests;
