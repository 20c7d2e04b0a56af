//! Label matchers: `=`, `!=`, `=~`, `!~`, fully anchored, as PromQL, remote read and the label APIs share them.
//! Not for line filters of logs, which are not anchored.

use super::re2::Anchored;
use crate::error::{Error, Result};

/// How a matcher compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Regex,
    /// `!~`
    NotRegex,
}

impl MatchOp {
    /// The operator's text.
    pub fn as_str(self) -> &'static str {
        match self {
            MatchOp::Equal => "=",
            MatchOp::NotEqual => "!=",
            MatchOp::Regex => "=~",
            MatchOp::NotRegex => "!~",
        }
    }
}

/// One condition on one label. An absent label has the empty value.
#[derive(Debug, Clone)]
pub struct Matcher {
    name: String,
    op: MatchOp,
    value: String,
    regex: Option<Anchored>,
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Matcher) -> bool {
        (&self.name, self.op, &self.value) == (&other.name, other.op, &other.value)
    }
}

impl Matcher {
    /// Builds a matcher. Regular expressions are RE2's, anchored at both ends, and `.` matches a newline.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the pattern when it does not compile.
    pub fn new(name: impl Into<String>, op: MatchOp, value: impl Into<String>) -> Result<Matcher> {
        let (name, value) = (name.into(), value.into());
        let regex = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Regex | MatchOp::NotRegex => Some(anchored(&value)?),
        };
        Ok(Matcher {
            name,
            op,
            value,
            regex,
        })
    }

    /// `name = value`.
    pub fn equal(name: impl Into<String>, value: impl Into<String>) -> Matcher {
        Matcher {
            name: name.into(),
            op: MatchOp::Equal,
            value: value.into(),
            regex: None,
        }
    }

    /// The label's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The operator.
    pub fn op(&self) -> MatchOp {
        self.op
    }

    /// The literal or the pattern.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The regular expression, if it is one.
    pub fn regex(&self) -> Option<&Anchored> {
        self.regex.as_ref()
    }

    /// True when a label of this value passes; the empty value stands for an absent label.
    pub fn matches(&self, value: &str) -> bool {
        match (self.op, &self.regex) {
            (MatchOp::Equal, _) => value == self.value,
            (MatchOp::NotEqual, _) => value != self.value,
            (MatchOp::Regex, Some(regex)) => regex.is_match(value),
            (MatchOp::NotRegex, Some(regex)) => !regex.is_match(value),
            (MatchOp::Regex | MatchOp::NotRegex, None) => {
                unreachable!("regex matchers are built with a regex")
            }
        }
    }

    /// True when series without the label pass.
    pub fn matches_empty(&self) -> bool {
        self.matches("")
    }
}

fn anchored(pattern: &str) -> Result<Anchored> {
    super::re2::compile_anchored(pattern).ok_or_else(|| Error::Invalid {
        what: "invalid regular expression",
        value: pattern.to_owned(),
    })
}
