//! The older form of a search, tags and durations, as TraceQL: each tag is found in some span or resource of the trace, its
//! value as a part of the attribute's, in letters of either case.

use std::fmt::Write;

/// Reads tags in logfmt: `a=b c="d e"`.
///
/// # Errors
/// A quote that does not end, a value without a key, or a key that comes twice.
pub(super) fn parse_tags(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut tags = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| c == '=' || c.is_whitespace())
            .unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        if key.is_empty() || key.contains('"') {
            let place = text.len() - rest.len() + 1;
            return Err(format!(
                "logfmt syntax error at pos {place}: unexpected {:?}",
                &rest[..1]
            ));
        }
        let (value, after) = match after.strip_prefix('=') {
            None => (String::new(), after),
            Some(after) => match after.strip_prefix('"') {
                Some(quoted) => unquoted(quoted).ok_or("logfmt syntax error: unterminated quoted value")?,
                None => {
                    let end = after.find(char::is_whitespace).unwrap_or(after.len());
                    (after[..end].to_owned(), &after[end..])
                }
            },
        };
        if tags.iter().any(|(known, _)| known == key) {
            return Err(format!("tag {key} has been set twice"));
        }
        tags.push((key.to_owned(), value));
        rest = after.trim_start();
    }
    Ok(tags)
}

/// The text before a closing quote, and what is behind it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                other => value.push(other),
            },
            c => value.push(c),
        }
    }
    None
}

/// The query for tags and bounds of a trace's duration in nanoseconds.
pub(super) fn query(tags: &[(String, String)], shortest: u64, longest: u64) -> String {
    let mut sets: Vec<String> = tags.iter().map(|(key, value)| condition(key, value)).collect();
    let mut bounds = Vec::new();
    if shortest > 0 {
        bounds.push(format!("traceDuration >= {shortest}ns"));
    }
    if longest > 0 {
        bounds.push(format!("traceDuration <= {longest}ns"));
    }
    if !bounds.is_empty() {
        sets.push(format!("{{ {} }}", bounds.join(" && ")));
    }
    match sets.is_empty() {
        true => "{}".to_owned(),
        false => sets.join(" && "),
    }
}

fn condition(key: &str, value: &str) -> String {
    let pattern = format!("(?i).*{}.*", regex::escape(value));
    let text = |name: &str| format!("{{ {name} =~ {} }}", quoted(&pattern));
    match key {
        "name" => text("name"),
        "root.name" => text("rootName"),
        "root.service.name" => text("rootServiceName"),
        "status.code" | "status" if matches!(value, "ok" | "error" | "unset") => {
            format!("{{ status = {value} }}")
        }
        "error" if value == "true" => "{ status = error }".to_owned(),
        key => {
            let name = attribute(key);
            let mut any = format!("{name} =~ {}", quoted(&pattern));
            let number = value.parse::<f64>().is_ok_and(f64::is_finite) && plain_number(value);
            if number || matches!(value, "true" | "false") {
                let _ = write!(any, " || {name} = {value}");
            }
            format!("{{ {any} }}")
        }
    }
}

/// True for a number that TraceQL writes as everybody does.
fn plain_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    all_digits(whole) && all_digits(fraction) && !leading_zero && whole.len() <= 18
}

/// An attribute of any scope.
pub(crate) fn attribute(key: &str) -> String {
    format!(".\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A string of TraceQL.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests;
