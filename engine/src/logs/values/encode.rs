//! Chooses and writes the form of a column.

use hashbrown::HashMap;

use super::template::{Slots, Templates};
use super::times::Style;
use super::{Texts, form, numbers};
use crate::coding::{put_bytes, put_svarint, put_uvarint};
use crate::logs::grams::Gather;
use crate::metrics::values::Effort;
use crate::traces::encode_ints;

/// Most values of a dictionary.
const DICTIONARY_MAX: usize = 16_384;
/// Least mean length of texts that are worth a template.
const TEMPLATE_LEN_MIN: usize = 4;

/// A column that was written.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::logs) struct Encoded {
    /// Its bytes.
    pub(in crate::logs) bytes: Vec<u8>,
    /// Smallest and largest value when all are whole numbers.
    pub(in crate::logs) range: Option<(i64, i64)>,
}

/// Writes a column. `times` are those of its entries. What text filters must know goes to `gather`.
pub(in crate::logs) fn encode(texts: &Texts, times: &[i64], effort: Effort, gather: &mut Gather) -> Encoded {
    let mut out = Encoder {
        effort,
        gather,
        out: Vec::new(),
        range: None,
        spare: Vec::new(),
    };
    out.column(texts, Some(times), Depth::Outer);
    Encoded {
        bytes: out.out,
        range: out.range,
    }
}

/// How templates may nest: texts have words, words have runs of digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Depth {
    Outer,
    Words,
    Digits,
}

struct Encoder<'g> {
    effort: Effort,
    gather: &'g mut Gather,
    out: Vec<u8>,
    range: Option<(i64, i64)>,
    /// Room for the columns of slots.
    spare: Vec<Vec<u8>>,
}

