//! Regular expressions in RE2's dialect, which users of Prometheus write, on the `regex` crate, whose dialect differs:
//! here `\d`, `\w`, `\s` and `\b` mean ASCII, `{` without a count and `[` inside a class are literal, `&&` in a class is no
//! operator, `\<` is a plain `<`, `\Q..\E` quotes, and counts end at 1000. Not for patterns of other dialects.

use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};

/// Largest memory of one compiled expression, in bytes.
const SIZE_MAX: usize = 64 << 20;

/// Largest count in `a{n,m}`.
const COUNT_MAX: u32 = 1_000;

/// Compiles a pattern that must match a text as a whole; `.` matches a newline. `None` when it is no RE2 pattern.
pub fn compile_anchored(pattern: &str) -> Option<Regex> {
    let translated = translate(pattern)?;
    // Parsed alone first, or `a)(b` would become valid inside the anchoring group.
    regex_syntax::Parser::new().parse(&translated).ok()?;
    RegexBuilder::new(&format!("^(?s:{translated})$"))
        .size_limit(SIZE_MAX)
        .build()
        .ok()
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
