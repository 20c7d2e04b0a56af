//! From text to AST, in the grammar and with the messages of Loki's parser.

mod filter;
mod metric;
mod stage;
mod tail;

use super::ast::{Expr, LogExpr, Metric};
use super::check;
use super::error::ParseError;
use super::lexer;
use super::token::{Kind, Token};

use kymo_engine::metrics::matcher::{MatchOp, Matcher};

/// Longest query in bytes.
pub const QUERY_BYTES_MAX: usize = 131_072;
/// Deepest nesting of a query.
pub const DEPTH_MAX: usize = 200;

type Parsed<T> = Result<T, ParseError>;

/// Parses and checks a query.
///
/// # Errors
/// What Loki's parser finds wrong, in its words.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    let expr = parse_unchecked(text)?;
    check::check(&expr)?;
    Ok(expr)
}

fn parse_unchecked(text: &str) -> Parsed<Expr> {
    if text.len() > QUERY_BYTES_MAX {
        let message = format!("input size too long ({} > {QUERY_BYTES_MAX})", text.len());
        return Err(ParseError::new(message));
    }
    let mut parser = Parser::new(text);
    let expr = parser.expr()?;
    parser.end()?;
    Ok(expr)
}

/// Parses a query for lines.
///
/// # Errors
/// Those of [`parse`], and `only log selector is supported`.
pub fn parse_log(text: &str) -> Result<LogExpr, ParseError> {
    match parse(text)? {
        Expr::Log(log) => Ok(log),
        Expr::Metric(_) => Err(ParseError::new("only log selector is supported")),
    }
}

/// Parses a query for numbers.
///
/// # Errors
/// Those of [`parse`], and `only sample expression supported`.
pub fn parse_metric(text: &str) -> Result<Metric, ParseError> {
    match parse(text)? {
        Expr::Metric(metric) => Ok(metric),
        Expr::Log(_) => Err(ParseError::new("only sample expression supported")),
    }
}

/// Parses matchers of streams, which may let everything pass.
///
/// # Errors
/// Those of [`parse`]; `only label matchers are supported` when stages follow.
pub fn parse_matchers(text: &str) -> Result<Vec<Matcher>, ParseError> {
    match parse_unchecked(text)? {
        Expr::Log(log) if log.stages.is_empty() && log.tail.is_empty() => Ok(log.selector),
        _ => Err(ParseError::new("only label matchers are supported")),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn new(text: &str) -> Parser {
        Parser {
            tokens: lexer::tokenize(text),
            at: 0,
            depth: 0,
        }
    }

    fn kind(&self) -> &Kind {
        &self.tokens[self.at].kind
    }

    fn kind_at(&self, ahead: usize) -> &Kind {
        let last = self.tokens.len() - 1;
        &self.tokens[(self.at + ahead).min(last)].kind
    }

    fn advance(&mut self) -> Kind {
        let kind = self.tokens[self.at].kind.clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        kind
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.kind(), Kind::Sign(s) if *s == sign)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.kind(), Kind::Word(w) if *w == word)
    }

    fn accept_sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        if found {
            self.advance();
        }
        found
    }

    fn accept_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.advance();
        }
        found
    }

    /// An error about the token at hand.
    fn unexpected(&self, expecting: &[&str]) -> ParseError {
        if let Kind::Fault(fault) = self.kind() {
            return (**fault).clone();
        }
        let mut message = format!("syntax error: unexpected {}", self.kind().name());
        if !expecting.is_empty() {
            message = format!("{message}, expecting {}", expecting.join(" or "));
        }
        ParseError::at(message, self.tokens[self.at].place)
    }

    fn expect_sign(&mut self, sign: &'static str) -> Parsed<()> {
        if self.accept_sign(sign) {
            return Ok(());
        }
        Err(self.unexpected(&[sign]))
    }

    fn expect_text(&mut self) -> Parsed<String> {
        match self.kind() {
            Kind::Text(_) => match self.advance() {
                Kind::Text(text) => Ok(text),
                _ => Err(self.unexpected(&["STRING"])),
            },
            _ => Err(self.unexpected(&["STRING"])),
        }
    }

    fn expect_identifier(&mut self) -> Parsed<String> {
        match self.kind() {
            Kind::Identifier(name) => {
                let name = name.clone();
                self.advance();
                Ok(name)
            }
            _ => Err(self.unexpected(&["IDENTIFIER"])),
        }
    }

    /// A label's name: an identifier, or any text in quotes.
    fn label_name(&mut self) -> Parsed<String> {
        match self.kind() {
            Kind::Text(_) => self.expect_text(),
            _ => self.expect_identifier(),
        }
    }

    fn end(&mut self) -> Parsed<()> {
        match self.kind() {
            Kind::End => Ok(()),
            _ => Err(self.unexpected(&[])),
        }
    }

    /// Runs a rule that may nest.
    fn nested<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(ParseError::at(
                "query is nested too deep",
                self.tokens[self.at].place,
            ));
        }
        let parsed = rule(self);
        self.depth -= 1;
        parsed
    }

    fn selector(&mut self) -> Parsed<Vec<Matcher>> {
        self.expect_sign("{")?;
        let mut matchers = Vec::new();
        if self.accept_sign("}") {
            return Ok(matchers);
        }
        loop {
            let name = match self.kind() {
                // Streams have no other names than these.
                Kind::Identifier(_) | Kind::Text(_) => plain_name(&self.label_name()?),
                _ => {
                    return Err(self.unexpected(if matchers.is_empty() {
                        &["IDENTIFIER", "}"]
                    } else {
                        &["IDENTIFIER"]
                    }));
                }
            };
            matchers.push(self.matcher(name)?);
            if self.accept_sign("}") {
                return Ok(matchers);
            }
            if !self.accept_sign(",") {
                return Err(self.unexpected(&["}", ","]));
            }
        }
    }

    /// Operator and value behind a label's name.
    fn matcher(&mut self, name: String) -> Parsed<Matcher> {
        let op = match self.kind() {
            Kind::Sign("=") => MatchOp::Equal,
            Kind::Sign("!=") => MatchOp::NotEqual,
            Kind::Sign("=~") => MatchOp::Regex,
            Kind::Sign("!~") => MatchOp::NotRegex,
            _ => return Err(self.unexpected(&["=", "=~", "!~", "!="])),
        };
        self.advance();
        let value = self.expect_text()?;
        make_matcher(name, op, value)
    }
}

/// The name under which a store has a label.
pub(crate) fn plain_name(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || c == '_';
    if name.chars().all(is_plain) {
        return name.to_owned();
    }
    let words: Vec<&str> = name
        .split(|c| !is_plain(c))
        .filter(|word| !word.is_empty())
        .collect();
    words.join("_")
}

fn make_matcher(name: String, op: MatchOp, value: String) -> Parsed<Matcher> {
    if matches!(op, MatchOp::Regex | MatchOp::NotRegex) {
        crate::lex::regex::check(&value).map_err(|e| ParseError::new(e.to_string()))?;
    }
    Matcher::new(name, op, value).map_err(|e| ParseError::new(e.to_string()))
}
