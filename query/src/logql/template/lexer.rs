//! Cuts a template into texts and the tokens of its actions.

use crate::lex::string;

/// What is wrong with a template, and on which line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) message: String,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    Text(String),
    Action(Vec<Token>, usize),
}

/// A token of an action.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A word: a keyword or a function.
    Word(String),
    /// `.name`; the empty name is the dot alone.
    Field(String),
    /// `$name`.
    Variable(String),
    /// A text, and whether a blank stands before it does not matter.
    Text(String),
    Int(i64),
    Float(f64),
    Open,
    /// `)`, and the `.name`s that follow it at once.
    Close(Vec<String>),
    Pipe,
    Declare,
    Assign,
    Comma,
}

pub(super) fn pieces(text: &str) -> Result<Vec<Piece>, Fault> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut line = 1;
    let mut trim_next = false;
    while let Some(at) = rest.find("{{") {
        let trims = rest[at + 2..]
            .strip_prefix('-')
            .is_some_and(|r| r.starts_with(char::is_whitespace));
        push_text(&mut pieces, &rest[..at], trim_next, trims);
        line += rest[..at].matches('\n').count();
        let inner = &rest[at + 2 + usize::from(trims)..];
        let (tokens, used, trims_after) = action(inner).map_err(|message| Fault { line, message })?;
        if let Some(tokens) = tokens {
            pieces.push(Piece::Action(tokens, line));
        }
        line += inner[..used].matches('\n').count();
        trim_next = trims_after;
        rest = &inner[used..];
    }
    push_text(&mut pieces, rest, trim_next, false);
    Ok(pieces)
}

fn push_text(pieces: &mut Vec<Piece>, text: &str, trim_start: bool, trim_end: bool) {
    let text = if trim_start { text.trim_start() } else { text };
    let text = if trim_end { text.trim_end() } else { text };
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
}

type Action = (Option<Vec<Token>>, usize, bool);

/// The tokens of an action, the bytes up to behind its end, and whether it trims what follows. A comment has no tokens.
fn action(text: &str) -> Result<Action, String> {
    let body = text.trim_start();
    if body.starts_with("/*") {
        let end = text.find("*/").ok_or("unclosed comment")? + 2;
        let rest = text[end..].trim_start();
        let trims = rest.starts_with('-');
        let rest = rest.strip_prefix('-').unwrap_or(rest);
        let rest = rest
            .strip_prefix("}}")
            .ok_or("comment ends before closing delimiter")?;
        return Ok((None, text.len() - rest.len(), trims));
    }
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let blank = rest.len() - rest.trim_start().len();
        if blank > 0 && rest[blank..].starts_with("-}}") {
            return Ok((Some(tokens), at + blank + 3, true));
        }
        at += blank;
        let rest = &text[at..];
        if rest.starts_with("}}") {
            return Ok((Some(tokens), at + 2, false));
        }
        let Some(first) = rest.chars().next() else {
            return Err("unclosed action".to_owned());
        };
        at += token(rest, first, blank > 0, &mut tokens)?;
    }
}

fn token(rest: &str, first: char, after_blank: bool, tokens: &mut Vec<Token>) -> Result<usize, String> {
    let sign = |token, len, tokens: &mut Vec<Token>| {
        tokens.push(token);
        Ok(len)
    };
    match first {
        '(' => sign(Token::Open, 1, tokens),
        ')' => sign(Token::Close(Vec::new()), 1, tokens),
        '|' => sign(Token::Pipe, 1, tokens),
        ',' => sign(Token::Comma, 1, tokens),
        ':' if rest.starts_with(":=") => sign(Token::Declare, 2, tokens),
        '=' => sign(Token::Assign, 1, tokens),
        '"' | '`' => {
            let (len, text) = string::read(rest).map_err(|_| match first {
                '"' => "unterminated quoted string".to_owned(),
                _ => "unterminated raw quoted string".to_owned(),
            })?;
            sign(Token::Text(text), len, tokens)
        }
        '\'' => {
            let (len, text) = string::read(rest).map_err(|_| "unterminated character constant".to_owned())?;
            let code = text.chars().next().map_or(0, |c| i64::from(u32::from(c)));
            sign(Token::Int(code), len, tokens)
        }
        '.' if !rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
            let len = word_len(&rest[1..]);
            let name = rest[1..1 + len].to_owned();
            match tokens.last_mut() {
                Some(Token::Close(fields)) if !after_blank && len > 0 => fields.push(name),
                Some(Token::Field(of)) if !after_blank && len > 0 && !of.is_empty() => {
                    of.push('.');
                    of.push_str(&name);
                }
                Some(Token::Variable(of)) if !after_blank && len > 0 => {
                    of.push('.');
                    of.push_str(&name);
                }
                _ => tokens.push(Token::Field(name)),
            }
            Ok(1 + len)
        }
        '$' => {
            let len = word_len(&rest[1..]);
            sign(Token::Variable(rest[1..1 + len].to_owned()), 1 + len, tokens)
        }
        c if c.is_ascii_digit()
            || ((c == '-' || c == '+' || c == '.')
                && rest[1..].starts_with(|c: char| c.is_ascii_digit())) =>
        {
            number(rest, tokens)
        }
        c if c.is_alphabetic() || c == '_' => {
            let len = word_len(rest);
            sign(Token::Word(rest[..len].to_owned()), len, tokens)
        }
        c => Err(format!("unexpected {} in command", string::quote_char(Some(c)))),
    }
}

fn word_len(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len())
}

fn number(rest: &str, tokens: &mut Vec<Token>) -> Result<usize, String> {
    let len = rest[1..]
        .find(|c: char| !c.is_alphanumeric() && c != '.' && c != '_')
        .map_or(rest.len(), |n| n + 1);
    let text = rest[..len].replace('_', "");
    let unsigned = text.trim_start_matches(['-', '+']);
    let hex = unsigned
        .strip_prefix("0x")
        .map(|digits| i64::from_str_radix(digits, 16));
    let token = match hex.unwrap_or_else(|| text.trim_start_matches('+').parse::<i64>()) {
        Ok(n) => Token::Int(n),
        Err(_) => Token::Float(
            text.parse()
                .map_err(|_| format!("bad number syntax: {:?}", &rest[..len]))?,
        ),
    };
    tokens.push(token);
    Ok(len)
}
