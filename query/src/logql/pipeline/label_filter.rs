//! Conditions of labels, compiled.

use kymo_engine::metrics::matcher::Matcher;

use super::fields::Fields;
use super::ip::IpSet;
use crate::logql::ast::{Bound, Compare, Filter};
use crate::logql::convert;

const LABEL_FILTER_ERR: &str = "LabelFilterErr";

/// A condition of labels.
#[derive(Debug, Clone)]
pub(super) enum LabelFilter {
    Text(Matcher),
    Quantity(String, Compare, Bound),
    Ip(String, IpSet, bool),
    Both(Box<(LabelFilter, LabelFilter)>),
    Either(Box<(LabelFilter, LabelFilter)>),
}

/// What a condition says of a line.
enum Told {
    Holds(bool),
    /// The label's value cannot be read.
    Unreadable(String),
}

impl LabelFilter {
    pub(super) fn compile(filter: &Filter) -> Result<LabelFilter, String> {
        Ok(match filter {
            Filter::Text(matcher) => LabelFilter::Text(matcher.clone()),
            Filter::Quantity(name, compare, bound) => LabelFilter::Quantity(name.clone(), *compare, *bound),
            Filter::Ip(name, pattern, negated) => {
                LabelFilter::Ip(name.clone(), IpSet::parse(pattern)?, *negated)
            }
            Filter::And(a, b) => LabelFilter::Both(Box::new((Self::compile(a)?, Self::compile(b)?))),
            Filter::Or(a, b) => LabelFilter::Either(Box::new((Self::compile(a)?, Self::compile(b)?))),
        })
    }

    /// Names of its labels.
    pub(super) fn names<'n>(&'n self, names: &mut Vec<&'n str>) {
        match self {
            LabelFilter::Text(matcher) => names.push(matcher.name()),
            LabelFilter::Quantity(name, ..) | LabelFilter::Ip(name, ..) => names.push(name),
            LabelFilter::Both(of) | LabelFilter::Either(of) => {
                of.0.names(names);
                of.1.names(names);
            }
        }
    }

    /// The one label it is of.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            LabelFilter::Text(matcher) => Some(matcher.name()),
            LabelFilter::Quantity(name, ..) | LabelFilter::Ip(name, ..) => Some(name),
            LabelFilter::Both(_) | LabelFilter::Either(_) => None,
        }
    }

    /// True for lines to keep. A value that cannot be read keeps the line and becomes its error, unless it has one.
    pub(super) fn keeps(&self, fields: &mut Fields) -> bool {
        match self {
            LabelFilter::Both(of) => of.0.keeps(fields) & of.1.keeps(fields),
            LabelFilter::Either(of) => of.0.keeps(fields) || of.1.keeps(fields),
            one => match one.tell(fields) {
                Told::Holds(holds) => holds,
                Told::Unreadable(details) => {
                    if !fields.has_error() {
                        fields.fail(LABEL_FILTER_ERR, Some(&details));
                    }
                    true
                }
            },
        }
    }

    /// True when a line may be kept by this condition, whose label has got its value.
    pub(super) fn may_keep(&self, fields: &Fields) -> bool {
        !matches!(self.tell(fields), Told::Holds(false))
    }

    /// True when a line is kept whose label, the only one the condition is of and no error, has a value.
    pub(super) fn may_keep_value(&self, value: &str) -> bool {
        match self {
            LabelFilter::Text(matcher) => matcher.matches(value),
            LabelFilter::Ip(_, set, negated) => set.is_in(value.as_bytes()) != *negated,
            LabelFilter::Quantity(_, compare, bound) => {
                !matches!(tell_quantity(*compare, bound, value), Told::Holds(false))
            }
            LabelFilter::Both(_) | LabelFilter::Either(_) => true,
        }
    }

    fn tell(&self, fields: &Fields) -> Told {
        match self {
            LabelFilter::Text(matcher) => {
                Told::Holds(matcher.matches(fields.value(matcher.name()).unwrap_or("")))
            }
            LabelFilter::Ip(name, set, negated) => match (fields.has_error(), fields.get(name)) {
                (true, _) => Told::Holds(true),
                (false, None) => Told::Holds(false),
                (false, Some((value, _))) => Told::Holds(set.is_in(value.as_bytes()) != *negated),
            },
            LabelFilter::Quantity(name, compare, bound) => {
                let Some((value, _)) = fields.get(name) else {
                    return Told::Holds(false);
                };
                tell_quantity(*compare, bound, value)
            }
            LabelFilter::Both(_) | LabelFilter::Either(_) => Told::Holds(true),
        }
    }
}

fn tell_quantity(compare: Compare, bound: &Bound, value: &str) -> Told {
    let holds = match bound {
        Bound::Number(n) => convert::number(value).map(|v| compares(compare, v, *n)),
        Bound::Duration(n) => convert::duration(value).map(|v| compares(compare, v, *n)),
        Bound::Bytes(n) => convert::bytes(value).map(|v| compares(compare, v, *n)),
    };
    holds.map_or_else(Told::Unreadable, Told::Holds)
}

fn compares<T: PartialOrd>(compare: Compare, a: T, b: T) -> bool {
    match compare {
        Compare::Equal => a == b,
        Compare::NotEqual => a != b,
        Compare::Greater => a > b,
        Compare::GreaterEqual => a >= b,
        Compare::Less => a < b,
        Compare::LessEqual => a <= b,
    }
}
