//! Regular expressions in RE2's dialect, which users of Prometheus write, on the `regex` crate, whose dialect differs:
//! here `\d`, `\w`, `\s` and `\b` mean ASCII, `{` without a count and `[` inside a class are literal, `&&` in a class is no
//! operator, `\<` is a plain `<`, `\Q..\E` quotes, and counts end at 1000. Not for patterns of other dialects.

use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::Hir;
use regex_syntax::hir::literal::{ExtractKind, Extractor, Literal};

/// Largest memory of one compiled expression, in bytes.
const SIZE_MAX: usize = 64 << 20;

/// Largest count in `a{n,m}`.
const COUNT_MAX: u32 = 1_000;

/// An expression that must match a text as a whole, and what is known of the texts it matches.
#[derive(Debug, Clone)]
pub struct Anchored {
    regex: Regex,
    /// All texts it matches, when they are few.
    texts: Option<Vec<String>>,
    /// What all texts begin with.
    prefix: String,
    /// It matches every text, or every text but the empty one.
    anything: Option<Anything>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anything {
    AtAll,
    NotEmpty,
}

/// Texts that an expression is expanded to at most.
const TEXTS_MAX: usize = 256;

impl Anchored {
    /// True when it matches a text.
    pub fn is_match(&self, text: &str) -> bool {
        match (self.anything, &self.texts) {
            (Some(Anything::AtAll), _) => true,
            (Some(Anything::NotEmpty), _) => !text.is_empty(),
            (None, Some(texts)) => texts.iter().any(|t| t == text),
            (None, None) => text.starts_with(&self.prefix) && self.regex.is_match(text),
        }
    }

    /// What its groups match of a text.
    pub fn captures<'t>(&self, text: &'t str) -> Option<regex::Captures<'t>> {
        self.regex.captures(text)
    }

    /// All texts it matches, when they are few; sorted, each once.
    pub fn texts(&self) -> Option<&[String]> {
        self.texts.as_deref()
    }

    /// What all texts it matches begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

/// Compiles a pattern that must match a text as a whole; `.` matches a newline. `None` when it is no RE2 pattern.
pub fn compile_anchored(pattern: &str) -> Option<Anchored> {
    let translated = translate(pattern)?;
    // Parsed alone first, or `a)(b` would become valid inside the anchoring group.
    regex_syntax::Parser::new().parse(&translated).ok()?;
    let regex = RegexBuilder::new(&format!("^(?s:{translated})$"))
        .size_limit(SIZE_MAX)
        .build()
        .ok()?;
    let whole = regex_syntax::ParserBuilder::new()
        .dot_matches_new_line(true)
        .build()
        .parse(&translated)
        .ok()?;
    let anything = match pattern {
        ".*" => Some(Anything::AtAll),
        ".+" => Some(Anything::NotEmpty),
        _ => None,
    };
    Some(Anchored {
        regex,
        texts: texts_of(&whole),
        prefix: prefix_of(&whole),
        anything,
    })
}

/// The texts that an expression matches, when it is made of literals alone and they are few.
fn texts_of(hir: &Hir) -> Option<Vec<String>> {
    let found = Extractor::new()
        .kind(ExtractKind::Prefix)
        .limit_class(TEXTS_MAX)
        .limit_repeat(TEXTS_MAX)
        .limit_literal_len(4096)
        .limit_total(TEXTS_MAX)
        .extract(hir);
    // Exact literals of something that looks around would leave out what it looks for.
    if !hir.properties().look_set().is_empty() {
        return None;
    }
    let literals = found.literals()?;
    let text = |l: &Literal| match l.is_exact() {
        true => String::from_utf8(l.as_bytes().to_vec()).ok(),
        false => None,
    };
    let mut texts: Vec<String> = literals.iter().map(text).collect::<Option<_>>()?;
    texts.sort_unstable();
    texts.dedup();
    Some(texts)
}

/// What every text that an expression matches begins with.
fn prefix_of(hir: &Hir) -> String {
    if !hir.properties().look_set().is_empty() {
        return String::new();
    }
    let found = Extractor::new().kind(ExtractKind::Prefix).extract(hir);
    let prefix = found.longest_common_prefix().unwrap_or_default();
    // It may end within a character.
    let valid = match std::str::from_utf8(prefix) {
        Ok(text) => text,
        Err(e) => std::str::from_utf8(&prefix[..e.valid_up_to()]).unwrap_or_default(),
    };
    valid.to_owned()
}

