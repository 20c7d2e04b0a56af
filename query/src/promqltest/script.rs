//! The commands of a script: `clear`, `load`, `eval`. Not for running them.

use kymo_engine::labels::Labels;

use super::ScriptError;
use super::expectation::{Expectation, Text, labels};
use super::sequence::{self, Element};
use crate::lex::{duration, string};

/// A series to load; element `i` lies at `i` times the gap.
#[derive(Debug, Clone)]
pub(super) struct LoadRow {
    pub(super) labels: Labels,
    pub(super) elements: Vec<Element>,
    /// Start timestamps as offsets from the samples in milliseconds; empty where none are given.
    pub(super) starts: Vec<Option<i64>>,
}

/// When a query is evaluated, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Times {
    Instant(i64),
    Range { start: i64, end: i64, step: i64 },
}

/// A query with what it must give.
#[derive(Debug, Clone)]
pub(super) struct Eval {
    pub(super) line: usize,
    pub(super) times: Times,
    pub(super) query: String,
    pub(super) want: Expectation,
}

#[derive(Debug, Clone)]
pub(super) enum Command {
    Clear,
    Load {
        gap: i64,
        nhcb: bool,
        rows: Vec<LoadRow>,
    },
    Eval(Box<Eval>),
}

/// Reads a script.
pub(super) fn parse(text: &str) -> Result<Vec<Command>, ScriptError> {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .map(|line| if line.starts_with('#') { "" } else { line })
        .collect();
    let mut commands = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if lines[at].is_empty() {
            at += 1;
            continue;
        }
        let end = (at..lines.len())
            .find(|i| lines[*i].is_empty())
            .unwrap_or(lines.len());
        let fail = |line: usize, message: String| ScriptError {
            line: line + 1,
            message,
        };
        let head = lines[at];
        let lower = head.to_ascii_lowercase();
        if lower.starts_with("clear") {
            commands.push(Command::Clear);
            at += 1;
        } else if lower.starts_with("load") {
            let loaded = load(head, &lines[at + 1..end]);
            commands.push(loaded.map_err(|(line, message)| fail(at + line, message))?);
            at = end;
        } else if lower.starts_with("eval") {
            let mut eval = eval_head(head, at + 1).map_err(|message| fail(at, message))?;
            for (i, line) in lines[at + 1..end].iter().enumerate() {
                eval.want
                    .line(line)
                    .map_err(|message| fail(at + 1 + i, message))?;
            }
            commands.push(Command::Eval(Box::new(eval)));
            at = end;
        } else {
            return Err(fail(at, format!("invalid command {head:?}")));
        }
    }
    Ok(commands)
}

fn millis(text: &str) -> Result<i64, String> {
    match text.strip_prefix('-') {
        Some(text) => duration::parse(text).map(|ms| -ms),
        None => duration::parse(text),
    }
    .map_err(|e| e.to_string())
}

/// Reads a `load` with its series; an error carries its line, counted from that of the `load`.
fn load(head: &str, lines: &[&str]) -> Result<Command, (usize, String)> {
    let (word, gap) = head
        .split_once(char::is_whitespace)
        .ok_or_else(|| (0, "load needs a duration".to_owned()))?;
    let nhcb = word.eq_ignore_ascii_case("load_with_nhcb");
    let gap = millis(gap.trim()).map_err(|message| (0, message))?;
    let mut rows: Vec<LoadRow> = Vec::new();
    let mut pending: Option<(Labels, Vec<Option<i64>>)> = None;
    for (i, line) in lines.iter().enumerate() {
        let fail = |message| (i + 1, message);
        let (labels, rest) = series(line).map_err(fail)?;
        if let Some(offsets) = rest.strip_prefix("@st") {
            if pending.is_some() {
                return Err(fail("start timestamps without samples".to_owned()));
            }
            pending = Some((labels, sequence::offsets(offsets).map_err(fail)?));
            continue;
        }
        let elements = sequence::parse(rest).map_err(fail)?;
        let starts = match pending.take() {
            None => Vec::new(),
            Some((of, starts)) if of == labels && starts.len() == elements.len() => starts,
            Some((of, starts)) => {
                let (starts, samples) = (starts.len(), elements.len());
                return Err(fail(format!(
                    "{starts} start timestamps of {of:?} before {samples} samples of {labels:?}"
                )));
            }
        };
        rows.retain(|row| row.labels != labels);
        rows.push(LoadRow {
            labels,
            elements,
            starts,
        });
    }
    if pending.is_some() {
        return Err((lines.len(), "start timestamps without samples".to_owned()));
    }
    Ok(Command::Load { gap, nhcb, rows })
}

/// The series at the start of a line, and the rest.
pub(super) fn series(line: &str) -> Result<(Labels, &str), String> {
    let name = line
        .bytes()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':'))
        .count();
    let mut end = name;
    if line[name..].starts_with('{') {
        end += 1;
        loop {
            match line[end..].chars().next() {
                None => return Err(format!("unclosed brace in {line:?}")),
                Some('}') => break end += 1,
                Some('"' | '\'' | '`') => end += string::read(&line[end..]).map_err(|e| e.to_string())?.0,
                Some(c) => end += c.len_utf8(),
            }
        }
    }
    if end == 0 {
        return Err(format!("expected a series, got {line:?}"));
    }
    Ok((labels(&line[..end])?, line[end..].trim()))
}

fn eval_head(head: &str, line: usize) -> Result<Eval, String> {
    let bad = || format!("invalid evaluation command {head:?}");
    let (word, rest) = head.split_once(char::is_whitespace).ok_or_else(bad)?;
    let mut want = Expectation::default();
    match word.to_ascii_lowercase().as_str() {
        "eval" => {}
        "eval_fail" => want.fail = Some(Vec::new()),
        "eval_warn" => want.warnings.push(Text::Any),
        "eval_info" => want.infos.push(Text::Any),
        "eval_ordered" => want.ordered = true,
        _ => return Err(bad()),
    }
    let (kind, rest) = rest.trim().split_once(char::is_whitespace).ok_or_else(bad)?;
    let mut rest = rest.trim();
    let mut argument = |keyword: &str| -> Result<i64, String> {
        let after = rest.strip_prefix(keyword).ok_or_else(bad)?.trim_start();
        let (value, tail) = after.split_once(char::is_whitespace).ok_or_else(bad)?;
        rest = tail.trim();
        millis(value)
    };
    let times = match kind.to_ascii_lowercase().as_str() {
        "instant" => Times::Instant(argument("at ")?),
        "range" => Times::Range {
            start: argument("from ")?,
            end: argument("to ")?,
            step: argument("step ")?,
        },
        _ => return Err(bad()),
    };
    Ok(Eval {
        line,
        times,
        query: rest.to_owned(),
        want,
    })
}
