//! Texts that differ in a few places: the parts that vary are slots, the rest is a template that many texts share.

use super::Texts;
use crate::logs::class::{self, DIGIT, TOKEN, UNMARKED, WORD};
use crate::logs::line::BARE;

/// What varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::logs) enum Slots {
    /// Words with a digit in them, and words right after `=`.
    Words,
    /// Runs of digits.
    Digits,
}

/// Most slots of a template.
const SLOTS_MAX: usize = 64;

/// Takes a text apart: the template with a marker for each slot, and where the slots are. None when it has bytes that markers
/// use, or too many slots.
pub(in crate::logs) fn split(
    text: &[u8],
    slots: Slots,
    template: &mut Vec<u8>,
    places: &mut Vec<(u32, u32)>,
) -> Option<()> {
    template.clear();
    places.clear();
    if !text.iter().all(|byte| class::is(*byte, UNMARKED)) {
        return None;
    }
    let word = match slots {
        Slots::Words => WORD,
        Slots::Digits => DIGIT,
    };
    let mut at = 0;
    let mut copied = 0;
    loop {
        let from = class::start_of(text, at, word);
        if from == text.len() {
            break;
        }
        at = class::end_of(text, from, word);
        let has_digit = text[from..at].iter().any(|byte| class::is(*byte, DIGIT));
        if has_digit || (from > 0 && text[from - 1] == b'=') {
            if places.len() == SLOTS_MAX {
                return None;
            }
            template.extend_from_slice(&text[copied..from]);
            template.push(BARE);
            places.push((from as u32, at as u32));
            copied = at;
        }
    }
    template.extend_from_slice(&text[copied..]);
    Some(())
}

/// Texts taken apart.
#[derive(Debug, Default)]
pub(super) struct Templates {
    /// Each template once.
    pub(super) templates: Texts,
    /// Number of the template of each text.
    pub(super) codes: Vec<i64>,
    /// The values of each slot of each template, in order of the texts.
    pub(super) slots: Vec<Vec<Texts>>,
}

impl Templates {
    /// None when too few texts share a template for it to be worth while.
    pub(super) fn of(texts: &Texts, slots: Slots) -> Option<Templates> {
        let most = texts.len() / 3;
        let mut numbers: hashbrown::HashMap<Box<[u8]>, usize> = hashbrown::HashMap::new();
        let mut out = Templates::default();
        let (mut template, mut places) = (Vec::new(), Vec::new());
        for text in texts.iter() {
            split(text, slots, &mut template, &mut places)?;
            let code = match numbers.get(template.as_slice()) {
                Some(code) => *code,
                None if numbers.len() >= most => return None,
                None => {
                    let code = numbers.len();
                    numbers.insert(template.as_slice().into(), code);
                    out.templates.push(&template);
                    out.slots.push(vec![Texts::default(); places.len()]);
                    code
                }
            };
            out.codes.push(code as i64);
            for (values, (from, to)) in out.slots[code].iter_mut().zip(&places) {
                values.push(&text[*from as usize..*to as usize]);
            }
        }
        // Templates without slots are a dictionary, which does better.
        out.slots.iter().any(|slots| !slots.is_empty()).then_some(out)
    }
}

/// The words that text filters know: runs of letters, digits and bytes outside ASCII.
pub(in crate::logs) fn tokens_of(text: &[u8]) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let from = class::start_of(text, at, TOKEN);
        at = class::end_of(text, from, TOKEN);
        (from < at).then_some(from..at)
    })
}
