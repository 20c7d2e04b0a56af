//! Cuts a PromQL text into tokens with byte spans. The first lexical error ends the tokens.
//! Not for the meaning of words beyond the table of keywords.

use super::ast::BinaryOp;
use super::token::{Kind, Token, word_kind};
use crate::lex::{Span, string};

mod number;

/// The tokens of a text. The last one is [`Kind::End`] or [`Kind::Error`].
#[derive(Debug)]
pub(super) struct Tokens {
    pub(super) list: Vec<Token>,
    /// What is wrong where the last token is [`Kind::Error`].
    pub(super) error: String,
}

pub(super) fn tokenize(text: &str) -> Tokens {
    let mut lexer = Lexer {
        text,
        at: 0,
        list: Vec::new(),
        parens: 0,
        braces: false,
        bracket: false,
        colon: false,
    };
    let error = loop {
        match lexer.next() {
            Ok(Kind::End) => break String::new(),
            Ok(_) => {}
            Err(error) => {
                lexer.list.push(Token {
                    kind: Kind::Error,
                    span: Span::new(error.start, text.len()),
                });
                break error.message;
            }
        }
    };
    Tokens {
        list: lexer.list,
        error,
    }
}

struct LexError {
    start: usize,
    message: String,
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    list: Vec<Token>,
    parens: usize,
    braces: bool,
    bracket: bool,
    colon: bool,
}