impl Encoder<'_> {
    fn column(&mut self, texts: &Texts, times: Option<&[i64]>, depth: Depth) {
        let Some(distinct) = Distinct::of(texts) else {
            return self.many(texts, times, depth);
        };
        if depth == Depth::Outer {
            let ints: Option<Vec<i64>> = distinct.values.iter().map(|v| numbers::int(v)).collect();
            self.range = ints.and_then(|ints| Some((*ints.iter().min()?, *ints.iter().max()?)));
        }
        if distinct.values.len() == 1 {
            self.out.push(form::CONST);
            put_bytes(&mut self.out, distinct.values[0]);
            self.told(distinct.values[0], depth);
            return;
        }
        self.dictionary(&distinct, depth);
    }

    fn told(&mut self, text: &[u8], depth: Depth) {
        if depth != Depth::Digits {
            self.gather.text(text);
        }
    }

    fn told_digits(&mut self, depth: Depth) {
        if depth != Depth::Digits {
            self.gather.any_digits();
        }
    }

    fn dictionary(&mut self, distinct: &Distinct<'_>, depth: Depth) {
        let mut order: Vec<u32> = (0..distinct.values.len() as u32).collect();
        order.sort_unstable_by_key(|n| distinct.values[*n as usize]);
        let mut rank = vec![0i64; order.len()];
        self.out.push(form::DICTIONARY);
        let mut values = Texts::default();
        for (at, n) in order.iter().enumerate() {
            rank[*n as usize] = at as i64;
            values.push(distinct.values[*n as usize]);
        }
        for value in values.iter() {
            self.told(value, depth);
        }
        self.texts(&values);
        let codes: Vec<i64> = distinct.codes.iter().map(|code| rank[*code as usize]).collect();
        encode_ints(&codes, self.effort, &mut self.out);
    }

    fn many(&mut self, texts: &Texts, times: Option<&[i64]>, depth: Depth) {
        if let Some(ints) = numbers::ints(texts) {
            if depth == Depth::Outer {
                self.range = ints.iter().min().copied().zip(ints.iter().max().copied());
            }
            self.told_digits(depth);
            self.out.push(form::INTS);
            return encode_ints(&ints, self.effort, &mut self.out);
        }
        if let Some((width, ints)) = numbers::padded(texts) {
            self.told_digits(depth);
            self.out.extend_from_slice(&[form::PADDED, width as u8]);
            return encode_ints(&ints, self.effort, &mut self.out);
        }
        if depth != Depth::Digits && self.typed(texts, times) {
            return;
        }
        if depth != Depth::Digits && self.templates(texts, depth) {
            return;
        }
        for text in texts.iter() {
            self.told(text, depth);
        }
        self.out.push(form::TEXTS);
        self.texts(texts);
    }

    fn typed(&mut self, texts: &Texts, times: Option<&[i64]>) -> bool {
        if let Some(decimals) = numbers::each(texts, numbers::decimal) {
            self.gather.any_digits();
            self.out.push(form::DECIMALS);
            let (digits, places): (Vec<i64>, Vec<i64>) = decimals
                .into_iter()
                .map(|(n, places)| (n, i64::from(places)))
                .unzip();
            encode_ints(&places, self.effort, &mut self.out);
            encode_ints(&digits, self.effort, &mut self.out);
            return true;
        }
        if let Some((width, bytes)) = numbers::hex(texts) {
            texts.iter().for_each(|text| self.gather.hex(text));
            self.out.extend_from_slice(&[form::HEX, width as u8]);
            self.out.extend_from_slice(&bytes);
            return true;
        }
        if let Some(bytes) = numbers::uuids(texts) {
            texts.iter().for_each(|text| self.gather.text(text));
            self.out.push(form::UUIDS);
            self.out.extend_from_slice(&bytes);
            return true;
        }
        times.is_some_and(|times| self.times(texts, times))
    }

    fn times(&mut self, texts: &Texts, times: &[i64]) -> bool {
        let Some(style) = Style::of(texts.get(0)) else {
            return false;
        };
        let resolution = style.resolution();
        let distance = |(text, time): (&[u8], &i64)| {
            let time = time.div_euclid(resolution) * resolution;
            style.parse(text)?.checked_sub(time).map(|d| d / resolution)
        };
        let distances: Option<Vec<i64>> = texts.iter().zip(times).map(distance).collect();
        let Some(distances) = distances else {
            return false;
        };
        self.gather.any_date();
        self.out.push(form::TIMES);
        self.out.extend_from_slice(&style.to_bytes());
        encode_ints(&distances, self.effort, &mut self.out);
        true
    }

    fn templates(&mut self, texts: &Texts, depth: Depth) -> bool {
        if texts.byte_len() < texts.len() * TEMPLATE_LEN_MIN {
            return false;
        }
        let slots = if depth == Depth::Outer {
            Slots::Words
        } else {
            Slots::Digits
        };
        let found = Templates::of(texts, slots)
            .map(|found| (found, slots))
            .or_else(|| {
                let slots = Slots::Digits;
                (depth == Depth::Outer).then(|| Templates::of(texts, slots).map(|found| (found, slots)))?
            });
        let Some((found, slots)) = found else {
            return false;
        };
        // A word with digits in it is one token: its runs are not told by themselves.
        match slots {
            Slots::Words => found
                .templates
                .iter()
                .for_each(|template| self.gather.text(template)),
            Slots::Digits => texts.iter().for_each(|text| self.gather.text(text)),
        }
        self.out.push(form::TEMPLATES);
        put_uvarint(&mut self.out, found.templates.len() as u64);
        self.texts(&found.templates);
        encode_ints(&found.codes, self.effort, &mut self.out);
        let inner = if slots == Slots::Words {
            Depth::Words
        } else {
            Depth::Digits
        };
        for values in found.slots.iter().flatten() {
            let room = self.spare.pop().unwrap_or_default();
            let outer = std::mem::replace(&mut self.out, room);
            self.column(values, None, inner);
            let mut bytes = std::mem::replace(&mut self.out, outer);
            put_bytes(&mut self.out, &bytes);
            bytes.clear();
            self.spare.push(bytes);
        }
        true
    }

    /// Texts as they are; the page they are in is compressed as a whole.
    fn texts(&mut self, texts: &Texts) {
        put_svarint(&mut self.out, texts.len() as i64);
        let lens: Vec<i64> = texts.iter().map(|t| t.len() as i64).collect();
        encode_ints(&lens, self.effort, &mut self.out);
        put_bytes(&mut self.out, texts.bytes());
    }
}

/// Texts of which many are equal.
struct Distinct<'t> {
    values: Vec<&'t [u8]>,
    codes: Vec<u32>,
}

impl<'t> Distinct<'t> {
    /// None when too few are equal for a dictionary.
    fn of(texts: &'t Texts) -> Option<Distinct<'t>> {
        let most = (texts.len() / 4).clamp(1, DICTIONARY_MAX);
        let mut numbers: HashMap<&[u8], u32> = HashMap::new();
        let (mut values, mut codes) = (Vec::new(), Vec::with_capacity(texts.len()));
        for text in texts.iter() {
            let next = numbers.len() as u32;
            let code = *numbers.entry(text).or_insert(next);
            if code == next {
                if values.len() == most {
                    return None;
                }
                values.push(text);
            }
            codes.push(code);
        }
        Some(Distinct { values, codes })
    }
}
