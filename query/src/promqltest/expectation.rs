//! What an `eval` of a script must give. Not for comparing it (see `compare`).

use kymo_engine::labels::Labels;
use regex::Regex;

use super::sequence::{self, Element};
use crate::lex::{duration, string};
use crate::promql::parse_labels;

/// A condition on a text.
#[derive(Debug, Clone)]
pub(super) enum Text {
    Any,
    Exactly(String),
    Matching(Regex),
}

impl Text {
    pub(super) fn accepts(&self, text: &str) -> bool {
        match self {
            Text::Any => true,
            Text::Exactly(want) => want == text,
            Text::Matching(regex) => regex.is_match(text),
        }
    }
}

/// One series of the expected result.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) labels: Labels,
    pub(super) elements: Vec<Element>,
}

/// Everything below an `eval`.
#[derive(Debug, Clone, Default)]
pub(super) struct Expectation {
    pub(super) fail: Option<Vec<Text>>,
    pub(super) warnings: Vec<Text>,
    pub(super) infos: Vec<Text>,
    pub(super) no_warnings: bool,
    pub(super) no_infos: bool,
    pub(super) ordered: bool,
    pub(super) scalar: Option<f64>,
    pub(super) string: Option<String>,
    /// Start and step, in milliseconds, of an expected range vector.
    pub(super) range_vector: Option<(i64, i64)>,
    pub(super) rows: Vec<Row>,
}

impl Expectation {
    /// Takes one line below an `eval`.
    pub(super) fn line(&mut self, line: &str) -> Result<(), String> {
        if let Some(rest) = line
            .strip_prefix("expect")
            .filter(|r| r.starts_with(char::is_whitespace))
        {
            return self.directive(rest.trim());
        }
        if let Some(rest) = line.strip_prefix("expected_fail_message") {
            self.fail
                .get_or_insert_default()
                .push(Text::Exactly(rest.trim().to_owned()));
            return Ok(());
        }
        if let Some(rest) = line.strip_prefix("expected_fail_regexp") {
            let regex = Regex::new(rest.trim()).map_err(|e| e.to_string())?;
            self.fail.get_or_insert_default().push(Text::Matching(regex));
            return Ok(());
        }
        if let Some(value) = sequence::value(line) {
            self.scalar = Some(value);
            return Ok(());
        }
        let (labels, rest) = super::script::series(line)?;
        // Of two rows for one series the later one counts.
        self.rows.retain(|row| row.labels != labels);
        self.rows.push(Row {
            labels,
            elements: sequence::parse(rest)?,
        });
        Ok(())
    }

    fn directive(&mut self, text: &str) -> Result<(), String> {
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let rest = rest.trim();
        match word {
            "ordered" => self.ordered = true,
            "no_warn" => self.no_warnings = true,
            "no_info" => self.no_infos = true,
            "fail" => self.fail.get_or_insert_default().push(condition(rest)?),
            "warn" => self.warnings.push(condition(rest)?),
            "info" => self.infos.push(condition(rest)?),
            "string" => {
                let (_, value) = string::read(rest).map_err(|e| e.to_string())?;
                self.string = Some(value);
            }
            "range" => {
                let words: Vec<&str> = rest.split_whitespace().collect();
                let ["vector", "from", from, "to", _, "step", step] = words[..] else {
                    return Err(format!("bad directive: expect {text}"));
                };
                let millis = |text: &str| duration::parse(text).map_err(|e| e.to_string());
                self.range_vector = Some((millis(from)?, millis(step)?));
            }
            _ => return Err(format!("unknown directive: expect {text}")),
        }
        Ok(())
    }
}

fn condition(text: &str) -> Result<Text, String> {
    if let Some(message) = text.strip_prefix("msg:") {
        return Ok(Text::Exactly(message.trim().to_owned()));
    }
    if let Some(pattern) = text.strip_prefix("regex:") {
        return Regex::new(pattern.trim())
            .map(Text::Matching)
            .map_err(|e| e.to_string());
    }
    if text.is_empty() {
        Ok(Text::Any)
    } else {
        Err(format!("expected msg: or regex:, got {text:?}"))
    }
}

/// The labels of a series text.
pub(super) fn labels(text: &str) -> Result<Labels, String> {
    parse_labels(text).map_err(|e| e.to_string())
}
