//! What follows an expression: ranges, subqueries, `offset`, `@`, `anchored`, `smoothed`.

use super::super::ast::{At, BinaryOp, Duration, Expr, MatrixSelector, SubqueryExpr};
use super::super::token::{Keyword, Kind, Token};
use super::{Fault, Parsed, Parser};
use crate::lex::Span;

/// The parts of an expression that modifiers change, and its end.
type Slots<'e> = (&'e mut Duration, &'e mut Option<At>, &'e mut usize);

fn slots(expr: &mut Expr) -> Option<Slots<'_>> {
    match expr {
        Expr::Vector(v) => Some((&mut v.offset, &mut v.at, &mut v.span.end)),
        Expr::Matrix(m) => Some((&mut m.selector.offset, &mut m.selector.at, &mut m.span.end)),
        Expr::Subquery(s) => Some((&mut s.offset, &mut s.at, &mut s.end)),
        _ => None,
    }
}

impl Parser<'_> {
    pub(super) fn modifiers(&mut self, mut expr: Expr) -> Parsed<Expr> {
        loop {
            expr = match self.peek().kind {
                Kind::LeftBracket => self.bracket(expr)?,
                Kind::Keyword(Keyword::Offset) => self.offset(expr)?,
                Kind::At => self.at_modifier(expr)?,
                Kind::Keyword(keyword @ (Keyword::Anchored | Keyword::Smoothed)) => {
                    self.extended(expr, keyword)?
                }
                _ => return Ok(expr),
            };
        }
    }

    /// `[5m]`, `[1h:5m]`, `[1h:]`.
    fn bracket(&mut self, expr: Expr) -> Parsed<Expr> {
        self.deepen()?;
        let open = self.advance();
        let range = self.positive_duration("subquery or range selector")?;
        if let Some(close) = self.accept(Kind::RightBracket) {
            return matrix(expr, range, open, close);
        }
        self.expect(Kind::Colon, "subquery or range", "\":\" or \"]\"")?;
        let step = match self.peek().kind {
            Kind::RightBracket => None,
            _ => Some(self.positive_duration("subquery selector")?),
        };
        let close = self.expect(Kind::RightBracket, "subquery selector", "\"]\"")?;
        Ok(Expr::Subquery(Box::new(SubqueryExpr {
            expr,
            range,
            step,
            offset: Duration::ZERO,
            at: None,
            end: close.span.end,
        })))
    }

    fn offset(&mut self, mut expr: Expr) -> Parsed<Expr> {
        self.advance();
        let value = self.offset_duration()?;
        let span = expr.span();
        let end = self.last_end();
        let Some((offset, _, expr_end)) = slots(&mut expr) else {
            return Err(Fault::new(
                span,
                "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery",
            ));
        };
        if !offset.is_zero() {
            return Err(Fault::new(span, "offset may not be set multiple times"));
        }
        (*offset, *expr_end) = (value, end);
        Ok(expr)
    }

    fn at_modifier(&mut self, mut expr: Expr) -> Parsed<Expr> {
        self.advance();
        let span = expr.span();
        let value = self.at_value(span)?;
        let end = self.last_end();
        let Some((_, at, expr_end)) = slots(&mut expr) else {
            return Err(Fault::new(
                span,
                "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery",
            ));
        };
        if at.is_some() {
            return Err(Fault::new(span, "@ <timestamp> may not be set multiple times"));
        }
        (*at, *expr_end) = (Some(value), end);
        Ok(expr)
    }

    fn at_value(&mut self, span: Span) -> Parsed<At> {
        let preprocessor = match self.peek().kind {
            Kind::Keyword(Keyword::Start) => Some(At::Start),
            Kind::Keyword(Keyword::End) => Some(At::End),
            _ => None,
        };
        if let Some(at) = preprocessor {
            self.advance();
            self.expect(Kind::LeftParen, "@", "timestamp")?;
            self.expect(Kind::RightParen, "@", "timestamp")?;
            return Ok(at);
        }
        let seconds = self.signed_number("@", "timestamp")?;
        if seconds.is_nan() || seconds.abs() >= i64::MAX as f64 {
            let shown = crate::number::format_go(seconds);
            return Err(Fault::new(
                span,
                format!("timestamp out of bounds for @ modifier: {shown}"),
            ));
        }
        Ok(At::Timestamp((seconds * 1000.0).round() as i64))
    }

    /// A number with an optional sign; the words name what the number is for and what it should be.
    pub(super) fn signed_number(&mut self, context: &'static str, wanted: &'static str) -> Parsed<f64> {
        let negative = match self.peek().kind {
            Kind::Op(op @ (BinaryOp::Add | BinaryOp::Sub)) => {
                self.advance();
                op == BinaryOp::Sub
            }
            _ => false,
        };
        if !matches!(self.peek().kind, Kind::Number | Kind::Duration) {
            return Err(self.unexpected(context, wanted));
        }
        let number = self.number()?.value;
        Ok(if negative { -number } else { number })
    }

    fn extended(&mut self, mut expr: Expr, keyword: Keyword) -> Parsed<Expr> {
        self.advance();
        let word = if keyword == Keyword::Anchored {
            "anchored"
        } else {
            "smoothed"
        };
        let span = expr.span();
        let fault = |message: String| Err(Fault::new(span, message));
        if !self.options.extended_range_selectors {
            return fault(format!("{word} modifier is experimental and not enabled"));
        }
        let selector = match &mut expr {
            Expr::Vector(selector) => selector,
            Expr::Matrix(matrix) => &mut matrix.selector,
            Expr::Subquery(_) => return fault(format!("{word} modifier is not supported for subqueries")),
            // Prometheus' own words for a modifier behind anything but a selector.
            _ => return fault(format!("{word} modifier not implemented")),
        };
        selector.anchored |= keyword == Keyword::Anchored;
        selector.smoothed |= keyword == Keyword::Smoothed;
        if selector.anchored && selector.smoothed {
            return fault("anchored and smoothed modifiers cannot be used together".to_owned());
        }
        Ok(expr)
    }
}

fn matrix(expr: Expr, range: Duration, open: Token, close: Token) -> Parsed<Expr> {
    let brackets = open.span.to(close.span);
    let Expr::Vector(selector) = expr else {
        return Err(Fault::new(brackets, "ranges only allowed for vector selectors"));
    };
    if !selector.offset.is_zero() {
        return Err(Fault::new(brackets, "no offset modifiers allowed before range"));
    }
    if selector.at.is_some() {
        return Err(Fault::new(brackets, "no @ modifiers allowed before range"));
    }
    let span = Span::new(selector.span.start, close.span.end);
    Ok(Expr::Matrix(MatrixSelector {
        selector,
        range,
        span,
    }))
}
