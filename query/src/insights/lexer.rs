//! Text to tokens, one at a time, as what a slash means is known to the parser alone. Not for their order.

use super::ast::BinaryOp;

/// A piece of a query.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name or a keyword.
    Word(String),
    /// A name in backquotes.
    Quoted(String),
    Number(f64),
    /// A length of time as it is written, and its nanoseconds.
    Period(String, i64),
    Text(String),
    Op(BinaryOp),
    /// `=~`.
    Matches,
    Pipe,
    Comma,
    Open,
    Close,
    OpenList,
    CloseList,
    End,
}

/// What cannot be read, and where.
pub(super) type Wrong = (usize, String);

/// Units of lengths of time, in nanoseconds.
const UNITS: &[(&[&str], i64)] = &[
    (&["ms", "msec", "msecs", "millisecond", "milliseconds"], 1_000_000),
    (&["s", "sec", "secs", "second", "seconds"], 1_000_000_000),
    (&["m", "min", "mins", "minute", "minutes"], 60_000_000_000),
    (&["h", "hr", "hrs", "hour", "hours"], 3_600_000_000_000),
    (&["d", "day", "days"], 86_400_000_000_000),
    (&["w", "week", "weeks"], 604_800_000_000_000),
];

/// Nanoseconds of so many of a unit; `None` where there is no such unit, or nothing that long.
pub(super) fn period(count: &str, unit: &str) -> Option<i64> {
    let (_, nanos) = UNITS.iter().find(|(names, _)| names.contains(&unit))?;
    count.parse::<i64>().ok()?.checked_mul(*nanos).filter(|n| *n > 0)
}

/// True for what a name may hold without backquotes.
pub(super) fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '@' | '.')
}

/// True for what it may begin with.
pub(super) fn begins_name(c: char) -> bool {
    c.is_alphabetic() || matches!(c, '_' | '@')
}

/// The place of the next token from `at` on.
pub(super) fn skip(text: &str, mut at: usize) -> usize {
    loop {
        let rest = &text[at..];
        at += rest.len() - rest.trim_start().len();
        if !text[at..].starts_with('#') {
            return at;
        }
        at = text[at..].find('\n').map_or(text.len(), |len| at + len);
    }
}

/// The token at a place, and where it ends.
pub(super) fn token(text: &str, at: usize) -> Result<(Token, usize), Wrong> {
    let rest = &text[at..];
    let Some(first) = rest.chars().next() else {
        return Ok((Token::End, at));
    };
    if begins_name(first) {
        let len = rest.find(|c| !is_name_char(c)).unwrap_or(rest.len());
        return Ok((Token::Word(rest[..len].to_owned()), at + len));
    }
    if first.is_ascii_digit() {
        return number(text, at);
    }
    match first {
        '"' | '\'' => quoted(text, at, first),
        '`' => match rest[1..].find('`') {
            Some(0) => Err((at, "a name is empty".to_owned())),
            Some(len) => Ok((Token::Quoted(rest[1..=len].to_owned()), at + len + 2)),
            None => Err((at, "a name in backquotes does not end".to_owned())),
        },
        _ => sign(rest, first)
            .map(|(token, len)| (token, at + len))
            .ok_or_else(|| (at, format!("unexpected {first:?}"))),
    }
}

fn sign(rest: &str, first: char) -> Option<(Token, usize)> {
    let second = rest[first.len_utf8()..].chars().next();
    Some(match (first, second) {
        ('=', Some('~')) => (Token::Matches, 2),
        ('=', Some('=')) => (Token::Op(BinaryOp::Equal), 2),
        ('!', Some('=')) => (Token::Op(BinaryOp::NotEqual), 2),
        ('<', Some('=')) => (Token::Op(BinaryOp::LessEqual), 2),
        ('>', Some('=')) => (Token::Op(BinaryOp::GreaterEqual), 2),
        ('|', _) => (Token::Pipe, 1),
        (',', _) => (Token::Comma, 1),
        ('(', _) => (Token::Open, 1),
        (')', _) => (Token::Close, 1),
        ('[', _) => (Token::OpenList, 1),
        (']', _) => (Token::CloseList, 1),
        ('!', _) => return None,
        _ => (Token::Op(BinaryOp::of(&first.to_string())?), 1),
    })
}

/// A number, or a length of time where letters follow at once.
fn number(text: &str, at: usize) -> Result<(Token, usize), Wrong> {
    let rest = &text[at..];
    let digits = |from: usize| from + rest[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut len = digits(0);
    let whole = len;
    if rest[len..].starts_with('.') && digits(len + 1) > len + 1 {
        len = digits(len + 1);
    }
    if rest[len..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[len + 1..].starts_with(['+', '-']));
        let end = digits(len + 1 + sign);
        if end > len + 1 + sign {
            len = end;
        }
    }
    let letters = rest[len..].find(|c| !is_name_char(c)).unwrap_or(rest.len() - len);
    if letters > 0 {
        let unit = &rest[len..len + letters];
        let found = period(&rest[..whole], unit).filter(|_| whole == len);
        let written = &rest[..len + letters];
        return match found {
            Some(nanos) => Ok((Token::Period(written.to_owned(), nanos), at + len + letters)),
            None => Err((
                at,
                format!("{written:?} is neither a number nor a length of time"),
            )),
        };
    }
    match rest[..len].parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((Token::Number(number), at + len)),
        _ => Err((at, format!("{:?} is no number", &rest[..len]))),
    }
}

fn quoted(text: &str, at: usize, quote: char) -> Result<(Token, usize), Wrong> {
    let mut out = String::new();
    let mut chars = text[at + 1..].char_indices();
    while let Some((offset, c)) = chars.next() {
        match c {
            c if c == quote => return Ok((Token::Text(out), at + 1 + offset + 1)),
            '\\' => match chars.next() {
                Some((_, 'n')) => out.push('\n'),
                Some((_, 't')) => out.push('\t'),
                Some((_, 'r')) => out.push('\r'),
                Some((_, c @ ('\\' | '"' | '\''))) => out.push(c),
                // Other signs keep it, so that expressions can be written in texts.
                Some((_, c)) => out.extend(['\\', c]),
                None => break,
            },
            c => out.push(c),
        }
    }
    Err((at, "a text does not end".to_owned()))
}

/// The expression between slashes at a place, and where it ends.
pub(super) fn regex(text: &str, at: usize) -> Result<(String, usize), Wrong> {
    let mut out = String::new();
    let mut chars = text[at + 1..].char_indices();
    while let Some((offset, c)) = chars.next() {
        match c {
            '/' => return Ok((out, at + 1 + offset + 1)),
            '\\' => match chars.next() {
                Some((_, '/')) => out.push('/'),
                Some((_, c)) => out.extend(['\\', c]),
                None => break,
            },
            c => out.push(c),
        }
    }
    Err((at, "an expression in slashes does not end".to_owned()))
}
