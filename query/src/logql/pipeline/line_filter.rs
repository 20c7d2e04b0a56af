//! Conditions of lines, compiled. They are of bytes: a line need not be UTF-8.

use std::sync::{Arc, OnceLock};

use kymo_engine::metrics::re2;
use memchr::memmem::Finder;

use super::automaton::Automaton;
use super::ip::IpSet;
use super::looks::LineTexts;
use super::pattern::Pattern;
use crate::logql::ast::{LineFilter, LineOp, LineText};

/// Largest memory of one compiled expression, in bytes.
const REGEX_BYTES_MAX: usize = 10 << 20;

#[derive(Debug, Clone)]
enum Test {
    Anything,
    Text(Box<Finder<'static>>),
    Regex(regex::bytes::Regex),
    Pattern(Pattern),
    Ip(IpSet),
}

/// A condition of lines.
#[derive(Debug, Clone)]
pub(in crate::logql) struct LineTest {
    any: Vec<Test>,
    negative: bool,
    /// Made when it is first asked for.
    automaton: OnceLock<Option<Arc<Automaton>>>,
}

impl LineTest {
    pub(super) fn compile(filter: &LineFilter) -> Result<LineTest, String> {
        let tests = filter.any.iter().map(|text| Test::compile(filter.op, text));
        Ok(LineTest {
            any: tests.collect::<Result<_, _>>()?,
            negative: filter.op.is_negative(),
            automaton: OnceLock::new(),
        })
    }

    pub(super) fn keeps(&self, line: &[u8]) -> bool {
        self.any.iter().any(|test| test.holds(line)) != self.negative
    }
}

impl LineTest {
    /// The texts of which a line holds one, or none when the second is true; none for conditions that are no texts.
    pub(in crate::logql) fn texts(&self) -> Option<LineTexts<'_>> {
        let texts = self.any.iter().map(|test| match test {
            Test::Text(finder) => Some(finder.needle()),
            _ => None,
        });
        Some((texts.collect::<Option<_>>()?, self.negative))
    }

    /// What a line matches of which it wants nothing when the second is true; none for conditions that are no expressions.
    pub(in crate::logql) fn automaton(&self) -> Option<(&Automaton, bool)> {
        let automaton = self.automaton.get_or_init(|| {
            let expressions = self.any.iter().map(Test::expression);
            let expressions: Vec<String> = expressions.collect::<Option<_>>()?;
            Automaton::compile(&expressions).map(Arc::new)
        });
        Some((automaton.as_deref()?, self.negative))
    }
}

impl Test {
    fn compile(op: LineOp, text: &LineText) -> Result<Test, String> {
        Ok(match (op, text) {
            (LineOp::Contains | LineOp::NotContains, LineText::Ip(pattern)) => {
                Test::Ip(IpSet::parse(pattern)?)
            }
            (_, LineText::Ip(_)) => return Err("ip: invalid operation".to_owned()),
            (
                LineOp::Contains | LineOp::NotContains | LineOp::Matches | LineOp::NotMatches,
                LineText::Text(t),
            ) if t.is_empty() => Test::Anything,
            (LineOp::Contains | LineOp::NotContains, LineText::Text(text)) => {
                Test::Text(Box::new(Finder::new(text.as_bytes()).into_owned()))
            }
            (LineOp::Matches | LineOp::NotMatches, LineText::Text(pattern)) => {
                Test::Regex(compile_regex(pattern)?)
            }
            (LineOp::Pattern | LineOp::NotPattern, LineText::Text(pattern)) => {
                Test::Pattern(Pattern::without_names(pattern)?)
            }
        })
    }

    /// An expression that matches the same lines.
    fn expression(&self) -> Option<String> {
        match self {
            Test::Anything => Some(String::new()),
            Test::Text(finder) => Some(regex::escape(std::str::from_utf8(finder.needle()).ok()?)),
            Test::Regex(regex) => Some(regex.as_str().to_owned()),
            Test::Pattern(_) | Test::Ip(_) => None,
        }
    }

    fn holds(&self, line: &[u8]) -> bool {
        match self {
            Test::Anything => true,
            Test::Text(finder) => finder.find(line).is_some(),
            Test::Regex(regex) => regex.is_match(line),
            Test::Pattern(pattern) => pattern.is_match(line),
            Test::Ip(set) => set.is_in(line),
        }
    }
}

/// An RE2 expression that may stand anywhere in a line.
pub(super) fn compile_regex(pattern: &str) -> Result<regex::bytes::Regex, String> {
    crate::lex::regex::check(pattern).map_err(|e| e.to_string())?;
    let fault = || format!("error parsing regexp: cannot compile: `{pattern}`");
    let translated = re2::translate(pattern).ok_or_else(fault)?;
    regex::bytes::RegexBuilder::new(&translated)
        .size_limit(REGEX_BYTES_MAX)
        .build()
        .map_err(|_| fault())
}
