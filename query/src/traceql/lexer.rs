//! Cuts a TraceQL text into tokens. The first lexical error ends the tokens.
//! Not for the meaning of words beyond the table of keywords.
//!
//! Words, numbers, strings and comments have Go's forms. Behind a scope such as `span.` a name follows that may hold almost
//! any character (see [`attribute`]).

use super::token::{Kind, Payload, SIGNS, Token, WORDS, opens_attribute};
use crate::lex::string;

mod attribute;
mod number;

pub(super) use attribute::ends_name;

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
        line: 1,
        column: 1,
        mark: (1, 1),
        naming: false,
    };
    loop {
        match lexer.next() {
            Ok(()) if lexer.list.last().is_some_and(|t| t.kind == Kind::End) => break,
            Ok(()) => {}
            Err(message) => {
                lexer.emit(Kind::Error, Payload::None, lexer.at);
                return Tokens {
                    list: lexer.list,
                    error: message,
                };
            }
        }
    }
    Tokens {
        list: lexer.list,
        error: String::new(),
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    list: Vec<Token>,
    /// Place of the next character.
    line: usize,
    column: usize,
    /// Place that messages about the token being read show.
    mark: (usize, usize),
    /// Inside the name of an attribute.
    naming: bool,
}

type Lexed = Result<(), String>;

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// Steps over `len` bytes.
    fn skip(&mut self, len: usize) {
        let end = self.at + len;
        for c in self.text[self.at..end].chars() {
            if c == '\n' {
                (self.line, self.column) = (self.line + 1, 1);
            } else {
                self.column += 1;
            }
        }
        self.at = end;
    }

    /// A word begins here.
    fn set_mark(&mut self) {
        self.mark = (self.line, self.column);
    }

    /// Characters behind the word were read one by one, which loses the line.
    fn lose_line(&mut self) {
        self.mark.0 = 0;
    }

    fn emit(&mut self, kind: Kind, payload: Payload, start: usize) {
        self.list.push(Token {
            kind,
            payload,
            line: self.mark.0,
            column: self.mark.1,
            start,
            end: self.at,
        });
    }

    fn skip_blank(&mut self) -> Lexed {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
            if blank > 0 {
                self.skip(blank);
            } else if rest.starts_with("//") {
                self.skip(rest.find('\n').unwrap_or(rest.len()));
            } else if rest.starts_with("/*") {
                let Some(len) = rest.find("*/") else {
                    self.set_mark();
                    return Err("comment not terminated".to_owned());
                };
                self.skip(len + 2);
            } else {
                return Ok(());
            }
        }
    }

    fn next(&mut self) -> Lexed {
        if self.naming {
            return self.name();
        }
        self.skip_blank()?;
        self.set_mark();
        let start = self.at;
        match self.peek() {
            None => self.emit(Kind::End, Payload::None, start),
            Some('"' | '`') => self.string()?,
            Some('0'..='9') => self.number()?,
            Some('.') if self.rest()[1..].starts_with(|c: char| c.is_ascii_digit()) => self.number()?,
            Some(c) => self.word_or_sign(c),
        }
        Ok(())
    }

    fn string(&mut self) -> Lexed {
        let start = self.at;
        let (len, value) = string::read(self.rest()).map_err(|error| match error {
            string::StringError::Unterminated | string::StringError::UnterminatedRaw => {
                "literal not terminated".to_owned()
            }
            _ => "invalid syntax".to_owned(),
        })?;
        self.skip(len);
        self.emit(Kind::String, Payload::Text(value), start);
        Ok(())
    }

    fn number(&mut self) -> Lexed {
        let start = self.at;
        let scanned = number::scan(self.rest())?;
        if scanned.extended {
            self.lose_line();
        }
        self.skip(scanned.len);
        self.emit(scanned.kind, scanned.payload, start);
        Ok(())
    }

    fn word_or_sign(&mut self, first: char) {
        let start = self.at;
        let letters = if first.is_alphabetic() || first == '_' {
            let rest = self.rest();
            rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))
                .unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let mut len = letters;
        while let Some(c) = self.rest()[len..].chars().next() {
            let longer = len + c.len_utf8();
            if symbol(&self.rest()[..longer]).is_none() {
                break;
            }
            len = longer;
        }
        if len > letters {
            self.lose_line();
        }
        let text = self.rest()[..len].to_owned();
        self.skip(len);
        match symbol(&text) {
            Some(known) => {
                self.naming = opens_attribute(known);
                self.emit(Kind::Symbol(known), Payload::None, start);
            }
            None => self.emit(Kind::Identifier, Payload::Text(text), start),
        }
    }

    /// The name of an attribute, a scope behind `parent.`, or the end of the name.
    fn name(&mut self) -> Lexed {
        let start = self.at;
        if self
            .list
            .last()
            .is_some_and(|t| t.kind == Kind::Symbol("parent."))
            && let Some(scope) = ["resource.", "span."]
                .into_iter()
                .find(|scope| self.rest().starts_with(scope))
        {
            self.lose_line();
            self.skip(scope.len());
            self.emit(Kind::Symbol(scope), Payload::None, start);
            return Ok(());
        }
        let named = attribute::read(self.rest());
        if named.len > 0 {
            self.lose_line();
        }
        self.skip(named.len);
        let name = named.name?;
        if named.len == 0 {
            self.naming = false;
            self.emit(Kind::EndAttribute, Payload::None, start);
        } else {
            self.emit(Kind::Identifier, Payload::Text(name), start);
        }
        Ok(())
    }
}

/// The keyword or sign that the text is.
fn symbol(text: &str) -> Option<&'static str> {
    WORDS.iter().chain(&SIGNS).copied().find(|known| *known == text)
}
