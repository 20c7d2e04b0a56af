//! Conditions of labels. `and` binds tighter than `or`; a comma and mere
//! juxtaposition join one condition with all that is to the right of it.

use kymo_engine::metrics::matcher::MatchOp;

use super::super::ast::{Bound, Compare, Filter};
use super::super::error::ParseError;
use super::super::token::{Function, Kind};
use super::{Parsed, Parser, make_matcher};

impl Parser {
    pub(super) fn label_filters(&mut self) -> Parsed<Filter> {
        self.nested(Self::any_filter)
    }

    fn any_filter(&mut self) -> Parsed<Filter> {
        let mut left = self.all_filter()?;
        while self.accept_word("or") {
            left = Filter::Or(Box::new(left), Box::new(self.all_filter()?));
        }
        Ok(left)
    }

    fn all_filter(&mut self) -> Parsed<Filter> {
        let mut left = self.one_filter()?;
        while self.accept_word("and") {
            left = Filter::And(Box::new(left), Box::new(self.one_filter()?));
        }
        Ok(left)
    }

    /// A condition, and all that a comma or nothing at all puts behind it.
    fn one_filter(&mut self) -> Parsed<Filter> {
        let left = self.single_filter()?;
        let goes_on = match self.kind() {
            Kind::Sign(",") => self.accept_sign(","),
            Kind::Identifier(_) | Kind::Sign("(") => true,
            _ => false,
        };
        match goes_on {
            true => Ok(Filter::And(Box::new(left), Box::new(self.label_filters()?))),
            false => Ok(left),
        }
    }

    fn single_filter(&mut self) -> Parsed<Filter> {
        if self.accept_sign("(") {
            let inner = self.label_filters()?;
            self.expect_sign(")")?;
            return Ok(inner);
        }
        let name = self.label_name()?;
        let sign = match self.kind() {
            Kind::Sign(sign) => *sign,
            _ => return Err(self.unexpected(&[])),
        };
        let matching = match sign {
            "=" => Some(MatchOp::Equal),
            "!=" => Some(MatchOp::NotEqual),
            "=~" => Some(MatchOp::Regex),
            "!~" => Some(MatchOp::NotRegex),
            _ => None,
        };
        let compare = match sign {
            "=" | "==" => Some(Compare::Equal),
            "!=" => Some(Compare::NotEqual),
            ">" => Some(Compare::Greater),
            ">=" => Some(Compare::GreaterEqual),
            "<" => Some(Compare::Less),
            "<=" => Some(Compare::LessEqual),
            _ => None,
        };
        if matching.is_none() && compare.is_none() {
            return Err(self.unexpected(&[]));
        }
        self.advance();
        match (self.kind().clone(), matching, compare) {
            (Kind::Text(value), Some(op), _) => {
                self.advance();
                Ok(Filter::Text(make_matcher(name, op, value)?))
            }
            (Kind::Function(Function::Ip), Some(op @ (MatchOp::Equal | MatchOp::NotEqual)), _) => {
                self.advance();
                self.expect_sign("(")?;
                let pattern = self.expect_text()?;
                self.expect_sign(")")?;
                Ok(Filter::Ip(name, pattern, op == MatchOp::NotEqual))
            }
            (_, _, Some(compare)) => Ok(Filter::Quantity(name, compare, self.bound()?)),
            _ => Err(self.unexpected(&["STRING"])),
        }
    }

    fn bound(&mut self) -> Parsed<Bound> {
        let negative = match self.kind() {
            Kind::Sign("-") => {
                self.advance();
                true
            }
            Kind::Sign("+") => {
                self.advance();
                false
            }
            _ => false,
        };
        let bound = match self.kind().clone() {
            Kind::Number(text) => {
                let n = float(&text)?;
                Bound::Number(if negative { -n } else { n })
            }
            Kind::Duration(nanos) => Bound::Duration(if negative { -nanos } else { nanos }),
            Kind::Bytes(bytes) if !negative => Bound::Bytes(bytes),
            _ => return Err(self.unexpected(&[])),
        };
        self.advance();
        Ok(bound)
    }
}

/// A number as it was written.
pub(super) fn float(text: &str) -> Parsed<f64> {
    let parsed = text.parse::<f64>().ok().filter(|_| !text.starts_with("0x"));
    parsed.ok_or_else(|| {
        ParseError::new(format!(
            "unable to parse literal as a float: strconv.ParseFloat: parsing {text:?}: invalid syntax"
        ))
    })
}
