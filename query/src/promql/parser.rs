//! The parser: Pratt's method over the tokens, with Prometheus' messages. Types are checked afterwards (see `check`).
//! Not for evaluation.

use kymo_engine::labels::Labels;
use kymo_engine::metrics::Matcher;

use super::ast::{BinaryExpr, Expr, NumberLiteral, ParenExpr, StringLiteral, UnaryExpr, UnaryOp};
use super::check;
use super::error::{Fault, ParseError};
use super::lexer::{Tokens, tokenize};
use super::token::{Keyword, Kind, Token, describe};
use crate::lex::{Span, duration, string};
use crate::number;

mod call;
mod duration_expr;
mod matching;
mod modifier;
mod selector;

use super::ast::BinaryOp;

/// What the grammar accepts beyond the stable language. All off is a Prometheus server without feature flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ParseOptions {
    /// Functions and aggregators marked experimental.
    pub experimental_functions: bool,
    /// The `anchored` and `smoothed` modifiers.
    pub extended_range_selectors: bool,
    /// The `fill`, `fill_left` and `fill_right` modifiers.
    pub fill_modifiers: bool,
}

impl ParseOptions {
    /// Everything on, as in Prometheus' own test engine.
    pub const ALL: ParseOptions = ParseOptions {
        experimental_functions: true,
        extended_range_selectors: true,
        fill_modifiers: true,
    };
}

/// Deepest nesting of an expression: every later walk recurses this far on the caller's stack.
pub const DEPTH_MAX: usize = 500;

/// Parses and type-checks an expression.
///
/// # Errors
/// The first error in Prometheus' words, with its place.
pub fn parse(text: &str, options: &ParseOptions) -> Result<Expr, ParseError> {
    let parsed = (|| {
        let mut parser = Parser::new(text, *options);
        if parser.peek().kind == Kind::End {
            return Err(Fault::new(Span::default(), "no expression found in input"));
        }
        let mut expr = parser.expr(0)?;
        parser.expect_end()?;
        check::check(&mut expr, text)?;
        Ok(expr)
    })();
    parsed.map_err(|fault: Fault| fault.in_text(text))
}

/// Parses a series selector such as `up{job="a"}`, as `match[]` parameters hold it.
///
/// # Errors
/// The first error, with its place. Whether a matcher excludes the empty value is for the caller to check.
pub fn parse_selector(text: &str) -> Result<Vec<Matcher>, ParseError> {
    let parsed = (|| {
        let mut parser = Parser::new(text, ParseOptions::ALL);
        let selector = parser.vector_selector()?;
        parser.expect_end()?;
        Ok(selector.matchers)
    })();
    parsed.map_err(|fault: Fault| fault.in_text(text))
}

/// Parses the labels of one series such as `up{job="a"}`.
///
/// # Errors
/// The first error, with its place.
pub fn parse_labels(text: &str) -> Result<Labels, ParseError> {
    let parsed = (|| {
        let mut parser = Parser::new(text, ParseOptions::ALL);
        let labels = parser.label_set()?;
        parser.expect_end()?;
        Ok(labels)
    })();
    parsed.map_err(|fault: Fault| fault.in_text(text))
}

