//! What of a line a function of windows takes: a number and the labels of its series.

use std::fmt::Write as _;

use super::fields::Fields;
use super::hints::Hints;
use super::label_filter::LabelFilter;
use super::{BadStage, Clock, Pipeline, Run};
use kymo_engine::logs::Wanted;

use crate::logql::ast::{Conversion, Grouping, RangeAggregation, RangeOp};
use crate::logql::convert;
use crate::logql::eval::LabelSet;

const SAMPLE_ERR: &str = "SampleExtractionErr";

/// Which labels of a line its series has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::logql) enum Output {
    All,
    None,
    By(Vec<String>),
    Without(Vec<String>),
}

#[derive(Debug, Clone)]
struct Unwrapped {
    label: String,
    conversion: Conversion,
    filters: Vec<LabelFilter>,
}

/// Takes numbers from lines.
#[derive(Debug, Clone)]
pub(in crate::logql) struct Extractor {
    pub(in crate::logql) pipeline: Pipeline,
    unwrapped: Option<Unwrapped>,
    bytes: bool,
    output: Output,
    wanted: Wanted,
}

impl Extractor {
    /// For a function of windows, of which `outer` sums up what it gives when that is all that becomes of it.
    pub(in crate::logql) fn new(
        of: &RangeAggregation,
        outer: Option<&Grouping>,
    ) -> Result<Extractor, BadStage> {
        let unwrapped = match &of.range.unwrap {
            None => None,
            Some(unwrap) => {
                let filters = unwrap.filters.iter().map(LabelFilter::compile);
                let filters = filters.collect::<Result<_, _>>().map_err(|message| BadStage {
                    stage: of.range.log.stages.len(),
                    message,
                })?;
                Some(Unwrapped {
                    label: unwrap.label.clone(),
                    conversion: unwrap.conversion,
                    filters,
                })
            }
        };
        let mut pipeline = Pipeline::steps_of(&of.range.log.stages)?;
        let grouping = outer.or(of.grouping.as_ref());
        if let Some(unwrapped) = &unwrapped {
            let mut own = vec![unwrapped.label.as_str()];
            unwrapped.filters.iter().for_each(|filter| filter.names(&mut own));
            pipeline.add_native(own.into_iter());
        }
        pipeline.add_native(
            grouping
                .iter()
                .flat_map(|by| by.labels.iter().map(String::as_str)),
        );
        let output = output(of, grouping, unwrapped.as_ref());
        let mut names = pipeline.names();
        if let Some(unwrapped) = &unwrapped {
            names.push(unwrapped.label.clone());
            let mut of = Vec::new();
            unwrapped.filters.iter().for_each(|filter| filter.names(&mut of));
            names.extend(of.into_iter().map(str::to_owned));
        }
        if let Some(grouping) = grouping {
            names.extend(grouping.labels.iter().cloned());
        }
        let all = matches!(output, Output::All | Output::Without(_)) || pipeline.asks_for_any();
        pipeline.hints = Hints::new(names.iter().map(String::as_str), all);
        let bytes = matches!(of.op, RangeOp::BytesOverTime | RangeOp::BytesRate);
        // What a stream's own label pushes aside is asked for under another name.
        let aside: Vec<String> = names
            .iter()
            .filter_map(|n| n.strip_suffix("_extracted"))
            .map(str::to_owned)
            .collect();
        names.extend(aside);
        let wanted = Wanted {
            without_lines: !bytes && !pipeline.reads_lines(),
            metadata: (!all).then_some(names),
        };
        Ok(Extractor {
            pipeline,
            unwrapped,
            bytes,
            output,
            wanted,
        })
    }

