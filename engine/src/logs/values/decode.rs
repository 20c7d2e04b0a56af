//! Reads columns back: the whole of one, and single texts of it.

use std::ops::Range;

use super::times::Style;
use super::{Form, Texts, form, numbers};
use crate::coding::{Malformed, Reader};
use crate::logs::line::BARE;
use crate::traces::decode_ints;

/// A column in memory.
#[derive(Debug, Clone)]
pub enum Values {
    /// The same text in every entry.
    Const(Box<[u8]>),
    /// Sorted distinct texts, and which of them each entry has.
    Dictionary(Texts, Vec<u16>),
    /// Whole numbers.
    Ints(Vec<i64>),
    /// Numbers with leading zeros to a width.
    Padded(usize, Vec<i64>),
    /// Digits, and how many of them stand behind the point.
    Decimals(Vec<i64>, Vec<u8>),
    /// Hexadecimal digits as bytes, so many a text.
    Hex(usize, Vec<u8>),
    /// UUIDs as bytes.
    Uuids(Vec<u8>),
    /// Dates.
    Times(Dates),
    /// Texts by template.
    Templates(Box<TemplateValues>),
    /// Texts.
    Texts(Texts),
}

/// Dates in one style, in nanoseconds since 1970.
#[derive(Debug, Clone)]
pub struct Dates {
    style: Style,
    times: Vec<i64>,
}

/// Texts by template.
#[derive(Debug, Clone)]
pub struct TemplateValues {
    templates: Texts,
    /// Where the text before, between and behind the slots of each template is.
    pieces: Vec<Vec<Range<u32>>>,
    codes: Vec<u16>,
    /// For each text the number of those before it with the same template.
    ranks: Vec<u32>,
    slots: Vec<Vec<Values>>,
}

/// Most levels of templates within templates.
pub(super) const NESTING_MAX: usize = 3;

impl Values {
    /// Reads a column of so many texts; `times` are those of its entries.
    pub(in crate::logs) fn decode(bytes: &[u8], count: usize, times: &[i64]) -> Result<Values, Malformed> {
        let mut r = Reader::new(bytes);
        let values = decode(&mut r, count, Some(times), 0)?;
        match r.remaining() {
            0 => Ok(values),
            _ => Err(Malformed("bytes behind a column of logs")),
        }
    }

    /// About how many bytes it takes.
    pub(in crate::logs) fn byte_len(&self) -> usize {
        match self {
            Values::Const(text) => text.len(),
            Values::Dictionary(texts, codes) => texts.byte_len() + texts.len() * 4 + codes.len() * 2,
            Values::Ints(ints) | Values::Padded(_, ints) => ints.len() * 8,
            Values::Decimals(digits, _) => digits.len() * 9,
            Values::Hex(_, bytes) | Values::Uuids(bytes) => bytes.len(),
            Values::Times(dates) => dates.times.len() * 8,
            Values::Templates(of) => of.byte_len(),
            Values::Texts(texts) => texts.byte_len() + texts.len() * 4,
        }
    }

    /// How the texts are written.
    pub fn form(&self) -> Form {
        match self {
            Values::Const(_) => Form::Const,
            Values::Dictionary(..) => Form::Dictionary,
            Values::Ints(_) => Form::Ints,
            Values::Padded(..) => Form::Padded,
            Values::Decimals(..) => Form::Decimals,
            Values::Hex(..) => Form::Hex,
            Values::Uuids(_) => Form::Uuids,
            Values::Times(_) => Form::Times,
            Values::Templates(_) => Form::Templates,
            Values::Texts(_) => Form::Texts,
        }
    }

