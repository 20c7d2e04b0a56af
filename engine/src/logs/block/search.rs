//! Finds the entries of a group that may have a text, column by column: skeletons and dictionaries are looked at once for all
//! entries that share them, and numbers and ids only when the text could be a part of one.
//!
//! A word of a text (see `grams`) never spans a slot and what stands around it, so an entry with the text has each of its words in
//! some value or in its skeleton. That the words stand next to each other is not looked at.

use memchr::memmem::Finder;

use super::group::OpenGroup;
use crate::error::Result;
use crate::logs::line::BARE;
use crate::logs::needle::Needle;
use crate::logs::values::{Asked, Form, TemplateValues, Texts, Values, numbers, tokens_of};

/// By place in the group whether an entry may pass all needles; none when all may.
pub(in crate::logs) fn entries(needles: &[Needle], group: &OpenGroup<'_>) -> Result<Option<Vec<bool>>> {
    let mut left: Option<Vec<bool>> = None;
    for needle in needles {
        let mut of_needle: Option<Vec<bool>> = Some(vec![false; group.shapes()?.len()]);
        for text in &needle.any {
            let of_text = entries_with(text.as_bytes(), group)?;
            of_needle = of_needle.zip(of_text).map(|(a, b)| join(a, &b, |a, b| a | b));
        }
        if let Some(of_needle) = of_needle {
            left = Some(match left {
                Some(left) => join(left, &of_needle, |a, b| a & b),
                None => of_needle,
            });
        }
    }
    Ok(left)
}

fn join(mut a: Vec<bool>, b: &[bool], how: fn(bool, bool) -> bool) -> Vec<bool> {
    a.iter_mut().zip(b).for_each(|(a, b)| *a = how(*a, *b));
    a
}

/// The entries that have all words of a text; none when it has no words.
fn entries_with(text: &[u8], group: &OpenGroup<'_>) -> Result<Option<Vec<bool>>> {
    let mut words: Vec<&[u8]> = tokens_of(text).map(|word| &text[word]).collect();
    // The longest words are the rarest; later ones are looked for only when some entries are left.
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words.truncate(4);
    // Short numbers are in most entries, and looking for them means printing all others.
    words.retain(|word| word.len() > 3 || !word.iter().all(u8::is_ascii_digit));
    let mut left: Option<Vec<bool>> = None;
    for word in words {
        if left.as_ref().is_some_and(|left| !left.contains(&true)) {
            break;
        }
        let found = entries_with_word(word, group)?;
        left = Some(match left {
            Some(left) => join(left, &found, |a, b| a & b),
            None => found,
        });
    }
    Ok(left)
}

/// A word to look for, in whatever case.
struct Word<'w> {
    finder: Finder<'w>,
    is_hex: bool,
    is_digits: bool,
    is_date: bool,
}

impl<'w> Word<'w> {
    fn new(lower: &'w [u8]) -> Word<'w> {
        let all = |of: fn(&u8) -> bool| lower.iter().all(of);
        Word {
            finder: Finder::new(lower),
            is_hex: all(u8::is_ascii_hexdigit),
            is_digits: all(u8::is_ascii_digit),
            is_date: all(|b| b.is_ascii_digit() || matches!(b, b't' | b'z')),
        }
    }

    fn holds(&self, text: &[u8], lower: &mut Vec<u8>) -> bool {
        lower.clear();
        lower.extend(text.iter().map(u8::to_ascii_lowercase));
        self.finder.find(lower).is_some()
    }
}

impl Asked for Word<'_> {
    fn may_be_in(&self, form: Form) -> bool {
        match form {
            Form::Ints | Form::Padded | Form::Decimals => self.is_digits,
            Form::Hex | Form::Uuids => self.is_hex,
            Form::Times => self.is_date,
            Form::Const | Form::Dictionary | Form::Templates | Form::Texts => true,
        }
    }

