//! Durations inside `[...]` and after `offset`. A bare offset ends after its first literal or call.

use super::super::ast::{BinaryOp, Duration, DurationExpr, DurationOp, NumberLiteral, UnaryOp};
use super::super::token::{Keyword, Kind};
use super::{Fault, Parsed, Parser, UNARY_PRECEDENCE};
use crate::lex::Span;

/// Longest duration, in seconds: what 64 bits of nanoseconds hold.
const SECONDS_MAX: f64 = 9_223_372_036.0;

/// Milliseconds of a literal in seconds. Parts below a millisecond are cut, as Prometheus cuts its nanoseconds.
fn literal_millis(number: &NumberLiteral) -> Parsed<i64> {
    if number.value.is_nan() || number.value.abs() > SECONDS_MAX {
        return Err(Fault::new(number.span, "duration out of range"));
    }
    Ok(((number.value * 1e9).round() / 1e6).trunc() as i64)
}

fn into_duration(expr: DurationExpr) -> Parsed<Duration> {
    match expr {
        DurationExpr::Number(number) => literal_millis(&number).map(Duration::Literal),
        other => Ok(Duration::Expr(Box::new(other))),
    }
}

impl Parser<'_> {
    /// A range or a step: literals must be above zero; expressions are checked when their value is known.
    pub(super) fn positive_duration(&mut self, context: &str) -> Parsed<Duration> {
        let expr = self.duration_expr(0, context)?;
        if let DurationExpr::Number(number) = &expr
            && (number.value.is_nan() || number.value <= 0.0)
        {
            return Err(Fault::new(number.span, "duration must be greater than 0"));
        }
        into_duration(expr)
    }

    pub(super) fn offset_duration(&mut self) -> Parsed<Duration> {
        let start = self.peek().span.start;
        let sign = self.sign();
        let expr = self.duration_primary("offset")?;
        into_duration(match sign {
            Some(op) => signed(op, expr, start),
            None => expr,
        })
    }

    fn sign(&mut self) -> Option<UnaryOp> {
        let op = match self.peek().kind {
            Kind::Op(BinaryOp::Add) => UnaryOp::Plus,
            Kind::Op(BinaryOp::Sub) => UnaryOp::Minus,
            _ => return None,
        };
        self.advance();
        Some(op)
    }

    fn duration_expr(&mut self, min_precedence: u8, context: &str) -> Parsed<DurationExpr> {
        let entered = self.depth;
        self.deepen()?;
        let start = self.peek().span.start;
        let mut lhs = match self.sign() {
            Some(op) => signed(op, self.duration_expr(UNARY_PRECEDENCE, context)?, start),
            None => self.duration_primary(context)?,
        };
        while let Kind::Op(binary) = self.peek().kind {
            let Some(op) = arithmetic(binary) else { break };
            let precedence = binary.precedence();
            if precedence < min_precedence {
                break;
            }
            self.deepen()?;
            self.advance();
            let next = if op == DurationOp::Pow {
                precedence
            } else {
                precedence + 1
            };
            let rhs = self.duration_expr(next, context)?;
            check_divisor(op, &rhs)?;
            let span = lhs.span().to(rhs.span());
            lhs = DurationExpr::Binary {
                op,
                lhs: Box::new(lhs),
                rhs: Box::new(rhs),
                span,
                wrapped: false,
            };
        }
        self.depth = entered;
        Ok(lhs)
    }

    fn duration_primary(&mut self, context: &str) -> Parsed<DurationExpr> {
        let token = self.peek();
        match token.kind {
            Kind::Number | Kind::Duration => self.number().map(DurationExpr::Number),
            Kind::LeftParen => {
                self.advance();
                let inner = self.duration_expr(0, context)?;
                self.expect(Kind::RightParen, context, "\")\"")?;
                Ok(wrap(inner))
            }
            Kind::Keyword(keyword @ (Keyword::Step | Keyword::Range)) => {
                self.advance();
                self.expect(Kind::LeftParen, context, "\"(\"")?;
                let close = self.expect(Kind::RightParen, context, "\")\"")?;
                let op = if keyword == Keyword::Step {
                    DurationOp::Step
                } else {
                    DurationOp::Range
                };
                Ok(DurationExpr::Query {
                    op,
                    span: token.span.to(close.span),
                    wrapped: false,
                })
            }
            Kind::Keyword(keyword @ (Keyword::MinOf | Keyword::MaxOf)) => {
                self.advance();
                self.expect(Kind::LeftParen, context, "\"(\"")?;
                let lhs = Box::new(self.duration_expr(0, context)?);
                self.expect(Kind::Comma, context, "\",\"")?;
                let rhs = Box::new(self.duration_expr(0, context)?);
                let close = self.expect(Kind::RightParen, context, "\")\"")?;
                let op = if keyword == Keyword::MinOf {
                    DurationOp::MinOf
                } else {
                    DurationOp::MaxOf
                };
                let span: Span = token.span.to(close.span);
                Ok(DurationExpr::Binary {
                    op,
                    lhs,
                    rhs,
                    span,
                    wrapped: false,
                })
            }
            _ => Err(self.unexpected(context, "number, duration, step(), or range()")),
        }
    }
}

/// A sign before an operand; literals take it in.
fn signed(op: UnaryOp, expr: DurationExpr, start: usize) -> DurationExpr {
    match expr {
        DurationExpr::Number(mut number) => {
            if op == UnaryOp::Minus {
                number.value = -number.value;
            }
            number.span.start = start;
            DurationExpr::Number(number)
        }
        // A plus changes nothing and is not kept.
        expr if op == UnaryOp::Plus => expr,
        expr => {
            let span = Span::new(start, expr.span().end);
            DurationExpr::Unary {
                op,
                expr: Box::new(expr),
                span,
                wrapped: false,
            }
        }
    }
}

fn wrap(expr: DurationExpr) -> DurationExpr {
    let mut expr = expr;
    if let DurationExpr::Query { wrapped, .. }
    | DurationExpr::Unary { wrapped, .. }
    | DurationExpr::Binary { wrapped, .. } = &mut expr
    {
        *wrapped = true;
    }
    expr
}

fn arithmetic(op: BinaryOp) -> Option<DurationOp> {
    Some(match op {
        BinaryOp::Add => DurationOp::Add,
        BinaryOp::Sub => DurationOp::Sub,
        BinaryOp::Mul => DurationOp::Mul,
        BinaryOp::Div => DurationOp::Div,
        BinaryOp::Mod => DurationOp::Mod,
        BinaryOp::Pow => DurationOp::Pow,
        _ => return None,
    })
}

fn check_divisor(op: DurationOp, rhs: &DurationExpr) -> Parsed<()> {
    match (op, rhs) {
        (DurationOp::Div, DurationExpr::Number(n)) if n.value == 0.0 => {
            Err(Fault::new(n.span, "division by zero"))
        }
        (DurationOp::Mod, DurationExpr::Number(n)) if n.value == 0.0 => {
            Err(Fault::new(n.span, "modulo by zero"))
        }
        _ => Ok(()),
    }
}