    /// What of entries is looked at.
    pub(in crate::logql) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// The number of a line, or none when the line is left out.
    pub(in crate::logql) fn number<'m>(
        &self,
        run: &mut Run,
        clock: Clock,
        stored: &[u8],
        metadata: impl Iterator<Item = (&'m str, &'m str)>,
    ) -> Option<f64> {
        self.pipeline.passes(stored).then_some(())?;
        self.number_passed(run, clock, stored, metadata)
    }

    /// The number of a line for which [`Pipeline::passes`] holds, or none when the line is left out.
    pub(in crate::logql) fn number_passed<'m>(
        &self,
        run: &mut Run,
        clock: Clock,
        stored: &[u8],
        metadata: impl Iterator<Item = (&'m str, &'m str)>,
    ) -> Option<f64> {
        if !self.pipeline.run_passed(run, clock, stored, metadata) {
            return None;
        }
        match &self.unwrapped {
            None if self.bytes => Some(run.line_bytes(stored) as f64),
            None => Some(1.0),
            Some(unwrapped) => unwrapped.number(&mut run.fields),
        }
    }

    /// The number of every line that passes, where it is the same for all or the line's length.
    pub(in crate::logql) fn plain_number(&self, stored: &[u8]) -> f64 {
        if self.bytes { stored.len() as f64 } else { 1.0 }
    }

    /// The label of the number, when nothing else of a line's outcome depends on it.
    pub(in crate::logql) fn number_label(&self) -> Option<&str> {
        let unwrapped = self.unwrapped.as_ref()?;
        let label = unwrapped.label.as_str();
        // Conditions behind the unwrapping may be of the number.
        let mut behind = Vec::new();
        unwrapped
            .filters
            .iter()
            .for_each(|filter| filter.names(&mut behind));
        let grouped = matches!(&self.output, Output::By(names) if names.iter().any(|name| name == label));
        let asked = self.pipeline.names().iter().any(|name| name == label);
        let is_alone = self.pipeline.leaves_names() && !grouped && !asked && !behind.contains(&label);
        is_alone.then_some(label)
    }

    /// True when numbers are taken from labels.
    pub(in crate::logql) fn unwraps(&self) -> bool {
        self.unwrapped.is_some()
    }

    /// True when a number is taken as it stands in the line.
    pub(in crate::logql) fn takes_plain_numbers(&self) -> bool {
        matches!(&self.unwrapped, Some(unwrapped) if unwrapped.conversion == Conversion::None)
    }

    /// The number of a label's text; none where the text or its number needs a second look.
    pub(in crate::logql) fn number_of(&self, text: &[u8]) -> Option<f64> {
        let text = std::str::from_utf8(text).ok()?;
        let is_plain = !text.is_empty() && text.is_ascii() && !text.contains('\\');
        let unwrapped = self.unwrapped.as_ref().filter(|_| is_plain)?;
        unwrapped.read(text).ok()
    }

    /// True when the length of lines is counted.
    pub(in crate::logql) fn counts_bytes(&self) -> bool {
        self.bytes
    }

    /// True when lines of one stream with the same metadata are of one series and nothing of them is read.
    pub(in crate::logql) fn is_plain(&self) -> bool {
        self.unwrapped.is_none() && self.pipeline.leaves_labels()
    }

    /// Appends a text that is the same only for lines of the same series.
    pub(in crate::logql) fn key(&self, fields: &Fields, key: &mut String) {
        let mut add = |name: &str, value: &str| {
            let _ = write!(key, "{}:{name}{}:{value}", name.len(), value.len());
        };
        self.labels(fields, &mut add);
    }

    /// The labels of the line's series.
    pub(in crate::logql) fn series(&self, fields: &Fields) -> LabelSet {
        let mut pairs: Vec<(String, String)> = Vec::new();
        self.labels(fields, &mut |name, value| {
            pairs.push((name.to_owned(), value.to_owned()));
        });
        LabelSet::from_pairs(pairs)
    }

    fn labels(&self, fields: &Fields, add: &mut dyn FnMut(&str, &str)) {
        // An error must not get lost in a group.
        if fields.has_error() {
            return fields.all().for_each(|(name, value)| add(name, value));
        }
        match &self.output {
            Output::All => fields.all().for_each(|(name, value)| add(name, value)),
            Output::None => {}
            Output::By(names) => {
                for name in names {
                    if let Some(value) = fields.value(name) {
                        add(name, value);
                    }
                }
            }
            Output::Without(names) => {
                let others = fields
                    .iter()
                    .filter(|(name, ..)| !names.iter().any(|n| n == name));
                others.for_each(|(name, value, _)| add(name, value));
            }
        }
    }
}

fn output(of: &RangeAggregation, grouping: Option<&Grouping>, unwrapped: Option<&Unwrapped>) -> Output {
    if of.op == RangeOp::AbsentOverTime {
        return Output::None;
    }
    let own = unwrapped.map(|unwrapped| unwrapped.label.clone());
    match grouping {
        Some(by) if !by.without && by.labels.is_empty() => Output::None,
        Some(by) if !by.without => Output::By(by.labels.clone()),
        Some(without) => Output::Without(without.labels.iter().cloned().chain(own).collect()),
        None => match own {
            Some(own) => Output::Without(vec![own]),
            None => Output::All,
        },
    }
}

impl Unwrapped {
    fn read(&self, value: &str) -> Result<f64, String> {
        match self.conversion {
            Conversion::None => convert::number(value),
            Conversion::Bytes => convert::bytes(value).map(|bytes| bytes as f64),
            Conversion::Duration | Conversion::DurationSeconds => {
                convert::duration(value).map(|nanos| nanos as f64 / 1e9)
            }
        }
    }

    fn number(&self, fields: &mut Fields) -> Option<f64> {
        let value = fields.value(&self.label).filter(|value| !value.is_empty())?;
        let number = self.read(value).unwrap_or_else(|what| {
            fields.fail(SAMPLE_ERR, Some(&what));
            0.0
        });
        self.filters
            .iter()
            .all(|filter| filter.keeps(fields))
            .then_some(number)
    }
}
