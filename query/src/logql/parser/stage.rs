//! Stages of a pipeline.

use super::super::ast::{
    Conversion, LabelFormat, LineFilter, LineOp, LineText, LogfmtParser, NameFilter, Stage, Unwrap,
};
use super::super::token::{Function, Kind};
use super::{Parsed, Parser};

/// A stage, or `| unwrap`, which only windows have.
pub(super) enum Step {
    Stage(Stage),
    Unwrap(Unwrap),
}

impl Parser {
    /// True when a stage begins.
    pub(super) fn at_stage(&self) -> bool {
        line_op(self.kind()).is_some() || self.is_sign("|")
    }

    /// The stages that follow.
    pub(super) fn stages(&mut self) -> Parsed<Vec<Stage>> {
        let mut stages = Vec::new();
        while self.at_stage() && self.tail_word().is_none() {
            if matches!(self.kind_at(1), Kind::Word("unwrap")) {
                self.advance();
                return Err(self.unexpected(&[]));
            }
            if let Step::Stage(stage) = self.step()? {
                stages.push(stage);
            }
        }
        Ok(stages)
    }

    /// One stage.
    pub(super) fn step(&mut self) -> Parsed<Step> {
        if line_op(self.kind()).is_some() {
            return Ok(Step::Stage(Stage::Line(self.line_filter()?)));
        }
        self.expect_sign("|")?;
        let stage = match self.kind().clone() {
            Kind::Word("unwrap") => {
                self.advance();
                return Ok(Step::Unwrap(self.unwrap()?));
            }
            Kind::Word(word) => self.named_stage(word)?,
            Kind::Identifier(word) if word == "fields" && !self.is_compared() => {
                self.advance();
                Stage::Fields(self.label_names()?)
            }
            Kind::Text(_) if self.is_compared() => Stage::Filter(self.label_filters()?),
            Kind::Identifier(_) | Kind::Sign("(") => Stage::Filter(self.label_filters()?),
            _ => return Err(self.unexpected(&[])),
        };
        Ok(Step::Stage(stage))
    }

    fn named_stage(&mut self, word: &'static str) -> Parsed<Stage> {
        let before = self.at;
        self.advance();
        Ok(match word {
            "json" => Stage::Json(self.fields()?),
            "logfmt" => {
                let mut logfmt = LogfmtParser::default();
                while let Kind::Flag(flag) = self.kind().clone() {
                    self.advance();
                    logfmt.strict |= flag == "--strict";
                    logfmt.keep_empty |= flag == "--keep-empty";
                }
                logfmt.fields = self.fields()?;
                Stage::Logfmt(logfmt)
            }
            "regexp" => Stage::Regexp(self.expect_text()?),
            "pattern" => Stage::Pattern(self.expect_text()?),
            "unpack" => Stage::Unpack,
            "line_format" => Stage::LineFormat(self.expect_text()?),
            "label_format" => Stage::LabelFormat(self.label_formats()?),
            "decolorize" => Stage::Decolorize,
            "drop" => Stage::Drop(self.name_filters()?),
            "keep" => Stage::Keep(self.name_filters()?),
            _ => {
                self.at = before;
                return Err(self.unexpected(&[]));
            }
        })
    }

    /// `id[="path"]{, ...}`, which may be absent.
    fn fields(&mut self) -> Parsed<Vec<(String, String)>> {
        let mut fields = Vec::new();
        while let Kind::Identifier(_) = self.kind() {
            let name = self.expect_identifier()?;
            let path = match self.accept_sign("=") {
                true => self.expect_text()?,
                false => name.clone(),
            };
            fields.push((name, path));
            if !self.accept_sign(",") {
                break;
            }
            if !matches!(self.kind(), Kind::Identifier(_)) {
                return Err(self.unexpected(&["IDENTIFIER"]));
            }
        }
        Ok(fields)
    }

    fn label_formats(&mut self) -> Parsed<Vec<(String, LabelFormat)>> {
        let mut formats = Vec::new();
        loop {
            let name = self.expect_identifier()?;
            if !self.accept_sign("=") {
                return Err(self.unexpected(&["="]));
            }
            let from = match self.kind() {
                Kind::Identifier(_) => LabelFormat::Rename(self.expect_identifier()?),
                Kind::Text(_) => LabelFormat::Template(self.expect_text()?),
                _ => return Err(self.unexpected(&["IDENTIFIER", "STRING"])),
            };
            formats.push((name, from));
            if !self.accept_sign(",") {
                return Ok(formats);
            }
        }
    }

    fn name_filters(&mut self) -> Parsed<Vec<NameFilter>> {
        let mut names = Vec::new();
        loop {
            let name = self.label_name()?;
            let has_matcher =
                matches!(self.kind(), Kind::Sign("=" | "!=" | "=~" | "!~")) && !self.begins_line_filter();
            names.push(match has_matcher {
                true => NameFilter::Matcher(self.matcher(name)?),
                false => NameFilter::Name(name),
            });
            if !self.accept_sign(",") {
                return Ok(names);
            }
        }
    }

    /// `!=` and `!~` with a text always belong to the label before them.
    fn begins_line_filter(&self) -> bool {
        matches!(self.kind(), Kind::Sign("!=")) && matches!(self.kind_at(1), Kind::Function(Function::Ip))
    }

    fn unwrap(&mut self) -> Parsed<Unwrap> {
        let (label, conversion) = match self.kind().clone() {
            Kind::Identifier(_) | Kind::Text(_) => (self.label_name()?, Conversion::None),
            Kind::Function(Function::Conversion(conversion)) => {
                self.advance();
                self.expect_sign("(")?;
                let label = self.label_name()?;
                self.expect_sign(")")?;
                (label, conversion)
            }
            _ => return Err(self.unexpected(&[])),
        };
        let mut filters = Vec::new();
        while self.is_sign("|") && matches!(self.kind_at(1), Kind::Identifier(_) | Kind::Sign("(")) {
            self.advance();
            filters.push(self.label_filters()?);
        }
        Ok(Unwrap {
            label,
            conversion,
            filters,
        })
    }

    fn line_filter(&mut self) -> Parsed<LineFilter> {
        let op = line_op(self.kind()).ok_or_else(|| self.unexpected(&[]))?;
        self.advance();
        let mut any = vec![self.line_text()?];
        while self.accept_word("or") {
            any.push(self.line_text()?);
        }
        Ok(LineFilter { op, any })
    }

    fn line_text(&mut self) -> Parsed<LineText> {
        if !matches!(self.kind(), Kind::Function(Function::Ip)) {
            return match self.kind() {
                Kind::Text(_) => Ok(LineText::Text(self.expect_text()?)),
                _ => Err(self.unexpected(&["STRING", "ip"])),
            };
        }
        self.advance();
        self.expect_sign("(")?;
        let pattern = self.expect_text()?;
        self.expect_sign(")")?;
        Ok(LineText::Ip(pattern))
    }
}

fn line_op(kind: &Kind) -> Option<LineOp> {
    Some(match kind {
        Kind::Sign("|=") => LineOp::Contains,
        Kind::Sign("!=") => LineOp::NotContains,
        Kind::Sign("|~") => LineOp::Matches,
        Kind::Sign("!~") => LineOp::NotMatches,
        Kind::Sign("|>") => LineOp::Pattern,
        Kind::Sign("!>") => LineOp::NotPattern,
        _ => return None,
    })
}
