//! Expressions of numbers, and the choice between them and lines.

use super::super::ast::metric::Replacement;
use super::super::ast::{
    Binary, Expr, Grouping, LabelReplace, LogExpr, LogRange, Metric, RangeAggregation, RangeOp, Unwrap,
    VectorAggregation, VectorOp,
};
use super::super::check;
use super::super::error::ParseError;
use super::super::token::{Function, Kind};
use super::filter::float;
use super::stage::Step;
use super::{Parsed, Parser};
use crate::promql::ast::{BinaryOp, Cardinality, VectorMatching};

/// A log range being read: its pieces may come in several orders.
#[derive(Default)]
struct Pieces {
    log: Option<LogExpr>,
    unwrap: Option<Unwrap>,
    range: Option<i64>,
    offset: i64,
}

impl Parser {
    pub(super) fn expr(&mut self) -> Parsed<Expr> {
        self.nested(|p| p.binary(0))
    }

    fn binary(&mut self, least: u8) -> Parsed<Expr> {
        let mut left = self.unary()?;
        while let Some(op) = binary_op(self.kind()) {
            let precedence = op.precedence();
            if precedence < least {
                break;
            }
            self.advance();
            let (return_bool, matching, has_matching) = self.modifiers()?;
            let next = if op == BinaryOp::Pow {
                precedence
            } else {
                precedence + 1
            };
            let right = self.nested(|p| p.binary(next))?;
            let (left_metric, right_metric) = check::legs(op, left, right)?;
            left = Expr::Metric(Metric::Binary(Box::new(Binary {
                op,
                left: left_metric,
                right: right_metric,
                return_bool,
                matching,
                has_matching,
            })));
        }
        Ok(left)
    }

    fn modifiers(&mut self) -> Parsed<(bool, VectorMatching, bool)> {
        let return_bool = self.accept_word("bool");
        let mut matching = VectorMatching {
            on: self.is_word("on"),
            ..VectorMatching::default()
        };
        let has_matching = matching.on || self.is_word("ignoring");
        if !has_matching {
            return Ok((return_bool, matching, false));
        }
        self.advance();
        matching.labels = self.label_list()?;
        let card = match self.kind() {
            Kind::Word("group_left") => Cardinality::ManyToOne,
            Kind::Word("group_right") => Cardinality::OneToMany,
            _ => return Ok((return_bool, matching, true)),
        };
        matching.card = card;
        self.advance();
        if self.is_sign("(") {
            matching.include = self.label_list()?;
        }
        Ok((return_bool, matching, true))
    }

    pub(super) fn label_list(&mut self) -> Parsed<Vec<String>> {
        self.expect_sign("(")?;
        let mut labels = Vec::new();
        if self.accept_sign(")") {
            return Ok(labels);
        }
        loop {
            let may_end = labels.is_empty() && !matches!(self.kind(), Kind::Identifier(_) | Kind::Text(_));
            if may_end {
                return Err(self.unexpected(&["IDENTIFIER", ")"]));
            }
            labels.push(self.label_name()?);
            if self.accept_sign(")") {
                return Ok(labels);
            }
            if !self.accept_sign(",") {
                return Err(self.unexpected(&[",", ")"]));
            }
        }
    }

    fn unary(&mut self) -> Parsed<Expr> {
        match self.kind().clone() {
            Kind::Sign("+" | "-") => {
                let negative = self.is_sign("-");
                self.advance();
                match self.kind().clone() {
                    Kind::Number(text) => {
                        self.advance();
                        let n = float(&text)?;
                        Ok(Expr::Metric(Metric::Number(if negative { -n } else { n })))
                    }
                    _ => Err(self.unexpected(&["NUMBER"])),
                }
            }
            Kind::Number(text) => {
                self.advance();
                Ok(Expr::Metric(Metric::Number(float(&text)?)))
            }
            Kind::Sign("(") => {
                self.advance();
                let inner = self.expr()?;
                self.expect_sign(")")?;
                Ok(inner)
            }
            Kind::Sign("{") => {
                let selector = self.selector()?;
                let stages = self.stages()?;
                Ok(Expr::Log(LogExpr {
                    selector,
                    anywhere: false,
                    stages,
                    tail: self.tail()?,
                }))
            }
            // Lines of all streams: a query that begins with a stage.
            _ if self.at == 0 && self.at_stage() => Ok(Expr::Log(LogExpr {
                selector: Vec::new(),
                anywhere: true,
                stages: self.stages()?,
                tail: self.tail()?,
            })),
            Kind::Function(Function::Range(op)) => Ok(Expr::Metric(self.range_aggregation(op)?)),
            Kind::Function(Function::Vector(op)) => Ok(Expr::Metric(self.vector_aggregation(op)?)),
            Kind::Function(Function::LabelReplace) => Ok(Expr::Metric(self.label_replace()?)),
            Kind::Function(Function::VectorOf) => {
                self.advance();
                self.expect_sign("(")?;
                let Kind::Number(text) = self.kind().clone() else {
                    return Err(self.unexpected(&["NUMBER"]));
                };
                self.advance();
                self.expect_sign(")")?;
                Ok(Expr::Metric(Metric::VectorOf(float(&text)?)))
            }
            _ => Err(self.unexpected(&[])),
        }
    }

    fn metric(&mut self) -> Parsed<Metric> {
        let place = self.tokens[self.at].place;
        match self.expr()? {
            Expr::Metric(metric) => Ok(metric),
            Expr::Log(_) => Err(match self.kind() {
                Kind::Range(_) | Kind::Sign(_) => self.unexpected(&[]),
                _ => ParseError::at("syntax error: unexpected {", place),
            }),
        }
    }

