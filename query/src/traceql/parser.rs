//! The parser: precedence climbing over the tokens, with Tempo's messages. Types are checked afterwards (see `check`).
//! Not for evaluation.

use super::ast::{
    Body, FieldExpr, Hint, Metrics, Pipeline, Query, Scalar, ScalarFilter, SpansetExpr, Stage, Static,
};
use super::check;
use super::error::ParseError;
use super::lexer::{Tokens, tokenize};
use super::token::{Kind, Payload, Token};

mod expression;
mod field;
mod metrics;

/// Deepest nesting of a query: every later walk recurses this far on the caller's stack.
pub const DEPTH_MAX: usize = 300;

/// Longest text of a query in bytes.
pub const QUERY_BYTES_MAX: usize = 128 << 10;

/// Refuses texts that are too long to be looked at.
pub(super) fn check_length(text: &str) -> Parsed<()> {
    match text.len() {
        bytes if bytes > QUERY_BYTES_MAX => Err(ParseError::TooLong {
            bytes,
            limit: QUERY_BYTES_MAX,
        }),
        _ => Ok(()),
    }
}

/// Parses and checks a query.
///
/// # Errors
/// The first error, in Tempo's words.
pub fn parse(text: &str) -> Result<Query, ParseError> {
    let mut parser = Parser::new(text)?;
    let query = parser.query()?;
    check::check(&query)?;
    Ok(query)
}

/// Parses the name of an attribute as it stands in a query, such as `resource.service.name` or `span:kind`.
///
/// # Errors
/// Says so when it is none, or one that is not supported.
pub fn parse_attribute(text: &str) -> Result<super::ast::Attribute, ParseError> {
    let mut parser = Parser::new(text)?;
    let attribute = parser.attribute()?;
    parser.expect_end(&[])?;
    check::attribute(&attribute)?;
    Ok(attribute)
}

pub(super) struct Parser {
    tokens: Tokens,
    at: usize,
    depth: usize,
    /// Parentheses open around pipelines.
    parens: usize,
}

pub(super) type Parsed<T> = Result<T, ParseError>;

/// What an expression turned out to be.
enum Thing {
    /// One spanset of each trace.
    Spansets(SpansetExpr),
    /// Any other pipeline in parentheses.
    Pipeline(Pipeline),
    /// A number.
    Scalar(Scalar),
    /// A comparison of numbers.
    Filter(ScalarFilter),
    /// Time series.
    Metrics(Metrics),
}

impl Parser {
    fn new(text: &str) -> Parsed<Parser> {
        check_length(text)?;
        Ok(Parser::of(tokenize(text)))
    }

    /// Reads tokens, of which there is one at least.
    pub(super) fn of(tokens: Tokens) -> Parser {
        Parser {
            tokens,
            at: 0,
            depth: 0,
            parens: 0,
        }
    }

    /// An expression over a span and nothing behind it.
    pub(super) fn whole_field_expr(&mut self) -> Parsed<FieldExpr> {
        let expr = self.field_expr()?;
        self.expect_end(&[])?;
        Ok(expr)
    }

    fn peek(&self) -> &Token {
        &self.tokens.list[self.at]
    }

    /// Takes the next token; the last one stays.
    fn advance(&mut self) -> Token {
        let token = self.peek().clone();
        self.at = (self.at + 1).min(self.tokens.list.len() - 1);
        token
    }