    /// Bytes that no text is longer than; most often those of the longest.
    pub(in crate::logs) fn longest(&self) -> usize {
        let longest = |texts: &Texts| texts.iter().map(<[u8]>::len).max().unwrap_or(0);
        match self {
            Values::Const(text) => text.len(),
            Values::Dictionary(texts, _) | Values::Texts(texts) => longest(texts),
            Values::Ints(ints) => {
                let largest = ints.iter().map(|n| n.unsigned_abs()).max().unwrap_or(0);
                largest.checked_ilog10().unwrap_or(0) as usize + 2
            }
            Values::Padded(width, _) => (*width).max(20),
            Values::Decimals(..) => 40,
            Values::Hex(width, _) => width * 2,
            Values::Uuids(_) => 36,
            Values::Times(_) => 32,
            Values::Templates(of) => {
                let around = of.templates.iter().zip(&of.slots);
                let lens =
                    around.map(|(text, slots)| text.len() + slots.iter().map(Values::longest).sum::<usize>());
                lens.max().unwrap_or(0)
            }
        }
    }

    /// Appends a text.
    #[inline]
    pub fn put(&self, n: usize, out: &mut Vec<u8>) {
        match self {
            Values::Const(text) => out.extend_from_slice(text),
            Values::Dictionary(values, codes) => out.extend_from_slice(values.get(usize::from(codes[n]))),
            Values::Ints(ints) => numbers::put_int(ints[n], out),
            Values::Padded(width, ints) => numbers::put_digits(ints[n].unsigned_abs(), *width, out),
            Values::Decimals(digits, places) => numbers::put_decimal(digits[n], places[n], out),
            Values::Hex(width, bytes) => numbers::put_hex(&bytes[n * width..(n + 1) * width], out),
            Values::Uuids(bytes) => numbers::put_uuid(&bytes[n * 16..(n + 1) * 16], out),
            Values::Times(dates) => dates.style.put(dates.times[n], out),
            Values::Templates(of) => of.put(n, out),
            Values::Texts(texts) => out.extend_from_slice(texts.get(n)),
        }
    }
}

/// What stands around the slots of a template, one piece more than there are slots.
fn pieces(template: &[u8]) -> Vec<Range<u32>> {
    let mut from = 0;
    let piece = |text: &[u8]| {
        let piece = from..from + text.len() as u32;
        from = piece.end + 1;
        piece
    };
    template.split(|b| *b == BARE).map(piece).collect()
}

impl TemplateValues {
    /// The templates; each slot is one byte, 1.
    pub fn templates(&self) -> &Texts {
        &self.templates
    }

    /// Number of the template of each text.
    pub fn codes(&self) -> &[u16] {
        &self.codes
    }

    /// The values of the slots of a template, in order of the texts that have it.
    pub fn slots(&self, template: usize) -> &[Values] {
        &self.slots[template]
    }

    /// The number of texts before one that have the same template.
    pub fn rank(&self, n: usize) -> usize {
        self.ranks[n] as usize
    }

    /// Appends a text.
    pub(in crate::logs) fn put(&self, n: usize, out: &mut Vec<u8>) {
        let code = usize::from(self.codes[n]);
        let rank = self.ranks[n] as usize;
        let template = self.templates.get(code);
        for (piece, slot) in self.pieces[code].iter().zip(&self.slots[code]) {
            out.extend_from_slice(&template[piece.start as usize..piece.end as usize]);
            slot.put(rank, out);
        }
        if let Some(last) = self.pieces[code].last() {
            out.extend_from_slice(&template[last.start as usize..last.end as usize]);
        }
    }

    fn byte_len(&self) -> usize {
        let slots: usize = self.slots.iter().flatten().map(Values::byte_len).sum();
        self.templates.byte_len() * 2 + self.codes.len() * 6 + slots
    }
}

