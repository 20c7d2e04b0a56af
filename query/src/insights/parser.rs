//! Tokens to tree: commands. What a query cannot mean is refused here, where its place is known. Not for expressions' own rules
//! (see `expression`).

mod expression;

use std::collections::BTreeSet;

use super::ast::{BinaryOp, Command, Expr, Named, Order, Parse, Pattern, Query};
use super::error::ParseError;
use super::lexer::{self, Token, Wrong};
use super::value::compile_regex;

/// Most bytes of a query.
const QUERY_BYTES_MAX: usize = 128 << 10;

/// Deepest nesting, chains of operators counted link by link.
const DEPTH_MAX: usize = 128;

/// Words that are no names unless they stand in backquotes.
const KEYWORDS: [&str; 11] = [
    "and", "or", "not", "in", "like", "as", "by", "asc", "desc", "true", "false",
];

/// Commands of the language that need what is not there.
const UNSUPPORTED: [&str; 10] = [
    "unnest",
    "lookup",
    "join",
    "pattern",
    "diff",
    "anomaly",
    "filterindex",
    "source",
    "unmask",
    "subquery",
];

pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
}

/// Reads a query.
///
/// # Errors
/// What is wrong, and where.
pub fn parse(text: &str) -> Result<Query, ParseError> {
    let at = |(offset, message): Wrong| ParseError::at(text, offset, message);
    if text.len() > QUERY_BYTES_MAX {
        let message = format!("the query is longer than {QUERY_BYTES_MAX} bytes");
        return Err(at((0, message)));
    }
    let mut parser = Parser {
        text,
        token: Token::End,
        start: 0,
        end: 0,
        depth: 0,
        in_stats: false,
        columns: BTreeSet::new(),
    };
    parser.advance().and_then(|()| parser.query()).map_err(at)
}

type Parsed<T> = Result<T, Wrong>;

struct Parser<'t> {
    text: &'t str,
    /// The token at hand, and where it stands.
    token: Token,
    start: usize,
    end: usize,
    depth: usize,
    /// Aggregates may stand here.
    in_stats: bool,
    /// Names of columns that `stats` made: their texts name them.
    columns: BTreeSet<String>,
}

