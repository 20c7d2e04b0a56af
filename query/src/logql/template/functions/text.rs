//! Functions of texts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kymo_engine::metrics::re2::translate;

use super::super::printf;
use super::super::value::Value;
use super::{Arguments, Found};

/// Most bytes of a text that is made longer.
const LEN_MAX: usize = 1 << 20;

pub(super) fn call(name: &str, arguments: &mut Arguments) -> Found {
    let made = escaped(name, arguments)
        .or_else(|| one(name, arguments))
        .or_else(|| two(name, arguments))
        .or_else(|| more(name, arguments))?;
    Some(made)
}

/// What is printed of all arguments, with what is special to a language escaped.
fn escaped(name: &str, arguments: &Arguments) -> Found {
    let escape: fn(&str) -> String = match name {
        "html" => html,
        "urlquery" => url_encode,
        "js" => js,
        _ => return None,
    };
    Some(Ok(Value::Text(escape(&printf::print(&arguments.list)))))
}

fn js(text: &str) -> String {
    let quoted = text.replace('\\', "\\\\").replace('\'', "\\'");
    quoted.replace('"', "\\\"").replace('\n', "\\u000A")
}

fn one(name: &str, arguments: &Arguments) -> Found {
    let apply: fn(&str) -> Result<String, String> = match name {
        "ToLower" | "lower" => |s| Ok(s.to_lowercase()),
        "ToUpper" | "upper" => |s| Ok(s.to_uppercase()),
        "TrimSpace" | "trim" => |s| Ok(s.trim().to_owned()),
        "title" => |s| Ok(title(s)),
        "urlencode" => |s| Ok(url_encode(s)),
        "urldecode" => url_decode,
        "b64enc" => |s| Ok(STANDARD.encode(s)),
        "b64dec" => |s| match STANDARD.decode(s) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(_) => Err("illegal base64 data".to_owned()),
        },
        _ => return None,
    };
    Some(arguments.text(0).and_then(|text| apply(&text)).map(Value::Text))
}

/// Functions of two texts, in the order of Go's `strings` or in sprig's, which has the text last.
fn two(name: &str, arguments: &Arguments) -> Found {
    let set = |cut: &str| cut.chars().collect::<Vec<char>>();
    let apply = |a: &str, b: &str| match name {
        "Trim" => Value::Text(a.trim_matches(&set(b)[..]).to_owned()),
        "TrimLeft" => Value::Text(a.trim_start_matches(&set(b)[..]).to_owned()),
        "TrimRight" => Value::Text(a.trim_end_matches(&set(b)[..]).to_owned()),
        "TrimPrefix" => Value::Text(a.strip_prefix(b).unwrap_or(a).to_owned()),
        "TrimSuffix" => Value::Text(a.strip_suffix(b).unwrap_or(a).to_owned()),
        "trimAll" => Value::Text(b.trim_matches(&set(a)[..]).to_owned()),
        "trimPrefix" => Value::Text(b.strip_prefix(a).unwrap_or(b).to_owned()),
        "trimSuffix" => Value::Text(b.strip_suffix(a).unwrap_or(b).to_owned()),
        "contains" => Value::Bool(b.contains(a)),
        "hasPrefix" => Value::Bool(b.starts_with(a)),
        _ => Value::Bool(b.ends_with(a)),
    };
    let names = [
        "Trim",
        "TrimLeft",
        "TrimRight",
        "TrimPrefix",
        "TrimSuffix",
        "trimAll",
        "trimPrefix",
        "trimSuffix",
        "contains",
        "hasPrefix",
        "hasSuffix",
    ];
    if !names.contains(&name) {
        return None;
    }
    Some(arguments.text(0).and_then(|a| Ok(apply(&a, &arguments.text(1)?))))
}

fn more(name: &str, arguments: &Arguments) -> Found {
    Some(match name {
        "Replace" => replace_some(arguments),
        "replace" => (|| {
            let (old, new, text) = (arguments.text(0)?, arguments.text(1)?, arguments.text(2)?);
            Ok(Value::Text(text.replace(&old, &new)))
        })(),
        "regexReplaceAll" => replace_all(arguments, false),
        "regexReplaceAllLiteral" => replace_all(arguments, true),
        "count" => arguments.text(0).and_then(|pattern| {
            let regex = regex_of(&pattern)?;
            Ok(Value::Int(regex.find_iter(&arguments.text(1)?).count() as i64))
        }),
        "substr" => substr(arguments),
        "trunc" => trunc(arguments),
        "alignLeft" => align(arguments, true),
        "alignRight" => align(arguments, false),
        "indent" => indent(arguments).map(Value::Text),
        "nindent" => indent(arguments).map(|text| Value::Text(format!("\n{text}"))),
        "repeat" => repeat(arguments),
        _ => return None,
    })
}

fn repeat(arguments: &Arguments) -> Result<Value, String> {
    let (count, text) = (arguments.count(0)?, arguments.text(1)?);
    let count = usize::try_from(count).map_err(|_| "strings: negative Repeat count".to_owned())?;
    match count.saturating_mul(text.len()) > LEN_MAX {
        true => Err(format!("repeat makes more than {LEN_MAX} bytes")),
        false => Ok(Value::Text(text.repeat(count))),
    }
}

