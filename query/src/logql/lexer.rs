//! Cuts a LogQL text into tokens.

use super::error::ParseError;
use super::token::{Function, KEYWORDS, Kind, SIGNS, Token};
use crate::lex::{duration, go_duration, string};

const FLAGS: [&str; 2] = ["--strict", "--keep-empty"];

/// The tokens of a text; the last is [`Kind::End`], or what is wrong with the rest.
pub(super) fn tokenize(text: &str) -> Vec<Token> {
    let mut lexer = Lexer {
        text,
        at: 0,
        tokens: Vec::new(),
    };
    loop {
        match lexer.next() {
            Ok(true) => {}
            Ok(false) => return lexer.tokens,
            Err(fault) => {
                lexer.emit(Kind::Fault(Box::new(fault)), 0);
                return lexer.tokens;
            }
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn place(&self, at: usize) -> (usize, usize) {
        let before = &self.text[..at];
        let line_start = before.rfind('\n').map_or(0, |n| n + 1);
        (
            before.matches('\n').count() + 1,
            before[line_start..].chars().count() + 1,
        )
    }

    fn emit(&mut self, kind: Kind, len: usize) {
        let (start, end) = (self.at, self.at + len);
        let mut place = self.place(start);
        if kind.is_pieced() {
            // Loki tells of tokens that it puts together as standing on line 0.
            place.0 = 0;
        }
        self.tokens.push(Token {
            kind,
            place,
            start,
            end,
        });
        self.at = end;
    }

    fn fault(&self, message: impl Into<String>) -> ParseError {
        ParseError::at(message, self.place(self.at))
    }

    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start().len();
            if !self.rest().starts_with('#') {
                return;
            }
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    /// Reads a token; false after the last.
    fn next(&mut self) -> Result<bool, ParseError> {
        self.skip_blank();
        let Some(first) = self.rest().chars().next() else {
            self.emit(Kind::End, 0);
            return Ok(false);
        };
        match first {
            '"' | '`' => {
                let read = string::read(self.rest()).map_err(|_| self.fault("literal not terminated"))?;
                self.emit(Kind::Text(read.1), read.0);
            }
            '[' => self.range()?,
            '0'..='9' => self.number()?,
            '.' if self.rest()[1..].starts_with(|c: char| c.is_ascii_digit()) => self.number()?,
            c if c.is_alphabetic() || c == '_' => self.word(),
            _ => self.sign(first)?,
        }
        Ok(true)
    }

    fn sign(&mut self, first: char) -> Result<(), ParseError> {
        if let Some(flag) = FLAGS.iter().find(|flag| self.rest().starts_with(**flag)) {
            self.emit(Kind::Flag(flag), flag.len());
            return Ok(());
        }
        match SIGNS.iter().find(|sign| self.rest().starts_with(**sign)) {
            Some(sign) => {
                self.emit(Kind::Sign(sign), sign.len());
                Ok(())
            }
            // What no token begins with is taken for a name, which the grammar refuses.
            None => {
                self.emit(Kind::Identifier(first.to_string()), first.len_utf8());
                Ok(())
            }
        }
    }

    fn word(&mut self) {
        let len = path_len(self.rest());
        let word = &self.rest()[..len];
        let lower = word.to_lowercase();
        let kind = match KEYWORDS.iter().find(|keyword| **keyword == lower) {
            Some(keyword) => Kind::Word(keyword),
            None => match Function::of(&lower).filter(|_| self.calls(len)) {
                Some(function) => Kind::Function(function),
                None => Kind::Identifier(word.to_owned()),
            },
        };
        self.emit(kind, len);
    }

    /// True when what follows makes a name a function.
    fn calls(&self, len: usize) -> bool {
        let rest = self.rest()[len..].trim_start();
        let grouped = ["by", "without"].iter().any(|word| {
            let lower = rest.get(..word.len()).map(str::to_lowercase);
            lower.as_deref() == Some(word) && rest[word.len()..].trim_start().starts_with('(')
        });
        rest.starts_with('(') || grouped
    }

    fn range(&mut self) -> Result<(), ParseError> {
        // Loki tells such errors on line 0.
        let place = (0, self.place(self.at).1);
        let Some(len) = self.rest().find(']') else {
            return Err(ParseError::at("missing closing ']' in duration", place));
        };
        let text = &self.rest()[1..len];
        let nanos = range_of(text).map_err(|message| ParseError::at(message, place))?;
        self.emit(Kind::Range(nanos), len + 1);
        Ok(())
    }

    fn number(&mut self) -> Result<(), ParseError> {
        let rest = self.rest();
        let plain = plain_number(rest);
        let is_more = |c: char| c.is_alphanumeric() || c == '.';
        let len = rest.find(|c| !is_more(c)).unwrap_or(rest.len());
        if len <= plain {
            let text = rest[..plain].to_owned();
            self.emit(Kind::Number(text), plain);
            return Ok(());
        }
        let text = rest[..len].to_owned();
        let lower = text.to_lowercase();
        if let Some(digits) = ["0x", "0o", "0b"]
            .iter()
            .find_map(|prefix| lower.strip_prefix(prefix))
        {
            if digits.is_empty() {
                return Err(self.fault("decimal literal has no digits"));
            }
            self.emit(Kind::Number(text), len);
        } else if let Some(nanos) = duration_of(&text) {
            self.emit(Kind::Duration(nanos), len);
        } else if let Some(bytes) = bytes_of(&text) {
            self.emit(Kind::Bytes(bytes), len);
        } else {
            // Digits and what follows are two tokens.
            self.emit(Kind::Number(self.rest()[..plain].to_owned()), plain);
        }
        Ok(())
    }
}

/// Length of the name a text begins with: a plain one, or one with fields and places such as `a.b[0].c`.
fn path_len(text: &str) -> usize {
    let word = |from: usize| {
        let rest = &text[from..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        from + end.unwrap_or(rest.len())
    };
    let mut len = word(0);
    loop {
        let rest = &text[len..];
        let digits = rest.bytes().skip(1).take_while(u8::is_ascii_digit).count();
        let is_field = |c: char| c.is_alphabetic() || c == '_';
        if rest.starts_with('.') && rest[1..].starts_with(is_field) {
            len = word(len + 1);
        } else if rest.starts_with('[') && digits > 0 && rest[1 + digits..].starts_with(']') {
            len += digits + 2;
        } else {
            return len;
        }
    }
}

/// True for a name that needs no quotes.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && path_len(text) == text.len()
        && !KEYWORDS.contains(&text.to_lowercase().as_str())
}

/// Length of the number a text begins with.
fn plain_number(text: &str) -> usize {
    let digits = |at: usize| text[at..].bytes().take_while(u8::is_ascii_digit).count();
    let mut len = digits(0);
    if text[len..].starts_with('.') {
        len += 1 + digits(len + 1);
    }
    if text[len..].starts_with(['e', 'E']) {
        let sign = usize::from(text[len + 1..].starts_with(['+', '-']));
        let exponent = digits(len + 1 + sign);
        if exponent > 0 {
            len += 1 + sign + exponent;
        }
    }
    len
}

/// Nanoseconds of a duration in Prometheus' form or Go's.
fn duration_of(text: &str) -> Option<i64> {
    match duration::parse(text) {
        Ok(millis) => millis.checked_mul(1_000_000),
        Err(_) => go_duration::parse(text),
    }
}

/// Nanoseconds of a window, which has Prometheus' form only, or why it is none.
fn range_of(text: &str) -> Result<i64, String> {
    let millis = duration::parse(text).map_err(|e| unknown_unit(text).unwrap_or_else(|| e.to_string()))?;
    millis
        .checked_mul(1_000_000)
        .ok_or_else(|| "duration out of range".to_owned())
}

/// Tells of the unit that no duration has, if that is what is wrong with a text.
fn unknown_unit(text: &str) -> Option<String> {
    let mut rest = text;
    while rest.starts_with(|c: char| c.is_ascii_digit()) {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = &rest[..end];
        if !unit.is_empty() && !["ms", "s", "m", "h", "d", "w", "y"].contains(&unit) {
            return Some(format!("unknown unit {unit:?} in duration {text:?}"));
        }
        rest = &rest[end..];
    }
    None
}

/// Bytes of a quantity such as `1.5KB`, as go-humanize reads it; units beyond PB are refused.
pub fn bytes_of(text: &str) -> Option<u64> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',')
        .unwrap_or(text.len());
    let number: f64 = text[..digits].replace(',', "").parse().ok()?;
    let scale = match text[digits..].trim().to_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "ki" | "kib" => 1024.0,
        "m" | "mb" => 1e6,
        "mi" | "mib" => 1_048_576.0,
        "g" | "gb" => 1e9,
        "gi" | "gib" => 1_073_741_824.0,
        "t" | "tb" => 1e12,
        "ti" | "tib" => 1_099_511_627_776.0,
        "p" | "pb" => 1e15,
        "pi" | "pib" => 1_125_899_906_842_624.0,
        _ => return None,
    };
    let bytes = number * scale;
    (bytes >= 0.0 && bytes < u64::MAX as f64).then_some(bytes as u64)
}
