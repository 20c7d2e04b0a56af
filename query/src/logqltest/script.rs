//! The commands of a script: `clear`, `load`, `eval`. Not for running them.

use super::{Entry, ScriptError};
use crate::lex::{duration, go_duration};
use crate::logql::eval::Direction;

/// What is asked for, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Instant(i64),
    Range(i64, i64, i64),
    /// From, until, most entries.
    Lines(i64, i64, usize, Direction),
    /// Rows of an Insights query: from, until.
    Insights(i64, i64),
}

/// A query and what it must give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Eval {
    pub(super) line: usize,
    pub(super) kind: Kind,
    pub(super) query: String,
    pub(super) expected: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Clear,
    Load(Vec<Entry>),
    Eval(Eval),
}

/// Most entries of one line of a script: scripts are read as a whole.
const REPEAT_MAX: usize = 1 << 20;

/// Reads a script.
pub(super) fn parse(text: &str) -> Result<Vec<Command>, ScriptError> {
    let mut commands = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let fail = |message: String| ScriptError {
            line: number + 1,
            message,
        };
        let mut below = Vec::new();
        while let Some((at, next)) = lines.peek() {
            let content = next.trim();
            if content.is_empty() || content.starts_with('#') {
                if content.is_empty() && !below.is_empty() && !trimmed.starts_with("load") {
                    break;
                }
            } else if next.starts_with([' ', '\t']) {
                below.push((*at + 1, content));
            } else {
                break;
            }
            lines.next();
        }
        commands.push(match trimmed.split_once(char::is_whitespace) {
            None if trimmed == "clear" => Command::Clear,
            None if trimmed == "load" => Command::Load(load(&below)?),
            Some(("eval", rest)) => {
                let expected = below.iter().map(|(_, line)| (*line).to_owned());
                Command::Eval(eval(number + 1, rest.trim(), expected.collect()).map_err(fail)?)
            }
            _ => return Err(fail(format!("cannot read {trimmed:?}"))),
        });
    }
    Ok(commands)
}

fn load(lines: &[(usize, &str)]) -> Result<Vec<Entry>, ScriptError> {
    let mut entries = Vec::new();
    for (number, line) in lines {
        entries_of(line, &mut entries).map_err(|message| ScriptError {
            line: *number,
            message,
        })?;
    }
    Ok(entries)
}

/// Nanoseconds of a duration.
pub(super) fn nanos(text: &str) -> Result<i64, String> {
    let millis = duration::parse(text)
        .ok()
        .and_then(|ms| ms.checked_mul(1_000_000));
    millis
        .or_else(|| go_duration::parse(text))
        .ok_or_else(|| format!("no duration: {text:?}"))
}

/// Names and values.
pub(super) type Pairs = Vec<(String, String)>;

/// Names and values of `{a="b"}`, and what follows.
pub(super) fn labels(text: &str) -> Result<(Pairs, &str), String> {
    if !text.starts_with('{') {
        return Err(format!("labels are missing in {text:?}"));
    }
    let mut quoted = None;
    let mut end = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quoted, c) {
            _ if std::mem::take(&mut escaped) => {}
            (Some('"'), '\\') => escaped = true,
            (Some(q), c) if q == c => quoted = None,
            (None, '"' | '`') => quoted = Some(c),
            (None, '}') => {
                end = Some(at + 1);
                break;
            }
            _ => {}
        }
    }
    let end = end.ok_or_else(|| format!("labels do not end in {text:?}"))?;
    let mut pairs = Vec::new();
    let mut inner = text[1..end - 1].trim_start_matches([' ', ',']);
    while !inner.is_empty() {
        let (name, rest) = inner.split_once('=').ok_or("labels are name=\"value\"")?;
        let (len, value) = crate::lex::string::read(rest.trim_start()).map_err(|e| e.to_string())?;
        pairs.push((name.trim().to_owned(), value));
        inner = rest.trim_start()[len..].trim_start_matches([' ', ',']);
    }
    Ok((pairs, &text[end..]))
}

