//! A column of texts in the smallest form that gives them back byte for byte: one value, a dictionary, numbers, ids as their
//! bytes, dates as distances from the entry's time, texts that differ in a few places by template, or the texts themselves.
//! Byte layout in FORMAT.md, "Logs values".

mod decode;
mod encode;
pub(super) mod numbers;
mod outline;
mod template;
mod times;

pub use decode::{TemplateValues, Values};
pub(super) use encode::encode;
pub use form::Form;
pub use outline::Outline;
pub(super) use outline::{Asked, dictionary, template_codes};
pub(super) use template::{Slots, split, tokens_of};

/// Forms of a column. The numbers are in the format.
mod form {
    /// The form of a column by name.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[repr(u8)]
    pub enum Form {
        /// One text.
        Const = CONST,
        /// Distinct texts, and which of them each entry has.
        Dictionary = DICTIONARY,
        /// Whole numbers.
        Ints = INTS,
        /// Digits with leading zeros.
        Padded = PADDED,
        /// Numbers with a fraction.
        Decimals = DECIMALS,
        /// Hexadecimal digits in lower case.
        Hex = HEX,
        /// UUIDs in lower case.
        Uuids = UUIDS,
        /// Dates.
        Times = TIMES,
        /// Texts by template.
        Templates = TEMPLATES,
        /// Texts.
        Texts = TEXTS,
    }

    impl Form {
        /// The form of a column's bytes.
        pub(in crate::logs) fn of(bytes: &[u8]) -> Option<Form> {
            Form::from_number(*bytes.first()?)
        }

        /// The number of the form in the format.
        pub(in crate::logs) fn number(self) -> u8 {
            self as u8
        }

        /// The form of a number.
        pub(in crate::logs) fn from_number(number: u8) -> Option<Form> {
            Some(match number {
                CONST => Form::Const,
                DICTIONARY => Form::Dictionary,
                INTS => Form::Ints,
                PADDED => Form::Padded,
                DECIMALS => Form::Decimals,
                HEX => Form::Hex,
                UUIDS => Form::Uuids,
                TIMES => Form::Times,
                TEMPLATES => Form::Templates,
                TEXTS => Form::Texts,
                _ => return None,
            })
        }
    }

    pub(super) const CONST: u8 = 0;
    pub(super) const DICTIONARY: u8 = 1;
    pub(super) const INTS: u8 = 2;
    pub(super) const PADDED: u8 = 3;
    pub(super) const DECIMALS: u8 = 4;
    pub(super) const HEX: u8 = 5;
    pub(super) const UUIDS: u8 = 6;
    pub(super) const TIMES: u8 = 7;
    pub(super) const TEMPLATES: u8 = 8;
    pub(super) const TEXTS: u8 = 9;
}

/// Texts one behind the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Texts {
    /// Number of texts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True without texts.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// A text.
    #[inline]
    pub fn get(&self, n: usize) -> &[u8] {
        let from = if n == 0 { 0 } else { self.ends[n - 1] as usize };
        &self.bytes[from..self.ends[n] as usize]
    }

    /// All texts in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> + Clone {
        (0..self.len()).map(|n| self.get(n))
    }

    /// Bytes of all texts.
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// Appends a text.
    #[inline]
    pub(super) fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len() as u32);
    }

    /// None of them, with the room that they took.
    pub(super) fn cleared(mut self) -> Texts {
        self.bytes.clear();
        self.ends.clear();
        self
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests;
