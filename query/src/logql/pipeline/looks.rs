//! What of a line its stages look at: where that is labels only, values of columns are enough and lines need not be put together.

use kymo_engine::logs::line::SlotName;

use super::fields::sanitize;
use super::label_filter::LabelFilter;
use super::line_filter::LineTest;
use super::{BadStage, Early, Format, Hints, Pipeline, Step};
use crate::logql::ast::{Filter, Stage};

/// Where the labels come from that stages look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::logql) enum Looks {
    /// From streams and metadata.
    Labels,
    /// From fields of JSON objects too.
    Json,
    /// From pairs of logfmt too.
    Logfmt,
}

impl Looks {
    /// The label that a parser makes of a slot's value; none for what it leaves out.
    pub(in crate::logql) fn label(self, slot: &SlotName) -> Option<String> {
        let mut label = String::new();
        match (self, slot) {
            (Looks::Json, SlotName::Json(path, marker)) if *marker != kymo_engine::logs::line::ARRAY => {
                for (n, key) in path.iter().enumerate() {
                    if n > 0 {
                        label.push('_');
                    }
                    sanitize(&mut label, key, n == 0);
                }
                Some(label)
            }
            (Looks::Logfmt, SlotName::Logfmt(key, _)) => {
                sanitize(&mut label, key, true);
                Some(label)
            }
            _ => None,
        }
    }
}

impl Pipeline {
    /// Conditions of labels that every line of an answer passes, each with the stages before it and without other conditions. The
    /// second is true when a line that passes all of them, and all conditions of lines, is in the answer.
    pub(in crate::logql) fn dropping(stages: &[Stage]) -> Result<(Vec<Pipeline>, bool), BadStage> {
        let (mut all, mut is_exact) = (Vec::new(), true);
        let mut before: Vec<Stage> = Vec::new();
        for stage in stages {
            match stage {
                Stage::Filter(filter) => {
                    for condition in conditions(filter) {
                        if asks_for_errors(condition) {
                            is_exact = false;
                            continue;
                        }
                        before.push(Stage::Filter(condition.clone()));
                        let mut pipeline = Pipeline::steps_of(&before)?;
                        pipeline.leading.clear();
                        pipeline.hints = Hints::new(pipeline.names().iter().map(String::as_str), false);
                        all.push(pipeline);
                        before.pop();
                    }
                }
                Stage::Line(_) => {}
                other => {
                    is_exact &= !matches!(other, Stage::Unpack);
                    before.push(other.clone());
                }
            }
        }
        Ok((all, is_exact))
    }

    /// True when conditions of lines come behind stages that change them.
    pub(in crate::logql) fn tests_changed_lines(&self) -> bool {
        self.steps.iter().any(|(step, _)| matches!(step, Step::Line(_)))
    }

    /// The condition of one label that is all there is besides a parser: what it says of the label's value is what becomes of the line.
    pub(in crate::logql) fn only_condition(&self) -> Option<(&str, OnValue<'_>)> {
        let mut condition = None;
        for (step, _) in &self.steps {
            match step {
                Step::Json | Step::Logfmt(_) if condition.is_none() => {}
                Step::Filter(filter) if condition.is_none() => condition = Some(filter),
                _ => return None,
            }
        }
        let condition = condition?;
        Some((condition.name()?, OnValue(condition)))
    }

    /// What stages look at besides the conditions of the stored line; none when that is more than labels.
    pub(in crate::logql) fn looks(&self) -> Option<Looks> {
        self.hints.required.as_ref()?;
        let mut looks = Looks::Labels;
        for (step, _) in &self.steps {
            match step {
                Step::Filter(_) | Step::Drop(_) | Step::Keep(_) => {}
                Step::LabelFormat(formats) => {
                    let renames = |(_, from): &(String, Format)| matches!(from, Format::Rename(_));
                    formats.iter().all(renames).then_some(())?;
                }
                Step::Json if looks == Looks::Labels => looks = Looks::Json,
                Step::Logfmt(options) if looks == Looks::Labels && !options.strict => looks = Looks::Logfmt,
                _ => return None,
            }
        }
        Some(if self.hints.nothing { Looks::Labels } else { looks })
    }

    /// True when conditions of the stored line come first.
    pub(in crate::logql) fn tests_lines(&self) -> bool {
        !self.leading.is_empty()
    }

    /// The texts that each condition of the stored line looks for, and whether it wants none of them there; none when conditions look
    /// for more than texts.
    pub(in crate::logql) fn line_texts(&self) -> Option<Vec<LineTexts<'_>>> {
        self.leading.iter().map(|test| test.texts()).collect()
    }

    /// The conditions of the stored line, all of which must hold.
    pub(in crate::logql) fn line_tests(&self) -> &[LineTest] {
        &self.leading
    }

    /// True when a stage asks for a label of this name.
    pub(in crate::logql) fn wants(&self, label: &str) -> bool {
        self.hints.wants(label)
    }

    /// True when no stage gives a label another name or takes it away.
    pub(super) fn leaves_names(&self) -> bool {
        let leaves =
            |(step, _): &(Step, Early)| matches!(step, Step::Filter(_) | Step::Json | Step::Logfmt(_));
        self.steps.iter().all(leaves)
    }
}

/// Texts of which a line holds one, or none when the second is true.
pub(in crate::logql) type LineTexts<'p> = (Vec<&'p [u8]>, bool);

/// A condition of one label, asked of values.
#[derive(Clone, Copy)]
pub(in crate::logql) struct OnValue<'p>(&'p LabelFilter);

impl OnValue<'_> {
    /// Whether a line is kept whose label has a value.
    pub(in crate::logql) fn keeps(self, value: &str) -> bool {
        self.0.may_keep_value(value)
    }
}

/// Conditions that must all hold.
fn conditions(filter: &Filter) -> Vec<&Filter> {
    match filter {
        Filter::And(a, b) => {
            let mut all = conditions(a);
            all.extend(conditions(b));
            all
        }
        one => vec![one],
    }
}

/// True for a condition that depends on errors, which other conditions may bring: addresses are looked at only in lines without.
fn asks_for_errors(filter: &Filter) -> bool {
    match filter {
        Filter::And(a, b) | Filter::Or(a, b) => asks_for_errors(a) || asks_for_errors(b),
        Filter::Ip(..) => true,
        Filter::Text(matcher) => matcher.name().starts_with("__"),
        Filter::Quantity(..) => false,
    }
}