fn regex_of(pattern: &str) -> Result<regex::Regex, String> {
    crate::lex::regex::check(pattern).map_err(|e| e.to_string())?;
    let translated = translate(pattern).ok_or_else(|| format!("error parsing regexp: {pattern:?}"))?;
    regex::Regex::new(&translated).map_err(|e| e.to_string())
}

fn replace_some(arguments: &Arguments) -> Result<Value, String> {
    let (text, old, new) = (arguments.text(0)?, arguments.text(1)?, arguments.text(2)?);
    Ok(Value::Text(match usize::try_from(arguments.count(3)?) {
        Ok(most) => text.replacen(&old, &new, most),
        Err(_) => text.replace(&old, &new),
    }))
}

fn replace_all(arguments: &Arguments, literal: bool) -> Result<Value, String> {
    let (pattern, text, new) = (arguments.text(0)?, arguments.text(1)?, arguments.text(2)?);
    let regex = regex_of(&pattern)?;
    let replaced = match literal {
        true => regex.replace_all(&text, regex::NoExpand(&new)),
        false => regex.replace_all(&text, new.as_str()),
    };
    Ok(Value::Text(replaced.into_owned()))
}

/// From a place to another; a negative start is the beginning, and an end that is negative or too far the end.
fn substr(arguments: &Arguments) -> Result<Value, String> {
    let (start, end, text) = (arguments.count(0)?, arguments.count(1)?, arguments.text(2)?);
    let len = text.chars().count() as i64;
    let (from, to) = match (start, end) {
        (..0, end) => (0, end),
        (start, end) if end < 0 || end > len => (start, len),
        within => within,
    };
    if from > to || to > len {
        return Err(format!(
            "runtime error: slice bounds out of range [{from}:{to}] with length {len}"
        ));
    }
    let chars = text.chars().skip(from as usize).take((to - from) as usize);
    Ok(Value::Text(chars.collect()))
}

fn trunc(arguments: &Arguments) -> Result<Value, String> {
    let (count, text) = (arguments.count(0)?, arguments.text(1)?);
    let len = text.chars().count();
    let kept = usize::try_from(count.unsigned_abs())
        .unwrap_or(usize::MAX)
        .min(len);
    Ok(Value::Text(match count < 0 {
        true => text.chars().skip(len - kept).collect(),
        false => text.chars().take(kept).collect(),
    }))
}

/// Cut or filled with blanks to a number of characters, unless that is negative.
fn align(arguments: &Arguments, left: bool) -> Result<Value, String> {
    let (count, text) = (arguments.count(0)?, arguments.text(1)?);
    let Ok(count) = usize::try_from(count) else {
        return Ok(Value::Text(text));
    };
    if count > LEN_MAX {
        return Err(format!("aligned to more than {LEN_MAX} characters"));
    }
    let len = text.chars().count();
    let blanks = " ".repeat(count.saturating_sub(len));
    Ok(Value::Text(match (left, len > count) {
        (true, true) => text.chars().take(count).collect(),
        (false, true) => text.chars().skip(len - count).collect(),
        (true, false) => text + &blanks,
        (false, false) => blanks + &text,
    }))
}

fn indent(arguments: &Arguments) -> Result<String, String> {
    let (count, text) = (arguments.count(0)?, arguments.text(1)?);
    let count = usize::try_from(count).map_err(|_| "strings: negative Repeat count".to_owned())?;
    if count.saturating_mul(text.matches('\n').count() + 1) > LEN_MAX {
        return Err(format!("indent makes more than {LEN_MAX} bytes"));
    }
    let blanks = " ".repeat(count);
    Ok(format!("{blanks}{}", text.replace('\n', &format!("\n{blanks}"))))
}

fn title(text: &str) -> String {
    let mut begins = true;
    let upper = |c: char| {
        let separates = match c.is_ascii() {
            true => !c.is_ascii_alphanumeric() && c != '_',
            false => c.is_whitespace(),
        };
        let first = std::mem::replace(&mut begins, separates);
        if first {
            c.to_uppercase().collect::<String>()
        } else {
            c.to_string()
        }
    };
    text.chars().map(upper).collect()
}

fn url_encode(text: &str) -> String {
    let encode = |b: u8| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(b).to_string(),
        b' ' => "+".to_owned(),
        _ => format!("%{b:02X}"),
    };
    text.bytes().map(encode).collect()
}

fn url_decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some(first) = rest.first() {
        let hex = rest
            .get(1..3)
            .and_then(|d| std::str::from_utf8(d).ok())
            .and_then(|d| u8::from_str_radix(d, 16).ok());
        let used = match (first, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                3
            }
            (b'%', None) => {
                let escape = String::from_utf8_lossy(&rest[..rest.len().min(3)]).into_owned();
                return Err(format!("invalid URL escape {escape:?}"));
            }
            (b'+', _) => {
                bytes.push(b' ');
                1
            }
            (byte, _) => {
                bytes.push(*byte);
                1
            }
        };
        rest = &rest[used..];
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn html(text: &str) -> String {
    let mut out = text.replace('&', "&amp;");
    for (from, to) in [("'", "&#39;"), ("\"", "&#34;"), ("<", "&lt;"), (">", "&gt;")] {
        out = out.replace(from, to);
    }
    out
}
