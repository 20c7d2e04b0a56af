//! Texts that every entry of an answer holds: what a store narrows its search by. Never what decides.
//!
//! A condition of a label says something of the line and the metadata only where the label is not one of the stream. So the
//! question is cut in two: streams without such labels are searched by the texts, the others are not.

mod expression;

use kymo_engine::logs::{Needle, Scan};
use kymo_engine::metrics::matcher::{MatchOp, Matcher};

use crate::logql::ast::{Filter, LabelFormat, LineFilter, LineOp, LineText, LogExpr, Stage};
use crate::logql::parser::plain_name;
use crate::logql::pipeline::LinePattern;

/// Conditions of which each must hold; of its texts one is enough.
type All = Vec<Vec<String>>;

/// Labels by which a question is cut at most.
const NAMES_MAX: usize = 4;

/// Texts of one condition at most.
const TEXTS_MAX: usize = 64;

/// The questions that together find every entry which can pass the stages, none twice.
pub(crate) fn scans(log: &LogExpr, from: i64, until: i64) -> Vec<Scan> {
    let mut plan = Plan::new();
    log.stages.iter().for_each(|stage| plan.stage(stage));
    let scan = |own: &[Matcher], of: &[&All]| Scan {
        matchers: log.selector.iter().chain(own).cloned().collect(),
        from,
        until,
        needles: of
            .iter()
            .flat_map(|all| all.iter())
            .map(|any| needle(any))
            .collect(),
        ..Scan::default()
    };
    let mut scans = Vec::with_capacity(plan.names.len() + 1);
    let mut absent: Vec<Matcher> = Vec::new();
    for name in &plan.names {
        let (has, lacks) = (
            Matcher::new(name.as_str(), MatchOp::NotEqual, ""),
            Matcher::equal(name.as_str(), ""),
        );
        if let Ok(has) = has {
            absent.push(has);
            scans.push(scan(&absent, &[&plan.lines]));
            absent.pop();
        }
        absent.push(lacks);
    }
    scans.push(scan(&absent, &[&plan.lines, &plan.labels]));
    scans
}

fn needle(any: &[String]) -> Needle {
    Needle { any: any.to_vec() }
}

/// What stages tell, one after the other.
struct Plan {
    /// Conditions of the stored line.
    lines: All,
    /// Conditions that hold in streams without the labels of `names`.
    labels: All,
    names: Vec<String>,
    /// The line is as it was stored.
    is_stored: bool,
    /// Labels may come from a line that is not as it was stored.
    is_reparsed: bool,
    /// Labels that were made from others and say nothing of the line, or the text whose presence they tell.
    made: Vec<(String, Option<String>)>,
}

impl Plan {
    fn new() -> Plan {
        Plan {
            lines: Vec::new(),
            labels: Vec::new(),
            names: Vec::new(),
            is_stored: true,
            is_reparsed: false,
            made: Vec::new(),
        }
    }

    fn stage(&mut self, stage: &Stage) {
        match stage {
            Stage::Line(filter) if self.is_stored => self.lines.extend(line_filter(filter)),
            Stage::Filter(filter) => {
                let mut names = Vec::new();
                let Some(all) = self.filter(filter, &mut names) else {
                    return;
                };
                names.retain(|name| !self.names.contains(name));
                if self.names.len() + names.len() <= NAMES_MAX {
                    self.names.extend(names);
                    self.labels.extend(all);
                }
            }
            Stage::LineFormat(_) | Stage::Decolorize | Stage::Fields(_) => self.is_stored = false,
            Stage::Unpack => {
                self.is_reparsed |= !self.is_stored;
                self.is_stored = false;
            }
            Stage::Json(_) | Stage::Logfmt(_) | Stage::Regexp(_) | Stage::Pattern(_) => {
                self.is_reparsed |= !self.is_stored;
            }
            Stage::LabelFormat(formats) => {
                for (name, from) in formats {
                    let text = match from {
                        LabelFormat::Template(template) if self.is_stored => contained(template),
                        _ => None,
                    };
                    self.made.retain(|(of, _)| of != name);
                    self.made.push((name.clone(), text));
                }
            }
            _ => {}
        }
    }