impl Parser<'_> {
    fn advance(&mut self) -> Parsed<()> {
        self.start = lexer::skip(self.text, self.end);
        (self.token, self.end) = lexer::token(self.text, self.start)?;
        Ok(())
    }

    /// The error of a token that cannot stand here.
    fn wanted<T>(&self, what: &str) -> Parsed<T> {
        let found = match &self.token {
            Token::End => "the end".to_owned(),
            _ => format!("{:?}", &self.text[self.start..self.end]),
        };
        Err((self.start, format!("{what} is missing before {found}")))
    }

    /// Goes on when the token is this one.
    fn eat(&mut self, token: &Token) -> Parsed<bool> {
        let found = self.token == *token;
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    /// Goes on when the token is a word, in any case.
    fn eat_word(&mut self, word: &str) -> Parsed<bool> {
        let found = matches!(&self.token, Token::Word(found) if found.eq_ignore_ascii_case(word));
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn expect(&mut self, token: &Token, what: &str) -> Parsed<()> {
        match self.eat(token)? {
            true => Ok(()),
            false => self.wanted(what),
        }
    }

    fn query(&mut self) -> Parsed<Query> {
        let mut commands = vec![self.command()?];
        while self.eat(&Token::Pipe)? {
            commands.push(self.command()?);
        }
        match self.token {
            Token::End => Ok(Query { commands }),
            _ => self.wanted("`|`"),
        }
    }

    fn command(&mut self) -> Parsed<Command> {
        let (start, word) = match &self.token {
            Token::Word(word) => (self.start, word.to_ascii_lowercase()),
            _ => return self.wanted("a command"),
        };
        self.advance()?;
        Ok(match word.as_str() {
            "fields" => Command::Fields(self.list(Self::named)?),
            "display" => Command::Display(self.list(Self::named)?),
            "filter" | "where" => Command::Filter(self.expr()?),
            "parse" => Command::Parse(self.parse_command()?),
            "stats" => self.stats()?,
            "sort" => Command::Sort(self.list(Self::key)?),
            "limit" | "head" => Command::Limit(self.count()?),
            "dedup" => Command::Dedup(self.list(Self::expr)?),
            other => {
                let known = "known are fields, display, filter, parse, stats, sort, limit, dedup";
                let what = match UNSUPPORTED.contains(&other) {
                    true => format!("command `{other}` is not supported; {known}"),
                    false => format!("there is no command `{other}`; {known}"),
                };
                return Err((start, what));
            }
        })
    }

    fn list<T>(&mut self, one: impl Fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut all = vec![one(self)?];
        while self.eat(&Token::Comma)? {
            all.push(one(self)?);
        }
        Ok(all)
    }

    fn named(&mut self) -> Parsed<Named> {
        let expr = self.expr()?;
        let alias = match self.eat_word("as")? {
            true => Some(self.name()?),
            false => None,
        };
        Ok(Named { expr, alias })
    }

    fn name(&mut self) -> Parsed<String> {
        let name = match &self.token {
            Token::Word(word) if !is_keyword(word) => word.clone(),
            Token::Quoted(name) => name.clone(),
            _ => return self.wanted("a name"),
        };
        self.advance()?;
        Ok(name)
    }

    fn key(&mut self) -> Parsed<(Expr, Order)> {
        let expr = self.expr()?;
        if self.eat_word("desc")? {
            return Ok((expr, Order::Descending));
        }
        self.eat_word("asc")?;
        Ok((expr, Order::Ascending))
    }

    fn count(&mut self) -> Parsed<usize> {
        let most = match &self.token {
            // Any number up to 2^53 is exact.
            Token::Number(n) if n.fract() == 0.0 && *n >= 1.0 && *n < 9e15 => *n as usize,
            _ => return self.wanted("a whole number from 1 on"),
        };
        self.advance()?;
        Ok(most)
    }

    fn stats(&mut self) -> Parsed<Command> {
        self.in_stats = true;
        let totals = self.list(Self::total)?;
        self.in_stats = false;
        let by = match self.eat_word("by")? {
            true => self.list(Self::named)?,
            false => Vec::new(),
        };
        self.columns = by.iter().chain(&totals).map(Named::name).collect();
        Ok(Command::Stats { totals, by })
    }

    fn total(&mut self) -> Parsed<Named> {
        let start = self.start;
        let named = self.named()?;
        match is_total(&named.expr) {
            true => Ok(named),
            false => Err((
                start,
                "`stats` takes aggregates such as count(*), and numbers made of them".to_owned(),
            )),
        }
    }

    fn parse_command(&mut self) -> Parsed<Parse> {
        let from = match &self.token {
            Token::Word(_) | Token::Quoted(_) => self.name()?,
            _ => "@message".to_owned(),
        };
        let start = self.start;
        if self.token == Token::Op(BinaryOp::Div) {
            let pattern = self.regex()?;
            let regex = compile_regex(&pattern).map_err(|what| (start, what))?;
            if regex.capture_names().flatten().next().is_none() {
                return Err((
                    start,
                    "the expression has no named group `(?<name>..)`".to_owned(),
                ));
            }
            return Ok(Parse {
                from,
                by: Pattern::Regex(pattern),
            });
        }
        let Token::Text(pattern) = &self.token else {
            return self.wanted("a pattern in quotes or slashes");
        };
        let pattern = pattern.clone();
        self.advance()?;
        if !self.eat_word("as")? {
            return self.wanted("`as` and names");
        }
        let names = self.list(Self::name)?;
        let stars = pattern.matches('*').count();
        if stars != names.len() || stars == 0 {
            let what = format!("the pattern has {stars} `*`, but there are {} names", names.len());
            return Err((start, what));
        }
        if pattern.contains("**") {
            return Err((start, "nothing tells two `*` beside each other apart".to_owned()));
        }
        Ok(Parse {
            from,
            by: Pattern::Glob { pattern, names },
        })
    }

    /// The expression in slashes that begins at the token at hand.
    fn regex(&mut self) -> Parsed<String> {
        let (pattern, end) = lexer::regex(self.text, self.start)?;
        self.end = end;
        self.advance()?;
        Ok(pattern)
    }
}

/// True for what has one value for all rows of a group.
fn is_total(expr: &Expr) -> bool {
    match expr {
        Expr::Aggregate(..) => true,
        Expr::Number(_) | Expr::Text(_) | Expr::Bool(_) | Expr::Period(..) => true,
        Expr::Name(_) => false,
        Expr::Negate(inner) | Expr::Not(inner) => is_total(inner),
        Expr::And(all) | Expr::Or(all) | Expr::Call(_, all) => all.iter().all(is_total),
        Expr::Binary { lhs, rhs, .. } => is_total(lhs) && is_total(rhs),
        Expr::Like { expr, .. } => is_total(expr),
        Expr::In { expr, list } => is_total(expr) && list.iter().all(is_total),
    }
}