    fn is_in(&self, text: &[u8]) -> bool {
        self.fits(text.len()) && self.finder.find(&text.to_ascii_lowercase()).is_some()
    }

    fn reaches_over(&self, template: &[u8]) -> bool {
        spans_slots(template)
    }

    fn fits(&self, len: usize) -> bool {
        self.finder.needle().len() <= len
    }
}

fn entries_with_word(word: &[u8], group: &OpenGroup<'_>) -> Result<Vec<bool>> {
    let lower = word.to_ascii_lowercase();
    let word = Word::new(&lower);
    let header = group.header();
    let mut buffer = Vec::new();
    let in_skeleton: Vec<bool> = header
        .skeletons
        .iter()
        .map(|s| word.holds(&s.text, &mut buffer))
        .collect();
    let of_shape: Vec<bool> = header
        .shapes
        .iter()
        .map(|s| in_skeleton[s.skeleton as usize])
        .collect();
    let mut found: Vec<bool> = group
        .shapes()?
        .iter()
        .map(|shape| of_shape[*shape as usize])
        .collect();
    for column in 0..header.columns.len() as u32 {
        if !group.form(column)?.is_none_or(|form| word.may_be_in(form)) {
            continue;
        }
        let Some(hits) = of_column(column, group, &word)? else {
            continue;
        };
        let has = group.has(column);
        let mut next = 0;
        for (entry, shape) in found.iter_mut().zip(group.shapes()?) {
            if has[*shape as usize] {
                *entry |= hits.get(next).copied().unwrap_or(false);
                next += 1;
            }
        }
    }
    Ok(found)
}

/// By place in a column whether a value has a word; none when no value has. Of templates only the slots are read that may have it.
fn of_column(column: u32, group: &OpenGroup<'_>, word: &Word<'_>) -> Result<Option<Vec<bool>>> {
    let rows = group.header().columns[column as usize].rows as usize;
    let mut buffer = Vec::new();
    if let Some(texts) = group.texts(column)?
        && !texts
            .iter()
            .any(|text| word.fits(text.len()) && word.holds(text, &mut buffer))
    {
        return Ok(None);
    }
    let Some(outline) = group.outline(column)? else {
        return Ok(hits(&*group.column(column)?, rows, word));
    };
    let mut found: Vec<OfTemplate> = Vec::with_capacity(outline.templates().len());
    for (n, template) in outline.templates().iter().enumerate() {
        let of = match () {
            () if word.holds(template, &mut buffer) => OfTemplate::All,
            () if spans_slots(template) => return Ok(hits(&*group.column(column)?, rows, word)),
            () => {
                let mut all = OfTemplate::None;
                for slot in 0..template.iter().filter(|b| **b == BARE).count() {
                    if !outline.may_have(outline.slot(n, slot), word) {
                        continue;
                    }
                    let values = group.slot(column, &outline, n, slot)?;
                    if let Some(hits) = hits(&values, outline.counts()[n] as usize, word) {
                        all = match all {
                            OfTemplate::Some(all) => OfTemplate::Some(join(all, &hits, |a, b| a | b)),
                            _ => OfTemplate::Some(hits),
                        };
                    }
                }
                all
            }
        };
        found.push(of);
    }
    if found.iter().all(|of| matches!(of, OfTemplate::None)) {
        return Ok(None);
    }
    let Some(codes) = group.template_codes(column)? else {
        return Ok(None);
    };
    let mut ranks = vec![0usize; found.len()];
    let entries = codes.iter().map(|code| {
        let rank = &mut ranks[usize::from(*code)];
        *rank += 1;
        match &found[usize::from(*code)] {
            OfTemplate::None => false,
            OfTemplate::All => true,
            OfTemplate::Some(hits) => hits[*rank - 1],
        }
    });
    Ok(Some(entries.collect()))
}

/// What is known of the texts of a template.
enum OfTemplate {
    None,
    All,
    /// By the number of the text among those of the template.
    Some(Vec<bool>),
}

