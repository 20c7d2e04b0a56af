//! Labels of one line while it goes through the stages: those of its stream, its structured metadata and what stages parsed.
//! Not for what becomes of them afterwards.

use kymo_engine::labels::Labels;

use crate::logql::eval::{LabelSet, LineLabels};

/// What is put behind a name that the stream or the metadata has already.
pub(super) const DUPLICATE_SUFFIX: &str = "_extracted";
pub(in crate::logql) const ERROR: &str = "__error__";
pub(in crate::logql) const ERROR_DETAILS: &str = "__error_details__";
/// Says that an error was asked for by name and does not fail a query for numbers.
pub(in crate::logql) const PRESERVE_ERROR: &str = "__preserve_error__";

/// Where a label comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Stream,
    Metadata,
    Parsed,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
}

/// A label that is not the stream's own.
#[derive(Debug, Clone, Copy)]
struct Added {
    name: Span,
    value: Span,
    kind: Kind,
}

/// Labels of a line. Texts lie in one buffer that all lines share.
#[derive(Debug, Default)]
pub(in crate::logql) struct Fields {
    stream: LabelSet,
    /// By place in `stream`.
    deleted: Vec<bool>,
    text: String,
    added: Vec<Added>,
    /// Names of what was parsed and taken away: parsers do not bring it back.
    gone: Vec<Span>,
    error: Option<&'static str>,
    details: Option<Span>,
    /// Of the labels that a query needs, how many a parser has found.
    pub(super) found: usize,
}

impl Fields {
    /// Begins with another stream.
    pub(super) fn begin(&mut self, stream: &Labels) {
        self.stream = LabelSet::from(stream);
        self.deleted = vec![false; stream.len()];
    }

