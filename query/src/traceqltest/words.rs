//! The words of a line: separated by blanks, quoted where they hold any. Not for what they mean.

use crate::lex::{duration, go_duration, string};

/// Cuts a line into words. Quotes and brackets hold a word together.
pub(super) fn split(line: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let (mut at, mut depth) = (0, 0usize);
    while let Some(c) = line[at..].chars().next() {
        match c {
            '"' | '`' => {
                let (len, _) = string::read(&line[at..]).map_err(|e| e.to_string())?;
                word.push_str(&line[at..at + len]);
                at += len;
                continue;
            }
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            ' ' | '\t' if depth == 0 => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                at += 1;
                continue;
            }
            _ => {}
        }
        word.push(c);
        at += c.len_utf8();
    }
    if !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}

/// A word without its quotes.
pub(super) fn text(word: &str) -> Result<String, String> {
    if word.starts_with(['"', '`']) {
        let (len, value) = string::read(word).map_err(|e| e.to_string())?;
        return match len == word.len() {
            true => Ok(value),
            false => Err(format!("bytes behind the string in {word}")),
        };
    }
    Ok(word.to_owned())
}

/// Nanoseconds of a time or a duration such as `1m30s`, `1.5s` or `-2ms`.
pub(super) fn nanos(word: &str) -> Result<i64, String> {
    let (sign, body) = match word.strip_prefix('-') {
        Some(body) => (-1, body),
        None => (1, word),
    };
    let parsed = match duration::parse(body) {
        Ok(millis) => millis.checked_mul(1_000_000),
        Err(_) => go_duration::parse(body),
    };
    parsed
        .map(|nanos| sign * nanos)
        .ok_or_else(|| format!("not a duration: {word}"))
}

/// Bytes of an id, filled up with zeros on the left.
pub(super) fn id<const N: usize>(word: &str) -> Result<[u8; N], String> {
    let padded = format!("{word:0>width$}", width = 2 * N);
    let mut bytes = [0; N];
    if padded.len() != 2 * N || !padded.is_ascii() {
        return Err(format!("not an id: {word}"));
    }
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte =
            u8::from_str_radix(&padded[2 * i..2 * i + 2], 16).map_err(|_| format!("not an id: {word}"))?;
    }
    Ok(bytes)
}

/// Digits of an id without leading zeros.
pub(super) fn short(id: &[u8]) -> String {
    let digits: String = id.iter().map(|b| format!("{b:02x}")).collect();
    digits.trim_start_matches('0').to_owned()
}