/// By place in a column whether a value has a word; none when no value has.
fn hits(values: &Values, rows: usize, word: &Word<'_>) -> Option<Vec<bool>> {
    if !word.may_be_in(values.form()) || !word.fits(values.longest()) {
        return None;
    }
    let mut buffer = Vec::new();
    let hits = match values {
        Values::Const(text) => word.holds(text, &mut buffer).then(|| vec![true; rows])?,
        Values::Dictionary(texts, codes) => {
            let of_code: Vec<bool> = texts.iter().map(|text| word.holds(text, &mut buffer)).collect();
            if !of_code.contains(&true) {
                return None;
            }
            codes.iter().map(|code| of_code[usize::from(*code)]).collect()
        }
        Values::Texts(texts) => in_texts(texts, word)?,
        Values::Hex(width, bytes) if word.finder.needle().len() >= width * 2 => in_hex(*width, bytes, word)?,
        Values::Templates(of) => in_templates(of, rows, word),
        // Printed one by one: only words of digits come here.
        other => printed(other, rows, word),
    };
    hits.contains(&true).then_some(hits)
}

/// A word as long as the digits, or longer ones that no value has.
fn in_hex(width: usize, bytes: &[u8], word: &Word<'_>) -> Option<Vec<bool>> {
    let digits = word.finder.needle();
    let id = numbers::hex_bytes(digits).filter(|id| id.len() == width && digits.len() == width * 2)?;
    Some(
        bytes
            .chunks_exact(width.max(1))
            .map(|value| value == id)
            .collect(),
    )
}

/// All texts at once: a word has no separators, but texts follow each other without one.
fn in_texts(texts: &Texts, word: &Word<'_>) -> Option<Vec<bool>> {
    let lower = texts.bytes().to_ascii_lowercase();
    let mut found = word.finder.find_iter(&lower).peekable();
    found.peek()?;
    let mut buffer = Vec::new();
    Some(texts.iter().map(|text| word.holds(text, &mut buffer)).collect())
}

fn printed(values: &Values, rows: usize, word: &Word<'_>) -> Vec<bool> {
    let mut text = Vec::new();
    let mut is_in = |n: usize| {
        text.clear();
        values.put(n, &mut text);
        word.finder.find(&text.to_ascii_lowercase()).is_some()
    };
    (0..rows).map(&mut is_in).collect()
}

fn in_templates(of: &TemplateValues, rows: usize, word: &Word<'_>) -> Vec<bool> {
    let mut found = vec![false; rows];
    let mut buffer = Vec::new();
    let mut counts = vec![0usize; of.templates().len()];
    of.codes().iter().for_each(|code| counts[usize::from(*code)] += 1);
    for (n, template) in of.templates().iter().enumerate() {
        let by_rank: Option<Vec<bool>> = if word.holds(template, &mut buffer) {
            Some(vec![true; counts[n]])
        } else if spans_slots(template) {
            None
        } else {
            let slots = of.slots(n).iter().filter_map(|slot| hits(slot, counts[n], word));
            Some(slots.fold(vec![false; counts[n]], |all, hits| join(all, &hits, |a, b| a | b)))
        };
        let mut text = Vec::new();
        for (row, _) in of
            .codes()
            .iter()
            .enumerate()
            .filter(|(_, code)| usize::from(**code) == n)
        {
            found[row] = match &by_rank {
                Some(hits) => hits[of.rank(row)],
                None => {
                    text.clear();
                    of.put(row, &mut text);
                    word.holds(&text, &mut buffer)
                }
            };
        }
    }
    found
}

/// True when a word may go on from a slot to what stands beside it.
fn spans_slots(template: &[u8]) -> bool {
    let goes_on = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b >= 0x80 || *b == BARE);
    let slots = template.iter().enumerate().filter(|(_, b)| **b == BARE);
    slots
        .into_iter()
        .any(|(at, _)| goes_on(template.get(at + 1)) || (at > 0 && goes_on(template.get(at - 1))))
}
