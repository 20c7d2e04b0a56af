//! What is told of a column without its entries: the texts of a dictionary; templates, how many texts have each, and where the
//! values of each slot lie. For who needs few of the slots or none. Not for putting texts together.

use std::ops::Range;

use super::decode::{NESTING_MAX, Values, codes, decode, texts};
use super::{Form, Texts};
use crate::coding::{Malformed, Reader};
use crate::logs::line::BARE;

/// The texts of a dictionary, or of a column that has one text; none of other columns.
pub(in crate::logs) fn dictionary(bytes: &[u8]) -> Result<Option<Texts>, Malformed> {
    let mut r = Reader::new(bytes);
    let form = r.u8()?;
    if form == Form::Dictionary.number() {
        return texts(&mut r).map(Some);
    }
    if form != Form::Const.number() {
        return Ok(None);
    }
    let mut one = Texts::default();
    one.push(r.bytes()?);
    Ok(Some(one))
}

/// The number of the template of each of so many texts; none of a column that has no templates.
pub(in crate::logs) fn template_codes(bytes: &[u8], count: usize) -> Result<Option<Vec<u16>>, Malformed> {
    let mut r = Reader::new(bytes);
    Ok(head(&mut r, count)?.map(|(_, codes)| codes))
}

/// The templates and the codes of a column, which its slots follow.
fn head(r: &mut Reader<'_>, count: usize) -> Result<Option<(Texts, Vec<u16>)>, Malformed> {
    if r.u8()? != Form::Templates.number() {
        return Ok(None);
    }
    let number = r.uvarint()?;
    let templates = texts(r)?;
    if number != templates.len() as u64 {
        return Err(Malformed("number of templates"));
    }
    let codes = codes(r, count, templates.len())?;
    Ok(Some((templates, codes)))
}

/// Bytes of a slot's dictionary that are kept.
const TEXTS_MAX: usize = 4 << 10;
/// No number is longer than this.
const NUMBER_MAX: usize = 40;

/// Templates, without the values of slots.
#[derive(Debug, Clone)]
pub struct Outline {
    templates: Texts,
    counts: Vec<u32>,
    /// For each template the number of slots of those before it.
    first_slots: Vec<u32>,
    slots: Vec<Slot>,
}

/// A slot of a template.
#[derive(Debug, Clone)]
struct Slot {
    form: Form,
    /// Place in the bytes of the column.
    place: Range<u32>,
    told: Told,
    /// Bytes that no value is longer than.
    longest: usize,
}

/// What is kept of the values of a slot.
#[derive(Debug, Clone)]
enum Told {
    /// Each once.
    Texts(Texts),
    Outline(Box<Outline>),
    Nothing,
}

/// What can be asked of values of which not all is kept.
pub(in crate::logs) trait Asked {
    /// False when no text of a form has it.
    fn may_be_in(&self, form: Form) -> bool;
    /// True when the text has it.
    fn is_in(&self, text: &[u8]) -> bool;
    /// True when it may reach from a slot of a template into what stands beside it.
    fn reaches_over(&self, template: &[u8]) -> bool;
    /// False when it is longer than a text of so many bytes.
    fn fits(&self, len: usize) -> bool;
}

impl Outline {
    /// Reads a column of so many texts; none for a column that has no templates.
    pub(in crate::logs) fn decode(bytes: &[u8], count: usize) -> Result<Option<Outline>, Malformed> {
        Outline::nested(bytes, count, 0)
    }

    fn nested(bytes: &[u8], count: usize, depth: usize) -> Result<Option<Outline>, Malformed> {
        let mut r = Reader::new(bytes);
        let Some((templates, codes)) = head(&mut r, count)? else {
            return Ok(None);
        };
        if depth > NESTING_MAX {
            return Err(Malformed("templates within templates"));
        }
        let mut counts = vec![0u32; templates.len()];
        codes.iter().for_each(|code| counts[usize::from(*code)] += 1);
        let (mut first_slots, mut slots) = (Vec::with_capacity(templates.len()), Vec::new());
        for (template, count) in templates.iter().zip(&counts) {
            first_slots.push(slots.len() as u32);
            for _ in template.iter().filter(|b| **b == BARE) {
                let of_slot = r.bytes()?;
                let form = Form::of(of_slot).ok_or(Malformed("form of a column of logs"))?;
                let end = bytes.len() - r.remaining();
                let told = Told::of(of_slot, form, *count as usize, depth)?;
                slots.push(Slot {
                    form,
                    place: (end - of_slot.len()) as u32..end as u32,
                    longest: told.longest(form),
                    told,
                });
            }
        }
        match r.remaining() {
            0 => Ok(Some(Outline {
                templates,
                counts,
                first_slots,
                slots,
            })),
            _ => Err(Malformed("bytes behind a column of logs")),
        }
    }

