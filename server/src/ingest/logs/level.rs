//! The level of an entry as Loki detects it: what labels and metadata say, the number of OTLP's severity, a field of the line,
//! and at last a word of the line.

/// The name of the metadata that tells a level.
pub(super) const DETECTED: &str = "detected_level";

/// The name of the metadata that has OTLP's number of a severity.
const SEVERITY_NUMBER: &str = "severity_number";

/// How deep in JSON a field may stand.
const DEPTH_MAX: usize = 2;

/// A level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Level {
    Trace,
    Debug,
    Fatal,
    Critical,
    Error,
    Warn,
    Info,
    Unknown,
}

/// What is known of an entry's level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found<'a> {
    Known(Level),
    /// Somebody named it, by a name of his own.
    Other(&'a str),
}

impl Level {
    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Fatal => "fatal",
            Level::Critical => "critical",
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Unknown => "unknown",
        }
    }

    /// The level that a value of a field names.
    fn named(value: &[u8]) -> Option<Level> {
        const NAMES: [(&[u8], Level); 15] = [
            (b"trace", Level::Trace),
            (b"trc", Level::Trace),
            (b"debug", Level::Debug),
            (b"dbg", Level::Debug),
            (b"info", Level::Info),
            (b"inf", Level::Info),
            (b"information", Level::Info),
            (b"warn", Level::Warn),
            (b"wrn", Level::Warn),
            (b"warning", Level::Warn),
            (b"error", Level::Error),
            (b"err", Level::Error),
            (b"critical", Level::Critical),
            (b"fatal", Level::Fatal),
            (b"unknown", Level::Unknown),
        ];
        let found = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(value));
        found.map(|(_, level)| *level)
    }

    /// The level of OTLP's number of a severity.
    fn numbered(text: &str) -> Option<Level> {
        Some(match text.parse::<u8>().ok()? {
            1..=4 => Level::Trace,
            5..=8 => Level::Debug,
            9..=12 => Level::Info,
            13..=16 => Level::Warn,
            17..=20 => Level::Error,
            21..=24 => Level::Fatal,
            _ => return None,
        })
    }
}

impl Found<'_> {
    /// Its name.
    pub(super) fn name(&self) -> &str {
        match self {
            Found::Known(level) => level.name(),
            Found::Other(name) => name,
        }
    }
}

/// True for the names of labels, metadata and fields that tell a level.
pub(super) fn is_level_name(name: &str) -> bool {
    is_level_key(name.as_bytes())
}

fn is_level_key(name: &[u8]) -> bool {
    match name.len() {
        3 => matches!(name, b"lvl" | b"LVL" | b"Lvl"),
        5 => matches!(name, b"level" | b"LEVEL" | b"Level"),
        8 => matches!(name, b"severity" | b"SEVERITY" | b"Severity"),
        9 => matches!(name, b"log.level" | b"log_level"),
        12 => matches!(name, b"SeverityText"),
        13 => matches!(name, b"severity_text" | b"SEVERITY_TEXT" | b"Severity_Text"),
        _ => false,
    }
}

/// The level of an entry: `label` is what the labels of its stream tell.
pub(super) fn of<'a>(
    label: Option<&'a str>,
    metadata: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    line: &[u8],
) -> Found<'a> {
    let named = || {
        let mut found = metadata
            .clone()
            .filter(|(name, value)| is_level_name(name) && !value.is_empty());
        found.next().map(|(_, value)| value)
    };
    if let Some(value) = label.or_else(named) {
        return Level::named(value.as_bytes()).map_or(Found::Other(value), Found::Known);
    }
    let mut numbers = metadata.filter(|(name, _)| *name == SEVERITY_NUMBER);
    let number = numbers.next().and_then(|(_, value)| Level::numbered(value));
    Found::Known(number.unwrap_or_else(|| of_line(line)))
}

/// The level that a line tells.
fn of_line(line: &[u8]) -> Level {
    let first = line.iter().find(|b| !b.is_ascii_whitespace());
    let field = match first {
        Some(b'{') => json_field(line),
        _ => logfmt_field(line),
    };
    field.and_then(Level::named).unwrap_or_else(|| of_words(line))
}

