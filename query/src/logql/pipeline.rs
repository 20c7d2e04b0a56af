//! The stages of a query, compiled, and what a line goes through. Not for where lines come from and what is made of them.

mod automaton;
mod captures;
mod extract;
mod fields;
mod format;
mod hints;
mod ip;
mod json;
mod json_path;
mod label_filter;
mod line_filter;
mod logfmt;
mod looks;
mod lookup;
mod names;
mod native;
mod object;
mod parsed;
mod pattern;

use kymo_engine::labels::Labels;

use super::ast::{LogfmtParser, NameFilter, Stage};
use super::template::Template;
use captures::Captures;
use format::Format;
use hints::{Early, Hints};
use json::Unpacked;
use json_path::JsonPath;
use label_filter::LabelFilter;
use native::NativeName;
use pattern::Pattern;

pub(in crate::logql) use automaton::{ALWAYS, Alphabet, Automaton, NEVER, State};
pub(in crate::logql) use extract::Extractor;
pub(in crate::logql) use fields::{ERROR, Fields, PRESERVE_ERROR};
pub(in crate::logql) use format::Clock;
pub(in crate::logql) use line_filter::LineTest;
pub(in crate::logql) use looks::{LineTexts, Looks, OnValue};
pub(crate) use lookup::look_up;
pub(in crate::logql) use pattern::Pattern as LinePattern;

/// A stage that cannot be made: its place among the stages and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::logql) struct BadStage {
    /// Number of the stage.
    pub(in crate::logql) stage: usize,
    /// What is wrong with it.
    pub(in crate::logql) message: String,
}

#[derive(Debug, Clone)]
enum Step {
    Line(LineTest),
    Json,
    JsonPaths(Vec<JsonPath>),
    Logfmt(LogfmtParser),
    LogfmtFields(LogfmtParser),
    Captures(Captures),
    Pattern(Pattern),
    Unpack,
    Filter(LabelFilter),
    LineFormat(Template),
    LabelFormat(Vec<(String, Format)>),
    Decolorize,
    Drop(Vec<NameFilter>),
    Keep(Vec<NameFilter>),
    Fields(Vec<String>),
    Native(NativeName),
}

/// Stages, compiled.
#[derive(Debug, Clone)]
pub(in crate::logql) struct Pipeline {
    /// Conditions of lines as they are stored.
    leading: Vec<LineTest>,
    /// Each with the conditions that may end its work early.
    steps: Vec<(Step, Early)>,
    hints: Hints,
}

/// A line on its way, with buffers that all lines share.
#[derive(Debug, Default)]
pub(in crate::logql) struct Run {
    fields: Fields,
    line: String,
    /// The line is another one than was stored.
    replaced: bool,
    spare: String,
}

impl Run {
    /// Begins with another stream.
    pub(in crate::logql) fn begin(&mut self, stream: &Labels) {
        self.fields.begin(stream);
    }

    /// Labels of the line.
    pub(in crate::logql) fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The line as the stages left it, given what was stored.
    pub(in crate::logql) fn line<'r>(&'r self, stored: &'r [u8]) -> std::borrow::Cow<'r, str> {
        match self.replaced {
            true => self.line.as_str().into(),
            false => String::from_utf8_lossy(stored),
        }
    }

    /// Bytes of the line as the stages left it.
    fn line_bytes(&self, stored: &[u8]) -> usize {
        if self.replaced {
            self.line.len()
        } else {
            stored.len()
        }
    }
}

/// What a step makes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Keep,
    Drop,
    /// The spare buffer holds the new line.
    Replaced,
}

impl Next {
    fn keep_if(keep: bool) -> Next {
        if keep { Next::Keep } else { Next::Drop }
    }

    fn replaced_if(replaced: bool) -> Next {
        if replaced { Next::Replaced } else { Next::Keep }
    }
}

impl Pipeline {
    /// Compiles the stages of a query for lines.
    pub(in crate::logql) fn compile(stages: &[Stage]) -> Result<Pipeline, BadStage> {
        Pipeline::with_names(stages, &[])
    }

    /// Compiles the stages of a query for lines of which labels with these names are asked for afterwards.
    pub(in crate::logql) fn with_names(stages: &[Stage], names: &[&str]) -> Result<Pipeline, BadStage> {
        let mut pipeline = Pipeline::steps_of(stages)?;
        pipeline.add_native(names.iter().copied());
        pipeline.hints = Hints::new(pipeline.names().iter().map(String::as_str), true);
        Ok(pipeline)
    }