    /// What a condition of labels says, and the names it says it of.
    fn filter(&self, filter: &Filter, names: &mut Vec<String>) -> Option<All> {
        match filter {
            Filter::And(a, b) => match (self.filter(a, names), self.filter(b, names)) {
                (Some(mut a), Some(b)) => {
                    a.extend(b);
                    Some(a)
                }
                (a, b) => a.or(b),
            },
            Filter::Or(a, b) => {
                let mut own = Vec::new();
                let mut texts = best(self.filter(a, &mut own)?)?;
                texts.extend(best(self.filter(b, &mut own)?)?);
                names.extend(own);
                (texts.len() <= TEXTS_MAX).then(|| vec![texts])
            }
            Filter::Text(matcher) => self.matcher(matcher, names).map(|texts| vec![texts]),
            Filter::Quantity(..) | Filter::Ip(..) => None,
        }
    }

    fn matcher(&self, matcher: &Matcher, names: &mut Vec<String>) -> Option<Vec<String>> {
        let name = matcher.name();
        if let Some((_, text)) = self.made.iter().find(|(of, _)| of == name) {
            let is_true = matcher.op() == MatchOp::Equal && matcher.value() == "true";
            return text.as_ref().filter(|_| is_true).map(|text| vec![text.clone()]);
        }
        // A label of a changed line may be anything.
        if self.is_reparsed || name.starts_with("__") {
            return None;
        }
        let texts = match matcher.op() {
            MatchOp::Equal => vec![matcher.value().to_owned()],
            MatchOp::Regex => matcher.regex()?.texts()?.to_vec(),
            MatchOp::NotEqual | MatchOp::NotRegex => return None,
        };
        if texts.is_empty() || texts.len() > TEXTS_MAX || !texts.iter().all(|text| is_plain(text)) {
            return None;
        }
        names.push(plain_name(name));
        Some(texts)
    }
}

/// The condition that is most likely to leave something out.
fn best(all: All) -> Option<Vec<String>> {
    all.into_iter()
        .max_by_key(|any| (any.iter().map(String::len).min(), std::cmp::Reverse(any.len())))
}

/// True for a text that stands as it is wherever it is written: no character of it has an escape.
fn is_plain(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    !text.is_empty() && text.chars().all(plain)
}

fn line_filter(filter: &LineFilter) -> All {
    let one = |text: &LineText| -> Option<All> {
        match (filter.op, text) {
            (LineOp::Contains, LineText::Text(text)) if !text.is_empty() => Some(vec![vec![text.clone()]]),
            (LineOp::Matches, LineText::Text(pattern)) => {
                Some(expression::texts(pattern)).filter(|all| !all.is_empty())
            }
            (LineOp::Pattern, LineText::Text(pattern)) => {
                let pattern = LinePattern::without_names(pattern).ok()?;
                let texts = pattern.texts().map(|text| vec![text.to_owned()]);
                Some(texts.collect::<All>()).filter(|all| !all.is_empty())
            }
            _ => None,
        }
    };
    if let [text] = filter.any.as_slice() {
        return one(text).unwrap_or_default();
    }
    let any: Option<Vec<Vec<String>>> = filter.any.iter().map(|text| best(one(text)?)).collect();
    match any.map(|any| any.concat()) {
        Some(texts) if texts.len() <= TEXTS_MAX => vec![texts],
        _ => Vec::new(),
    }
}

/// The text of `{{ contains "text" __line__ }}`.
fn contained(template: &str) -> Option<String> {
    let inner = template.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let quoted = inner.trim().strip_prefix("contains")?.trim_start();
    let (len, text) = crate::lex::string::read(quoted).ok()?;
    (quoted[len..].trim() == "__line__" && !text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests;