/// The pattern in the dialect of the `regex` crate. `None` for counts above RE2's limit.
pub fn translate(pattern: &str) -> Option<String> {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => escape(&mut chars, false, &mut out),
            '[' => class(&mut chars, &mut out),
            '{' => count(&mut chars, &mut out)?,
            c => out.push(c),
        }
    }
    Some(out)
}

fn escape(chars: &mut Peekable<Chars<'_>>, in_class: bool, out: &mut String) {
    let Some(c) = chars.next() else {
        return out.push('\\');
    };
    match c {
        'd' => out.push_str(if in_class { "0-9" } else { "[0-9]" }),
        'D' => out.push_str("[^0-9]"),
        'w' => out.push_str(if in_class { "0-9A-Za-z_" } else { "[0-9A-Za-z_]" }),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        's' => out.push_str(if in_class {
            "\\t\\n\\x0C\\r "
        } else {
            "[\\t\\n\\x0C\\r ]"
        }),
        'S' => out.push_str("[^\\t\\n\\x0C\\r ]"),
        'b' if !in_class => out.push_str("(?-u:\\b)"),
        'Q' if !in_class => quoted(chars, out),
        '0' => {
            // Up to two more octal digits.
            let mut code = 0;
            for _ in 0..2 {
                let Some(digit) = chars.peek().and_then(|c| c.to_digit(8)) else {
                    break;
                };
                code = code * 8 + digit;
                chars.next();
            }
            out.push_str(&format!("\\x{{{code:x}}}"));
        }
        // Of these the `regex` crate makes boundaries of words.
        '<' | '>' => out.push(c),
        c => {
            out.push('\\');
            out.push(c);
            // The braces of `\p{..}` and `\x{..}` hold no count.
            if matches!(c, 'p' | 'P' | 'x') && chars.peek() == Some(&'{') {
                for c in chars.by_ref() {
                    out.push(c);
                    if c == '}' {
                        break;
                    }
                }
            }
        }
    }
}

/// What follows `\Q` up to `\E` or to the end, literally.
fn quoted(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    let mut text = String::new();
    for c in chars.by_ref() {
        text.push(c);
        if text.ends_with("\\E") {
            text.truncate(text.len() - 2);
            break;
        }
    }
    out.push_str(&regex_syntax::escape(&text));
}

/// The class after its opening bracket.
fn class(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    out.push('[');
    if chars.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    // A bracket in the first place is literal.
    if chars.next_if_eq(&']').is_some() {
        out.push_str("\\]");
    }
    while let Some(c) = chars.next() {
        match c {
            ']' => return out.push(']'),
            '\\' => escape(chars, true, out),
            '[' if chars.peek() == Some(&':') => named_class(chars, out),
            '[' => out.push_str("\\["),
            '&' | '~' => {
                out.push('\\');
                out.push(c);
            }
            '-' if chars.peek() == Some(&'-') => out.push_str("\\-"),
            c => out.push(c),
        }
    }
}

/// `[:alpha:]` after its opening bracket; anything else is literal.
fn named_class(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    let rest: String = chars.clone().collect();
    match rest.find(":]") {
        Some(end) if rest[1..end].bytes().all(|b| b.is_ascii_alphabetic() || b == b'^') => {
            out.push('[');
            out.extend(chars.by_ref().take(end + 2));
        }
        _ => out.push_str("\\["),
    }
}

/// What follows an opening brace: a count, or a literal brace.
fn count(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Option<()> {
    let rest: String = chars
        .clone()
        .take_while(|c| c.is_ascii_digit() || matches!(c, ',' | '}'))
        .collect();
    let Some(body) = rest.split_once('}').map(|(body, _)| body) else {
        out.push_str("\\{");
        return Some(());
    };
    let (least, most) = body.split_once(',').unwrap_or((body, body));
    if least.is_empty() || most.contains(',') {
        out.push_str("\\{");
        return Some(());
    }
    let small = |n: &str| n.is_empty() || n.parse::<u32>().is_ok_and(|n| n <= COUNT_MAX);
    out.push('{');
    (small(least) && small(most)).then_some(())
}

#[cfg(test)]
mod tests;