pub(super) fn decode(
    r: &mut Reader<'_>,
    count: usize,
    times: Option<&[i64]>,
    depth: usize,
) -> Result<Values, Malformed> {
    if depth > NESTING_MAX {
        return Err(Malformed("templates within templates"));
    }
    Ok(match r.u8()? {
        form::CONST => Values::Const(r.bytes()?.into()),
        form::DICTIONARY => {
            let values = texts(r)?;
            let codes = codes(r, count, values.len())?;
            Values::Dictionary(values, codes)
        }
        form::INTS => Values::Ints(decode_ints(r, count)?),
        form::PADDED => {
            let width = usize::from(r.u8()?);
            Values::Padded(width, decode_ints(r, count)?)
        }
        form::DECIMALS => {
            let places = decode_ints(r, count)?;
            let places: Option<Vec<u8>> = places
                .iter()
                .map(|p| u8::try_from(*p).ok().filter(|p| *p <= 18))
                .collect();
            Values::Decimals(
                decode_ints(r, count)?,
                places.ok_or(Malformed("places of decimals"))?,
            )
        }
        form::HEX => {
            let width = usize::from(r.u8()?);
            let len = width.checked_mul(count).ok_or(Malformed("length of ids"))?;
            Values::Hex(width, r.take(len)?.to_vec())
        }
        form::UUIDS => {
            let len = count.checked_mul(16).ok_or(Malformed("length of ids"))?;
            Values::Uuids(r.take(len)?.to_vec())
        }
        form::TIMES => dates(r, count, times)?,
        form::TEMPLATES => templates(r, count, depth)?,
        form::TEXTS => {
            let texts = texts(r)?;
            if texts.len() != count {
                return Err(Malformed("number of texts"));
            }
            Values::Texts(texts)
        }
        _ => return Err(Malformed("form of a column of logs")),
    })
}

pub(super) fn texts(r: &mut Reader<'_>) -> Result<Texts, Malformed> {
    let count = usize::try_from(r.svarint()?).map_err(|_| Malformed("number of texts"))?;
    let lens = decode_ints(r, count)?;
    let bytes = r.bytes()?;
    let mut end = 0u64;
    let mut ends = Vec::with_capacity(lens.len());
    for len in lens {
        end = u64::try_from(len)
            .ok()
            .and_then(|len| end.checked_add(len))
            .filter(|end| *end <= bytes.len() as u64)
            .ok_or(Malformed("length of a text"))?;
        ends.push(end as u32);
    }
    if end != bytes.len() as u64 {
        return Err(Malformed("length of texts"));
    }
    Ok(Texts {
        bytes: bytes.to_vec(),
        ends,
    })
}

pub(super) fn codes(r: &mut Reader<'_>, count: usize, of: usize) -> Result<Vec<u16>, Malformed> {
    let codes = decode_ints(r, count)?;
    let fits = codes.iter().all(|code| (0..of as i64).contains(code)) && of <= 1 << 16;
    if !fits {
        return Err(Malformed("code outside the dictionary"));
    }
    Ok(codes.into_iter().map(|code| code as u16).collect())
}

fn dates(r: &mut Reader<'_>, count: usize, times: Option<&[i64]>) -> Result<Values, Malformed> {
    let bytes = r.take(4)?;
    let style =
        Style::from_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]).ok_or(Malformed("style of dates"))?;
    let times = times
        .filter(|t| t.len() == count)
        .ok_or(Malformed("dates without times"))?;
    let resolution = style.resolution();
    let distances = decode_ints(r, count)?;
    let restore = |(distance, time): (i64, &i64)| {
        let time = time.div_euclid(resolution).wrapping_mul(resolution);
        time.wrapping_add(distance.wrapping_mul(resolution))
    };
    let times = distances.into_iter().zip(times).map(restore).collect();
    Ok(Values::Times(Dates { style, times }))
}

fn templates(r: &mut Reader<'_>, count: usize, depth: usize) -> Result<Values, Malformed> {
    let number = r.uvarint()?;
    let templates = texts(r)?;
    if number != templates.len() as u64 {
        return Err(Malformed("number of templates"));
    }
    let codes = codes(r, count, templates.len())?;
    let mut counts = vec![0u32; templates.len()];
    let ranks = codes
        .iter()
        .map(|code| {
            counts[usize::from(*code)] += 1;
            counts[usize::from(*code)] - 1
        })
        .collect();
    let mut slots = Vec::with_capacity(templates.len());
    for (template, count) in templates.iter().zip(counts) {
        let markers = template.iter().filter(|b| **b == BARE).count();
        let columns: Result<Vec<Values>, Malformed> = (0..markers)
            .map(|_| decode(&mut Reader::new(r.bytes()?), count as usize, None, depth + 1))
            .collect();
        slots.push(columns?);
    }
    Ok(Values::Templates(Box::new(TemplateValues {
        pieces: templates.iter().map(pieces).collect(),
        templates,
        codes,
        ranks,
        slots,
    })))
}
