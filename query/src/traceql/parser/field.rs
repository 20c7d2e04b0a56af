//! Expressions over one span, as they stand in braces and in calls, and the attributes in them.
//! Not for operators between spansets.

use super::super::ast::{
    Attribute, BinaryOp, FieldExpr, Intrinsic, Kind as SpanKind, LogicOp, Scope, Static, Status, UnaryOp,
};
use super::super::fold;
use super::super::token::{Kind, Payload};
use super::{Parsed, Parser};

/// What binds the operand of `!`: everything tighter than a sum.
const NOT: u8 = 5;

/// How tightly an operator binds; 0 for what is none.
fn precedence(symbol: &str) -> u8 {
    match symbol {
        "&&" | "||" => 1,
        "+" | "-" => 3,
        "*" | "/" | "%" => 5,
        "^" => 6,
        _ if BinaryOp::of(symbol).is_some() => 2,
        _ => 0,
    }
}

impl Parser {
    /// A whole expression.
    pub(super) fn field_expr(&mut self) -> Parsed<FieldExpr> {
        self.field_operators(0)
    }

    fn field_operators(&mut self, least: u8) -> Parsed<FieldExpr> {
        let entered = self.depth;
        self.deepen()?;
        let mut lhs = self.field_operand()?;
        loop {
            let symbol = self.symbol();
            let binds = precedence(symbol);
            if binds == 0 || binds < least {
                break;
            }
            // A chain of one logical operator is one node, however long.
            let chained = matches!(&lhs, FieldExpr::Logic { op, operands } if op.text() == symbol && operands.len() > 1);
            if !chained {
                self.deepen()?;
            }
            self.advance();
            let rhs = self.field_operators(if symbol == "^" { binds } else { binds + 1 })?;
            lhs = match (LogicOp::of(symbol), BinaryOp::of(symbol)) {
                (Some(op), _) => fold::logic(op, lhs, rhs),
                (_, Some(op)) => fold::binary(op, lhs, rhs),
                _ => return Err(self.unexpected(&[])),
            };
        }
        self.depth = entered;
        Ok(lhs)
    }

    fn field_operand(&mut self) -> Parsed<FieldExpr> {
        match self.symbol() {
            "(" => {
                self.advance();
                let expr = self.field_operators(0)?;
                self.expect(")", &[])?;
                Ok(expr)
            }
            "!" => {
                self.advance();
                self.field_operators(NOT)
                    .map(|expr| fold::unary(UnaryOp::Not, expr))
            }
            "-" => {
                self.advance();
                self.deepen()?;
                let operand = self.field_operand()?;
                self.depth -= 1;
                Ok(fold::unary(UnaryOp::Negate, operand))
            }
            symbol if opens_named(symbol) => self.attribute().map(FieldExpr::Attribute),
            _ => self.static_value().map(FieldExpr::Static),
        }
    }

    /// A literal other than a negative number.
    pub(super) fn static_value(&mut self) -> Parsed<Static> {
        let token = self.peek();
        let value = match (token.kind, &token.payload) {
            (Kind::Integer, Payload::Integer(n)) => Static::Int(*n),
            (Kind::Float, Payload::Float(x)) => Static::Float(*x),
            (Kind::Duration, Payload::Duration(n)) => Static::Duration(*n),
            (Kind::String, Payload::Text(text)) => Static::String(text.as_str().into()),
            (Kind::Identifier, Payload::Text(text)) => match text.as_str() {
                "minInt" => Static::Int(i64::MIN),
                "maxInt" => Static::Int(i64::MAX),
                other => return Err(self.fault_at(token, format!("unknown identifier: {other}"))),
            },
            (Kind::Symbol(word), _) => keyword(word).ok_or_else(|| self.unexpected(&[]))?,
            _ => return Err(self.unexpected(&[])),
        };
        self.advance();
        Ok(value)
    }

    /// An attribute or an intrinsic.
    pub(super) fn attribute(&mut self) -> Parsed<Attribute> {
        let symbol = self.symbol();
        if let Some(intrinsic) = Intrinsic::of(symbol) {
            self.advance();
            return Ok(Attribute::Intrinsic(intrinsic));
        }
        if symbol.ends_with(':') {
            self.advance();
            let intrinsic = Intrinsic::scoped(symbol, self.symbol())
                .ok_or_else(|| self.unexpected(scoped_names(symbol)))?;
            self.advance();
            return Ok(Attribute::Intrinsic(intrinsic));
        }
        if !opens_named(symbol) {
            return Err(self.unexpected(&[]));
        }
        self.advance();
        if symbol != "parent." {
            return self.attribute_name(scope_of(symbol), false, &["IDENTIFIER"]);
        }
        let inner = self.symbol();
        if matches!(inner, "resource." | "span.") {
            self.advance();
            return self.attribute_name(scope_of(inner), true, &["IDENTIFIER"]);
        }
        self.attribute_name(Scope::Any, true, &["IDENTIFIER", "resource.", "span."])
    }

    fn attribute_name(&mut self, scope: Scope, parent: bool, expecting: &[&str]) -> Parsed<Attribute> {
        let (Kind::Identifier, Payload::Text(name)) = (self.peek().kind, self.peek().payload.clone()) else {
            return Err(self.unexpected(expecting));
        };
        self.advance();
        if self.peek().kind != Kind::EndAttribute {
            return Err(self.unexpected(&["END_ATTRIBUTE"]));
        }
        self.advance();
        Ok(Attribute::Named { scope, name, parent })
    }

    /// `(a, b, ..)`.
    pub(super) fn attributes(&mut self) -> Parsed<Vec<Attribute>> {
        self.expect("(", &["("])?;
        let mut list = vec![self.attribute()?];
        while self.accept(",") {
            list.push(self.attribute()?);
        }
        self.expect(")", &[")", ","])?;
        Ok(list)
    }
}

fn opens_named(symbol: &str) -> bool {
    super::super::token::opens_attribute(symbol) || symbol.ends_with(':') || Intrinsic::of(symbol).is_some()
}

fn scope_of(symbol: &str) -> Scope {
    match symbol {
        "resource." => Scope::Resource,
        "span." => Scope::Span,
        "event." => Scope::Event,
        "link." => Scope::Link,
        "instrumentation." => Scope::Instrumentation,
        _ => Scope::Any,
    }
}

/// What may follow a scope of intrinsics, where that is little.
fn scoped_names(scope: &str) -> &'static [&'static str] {
    match scope {
        "trace:" => &["duration", "rootName", "rootService", "id"],
        "event:" => &["name", "timeSinceStart"],
        "link:" => &["traceID", "spanID"],
        "instrumentation:" => &["name", "version"],
        _ => &[],
    }
}

fn keyword(word: &str) -> Option<Static> {
    Some(match word {
        "true" => Static::Bool(true),
        "false" => Static::Bool(false),
        "nil" => Static::Nil,
        "ok" => Static::Status(Status::Ok),
        "error" => Static::Status(Status::Error),
        "unset" => Static::Status(Status::Unset),
        "unspecified" => Static::Kind(SpanKind::Unspecified),
        "internal" => Static::Kind(SpanKind::Internal),
        "server" => Static::Kind(SpanKind::Server),
        "client" => Static::Kind(SpanKind::Client),
        "producer" => Static::Kind(SpanKind::Producer),
        "consumer" => Static::Kind(SpanKind::Consumer),
        _ => return None,
    })
}