/// The value of a number. What a 64-bit float cannot hold is an error in Go's words.
fn number_value(text: &str) -> Result<f64, String> {
    let fail = |why: &str| {
        let shown = string::quote(text);
        Err(format!(
            "error parsing number: strconv.ParseFloat: parsing {shown}: {why}"
        ))
    };
    match number::parse(text) {
        None => fail("invalid syntax"),
        Some(value) if value.is_infinite() && !text.eq_ignore_ascii_case("inf") => fail("value out of range"),
        Some(value) => Ok(value),
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Tokens,
    at: usize,
    options: ParseOptions,
    depth: usize,
}

type Parsed<T> = Result<T, Fault>;

/// Binding power of a sign: above `*`, below `^`.
const UNARY_PRECEDENCE: u8 = 6;

impl<'a> Parser<'a> {
    fn new(text: &'a str, options: ParseOptions) -> Parser<'a> {
        Parser {
            text,
            tokens: tokenize(text),
            at: 0,
            options,
            depth: 0,
        }
    }

    fn peek(&self) -> Token {
        self.peek_at(0)
    }

    /// The token `ahead` of the next one; past the end the last one again.
    fn peek_at(&self, ahead: usize) -> Token {
        let last = self.tokens.list.len() - 1;
        self.tokens.list[(self.at + ahead).min(last)]
    }

    fn advance(&mut self) -> Token {
        let token = self.peek();
        self.at = (self.at + 1).min(self.tokens.list.len() - 1);
        token
    }

    /// Takes the next token when it is of this kind.
    fn accept(&mut self, kind: Kind) -> Option<Token> {
        (self.peek().kind == kind).then(|| self.advance())
    }

    fn word(&self, token: Token) -> &'a str {
        &self.text[token.span.start..token.span.end]
    }

    /// One past the last token taken.
    fn last_end(&self) -> usize {
        self.at.checked_sub(1).map_or(0, |i| self.tokens.list[i].span.end)
    }

    /// The error of a token that does not belong here.
    fn unexpected(&self, context: &str, expected: &str) -> Fault {
        let token = self.peek();
        if token.kind == Kind::Error {
            return Fault::new(token.span, self.tokens.error.clone());
        }
        let mut message = format!("unexpected {}", describe(token.kind, self.word(token)));
        if !context.is_empty() {
            message.push_str(" in ");
            message.push_str(context);
        }
        if !expected.is_empty() {
            message.push_str(", expected ");
            message.push_str(expected);
        }
        Fault::new(token.span, message)
    }

    fn expect(&mut self, kind: Kind, context: &str, expected: &str) -> Parsed<Token> {
        self.accept(kind)
            .ok_or_else(|| self.unexpected(context, expected))
    }

    fn expect_end(&mut self) -> Parsed<()> {
        self.expect(Kind::End, "", "").map(|_| ())
    }

    fn expr(&mut self, min_precedence: u8) -> Parsed<Expr> {
        let entered = self.depth;
        self.deepen()?;
        let mut lhs = self.operand()?;
        while let Kind::Op(op) = self.peek().kind {
            let precedence = op.precedence();
            if precedence < min_precedence {
                break;
            }
            self.deepen()?;
            self.advance();
            let (return_bool, matching) = self.binary_modifiers()?;
            let rhs = self.expr(if op == BinaryOp::Pow {
                precedence
            } else {
                precedence + 1
            })?;
            let fills = matching.fill_left.is_some() || matching.fill_right.is_some();
            if fills && !self.options.fill_modifiers {
                let message = "binop fill modifiers are experimental and not enabled";
                return Err(Fault::new(lhs.span().to(rhs.span()), message));
            }
            lhs = Expr::Binary(Box::new(BinaryExpr {
                op,
                lhs,
                rhs,
                return_bool,
                matching: Some(matching),
            }));
        }
        self.depth = entered;
        Ok(lhs)
    }

    fn deepen(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Fault::new(
                self.peek().span,
                format!("expression is nested deeper than {DEPTH_MAX} levels"),
            ));
        }
        Ok(())
    }

    /// A sign with its operand, or a primary expression with its modifiers.
    fn operand(&mut self) -> Parsed<Expr> {
        let token = self.peek();
        let op = match token.kind {
            Kind::Op(BinaryOp::Add) => UnaryOp::Plus,
            Kind::Op(BinaryOp::Sub) => UnaryOp::Minus,
            _ => {
                let primary = self.primary()?;
                return self.modifiers(primary);
            }
        };
        self.advance();
        Ok(match self.expr(UNARY_PRECEDENCE)? {
            Expr::Number(mut number) => {
                if op == UnaryOp::Minus {
                    number.value = -number.value;
                }
                number.span.start = token.span.start;
                Expr::Number(number)
            }
            expr => Expr::Unary(Box::new(UnaryExpr {
                op,
                expr,
                start: token.span.start,
            })),
        })
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let token = self.peek();
        match token.kind {
            Kind::Number | Kind::Duration => self.number().map(Expr::Number),
            Kind::String => {
                let value = self.string_value(token)?;
                self.advance();
                Ok(Expr::String(StringLiteral {
                    value,
                    span: token.span,
                }))
            }
            Kind::LeftParen => {
                self.advance();
                let expr = self.expr(0)?;
                let close = self.expect(Kind::RightParen, "", "")?;
                Ok(Expr::Paren(Box::new(ParenExpr {
                    expr,
                    span: token.span.to(close.span),
                })))
            }
            Kind::Aggregate(op) => match self.peek_at(1).kind {
                Kind::LeftParen | Kind::Keyword(Keyword::By | Keyword::Without) => self.aggregate(op),
                _ => self.vector_selector().map(Expr::Vector),
            },
            kind if kind.names_metric() && self.peek_at(1).kind == Kind::LeftParen => self.call(),
            _ => self.vector_selector().map(Expr::Vector),
        }
    }

    fn number(&mut self) -> Parsed<NumberLiteral> {
        let token = self.peek();
        let text = self.word(token);
        let value = match token.kind {
            Kind::Number => number_value(text),
            Kind::Duration => duration::parse(text)
                .map(|ms| ms as f64 / 1000.0)
                .map_err(|e| e.to_string()),
            _ => return Err(self.unexpected("", "")),
        };
        let value = value.map_err(|message| Fault::new(token.span, message))?;
        self.advance();
        Ok(NumberLiteral {
            value,
            duration: token.kind == Kind::Duration,
            span: token.span,
        })
    }

    pub(super) fn string_value(&self, token: Token) -> Parsed<String> {
        let literal = self.word(token);
        string::read(literal).map(|(_, value)| value).map_err(|error| {
            Fault::new(
                token.span,
                format!("error unquoting string {}: {error}", string::quote(literal)),
            )
        })
    }
}
