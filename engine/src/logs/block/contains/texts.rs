//! Which values of a column hold a text. Values that share a dictionary or a template are looked at once.

use memchr::memmem::Finder;

use crate::logs::line::BARE;
use crate::logs::values::{Asked, Form, TemplateValues, Texts, Values, numbers};

/// False when no value of a form has the text in it.
pub(super) fn may_be_in(form: Form, text: &[u8]) -> bool {
    let only = |of: fn(u8) -> bool| text.iter().all(|b| of(*b));
    match form {
        Form::Ints => only(|b| b.is_ascii_digit() || b == b'-'),
        Form::Padded => only(|b| b.is_ascii_digit()),
        Form::Decimals => only(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.')),
        Form::Times => only(|b| b.is_ascii_digit() || b"-: TZ.,".contains(&b)),
        Form::Hex => only(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
        Form::Uuids => only(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-')),
        Form::Const | Form::Dictionary | Form::Templates | Form::Texts => true,
    }
}

/// A text, asked of what outlines keep.
pub(super) struct Text<'f>(pub(super) &'f Finder<'f>);

impl Asked for Text<'_> {
    fn may_be_in(&self, form: Form) -> bool {
        may_be_in(form, self.0.needle())
    }

    fn is_in(&self, text: &[u8]) -> bool {
        self.0.find(text).is_some()
    }

    fn reaches_over(&self, template: &[u8]) -> bool {
        let needle = self.0.needle();
        needle.contains(&BARE) || reaches_over(needle, template, |b| b == BARE)
    }

    fn fits(&self, len: usize) -> bool {
        self.0.needle().len() <= len
    }
}

/// By place in a dictionary whether a text of it holds the text; none when none does.
pub(super) fn in_dictionary(texts: &Texts, finder: &Finder<'_>) -> Option<Vec<bool>> {
    // Texts follow each other without anything between them, so one at an edge is a false alarm at worst.
    finder.find(texts.bytes())?;
    let hits: Vec<bool> = texts.iter().map(|text| finder.find(text).is_some()).collect();
    hits.contains(&true).then_some(hits)
}

/// True when a text may begin in a slot and end beside it, or the other way round.
pub(super) fn reaches_over(text: &[u8], around: &[u8], is_slot: impl Fn(u8) -> bool) -> bool {
    let beside = |at: Option<usize>| {
        let byte = at.and_then(|at| around.get(at)).copied();
        byte.is_some_and(|byte| is_slot(byte) || text.contains(&byte))
    };
    // A text of one byte is within or without.
    let mut slots = around.iter().enumerate().filter(|(_, b)| is_slot(**b));
    text.len() > 1 && slots.any(|(at, _)| beside(at.checked_sub(1)) || beside(Some(at + 1)))
}

/// By place in a column whether a value holds the text; none when none does.
pub(super) fn hits(values: &Values, rows: usize, finder: &Finder<'_>) -> Option<Vec<bool>> {
    let is_in = |text: &[u8]| finder.find(text).is_some();
    if !may_be_in(values.form(), finder.needle()) {
        return None;
    }
    let hits = match values {
        Values::Const(text) => is_in(text).then(|| vec![true; rows])?,
        Values::Dictionary(texts, codes) => {
            let of_code = in_dictionary(texts, finder)?;
            codes.iter().map(|code| of_code[usize::from(*code)]).collect()
        }
        Values::Texts(texts) => {
            finder.find(texts.bytes())?;
            texts.iter().map(is_in).collect()
        }
        Values::Templates(of) => in_templates(of, rows, finder)?,
        Values::Hex(width, bytes) if finder.needle().len() == width * 2 => {
            let id = numbers::hex_bytes(finder.needle())?;
            bytes
                .chunks_exact((*width).max(1))
                .map(|value| value == id)
                .collect()
        }
        Values::Hex(width, _) if finder.needle().len() > width * 2 => return None,
        other => printed(rows, finder, |n, out| other.put(n, out)),
    };
    hits.contains(&true).then_some(hits)
}

fn printed(rows: usize, finder: &Finder<'_>, put: impl Fn(usize, &mut Vec<u8>)) -> Vec<bool> {
    let mut text = Vec::new();
    let mut is_in = |n: usize| {
        text.clear();
        put(n, &mut text);
        finder.find(&text).is_some()
    };
    (0..rows).map(&mut is_in).collect()
}

/// What is known of the texts of one template.
pub(super) enum OfTemplate {
    None,
    All,
    /// By the number of the text among those of the template.
    Some(Vec<bool>),
    /// Each must be printed.
    Unsure,
}

/// What is known of the texts of a template, given what is known of its slots by their number.
pub(super) fn of_template<E>(
    template: &[u8],
    finder: &Finder<'_>,
    mut slot: impl FnMut(usize) -> Result<Option<Vec<bool>>, E>,
) -> Result<OfTemplate, E> {
    let needle = finder.needle();
    if needle.contains(&BARE) {
        return Ok(OfTemplate::Unsure);
    }
    if finder.find(template).is_some() {
        return Ok(OfTemplate::All);
    }
    if reaches_over(needle, template, |b| b == BARE) {
        return Ok(OfTemplate::Unsure);
    }
    let mut all: Option<Vec<bool>> = None;
    for n in 0..template.iter().filter(|b| **b == BARE).count() {
        match (slot(n)?, &mut all) {
            (Some(hits), Some(all)) => all.iter_mut().zip(hits).for_each(|(a, b)| *a |= b),
            (Some(hits), None) => all = Some(hits),
            (None, _) => {}
        }
    }
    Ok(all.map_or(OfTemplate::None, OfTemplate::Some))
}

fn in_templates(of: &TemplateValues, rows: usize, finder: &Finder<'_>) -> Option<Vec<bool>> {
    let mut counts = vec![0usize; of.templates().len()];
    of.codes().iter().for_each(|code| counts[usize::from(*code)] += 1);
    let known: Vec<OfTemplate> = of
        .templates()
        .iter()
        .enumerate()
        .map(|(n, template)| {
            let slot = |slot: usize| Ok(hits(&of.slots(n)[slot], counts[n], finder));
            match of_template::<std::convert::Infallible>(template, finder, slot) {
                Ok(known) => known,
                Err(never) => match never {},
            }
        })
        .collect();
    if known.iter().all(|known| matches!(known, OfTemplate::None)) {
        return None;
    }
    let mut text = Vec::new();
    let mut is_in = |row: usize| match &known[usize::from(of.codes()[row])] {
        OfTemplate::None => false,
        OfTemplate::All => true,
        OfTemplate::Some(hits) => hits[of.rank(row)],
        OfTemplate::Unsure => {
            text.clear();
            of.put(row, &mut text);
            finder.find(&text).is_some()
        }
    };
    Some((0..rows).map(&mut is_in).collect())
}
