//! Conditions of entries that are deleted, and their test. Not for streams, which matchers name.

use memchr::memmem::Finder;
use regex::bytes::{Regex, RegexBuilder};

use crate::error::{Error, Result};
use crate::labels::Labels;
use crate::metrics::matcher::Matcher;
use crate::metrics::re2;

/// Largest memory of one compiled expression, in bytes.
const REGEX_BYTES_MAX: usize = 10 << 20;

/// A condition of an entry.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Of the line, with texts of which one is enough; of negative tests none may hold.
    Line(LineTest, Vec<String>),
    /// Of a label: that of the metadata, else that of the stream, else nothing.
    Label(Matcher),
}

/// How a line is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineTest {
    /// A text stands in it.
    Contains,
    /// No text stands in it.
    NotContains,
    /// An expression in RE2's dialect finds something in it.
    Matches,
    /// No expression finds anything in it.
    NotMatches,
}

/// Conditions, ready to be tested.
#[derive(Debug)]
pub(super) struct Compiled(Vec<Test>);

#[derive(Debug)]
enum Test {
    Texts(Vec<Finder<'static>>, bool),
    Regexes(Vec<Regex>, bool),
    Label(Matcher),
}

impl Compiled {
    pub(super) fn of(conditions: &[Condition]) -> Result<Compiled> {
        conditions
            .iter()
            .map(Test::of)
            .collect::<Result<_>>()
            .map(Compiled)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True when all hold.
    pub(super) fn hold<'m>(
        &self,
        stream: &Labels,
        line: &[u8],
        metadata: impl Iterator<Item = (&'m str, &'m str)> + Clone,
    ) -> bool {
        self.0.iter().all(|test| match test {
            Test::Texts(texts, wanted) => texts.iter().any(|text| text.find(line).is_some()) == *wanted,
            Test::Regexes(regexes, wanted) => regexes.iter().any(|regex| regex.is_match(line)) == *wanted,
            Test::Label(matcher) => {
                let own = metadata.clone().find(|(name, _)| *name == matcher.name());
                let value = own.map(|(_, value)| value).or_else(|| stream.get(matcher.name()));
                matcher.matches(value.unwrap_or_default())
            }
        })
    }
}

impl Test {
    fn of(condition: &Condition) -> Result<Test> {
        let finder = |text: &String| Finder::new(text.as_bytes()).into_owned();
        Ok(match condition {
            Condition::Label(matcher) => Test::Label(matcher.clone()),
            Condition::Line(how @ (LineTest::Contains | LineTest::NotContains), texts) => {
                Test::Texts(texts.iter().map(finder).collect(), *how == LineTest::Contains)
            }
            Condition::Line(how, patterns) => {
                let regexes = patterns.iter().map(|pattern| regex(pattern));
                Test::Regexes(regexes.collect::<Result<_>>()?, *how == LineTest::Matches)
            }
        })
    }
}

fn regex(pattern: &str) -> Result<Regex> {
    let compiled = re2::translate(pattern).and_then(|translated| {
        RegexBuilder::new(&translated)
            .size_limit(REGEX_BYTES_MAX)
            .build()
            .ok()
    });
    compiled.ok_or_else(|| Error::Invalid {
        what: "invalid regular expression",
        value: pattern.to_owned(),
    })
}