    /// The text of the next token where that is a keyword or a sign.
    fn symbol(&self) -> &'static str {
        match self.peek().kind {
            Kind::Symbol(text) => text,
            _ => "",
        }
    }

    fn accept(&mut self, symbol: &str) -> bool {
        let found = self.symbol() == symbol;
        if found {
            self.advance();
        }
        found
    }

    fn expect(&mut self, symbol: &str, expecting: &[&str]) -> Parsed<()> {
        if self.accept(symbol) {
            Ok(())
        } else {
            Err(self.unexpected(expecting))
        }
    }

    fn expect_end(&mut self, expecting: &[&str]) -> Parsed<()> {
        match self.peek().kind {
            Kind::End => Ok(()),
            _ => Err(self.unexpected(expecting)),
        }
    }

    /// Like Tempo's generated parser it names what could follow only when that is little.
    fn unexpected(&self, expecting: &[&str]) -> ParseError {
        let token = self.peek();
        if token.kind == Kind::Error {
            return self.fault_at(token, self.tokens.error.clone());
        }
        let mut message = format!("syntax error: unexpected {}", token.kind.name());
        if !expecting.is_empty() {
            message.push_str(", expecting ");
            message.push_str(&expecting.join(" or "));
        }
        self.fault_at(token, message)
    }

    fn fault_at(&self, token: &Token, message: String) -> ParseError {
        ParseError::Syntax {
            line: token.line,
            column: token.column,
            message,
        }
    }

    /// An error that shows with the last token taken.
    fn fault_behind(&self, message: impl Into<String>) -> ParseError {
        let last = self.at.saturating_sub(1);
        self.fault_at(&self.tokens.list[last], message.into())
    }

    fn deepen(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let message = format!("query is nested deeper than {DEPTH_MAX} levels");
            return Err(self.fault_at(self.peek(), message));
        }
        Ok(())
    }

    fn query(&mut self) -> Parsed<Query> {
        let thing = self.pipeline()?;
        let body = match thing {
            Thing::Metrics(metrics) => Body::Metrics(metrics),
            thing => Body::Search(into_pipeline(thing).ok_or_else(|| self.unexpected(&[]))?),
        };
        let hints = if self.symbol() == "with" {
            self.hints()?
        } else {
            self.expect_end(&["with"])?;
            Vec::new()
        };
        self.expect_end(&[])?;
        Ok(Query { body, hints })
    }

    /// `with (name = value, ..)`.
    fn hints(&mut self) -> Parsed<Vec<Hint>> {
        let mut hints = Vec::new();
        self.expect("with", &[])?;
        self.expect("(", &["("])?;
        loop {
            let Payload::Text(name) = self.peek().payload.clone() else {
                return Err(self.unexpected(&["IDENTIFIER"]));
            };
            if self.peek().kind != Kind::Identifier {
                return Err(self.unexpected(&["IDENTIFIER"]));
            }
            self.advance();
            self.expect("=", &["="])?;
            let value = match self.symbol() {
                word @ "duration" => {
                    self.advance();
                    Static::String(word.into())
                }
                _ => self.static_value()?,
            };
            hints.push(Hint { name, value });
            if !self.accept(",") {
                break;
            }
        }
        self.expect(")", &[")", ","])?;
        Ok(hints)
    }

    /// Stages up to the end of the query or of the parentheses.
    fn pipeline(&mut self) -> Parsed<Thing> {
        let first = self.stage(true)?;
        let mut stages = match first {
            Thing::Metrics(metrics) => return self.ranked(metrics).map(Thing::Metrics),
            Thing::Scalar(scalar) => return Ok(Thing::Scalar(scalar)),
            Thing::Spansets(spansets) if self.symbol() != "|" => return Ok(Thing::Spansets(spansets)),
            thing => stages_of(thing),
        };
        while self.accept("|") {
            if let Some(metrics) = self.first_metrics(&mut stages)? {
                return self.ranked(metrics).map(Thing::Metrics);
            }
            match self.stage(false)? {
                Thing::Scalar(scalar) if self.parens > 0 && self.symbol() == ")" => {
                    return Ok(Thing::Scalar(Scalar::Pipeline {
                        pipeline: Pipeline { stages },
                        scalar: Box::new(scalar),
                    }));
                }
                Thing::Scalar(_) => return Err(self.unexpected(&[])),
                Thing::Metrics(_) => return Err(self.fault_behind("syntax error: unexpected )")),
                thing => stages.append(&mut stages_of(thing)),
            }
        }
        Ok(Thing::Pipeline(Pipeline { stages }))
    }

    /// One stage of a pipeline; what opens it must be able to.
    fn stage(&mut self, first: bool) -> Parsed<Thing> {
        let stage = match self.symbol() {
            "by" => {
                self.advance();
                self.expect("(", &["("])?;
                let expr = self.field_expr()?;
                self.expect(")", &[])?;
                Stage::Group(expr)
            }
            "coalesce" if !first => {
                self.advance();
                self.expect("(", &["("])?;
                self.expect(")", &[")"])?;
                Stage::Coalesce
            }
            "select" => {
                self.advance();
                Stage::Select(self.attributes()?)
            }
            _ => return self.expression(0),
        };
        Ok(Thing::Pipeline(Pipeline { stages: vec![stage] }))
    }
}

/// The stages that a thing is; none for numbers and series.
fn stages_of(thing: Thing) -> Vec<Stage> {
    into_pipeline(thing).map_or_else(Vec::new, |pipeline| pipeline.stages)
}

fn into_pipeline(thing: Thing) -> Option<Pipeline> {
    let stage = match thing {
        Thing::Spansets(spansets) => Stage::Spansets(spansets),
        Thing::Filter(filter) => Stage::Filter(filter),
        Thing::Pipeline(pipeline) => return Some(pipeline),
        Thing::Scalar(_) | Thing::Metrics(_) => return None,
    };
    Some(Pipeline { stages: vec![stage] })
}