    fn steps_of(stages: &[Stage]) -> Result<Pipeline, BadStage> {
        let mut pipeline = Pipeline {
            leading: Vec::new(),
            steps: Vec::new(),
            hints: Hints::default(),
        };
        let mut is_stored = true;
        for (number, stage) in stages.iter().enumerate() {
            let step = Step::compile(stage).map_err(|message| BadStage {
                stage: number,
                message,
            })?;
            match step {
                // Nothing before it changes the line, so it is asked first.
                Step::Line(test) if is_stored => pipeline.leading.push(test),
                step => {
                    let mut own = Vec::new();
                    step.label_names(&mut own);
                    pipeline.add_native(own.into_iter());
                    let changes = matches!(
                        step,
                        Step::LineFormat(_) | Step::Unpack | Step::Decolorize | Step::Fields(_)
                    );
                    is_stored &= !changes;
                    pipeline.steps.push((step, Early::default()));
                }
            }
        }
        pipeline.find_early();
        Ok(pipeline)
    }

    /// Looks up names that are no plain labels' before they are asked for.
    fn add_native<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        for name in names.filter_map(NativeName::of) {
            let is_same = |(step, _): &(Step, Early)| matches!(step, Step::Native(of) if *of == name);
            if !self.steps.iter().any(is_same) {
                self.steps.push((Step::Native(name), Early::default()));
            }
        }
    }

    /// Gives each parser the conditions behind it.
    fn find_early(&mut self) {
        let mut behind: Vec<(String, LabelFilter)> = Vec::new();
        for (step, early) in self.steps.iter_mut().rev() {
            match step {
                Step::Filter(filter) => {
                    if let Some(name) = filter.name() {
                        behind.push((name.to_owned(), filter.clone()));
                    }
                }
                Step::LabelFormat(_) | Step::Drop(_) | Step::Keep(_) => behind.clear(),
                Step::Json | Step::Logfmt(_) | Step::Captures(_) | Step::Pattern(_) | Step::Unpack => {
                    *early = Early(behind.clone());
                }
                _ => {}
            }
        }
    }

    /// False when no stage looks at lines.
    fn reads_lines(&self) -> bool {
        let by_labels = |step: &Step| matches!(step, Step::Filter(_) | Step::Drop(_) | Step::Keep(_));
        !self.leading.is_empty() || !self.steps.iter().all(|(step, _)| by_labels(step))
    }

    /// Names of the labels that stages need.
    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for (step, _) in &self.steps {
            let mut own = Vec::new();
            step.label_names(&mut own);
            names.extend(own.into_iter().map(str::to_owned));
            match step {
                Step::LineFormat(template) => {
                    names.extend(template.labels().into_iter().flatten().map(str::to_owned));
                }
                Step::LabelFormat(formats) => {
                    for (_, from) in formats {
                        match from {
                            Format::Rename(of) => names.push(of.clone()),
                            Format::Template(template) => {
                                names.extend(template.labels().into_iter().flatten().map(str::to_owned));
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        names
    }

    /// True when a template may ask for any label.
    fn asks_for_any(&self) -> bool {
        let any = |template: &Template| template.labels().is_none();
        self.steps.iter().any(|(step, _)| match step {
            Step::LineFormat(template) => any(template),
            Step::LabelFormat(formats) => formats
                .iter()
                .any(|(_, from)| matches!(from, Format::Template(template) if any(template))),
            _ => false,
        })
    }

    /// True when every line that passes has the labels of its stream and its metadata.
    pub(in crate::logql) fn leaves_labels(&self) -> bool {
        self.steps.is_empty()
    }

    /// True when the conditions of a stored line hold that do not ask for labels.
    pub(in crate::logql) fn passes(&self, stored: &[u8]) -> bool {
        self.leading.iter().all(|test| test.keeps(stored))
    }

    /// Takes a line through the stages; true for a line to keep.
    #[cfg(test)]
    pub(in crate::logql) fn run<'m>(
        &self,
        run: &mut Run,
        clock: Clock,
        stored: &[u8],
        metadata: impl Iterator<Item = (&'m str, &'m str)>,
    ) -> bool {
        self.passes(stored) && self.run_passed(run, clock, stored, metadata)
    }

    /// Takes a line through the stages for which [`Pipeline::passes`] holds.
    pub(in crate::logql) fn run_passed<'m>(
        &self,
        run: &mut Run,
        clock: Clock,
        stored: &[u8],
        metadata: impl Iterator<Item = (&'m str, &'m str)>,
    ) -> bool {
        run.fields.reset(metadata);
        run.replaced = false;
        if self.steps.is_empty() {
            return true;
        }
        let original = match std::str::from_utf8(stored) {
            Ok(text) => text,
            Err(_) => {
                run.line.clear();
                run.line.push_str(&String::from_utf8_lossy(stored));
                run.replaced = true;
                ""
            }
        };
        for (step, early) in &self.steps {
            let Run {
                fields,
                line,
                replaced,
                spare,
            } = run;
            let text = if *replaced { line.as_str() } else { original };
            match self.step(step, early, fields, text, spare, clock) {
                Next::Keep => {}
                Next::Drop => return false,
                Next::Replaced => {
                    std::mem::swap(line, spare);
                    *replaced = true;
                }
            }
        }
        true
    }

    fn step(
        &self,
        step: &Step,
        early: &Early,
        fields: &mut Fields,
        line: &str,
        spare: &mut String,
        clock: Clock,
    ) -> Next {
        let hints = &self.hints;
        match step {
            Step::Line(test) => return Next::keep_if(test.keeps(line.as_bytes())),
            Step::Json => return Next::keep_if(json::json(line, fields, hints, early)),
            Step::Logfmt(options) => {
                return Next::keep_if(logfmt::logfmt(line, options, fields, hints, early));
            }
            Step::Captures(captures) => return Next::keep_if(captures.take(line, fields, hints, early)),
            Step::Pattern(pattern) => {
                return Next::keep_if(take_pattern(pattern, line, fields, hints, early));
            }
            Step::Filter(filter) => return Next::keep_if(filter.keeps(fields)),
            Step::Unpack => match json::unpack(line, fields, hints, early) {
                Unpacked::Keep => {}
                Unpacked::Drop => return Next::Drop,
                Unpacked::Entry(entry) => {
                    *spare = entry;
                    return Next::Replaced;
                }
            },
            Step::LineFormat(template) => {
                return Next::replaced_if(format::line(template, spare, fields, line, clock));
            }
            Step::Decolorize => return Next::replaced_if(format::decolorize(line, spare)),
            Step::JsonPaths(paths) => json_path::json_paths(line, paths, fields, hints),
            Step::LogfmtFields(options) => logfmt::logfmt_fields(line, options, fields, hints),
            Step::LabelFormat(formats) => format::labels(formats, fields, line, clock),
            Step::Drop(names) => names::drop(names, fields),
            Step::Keep(names) => names::keep(names, fields),
            Step::Native(name) => name.look_up(line, fields),
            Step::Fields(names) => {
                names::fields(names, fields, spare, line);
                return Next::Replaced;
            }
        }
        Next::Keep
    }
}

fn take_pattern(pattern: &Pattern, line: &str, fields: &mut Fields, hints: &Hints, early: &Early) -> bool {
    let mut taking = parsed::Taking { fields, hints, early };
    !matches!(
        pattern.captures(line, |name, value| taking.take(name, value)),
        Err(parsed::Stop::Drop)
    )
}

impl Step {
    /// Names of the labels that the step asks for by itself.
    fn label_names<'n>(&'n self, names: &mut Vec<&'n str>) {
        match self {
            Step::Filter(filter) => filter.names(names),
            Step::Fields(of) => names.extend(of.iter().map(String::as_str)),
            Step::Native(name) => names.push(name.plain()),
            Step::Keep(of) => names.extend(of.iter().filter_map(|of| match of {
                NameFilter::Name(name) if NativeName::of(name).is_some() => Some(name.as_str()),
                _ => None,
            })),
            _ => {}
        }
    }

    fn compile(stage: &Stage) -> Result<Step, String> {
        Ok(match stage {
            Stage::Line(filter) => Step::Line(LineTest::compile(filter)?),
            Stage::Json(paths) if paths.is_empty() => Step::Json,
            Stage::Json(paths) => {
                let paths = paths.iter().map(|(name, path)| JsonPath::parse(name, path));
                Step::JsonPaths(paths.collect::<Result<_, _>>()?)
            }
            Stage::Logfmt(options) if options.fields.is_empty() => Step::Logfmt(options.clone()),
            Stage::Logfmt(options) => Step::LogfmtFields(options.clone()),
            Stage::Regexp(pattern) => Step::Captures(Captures::compile(pattern)?),
            Stage::Pattern(pattern) => Step::Pattern(Pattern::with_names(pattern)?),
            Stage::Unpack => Step::Unpack,
            Stage::Filter(filter) => Step::Filter(LabelFilter::compile(filter)?),
            Stage::LineFormat(text) => Step::LineFormat(format::template("line", text)?),
            Stage::LabelFormat(formats) => Step::LabelFormat(format::compile(formats)?),
            Stage::Decolorize => Step::Decolorize,
            Stage::Drop(names) => Step::Drop(names.clone()),
            Stage::Keep(names) => Step::Keep(names.clone()),
            Stage::Fields(names) => Step::Fields(names.clone()),
        })
    }
}

#[cfg(test)]
mod tests;