    /// The templates; each slot is one byte, 1.
    pub fn templates(&self) -> &Texts {
        &self.templates
    }

    /// How many texts have each template.
    pub fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// Number of a slot of a template among all slots of the column.
    pub fn slot(&self, template: usize, slot: usize) -> usize {
        self.first_slots[template] as usize + slot
    }

    /// The form of a slot by its number.
    pub fn form(&self, slot: usize) -> Form {
        self.slots[slot].form
    }

    /// False when no value of a slot, by its number, has what is asked for.
    pub(in crate::logs) fn may_have(&self, slot: usize, asked: &impl Asked) -> bool {
        let slot = &self.slots[slot];
        if !asked.may_be_in(slot.form) || !asked.fits(slot.longest) {
            return false;
        }
        match &slot.told {
            Told::Texts(texts) => texts.iter().any(|text| asked.is_in(text)),
            Told::Outline(of) => {
                let around = of
                    .templates
                    .iter()
                    .any(|text| asked.is_in(text) || asked.reaches_over(text));
                around || (0..of.slots.len()).any(|slot| of.may_have(slot, asked))
            }
            Told::Nothing => true,
        }
    }

    /// The values of a slot of a template, given the bytes of the column.
    pub(in crate::logs) fn read(
        &self,
        bytes: &[u8],
        template: usize,
        slot: usize,
    ) -> Result<Values, Malformed> {
        let place = &self.slots[self.slot(template, slot)].place;
        let of_slot = bytes.get(place.start as usize..place.end as usize);
        let of_slot = of_slot.ok_or(Malformed("values of a slot"))?;
        let mut r = Reader::new(of_slot);
        decode(&mut r, self.counts[template] as usize, None, 1)
    }

    /// About how many bytes it takes.
    pub(in crate::logs) fn byte_len(&self) -> usize {
        let slots = self.slots.iter().map(|slot| match &slot.told {
            Told::Texts(texts) => texts.byte_len() + texts.len() * 4 + 72,
            Told::Outline(of) => of.byte_len() + 72,
            Told::Nothing => 72,
        });
        self.templates.byte_len() + self.templates.len() * 12 + slots.sum::<usize>()
    }

    /// Bytes that no text is longer than.
    fn longest(&self) -> usize {
        let templates = self.templates.iter().enumerate().map(|(n, text)| {
            let from = self.first_slots[n] as usize;
            let until = self
                .first_slots
                .get(n + 1)
                .map_or(self.slots.len(), |n| *n as usize);
            let slots = self.slots[from..until].iter().map(|slot| slot.longest);
            slots.fold(text.len(), usize::saturating_add)
        });
        templates.max().unwrap_or(0)
    }
}

impl Told {
    fn of(bytes: &[u8], form: Form, count: usize, depth: usize) -> Result<Told, Malformed> {
        Ok(match form {
            Form::Const | Form::Dictionary => match dictionary(bytes)? {
                Some(texts) if texts.byte_len() <= TEXTS_MAX => Told::Texts(texts),
                _ => Told::Nothing,
            },
            Form::Templates => match Outline::nested(bytes, count, depth + 1)? {
                Some(of) => Told::Outline(Box::new(of)),
                None => Told::Nothing,
            },
            _ => Told::Nothing,
        })
    }

    /// Bytes that no value of a form is longer than.
    fn longest(&self, form: Form) -> usize {
        match (self, form) {
            (Told::Texts(texts), _) => texts.iter().map(<[u8]>::len).max().unwrap_or(0),
            (Told::Outline(of), _) => of.longest(),
            (Told::Nothing, Form::Ints | Form::Padded | Form::Decimals) => NUMBER_MAX,
            (Told::Nothing, _) => usize::MAX,
        }
    }
}