    fn grouping(&mut self) -> Parsed<Option<Grouping>> {
        let without = self.is_word("without");
        if !without && !self.is_word("by") {
            return Ok(None);
        }
        self.advance();
        Ok(Some(Grouping {
            without,
            labels: self.label_list()?,
        }))
    }

    fn vector_aggregation(&mut self, op: VectorOp) -> Parsed<Metric> {
        self.advance();
        let before = self.grouping()?;
        self.expect_sign("(")?;
        let param = match (self.kind().clone(), self.kind_at(1)) {
            (Kind::Number(text), Kind::Sign(",")) => {
                self.advance();
                self.advance();
                Some(text)
            }
            _ => None,
        };
        let inner = self.metric()?;
        self.expect_sign(")")?;
        let grouping = match before {
            Some(grouping) => Some(grouping),
            None => self.grouping()?,
        };
        let param = check::vector_param(op, param.as_deref(), grouping.as_ref())?;
        Ok(Metric::Vector(Box::new(VectorAggregation {
            op,
            param,
            grouping,
            inner,
        })))
    }

    fn range_aggregation(&mut self, op: RangeOp) -> Parsed<Metric> {
        self.advance();
        self.expect_sign("(")?;
        let param = match (self.kind().clone(), self.kind_at(1)) {
            (Kind::Number(text), Kind::Sign(",")) => {
                self.advance();
                self.advance();
                Some(float(&text)?)
            }
            _ => None,
        };
        if !self.is_sign("{") && !self.is_sign("(") {
            let expecting: &[&str] = match param {
                None => &["NUMBER", "{", "("],
                Some(_) => &["{", "("],
            };
            return Err(self.unexpected(expecting));
        }
        let range = self.log_range()?;
        self.expect_sign(")")?;
        let grouping = self.grouping()?;
        let aggregation = RangeAggregation {
            op,
            param,
            range,
            grouping,
        };
        check::range_aggregation(&aggregation)?;
        Ok(Metric::Range(Box::new(aggregation)))
    }

    fn log_range(&mut self) -> Parsed<LogRange> {
        let mut pieces = Pieces::default();
        self.pieces(&mut pieces)?;
        let (Some(log), Some(range)) = (pieces.log, pieces.range) else {
            return Err(self.unexpected(&["RANGE"]));
        };
        Ok(LogRange {
            log,
            unwrap: pieces.unwrap,
            range,
            offset: pieces.offset,
        })
    }

    fn pieces(&mut self, pieces: &mut Pieces) -> Parsed<()> {
        if self.accept_sign("(") {
            self.nested(|p| p.pieces(pieces))?;
            self.expect_sign(")")?;
        } else {
            let selector = self.selector()?;
            pieces.log = Some(LogExpr {
                selector,
                ..LogExpr::default()
            });
        }
        loop {
            match self.kind().clone() {
                Kind::Range(range) if pieces.range.is_none() => {
                    self.advance();
                    pieces.range = Some(range);
                    if self.accept_word("offset") {
                        pieces.offset = self.offset()?;
                    }
                }
                _ if self.at_stage() && pieces.unwrap.is_none() => match (self.step()?, &mut pieces.log) {
                    (Step::Stage(stage), Some(log)) => log.stages.push(stage),
                    (Step::Unwrap(unwrap), _) => pieces.unwrap = Some(unwrap),
                    (Step::Stage(_), None) => return Err(self.unexpected(&[])),
                },
                _ => return Ok(()),
            }
        }
    }

    fn offset(&mut self) -> Parsed<i64> {
        let negative = self.accept_sign("-");
        let Kind::Duration(nanos) = self.kind().clone() else {
            return Err(self.unexpected(&["DURATION"]));
        };
        self.advance();
        Ok(if negative { -nanos } else { nanos })
    }

    fn label_replace(&mut self) -> Parsed<Metric> {
        self.advance();
        self.expect_sign("(")?;
        let inner = self.metric()?;
        let mut texts = Vec::with_capacity(4);
        for _ in 0..4 {
            self.expect_sign(",")?;
            texts.push(self.expect_text()?);
        }
        self.expect_sign(")")?;
        let mut texts = texts.into_iter();
        let mut next = || texts.next().unwrap_or_default();
        let replacement = Replacement {
            dst: next(),
            replacement: next(),
            src: next(),
            regex: next(),
        };
        check::label_replace(&replacement)?;
        Ok(Metric::LabelReplace(Box::new(LabelReplace {
            inner,
            replacement,
        })))
    }
}

fn binary_op(kind: &Kind) -> Option<BinaryOp> {
    Some(match kind {
        Kind::Word("or") => BinaryOp::Or,
        Kind::Word("and") => BinaryOp::And,
        Kind::Word("unless") => BinaryOp::Unless,
        Kind::Sign(sign) => match *sign {
            "+" => BinaryOp::Add,
            "-" => BinaryOp::Sub,
            "*" => BinaryOp::Mul,
            "/" => BinaryOp::Div,
            "%" => BinaryOp::Mod,
            "^" => BinaryOp::Pow,
            "==" => BinaryOp::Equal,
            "!=" => BinaryOp::NotEqual,
            ">" => BinaryOp::Greater,
            ">=" => BinaryOp::GreaterEqual,
            "<" => BinaryOp::Less,
            "<=" => BinaryOp::LessEqual,
            _ => return None,
        },
        _ => return None,
    })
}
