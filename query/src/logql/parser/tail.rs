//! Steps over all entries: `sort`, `dedup`, `limit`, `stats`. Their names are labels where a comparison follows.

use super::super::ast::{Aggregate, AggregateOp, Tail};
use super::super::error::ParseError;
use super::super::token::Kind;
use super::filter::float;
use super::{Parsed, Parser};

const WORDS: [&str; 4] = ["sort", "dedup", "limit", "stats"];

impl Parser {
    /// True when what is behind the token at hand compares it.
    pub(super) fn is_compared(&self) -> bool {
        let signs = ["=", "==", "!=", "=~", "!~", ">", ">=", "<", "<="];
        matches!(self.kind_at(1), Kind::Sign(sign) if signs.contains(sign))
    }

    /// The step that begins here.
    pub(super) fn tail_word(&self) -> Option<&'static str> {
        let (Kind::Identifier(word), true) = (self.kind_at(1), self.is_sign("|")) else {
            return None;
        };
        let compared = ["=", "==", "!=", "=~", "!~", ">", ">=", "<", "<="];
        let is_label = matches!(self.kind_at(2), Kind::Sign(sign) if compared.contains(sign));
        WORDS.iter().find(|of| *of == word).filter(|_| !is_label).copied()
    }

    /// The steps that follow.
    pub(super) fn tail(&mut self) -> Parsed<Vec<Tail>> {
        let mut tail = Vec::new();
        while let Some(word) = self.tail_word() {
            self.advance();
            self.advance();
            tail.push(match word {
                "sort" => self.sort()?,
                "dedup" => match self.kind() {
                    Kind::Identifier(_) | Kind::Text(_) => Tail::Dedup(self.label_names()?),
                    _ => Tail::Dedup(Vec::new()),
                },
                "limit" => Tail::Limit(self.count()?),
                _ => self.stats()?,
            });
        }
        Ok(tail)
    }

    /// Names with commas between them.
    pub(super) fn label_names(&mut self) -> Parsed<Vec<String>> {
        let mut names = vec![self.label_name()?];
        while self.accept_sign(",") {
            names.push(self.label_name()?);
        }
        Ok(names)
    }

    fn count(&mut self) -> Parsed<usize> {
        let Kind::Number(text) = self.kind().clone() else {
            return Err(self.unexpected(&["NUMBER"]));
        };
        let count = text.parse().map_err(|_| self.unexpected(&["NUMBER"]))?;
        self.advance();
        Ok(count)
    }

    fn accept_name(&mut self, name: &str) -> bool {
        let found = matches!(self.kind(), Kind::Identifier(of) if of == name);
        if found {
            self.advance();
        }
        found
    }

    fn sort(&mut self) -> Parsed<Tail> {
        if self.is_word("by") {
            self.advance();
        }
        let mut by = Vec::new();
        loop {
            let name = self.label_name()?;
            let descending = self.accept_name("desc");
            if !descending {
                self.accept_name("asc");
            }
            by.push((name, descending));
            if !self.accept_sign(",") {
                return Ok(Tail::Sort(by));
            }
        }
    }

    fn stats(&mut self) -> Parsed<Tail> {
        let mut aggregates: Vec<Aggregate> = Vec::new();
        loop {
            let place = self.tokens[self.at].place;
            let aggregate = self.aggregate()?;
            if aggregates.iter().any(|of| of.name == aggregate.name) {
                let message = format!("duplicate name {} in stats", aggregate.name);
                return Err(ParseError::at(message, place));
            }
            aggregates.push(aggregate);
            if !self.accept_sign(",") {
                break;
            }
        }
        let by = match self.accept_word("by") {
            false => Vec::new(),
            true if self.is_sign("(") => self.label_list()?,
            true => self.label_names()?,
        };
        Ok(Tail::Stats(aggregates, by))
    }

    fn aggregate(&mut self) -> Parsed<Aggregate> {
        let function = match self.kind() {
            Kind::Identifier(name) => name.as_str(),
            Kind::Function(function) => function.name(),
            _ => "",
        };
        let Some(op) = AggregateOp::ALL.into_iter().find(|op| op.as_str() == function) else {
            return Err(self.unexpected(&AggregateOp::ALL.map(AggregateOp::as_str)));
        };
        self.advance();
        self.expect_sign("(")?;
        let label = match self.is_sign(")") && op == AggregateOp::Count {
            true => None,
            false => Some(self.label_name()?),
        };
        let mut param = 0.0;
        if op == AggregateOp::Pct {
            self.expect_sign(",")?;
            let Kind::Number(text) = self.kind().clone() else {
                return Err(self.unexpected(&["NUMBER"]));
            };
            self.advance();
            param = float(&text)?;
        }
        self.expect_sign(")")?;
        let name = match self.accept_name("as") {
            true => self.label_name()?,
            false => match &label {
                None => op.as_str().to_owned(),
                Some(label) => format!("{}_{}", op.as_str(), super::plain_name(label)),
            },
        };
        Ok(Aggregate {
            op,
            label,
            param,
            name,
        })
    }
}
