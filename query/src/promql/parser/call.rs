//! Function calls and aggregations. Not for the types of their arguments (see `check`).

use super::super::ast::{AggregateExpr, AggregateOp, CallExpr, Expr};
use super::super::functions;
use super::super::token::{Keyword, Kind, Token};
use super::{Fault, Parsed, Parser};
use crate::lex::{Span, string};

impl Parser<'_> {
    pub(super) fn call(&mut self) -> Parsed<Expr> {
        let name = self.advance();
        let args = self.call_args()?;
        let text = self.word(name);
        let Some(function) = functions::lookup(text) else {
            return Err(Fault::new(
                name.span,
                format!("unknown function with name {}", string::quote(text)),
            ));
        };
        if function.experimental && !self.options.experimental_functions {
            return Err(Fault::new(
                name.span,
                format!("function {} is not enabled", string::quote(text)),
            ));
        }
        let span = Span::new(name.span.start, self.last_end());
        Ok(Expr::Call(CallExpr { function, args, span }))
    }

    fn call_args(&mut self) -> Parsed<Vec<Expr>> {
        self.expect(Kind::LeftParen, "", "")?;
        let mut args = Vec::new();
        if self.accept(Kind::RightParen).is_some() {
            return Ok(args);
        }
        loop {
            args.push(self.expr(0)?);
            if self.accept(Kind::RightParen).is_some() {
                return Ok(args);
            }
            let comma = self.expect(Kind::Comma, "", "")?;
            if self.peek().kind == Kind::RightParen {
                return Err(Fault::new(
                    comma.span,
                    "trailing commas not allowed in function call args",
                ));
            }
        }
    }

    /// A quoted label name.
    fn grouping_name(&self, token: Token) -> Parsed<String> {
        let name = self.string_value(token)?;
        if name.is_empty() || string::has_stray_bytes(&name) {
            let shown = string::quote(&name);
            let message = format!("invalid label name for grouping: {shown}");
            return Err(Fault::new(token.span, message));
        }
        Ok(name)
    }

    pub(super) fn aggregate(&mut self, op: AggregateOp) -> Parsed<Expr> {
        let name = self.advance();
        let mut modifier = self.aggregate_modifier()?;
        if self.peek().kind != Kind::LeftParen {
            return Err(self.unexpected("aggregation", ""));
        }
        let mut args = self.call_args()?;
        if modifier.is_none() {
            modifier = self.aggregate_modifier()?;
        }
        let span = Span::new(name.span.start, self.last_end());
        if args.is_empty() {
            return Err(Fault::new(span, "no arguments for aggregate expression provided"));
        }
        if op.is_experimental() && !self.options.experimental_functions {
            return Err(Fault::new(
                span,
                format!(
                    "{}() is experimental and must be enabled with --enable-feature=promql-experimental-functions",
                    op.as_str()
                ),
            ));
        }
        let expected = if op.has_param() { 2 } else { 1 };
        if args.len() != expected {
            let got = args.len();
            return Err(Fault::new(
                span,
                format!(
                    "wrong number of arguments for aggregate expression provided, expected {expected}, got {got}"
                ),
            ));
        }
        let expr = args.remove(expected - 1);
        let (without, grouping) = modifier.unwrap_or_default();
        Ok(Expr::Aggregate(Box::new(AggregateExpr {
            op,
            expr,
            param: args.pop(),
            grouping,
            without,
            span,
        })))
    }

    /// `by (...)` or `without (...)`: true for the latter, and the labels.
    fn aggregate_modifier(&mut self) -> Parsed<Option<(bool, Vec<String>)>> {
        let without = match self.peek().kind {
            Kind::Keyword(Keyword::By) => false,
            Kind::Keyword(Keyword::Without) => true,
            _ => return Ok(None),
        };
        self.advance();
        Ok(Some((without, self.grouping_labels()?)))
    }

    /// `(a, "b c", ...)`.
    pub(super) fn grouping_labels(&mut self) -> Parsed<Vec<String>> {
        self.expect(Kind::LeftParen, "grouping opts", "\"(\"")?;
        let mut labels = Vec::new();
        loop {
            if self.accept(Kind::RightParen).is_some() {
                return Ok(labels);
            }
            let token = self.peek();
            labels.push(match token.kind {
                Kind::String => self.grouping_name(token)?,
                kind if kind.names_label() && !self.word(token).contains(':') => self.word(token).to_owned(),
                _ => return Err(self.unexpected("grouping opts", "label")),
            });
            self.advance();
            if self.accept(Kind::Comma).is_none() && self.peek().kind != Kind::RightParen {
                return Err(self.unexpected("grouping opts", "\",\" or \")\""));
            }
        }
    }
}
