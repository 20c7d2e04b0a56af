//! Conditions of labels.

use kymo_engine::metrics::matcher::Matcher;

/// A condition of labels.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// By the label's text.
    Text(Matcher),
    /// By the label as a quantity: name, comparison, bound.
    Quantity(String, Compare, Bound),
    /// `name = ip("...")` and, when true, `!=`.
    Ip(String, String, bool),
    /// Both.
    And(Box<Filter>, Box<Filter>),
    /// One of them.
    Or(Box<Filter>, Box<Filter>),
}

/// How quantities are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compare {
    /// `==` or `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
}

impl Compare {
    /// The operator's text.
    pub fn as_str(self) -> &'static str {
        match self {
            Compare::Equal => "==",
            Compare::NotEqual => "!=",
            Compare::Greater => ">",
            Compare::GreaterEqual => ">=",
            Compare::Less => "<",
            Compare::LessEqual => "<=",
        }
    }
}

/// What a quantity is compared with; its kind says how the label is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// A number.
    Number(f64),
    /// Nanoseconds.
    Duration(i64),
    /// Bytes.
    Bytes(u64),
}

/// A label named by `drop` or `keep`, with a condition of its value if there is one.
#[derive(Debug, Clone, PartialEq)]
pub enum NameFilter {
    /// By name.
    Name(String),
    /// By name and value.
    Matcher(Matcher),
}