    /// Begins with another line of the stream.
    pub(super) fn reset<'m>(&mut self, metadata: impl Iterator<Item = (&'m str, &'m str)>) {
        self.deleted.fill(false);
        self.text.clear();
        self.added.clear();
        self.gone.clear();
        self.error = None;
        self.details = None;
        self.found = 0;
        for (name, value) in metadata {
            if self.stream.get(name).is_some() {
                let name = format!("{name}{DUPLICATE_SUFFIX}");
                self.set(Kind::Metadata, &name, value);
            } else {
                self.push(Kind::Metadata, name, value);
            }
        }
    }

    fn span(&self, of: Span) -> &str {
        &self.text[of.start as usize..of.end as usize]
    }

    fn store(&mut self, text: &str) -> Span {
        let start = self.text.len() as u32;
        self.text.push_str(text);
        Span {
            start,
            end: self.text.len() as u32,
        }
    }

    fn push(&mut self, kind: Kind, name: &str, value: &str) {
        let (name, value) = (self.store(name), self.store(value));
        self.added.push(Added { name, value, kind });
    }

    fn stream_place(&self, name: &str) -> Option<usize> {
        self.stream.place(name).filter(|at| !self.deleted[*at])
    }

    fn added_place(&self, name: &str) -> Option<usize> {
        self.added.iter().position(|a| self.span(a.name) == name)
    }

    /// True when a label parsed from a line must not have this name.
    pub(super) fn is_taken(&self, name: &str) -> bool {
        let metadata = |a: &Added| a.kind == Kind::Metadata && self.span(a.name) == name;
        self.stream.get(name).is_some() || self.added.iter().any(metadata)
    }

    /// A label and where it comes from; not for the errors.
    pub(super) fn get(&self, name: &str) -> Option<(&str, Kind)> {
        if let Some(at) = self.added_place(name) {
            let added = &self.added[at];
            return Some((self.span(added.value), added.kind));
        }
        let at = self.stream_place(name)?;
        Some((self.stream.at(at).1, Kind::Stream))
    }

    /// The value of a label or of the errors.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        match name {
            ERROR => self.error,
            ERROR_DETAILS => self.details.map(|details| self.span(details)),
            _ => self.get(name).map(|(value, _)| value),
        }
    }

    /// Sets a label of metadata or a parsed one, which is stronger.
    pub(super) fn set(&mut self, kind: Kind, name: &str, value: &str) {
        self.hide(name);
        let Some(at) = self.added_place(name) else {
            return self.push(kind, name, value);
        };
        if kind == Kind::Metadata && self.added[at].kind == Kind::Parsed {
            return;
        }
        let value = self.store(value);
        let name = self.added[at].name;
        self.added[at] = Added { name, value, kind };
    }

    /// Sets what a parser took from the line; false when a stage before it, or an earlier field, gave the name a value.
    pub(super) fn set_parsed(&mut self, name: &str, value: &str) -> bool {
        let is_there = |at: usize| self.added[at].kind == Kind::Parsed;
        if self.added_place(name).is_some_and(is_there) || self.gone.iter().any(|of| self.span(*of) == name) {
            return false;
        }
        self.set(Kind::Parsed, name, value);
        true
    }

    fn hide(&mut self, name: &str) {
        if let Some(at) = self.stream.place(name) {
            self.deleted[at] = true;
        }
    }

    /// Takes a label away.
    pub(super) fn delete(&mut self, name: &str) {
        if let Some(at) = self.added_place(name) {
            let removed = self.added.remove(at);
            if removed.kind == Kind::Parsed {
                self.gone.push(removed.name);
            }
        }
        self.hide(name);
    }

    /// True when a stage could not do with the line.
    pub(super) fn has_error(&self) -> bool {
        self.error.is_some()
    }

    /// Tells that a stage cannot do with the line.
    pub(super) fn fail(&mut self, error: &'static str, details: Option<&str>) {
        self.error = Some(error);
        self.details = details.map(|details| self.store(details));
    }

    pub(super) fn forget_error(&mut self) {
        self.error = None;
    }

    pub(super) fn forget_details(&mut self) {
        self.details = None;
    }

    /// Names and values of all labels, errors not included.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str, Kind)> + '_ {
        let stream = self.stream.iter().zip(&self.deleted);
        let stream = stream.filter(|(_, deleted)| !**deleted);
        let stream = stream.map(|((name, value), _)| (name, value, Kind::Stream));
        let added = self.added.iter();
        stream.chain(added.map(|a| (self.span(a.name), self.span(a.value), a.kind)))
    }

    fn errors(&self) -> impl Iterator<Item = (&str, &str)> + '_ {
        // Details without their error are told only of lines whose labels are not those of the stream.
        let is_changed = self.error.is_some() || !self.added.is_empty() || self.deleted.contains(&true);
        let names = [ERROR, ERROR_DETAILS].into_iter().filter(move |_| is_changed);
        names.filter_map(|name| self.value(name).map(|value| (name, value)))
    }

    /// Names and values of all labels and of the errors.
    pub(in crate::logql) fn all(&self) -> impl Iterator<Item = (&str, &str)> + '_ {
        self.iter()
            .map(|(name, value, _)| (name, value))
            .chain(self.errors())
    }

    /// The labels by kind.
    pub(in crate::logql) fn by_kind(&self) -> LineLabels {
        let of = |kind: Kind| {
            self.iter()
                .filter(move |l| l.2 == kind)
                .map(|(name, value, _)| (name, value))
        };
        LineLabels {
            stream: LabelSet::from_pairs(of(Kind::Stream)),
            metadata: LabelSet::from_pairs(of(Kind::Metadata)),
            parsed: LabelSet::from_pairs(of(Kind::Parsed).chain(self.errors())),
        }
    }
}

/// A name made of letters, digits and underscores that does not begin with a digit, where it begins a label's name.
pub(super) fn sanitize(out: &mut String, name: &str, begins: bool) {
    let name = name.trim();
    if begins && name.starts_with(|c: char| c.is_ascii_digit()) {
        out.push('_');
    }
    for c in name.chars() {
        out.push(if c.is_ascii_alphanumeric() || c == '_' {
            c
        } else {
            '_'
        });
    }
}
