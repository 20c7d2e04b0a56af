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

/// Whether a byte goes on a word.
static IN_WORDS: [bool; 256] = in_words();

const fn in_words() -> [bool; 256] {
    let mut out = [false; 256];
    let mut n = 0;
    while n < 256 {
        out[n] = (n as u8).is_ascii_alphanumeric() || n as u8 == b'_';
        n += 1;
    }
    out
}

/// The level of the words of a line: the first of Loki's list that stands in it.
fn of_words(line: &[u8]) -> Level {
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
    let mut best = WORDS.len();
    for word in line.split(|b| !IN_WORDS[usize::from(*b)]) {
        let may = (3..=8).contains(&word.len())
            && matches!(word[0] | 0x20, b't' | b'd' | b'f' | b'c' | b'e' | b'w' | b'i');
        if may {
            let found = WORDS[..best]
                .iter()
                .position(|(known, _)| known.eq_ignore_ascii_case(word));
            best = found.unwrap_or(best);
        }
    }
    WORDS.get(best).map_or(Level::Unknown, |(_, level)| *level)
}

#[cfg(test)]
mod tests;