/// The value of the first field of a JSON object that names a level and is a string.
fn json_field(line: &[u8]) -> Option<&[u8]> {
    let (mut depth, mut arrays, mut at) = (0usize, 0usize, 0usize);
    while let Some(byte) = line.get(at) {
        at += 1;
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.checked_sub(1)?,
            b'[' => arrays += 1,
            b']' => arrays = arrays.checked_sub(1)?,
            b'"' => {
                let end = string_end(line, at)?;
                let key = &line[at..end];
                at = end + 1;
                if arrays > 0 || depth > DEPTH_MAX || !is_level_key(key) {
                    continue;
                }
                let rest = line[at..].trim_ascii_start();
                let Some(rest) = rest.strip_prefix(b":") else {
                    continue;
                };
                let Some(value) = rest.trim_ascii_start().strip_prefix(b"\"") else {
                    continue;
                };
                return Some(&value[..string_end(value, 0)?]);
            }
            _ => {}
        }
    }
    None
}

/// Where the string that begins at `at` ends.
fn string_end(line: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'"', b'\\', line.get(at..)?)?;
        if line[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// The value of the first `key=value` of a line whose key names a level.
fn logfmt_field(line: &[u8]) -> Option<&[u8]> {
    let mut from = 0;
    while let Some(found) = memchr::memchr(b'=', &line[from..]) {
        let at = from + found;
        let key = &line[from..at];
        let key = key
            .iter()
            .rposition(|b| *b <= b' ')
            .map_or(key, |space| &key[space + 1..]);
        from = at + 1;
        if !is_level_key(key) {
            continue;
        }
        let value = &line[from..];
        if let Some(quoted) = value.strip_prefix(b"\"") {
            return Some(&quoted[..string_end(quoted, 0)?]);
        }
        let end = value.iter().position(|b| *b <= b' ').unwrap_or(value.len());
        return Some(&value[..end]);
    }
    None
}

/// Whether a byte goes on a word. Without branches and tables, so that it is asked for many bytes at once.
#[inline]
fn goes_on(byte: u8) -> bool {
    let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    letter | (byte.wrapping_sub(b'0') < 10) | (byte == b'_')
}

/// Whether a byte begins a word that names a level.
#[inline]
fn begins(byte: u8) -> bool {
    let lower = byte | 0x20;
    (lower == b't')
        | (lower == b'd')
        | (lower == b'f')
        | (lower == b'c')
        | (lower == b'e')
        | (lower == b'w')
        | (lower == b'i')
}

/// Words that name levels, in the order of Loki's list.
const WORDS: [(&[u8], Level); 9] = [
    (b"trace", Level::Trace),
    (b"debug", Level::Debug),
    (b"fatal", Level::Fatal),
    (b"critical", Level::Critical),
    (b"error", Level::Error),
    (b"err", Level::Error),
    (b"warning", Level::Warn),
    (b"warn", Level::Warn),
    (b"info", Level::Info),
];
const WORD_LEN_MAX: usize = 8;

/// Bytes of a line that are looked at together.
const BLOCK: usize = 64;

/// The level of the words of a line: the first of Loki's list that stands in it.
fn of_words(line: &[u8]) -> Level {
    let mut best = WORDS.len();
    if line.first().is_some_and(|byte| begins(*byte)) {
        best = word_at(line, 0, best);
    }
    // Before each byte stands the one that the block before it has at the same place.
    let (before, bytes) = (line, line.get(1..).unwrap_or_default());
    for (block, (before, bytes)) in before.chunks(BLOCK).zip(bytes.chunks(BLOCK)).enumerate() {
        let mut starts = [0u8; BLOCK];
        for ((start, before), byte) in starts.iter_mut().zip(before).zip(bytes) {
            *start = u8::from(begins(*byte) & !goes_on(*before));
        }
        for (n, eight) in starts.as_chunks::<8>().0.iter().enumerate() {
            let mut rest = u64::from_le_bytes(*eight);
            while rest != 0 {
                let at = block * BLOCK + n * 8 + rest.trailing_zeros() as usize / 8;
                best = word_at(line, at + 1, best);
                rest &= rest - 1;
            }
        }
    }
    WORDS.get(best).map_or(Level::Unknown, |(_, level)| *level)
}

/// The number of the word that begins at `at` if it comes before `best`, or else `best`.
fn word_at(line: &[u8], at: usize, best: usize) -> usize {
    let rest = &line[at..(at + WORD_LEN_MAX + 1).min(line.len())];
    let len = rest.iter().position(|b| !goes_on(*b)).unwrap_or(rest.len());
    let word = &rest[..len];
    let found = WORDS[..best]
        .iter()
        .position(|(known, _)| known.eq_ignore_ascii_case(word));
    found.unwrap_or(best)
}

#[cfg(test)]
mod tests;