fn entries_of(line: &str, entries: &mut Vec<Entry>) -> Result<(), String> {
    let (labels_of, rest) = labels(line)?;
    let rest = rest.trim_start();
    let quote = rest
        .chars()
        .next()
        .filter(|c| matches!(c, '"' | '`'))
        .ok_or("a line in quotes is missing")?;
    let (text, rest) = rest[1..].split_once(quote).ok_or("the line does not end")?;
    let rest = rest
        .trim_start()
        .strip_prefix('@')
        .ok_or("@ is missing")?
        .trim_start();
    let (at, mut rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let first = nanos(at)?;
    let (mut every, mut count, mut metadata) = (0, 1, Vec::new());
    loop {
        rest = rest.trim_start();
        if rest.is_empty() || rest.starts_with('#') {
            break;
        }
        if let Some(repeat) = rest.strip_prefix("[repeat every ") {
            let (repeat, behind) = repeat.split_once(']').ok_or("] is missing")?;
            let (step, times) = repeat.split_once(" for ").ok_or("for is missing")?;
            every = nanos(step.trim())?;
            count = times
                .trim()
                .parse()
                .map_err(|_| format!("no number: {times:?}"))?;
            rest = behind;
        } else if let Some(pairs) = rest.strip_prefix("[metadata ") {
            rest = metadata_of(pairs, &mut metadata)?;
        } else {
            return Err(format!("cannot read {rest:?}"));
        }
    }
    if count > REPEAT_MAX {
        return Err(format!("more than {REPEAT_MAX} repetitions"));
    }
    for i in 0..count {
        entries.push(Entry {
            labels: labels_of.clone(),
            time: first + every * i as i64,
            line: text.replace("{{.i}}", &i.to_string()),
            metadata: metadata.clone(),
        });
    }
    Ok(())
}

/// Reads `a="b" c="d"]`; what follows.
fn metadata_of<'t>(mut text: &'t str, metadata: &mut Pairs) -> Result<&'t str, String> {
    loop {
        text = text.trim_start_matches([' ', ',']);
        if let Some(rest) = text.strip_prefix(']') {
            return Ok(rest);
        }
        let (name, rest) = text.split_once('=').ok_or("metadata is name=\"value\"")?;
        let (len, value) = crate::lex::string::read(rest).map_err(|e| e.to_string())?;
        metadata.push((name.trim().to_owned(), value));
        text = &rest[len..];
    }
}

fn eval(line: usize, text: &str, expected: Vec<String>) -> Result<Eval, String> {
    let mut rest = text;
    let mut word = || {
        let trimmed = rest.trim_start();
        let (word, tail) = trimmed.split_once(char::is_whitespace).unwrap_or((trimmed, ""));
        rest = tail;
        word
    };
    let expect = |wanted: &str, found: &str| match wanted == found {
        true => Ok(()),
        false => Err(format!("{wanted} is missing")),
    };
    let kind = match word() {
        "instant" => {
            expect("at", word())?;
            Kind::Instant(nanos(word())?)
        }
        "range" => {
            expect("from", word())?;
            let from = nanos(word())?;
            expect("to", word())?;
            let to = nanos(word())?;
            expect("step", word())?;
            Kind::Range(from, to, nanos(word())?)
        }
        "lines" => {
            expect("from", word())?;
            let from = nanos(word())?;
            expect("to", word())?;
            let to = nanos(word())?;
            expect("limit", word())?;
            let limit = word().parse().map_err(|_| "limit is no number".to_owned())?;
            match rest.trim_start().strip_prefix("forward ") {
                Some(tail) => {
                    rest = tail;
                    Kind::Lines(from, to, limit, Direction::Forward)
                }
                None => Kind::Lines(from, to, limit, Direction::Backward),
            }
        }
        "insights" => {
            expect("from", word())?;
            let from = nanos(word())?;
            expect("to", word())?;
            Kind::Insights(from, nanos(word())?)
        }
        other => return Err(format!("unknown kind of eval: {other:?}")),
    };
    Ok(Eval {
        line,
        kind,
        query: rest.trim().to_owned(),
        expected,
    })
}
