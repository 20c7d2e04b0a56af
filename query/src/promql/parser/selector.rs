//! Series selectors and label sets. Not for their modifiers.

use kymo_engine::labels::{Labels, LabelsBuilder, METRIC_NAME};
use kymo_engine::metrics::{MatchOp, Matcher};

use super::super::ast::{BinaryOp, Duration, VectorSelector};
use super::super::token::{Kind, Token};
use super::{Fault, Parsed, Parser};
use crate::lex::regex;

impl Parser<'_> {
    pub(super) fn vector_selector(&mut self) -> Parsed<VectorSelector> {
        let first = self.peek();
        let mut name = String::new();
        if first.kind.names_metric() {
            self.word(first).clone_into(&mut name);
            self.advance();
        } else if first.kind != Kind::LeftBrace {
            return Err(self.unexpected("", ""));
        }
        let mut matchers = if self.peek().kind == Kind::LeftBrace {
            self.matchers()?
        } else {
            Vec::new()
        };
        if !name.is_empty() {
            matchers.push(Matcher::equal(METRIC_NAME, name.clone()));
        }
        let mut span = first.span;
        span.end = self.last_end();
        Ok(VectorSelector {
            name,
            matchers,
            offset: Duration::ZERO,
            at: None,
            anchored: false,
            smoothed: false,
            span,
        })
    }

    fn matchers(&mut self) -> Parsed<Vec<Matcher>> {
        self.advance();
        let mut matchers = Vec::new();
        loop {
            if self.accept(Kind::RightBrace).is_some() {
                return Ok(matchers);
            }
            matchers.push(self.matcher()?);
            if self.accept(Kind::Comma).is_none() && self.peek().kind != Kind::RightBrace {
                return Err(self.unexpected("label matching", "\",\" or \"}\""));
            }
        }
    }

    fn matcher(&mut self) -> Parsed<Matcher> {
        let first = self.peek();
        let name = self.label_name("label matching")?;
        let op = match self.peek().kind {
            Kind::Assign => MatchOp::Equal,
            Kind::Op(BinaryOp::NotEqual) => MatchOp::NotEqual,
            Kind::EqualRegex => MatchOp::Regex,
            Kind::NotEqualRegex => MatchOp::NotRegex,
            _ if first.kind == Kind::String => return Ok(Matcher::equal(METRIC_NAME, name)),
            _ => return Err(self.unexpected("label matching", "label matching operator")),
        };
        self.advance();
        let value = self.expect(Kind::String, "label matching", "string")?;
        let pattern = self.string_value(value)?;
        let span = first.span.to(value.span);
        if matches!(op, MatchOp::Regex | MatchOp::NotRegex) {
            regex::check(&pattern).map_err(|error| Fault::new(span, error.to_string()))?;
        }
        Matcher::new(name, op, pattern).map_err(|error| Fault::new(span, error.to_string()))
    }

    /// A bare or quoted label name, or a quoted metric name.
    fn label_name(&mut self, context: &str) -> Parsed<String> {
        let token: Token = self.peek();
        let name = match token.kind {
            Kind::Identifier => self.word(token).to_owned(),
            Kind::String => self.string_value(token)?,
            _ => return Err(self.unexpected(context, "identifier or \"}\"")),
        };
        self.advance();
        Ok(name)
    }

    /// `name{a="b", ...}`: the labels of one series.
    pub(super) fn label_set(&mut self) -> Parsed<Labels> {
        let mut labels = LabelsBuilder::default();
        let first = self.peek();
        if first.kind.names_metric() {
            labels.set(METRIC_NAME, self.word(first));
            self.advance();
        }
        if self.accept(Kind::LeftBrace).is_none() {
            return Ok(labels.build());
        }
        loop {
            if self.accept(Kind::RightBrace).is_some() {
                return Ok(labels.build());
            }
            let first = self.peek();
            let name = self.label_name("label set")?;
            if self.accept(Kind::Assign).is_some() {
                let value = self.expect(Kind::String, "label set", "string")?;
                labels.set(&name, &self.string_value(value)?);
            } else if first.kind == Kind::String {
                labels.set(METRIC_NAME, &name);
            } else {
                return Err(self.unexpected("label set", "\"=\""));
            }
            if self.accept(Kind::Comma).is_none() && self.peek().kind != Kind::RightBrace {
                return Err(self.unexpected("label set", "\",\" or \"}\""));
            }
        }
    }
}