type Lexed = Result<Kind, LexError>;

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn fail(&self, message: String) -> Lexed {
        Err(LexError {
            start: self.at,
            message,
        })
    }

    fn emit(&mut self, kind: Kind, len: usize) -> Lexed {
        self.list.push(Token {
            kind,
            span: Span::new(self.at, self.at + len),
        });
        self.at += len;
        Ok(kind)
    }

    fn skip_blank(&mut self) {
        while let Some(c) = self.peek() {
            if c == '#' {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
            } else if matches!(c, ' ' | '\t' | '\n' | '\r') {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    fn next(&mut self) -> Lexed {
        self.skip_blank();
        let Some(c) = self.peek() else { return self.end() };
        if self.braces {
            return self.inside_braces(c);
        }
        if self.bracket && !self.in_duration(c) {
            let c = string::quote_char(Some(c));
            return self.fail(format!("unexpected character in duration expression: {c}"));
        }
        match c {
            '"' | '\'' | '`' => self.string(),
            '0'..='9' => self.number(),
            '.' if self.rest()[1..].starts_with(|c: char| c.is_ascii_digit()) => self.number(),
            ':' if self.bracket && self.colon => {
                self.fail(format!("unexpected colon {}", string::quote_char(Some(c))))
            }
            ':' if self.bracket => {
                self.colon = true;
                self.emit(Kind::Colon, 1)
            }
            'a'..='z' | 'A'..='Z' | '_' | ':' => self.word(),
            _ => self.punctuation(c),
        }
    }

    /// True when the character may begin a token inside of `[...]`.
    fn in_duration(&self, c: char) -> bool {
        if c.is_ascii_alphabetic() || c == '_' {
            let word = &self.rest()[..word_len(self.rest(), false)];
            return ["step", "range", "min_of", "max_of"]
                .iter()
                .any(|w| w.eq_ignore_ascii_case(word));
        }
        c.is_ascii_digit() || "[]():,.+-*/%^".contains(c)
    }

    fn end(&mut self) -> Lexed {
        if self.braces {
            return self.fail("unexpected end of input inside braces".to_owned());
        }
        if self.list.last().is_some_and(|t| t.kind == Kind::LeftBracket) {
            return self.fail("unexpected end of input in duration expression".to_owned());
        }
        if self.parens > 0 {
            return self.fail("unclosed left parenthesis".to_owned());
        }
        if self.bracket {
            return self.fail("unclosed left bracket".to_owned());
        }
        self.emit(Kind::End, 0)
    }

    fn punctuation(&mut self, c: char) -> Lexed {
        let second = self.rest()[c.len_utf8()..].chars().next();
        match (c, second) {
            (',', _) => self.emit(Kind::Comma, 1),
            ('(', _) => {
                self.parens += 1;
                self.emit(Kind::LeftParen, 1)
            }
            (')', _) if self.parens == 0 => self.fail("unexpected right parenthesis ')'".to_owned()),
            (')', _) => {
                self.parens -= 1;
                self.emit(Kind::RightParen, 1)
            }
            ('{', _) if !self.bracket => {
                self.braces = true;
                self.emit(Kind::LeftBrace, 1)
            }
            ('[', _) if self.bracket => self.fail("unexpected left bracket '['".to_owned()),
            ('[', _) => {
                (self.bracket, self.colon) = (true, false);
                self.emit(Kind::LeftBracket, 1)
            }
            (']', _) if !self.bracket => self.fail("unexpected right bracket ']'".to_owned()),
            (']', _) => {
                self.bracket = false;
                self.emit(Kind::RightBracket, 1)
            }
            ('@', _) => self.emit(Kind::At, 1),
            ('=', Some('~')) => self.emit(Kind::EqualRegex, 2),
            ('=', other) if other != Some('=') => self.emit(Kind::Assign, 1),
            ('!', other) if other != Some('=') => {
                let found = string::quote_char(other);
                self.fail(format!("unexpected character after '!': {found}"))
            }
            _ => match operator(c, second) {
                Some((op, len)) => self.emit(Kind::Op(op), len),
                None => self.fail(format!("unexpected character: {}", string::quote_char(Some(c)))),
            },
        }
    }

    fn inside_braces(&mut self, c: char) -> Lexed {
        match (c, self.rest()[c.len_utf8()..].chars().next()) {
            ('"' | '\'' | '`', _) => self.string(),
            ('a'..='z' | 'A'..='Z' | '_', _) => {
                let len = word_len(self.rest(), false);
                self.emit(Kind::Identifier, len)
            }
            (',', _) => self.emit(Kind::Comma, 1),
            ('=', Some('~')) => self.emit(Kind::EqualRegex, 2),
            ('=', _) => self.emit(Kind::Assign, 1),
            ('!', Some('~')) => self.emit(Kind::NotEqualRegex, 2),
            ('!', Some('=')) => self.emit(Kind::Op(BinaryOp::NotEqual), 2),
            ('!', other) => {
                let found = string::quote_char(other);
                self.fail(format!("unexpected character after '!' inside braces: {found}"))
            }
            ('{', _) => self.fail("unexpected left brace '{'".to_owned()),
            ('}', _) => {
                self.braces = false;
                self.emit(Kind::RightBrace, 1)
            }
            _ => self.fail(format!(
                "unexpected character inside braces: {}",
                string::quote_char(Some(c))
            )),
        }
    }

    fn word(&mut self) -> Lexed {
        let len = word_len(self.rest(), !self.bracket);
        let kind = word_kind(&self.rest()[..len]);
        self.emit(kind, len)
    }

    fn string(&mut self) -> Lexed {
        match string::read(self.rest()) {
            Ok((len, _)) => self.emit(Kind::String, len),
            Err(error) => self.fail(error.to_string()),
        }
    }

    fn number(&mut self) -> Lexed {
        match number::scan(self.rest()) {
            number::Scanned::Number(len) => self.emit(Kind::Number, len),
            number::Scanned::Duration(len) => self.emit(Kind::Duration, len),
            number::Scanned::Bad(len) => {
                let shown = string::quote(&self.rest()[..len]);
                self.fail(format!("bad number or duration syntax: {shown}"))
            }
        }
    }
}

fn word_len(text: &str, colons: bool) -> usize {
    text.bytes()
        .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_' || (colons && *b == b':'))
        .count()
}

fn operator(c: char, second: Option<char>) -> Option<(BinaryOp, usize)> {
    Some(match (c, second) {
        ('+', _) => (BinaryOp::Add, 1),
        ('-', _) => (BinaryOp::Sub, 1),
        ('*', _) => (BinaryOp::Mul, 1),
        ('/', _) => (BinaryOp::Div, 1),
        ('%', _) => (BinaryOp::Mod, 1),
        ('^', _) => (BinaryOp::Pow, 1),
        ('=', Some('=')) => (BinaryOp::Equal, 2),
        ('!', Some('=')) => (BinaryOp::NotEqual, 2),
        ('<', Some('=')) => (BinaryOp::LessEqual, 2),
        ('<', Some('/')) => (BinaryOp::TrimUpper, 2),
        ('<', _) => (BinaryOp::Less, 1),
        ('>', Some('=')) => (BinaryOp::GreaterEqual, 2),
        ('>', Some('/')) => (BinaryOp::TrimLower, 2),
        ('>', _) => (BinaryOp::Greater, 1),
        _ => return None,
    })
}
