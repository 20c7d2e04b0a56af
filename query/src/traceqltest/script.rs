//! A script as commands. Not for running them.

use kymo_engine::traces::Trace;

use super::{ScriptError, load, words};

pub(super) enum Command {
    Clear,
    Load(Vec<Trace>),
    Eval(Eval),
}

/// A query and what it must give.
pub(super) struct Eval {
    pub(super) line: usize,
    pub(super) kind: Kind,
    pub(super) query: String,
    /// The lines below it without their indentation.
    pub(super) expected: Vec<String>,
    pub(super) limit: usize,
    pub(super) spans: usize,
    pub(super) times: Option<(i64, i64)>,
    pub(super) exemplars: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Ids of spans only.
    Spans,
    /// Everything.
    Traces,
    /// From, to and step in nanoseconds.
    Range(i64, i64, i64),
    /// From and to.
    Instant(i64, i64),
}

pub(super) fn parse(text: &str) -> Result<Vec<Command>, ScriptError> {
    let mut commands = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let fail = |message: String| ScriptError {
            line: number + 1,
            message,
        };
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let mut below = Vec::new();
        while let Some((number, line)) =
            lines.next_if(|(_, line)| line.starts_with([' ', '\t']) && !line.trim().is_empty())
        {
            if !line.trim().starts_with('#') {
                below.push((number, line.trim()));
            }
        }
        commands.push(match trimmed.split_once(' ') {
            None if trimmed == "clear" => Command::Clear,
            None if trimmed == "load" => {
                let mut traces = Vec::new();
                for (number, line) in below {
                    load::line(line, &mut traces).map_err(|message| ScriptError {
                        line: number + 1,
                        message,
                    })?;
                }
                Command::Load(traces)
            }
            Some(("eval", rest)) => {
                let expected = below.into_iter().map(|(_, line)| line.to_owned()).collect();
                Command::Eval(eval(number + 1, rest, expected).map_err(fail)?)
            }
            _ => return Err(fail(format!("cannot read {trimmed:?}"))),
        });
    }
    Ok(commands)
}

fn eval(line: usize, text: &str, expected: Vec<String>) -> Result<Eval, String> {
    let mut rest = text;
    let mut word = || {
        let (word, tail) = rest.trim_start().split_once(' ').unwrap_or((rest, ""));
        rest = tail;
        word.to_owned()
    };
    let kind = match word().as_str() {
        "spans" => Kind::Spans,
        "traces" => Kind::Traces,
        "range" => Kind::Range(
            words::nanos(&word())?,
            words::nanos(&word())?,
            words::nanos(&word())?,
        ),
        "instant" => Kind::Instant(words::nanos(&word())?, words::nanos(&word())?),
        other => return Err(format!("unknown kind of eval: {other}")),
    };
    let mut eval = Eval {
        line,
        kind,
        query: String::new(),
        expected,
        limit: 1_000,
        spans: 0,
        times: None,
        exemplars: 0,
    };
    loop {
        let trimmed = rest.trim_start();
        let head = trimmed.split(' ').next().unwrap_or_default();
        let number = |value: &str| value.parse().map_err(|_| format!("not a number: {value}"));
        match head.split_once('=') {
            Some(("limit", value)) => eval.limit = number(value)?,
            Some(("spss", value)) => eval.spans = number(value)?,
            Some(("exemplars", value)) => eval.exemplars = number(value)?,
            Some(("times", value)) => {
                let (first, last) = value.split_once("..").ok_or("times are FIRST..LAST")?;
                eval.times = Some((words::nanos(first)?, words::nanos(last)?));
            }
            _ => break,
        }
        rest = &trimmed[head.len()..];
    }
    eval.query = rest.trim().to_owned();
    Ok(eval)
}
