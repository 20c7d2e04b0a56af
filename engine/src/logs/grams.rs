//! What text filters know of a group of entries: a bitmap of the three-letter sequences of its words, and the ids it has.
//! Words are runs of letters, digits and bytes outside ASCII; case does not count. Runs of 16 and more hexadecimal digits and
//! UUIDs are ids: they go to the block's directory of ids instead, where one look-up finds them.
//!
//! Exact in one direction: what may not be there is not there.

use xxhash_rust::xxh3::xxh3_64;

use super::values::tokens_of;
use crate::coding::{Malformed, Reader, put_uvarint};

/// Fewest hexadecimal digits of an id.
pub const ID_LEN_MIN: usize = 16;
const UUID_LEN: usize = 36;
/// Bits of a bitmap for each sequence in it.
const BITS_PER_GRAM: usize = 12;
const BITS_MIN: usize = 512;
const BITS_MAX: usize = 1 << 16;

const FLAG_DIGITS: u8 = 1;
const FLAG_DATES: u8 = 2;
const FLAG_UUIDS: u8 = 4;
const FLAG_ODD_IDS: u8 = 8;

/// Collects what a group has.
#[derive(Debug, Default)]
pub(super) struct Gather {
    grams: Seen,
    /// Hashes of ids.
    pub(super) ids: hashbrown::HashSet<u64>,
    /// Lengths of runs of hexadecimal digits that are ids.
    id_lens: std::collections::BTreeSet<usize>,
    flags: u8,
}

/// Sequences seen, in a bitmap of the largest size: a smaller one has the same bits, neighbours together.
#[derive(Debug)]
struct Seen(Box<[u64; BITS_MAX / 64]>);

impl Default for Seen {
    fn default() -> Seen {
        Seen(Box::new([0; BITS_MAX / 64]))
    }
}

impl Seen {
    #[inline]
    fn add(&mut self, gram: u32) {
        let at = place(gram, BITS_MAX / 8);
        self.0[at / 64] |= 1 << (at % 64);
    }

    /// The bitmap of the size that fits what was seen, and none seen.
    fn take(&mut self) -> Vec<u8> {
        let seen: u32 = self.0.iter().map(|word| word.count_ones()).sum();
        let wanted = (seen as usize * BITS_PER_GRAM).next_power_of_two();
        let mut bits = vec![0u8; wanted.clamp(BITS_MIN, BITS_MAX) / 8];
        let shift = (BITS_MAX / 8 / bits.len()).trailing_zeros();
        for (n, word) in self.0.iter_mut().enumerate() {
            let mut rest = std::mem::take(word);
            while rest != 0 {
                let at = (n * 64 + rest.trailing_zeros() as usize) >> shift;
                bits[at / 8] |= 1 << (at % 8);
                rest &= rest - 1;
            }
        }
        bits
    }
}

impl Gather {
    /// Tells a text, or one of many equal ones.
    pub(super) fn text(&mut self, text: &[u8]) {
        let mut behind = 0;
        for token in tokens_of(text) {
            if token.start < behind {
                continue;
            }
            let end = token.start + UUID_LEN;
            let ends = !text.get(end).is_some_and(u8::is_ascii_alphanumeric);
            if let Some(uuid) = text.get(token.start..end).filter(|t| is_uuid(t)) {
                if !ends {
                    self.flags |= FLAG_ODD_IDS;
                    self.token(&text[token]);
                    continue;
                }
                self.ids.insert(hash_of_uuid(uuid));
                self.flags |= FLAG_UUIDS;
                behind = end;
                continue;
            }
            let late = token.end.saturating_sub(8);
            if late > token.start && text.get(late..late + UUID_LEN).is_some_and(is_uuid) {
                self.flags |= FLAG_ODD_IDS;
            }
            self.token(&text[token]);
        }
    }

    /// Tells a text of hexadecimal digits only.
    pub(super) fn hex(&mut self, digits: &[u8]) {
        if digits.len() < ID_LEN_MIN {
            return self.token(digits);
        }
        self.ids.insert(hash_of_id(digits));
        if self.id_lens.last() != Some(&digits.len()) {
            self.id_lens.insert(digits.len());
        }
    }

    fn token(&mut self, token: &[u8]) {
        if is_id(token) {
            return self.hex(token);
        }
        if token.len() > ID_LEN_MIN && token.split(|b| !b.is_ascii_hexdigit()).any(is_id) {
            self.flags |= FLAG_ODD_IDS;
        }
        for gram in token.windows(3) {
            self.grams.add(gram_of(gram));
        }
    }

    /// Tells that any run of digits may be there.
    pub(super) fn any_digits(&mut self) {
        self.flags |= FLAG_DIGITS;
    }

    /// Tells that dates may be there.
    pub(super) fn any_date(&mut self) {
        self.flags |= FLAG_DIGITS | FLAG_DATES;
    }

    /// The bitmap, and an empty collection.
    pub(super) fn finish(&mut self) -> Grams {
        let grams = Grams {
            flags: self.flags,
            id_lens: self.id_lens.iter().copied().collect(),
            bits: self.grams.take(),
        };
        self.id_lens.clear();
        self.flags = 0;
        grams
    }
}

fn gram_of(gram: &[u8]) -> u32 {
    let [a, b, c] = [gram[0], gram[1], gram[2]].map(|b| u32::from(b.to_ascii_lowercase()));
    a | b << 8 | c << 16
}

fn place(gram: u32, bytes: usize) -> usize {
    let hash = gram.wrapping_mul(0x9e37_79b1);
    // The length is a power of two of bytes, and of eight times as many bits.
    (hash >> (32 - (bytes * 8).trailing_zeros())) as usize
}

/// True for what is an id by itself: at least 16 hexadecimal digits.
pub fn is_id(token: &[u8]) -> bool {
    token.len() >= ID_LEN_MIN && token.iter().all(u8::is_ascii_hexdigit)
}

/// True for a UUID in either case.
pub fn is_uuid(text: &[u8]) -> bool {
    text.len() == UUID_LEN
        && text[8] == b'-'
        && text.iter().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => *b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// The hash under which an id is found.
pub(super) fn hash_of_id(id: &[u8]) -> u64 {
    let mut lower = [0; 64];
    match lower.get_mut(..id.len()) {
        Some(lower) => {
            lower.copy_from_slice(id);
            lower.make_ascii_lowercase();
            xxh3_64(lower)
        }
        None => xxh3_64(&id.to_ascii_lowercase()),
    }
}

/// The hash under which a UUID is found, apart from that of the same digits without dashes.
pub(super) fn hash_of_uuid(uuid: &[u8]) -> u64 {
    hash_of_id(uuid)
}

/// What a group of entries may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grams {
    flags: u8,
    id_lens: Vec<usize>,
    bits: Vec<u8>,
}

impl Grams {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.flags);
        put_uvarint(out, self.id_lens.len() as u64);
        self.id_lens.iter().for_each(|len| put_uvarint(out, *len as u64));
        out.push(self.bits.len().trailing_zeros() as u8);
        out.extend_from_slice(&self.bits);
    }

    /// The filter as its readers have it.
    #[cfg(test)]
    fn may_hold(&self, needle: &[u8]) -> bool {
        let mut bytes = Vec::new();
        self.encode(&mut bytes);
        TextFilter::read(&bytes).unwrap().may_hold(needle)
    }

    /// Length of the longest id, and whether something that is not an id by itself may have one in it.
    pub(super) fn ids(&self) -> (u32, bool) {
        let longest = self.id_lens.last().copied().unwrap_or(0);
        (
            u32::try_from(longest).unwrap_or(u32::MAX),
            self.flags & FLAG_ODD_IDS != 0,
        )
    }
}

/// A text filter in its bytes.
#[derive(Debug)]
pub(super) struct TextFilter<'b> {
    flags: u8,
    id_len_max: usize,
    bits: &'b [u8],
}

impl<'b> TextFilter<'b> {
    pub(super) fn read(bytes: &'b [u8]) -> Result<TextFilter<'b>, Malformed> {
        let mut r = Reader::new(bytes);
        let flags = r.u8()?;
        let mut id_len_max = 0;
        for _ in 0..r.count(1)? {
            id_len_max = r.uvarint()? as usize;
        }
        let log = r.u8()?;
        if !(BITS_MIN / 8..=BITS_MAX / 8).contains(&(1usize << (log & 31))) {
            return Err(Malformed("size of a text filter"));
        }
        let bits = r.take(1 << log)?;
        Ok(TextFilter {
            flags,
            id_len_max,
            bits,
        })
    }

    /// False when no entry has the text in it, in whatever case.
    pub(super) fn may_hold(&self, needle: &[u8]) -> bool {
        tokens_of(needle).all(|token| self.may_hold_word(&needle[token]))
    }

    /// False when no word has the word in it. The word has no separators.
    fn may_hold_word(&self, word: &[u8]) -> bool {
        let all_hex = word.iter().all(u8::is_ascii_hexdigit);
        if all_hex && (self.flags & FLAG_UUIDS != 0 || self.id_len_max >= word.len()) {
            return true;
        }
        let is_digits = |b: &u8| b.is_ascii_digit();
        if self.flags & FLAG_DIGITS != 0 && word.iter().all(is_digits) {
            return true;
        }
        let of_date = |b: &u8| is_digits(b) || matches!(b, b'T' | b't' | b'Z' | b'z');
        if self.flags & FLAG_DATES != 0 && word.iter().all(of_date) {
            return true;
        }
        word.windows(3).all(|gram| {
            let at = place(gram_of(gram), self.bits.len());
            self.bits[at / 8] >> (at % 8) & 1 == 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grams(texts: &[&str]) -> Grams {
        let mut gather = Gather::default();
        texts.iter().for_each(|text| gather.text(text.as_bytes()));
        gather.finish()
    }

    #[test]
    fn words_and_parts_of_them_may_be_there_in_any_case_and_others_may_not() {
        let grams = grams(&["Connection refused: user_id=42", "Zeit\u{fc}berschreitung"]);
        for there in [
            "connection",
            "NNECT",
            "refused: user",
            "r_i",
            "\u{fc}berschr",
            "on re",
            "id=42",
            "",
        ] {
            assert!(grams.may_hold(there.as_bytes()), "{there}");
        }
        for absent in ["timeout", "connections", "conection"] {
            assert!(!grams.may_hold(absent.as_bytes()), "{absent}");
        }
    }

    #[test]
    fn ids_are_not_words_but_their_parts_may_be_anywhere() {
        let grams = grams(&["trace 4bf92f3577b34da6a3ce929d0e0e4736 done"]);
        assert!(grams.may_hold(b"4bf92f3577b34da6a3ce929d0e0e4736"));
        assert!(grams.may_hold(b"929d0e"));
        assert!(!grams.may_hold(b"4bf92f3577b34da6a3ce929d0e0e4736ff"));
        assert_eq!(grams.ids(), (32, false));
        let odd = self::grams(&["x4bf92f3577b34da6a3ce929d0e0e4736"]);
        assert_eq!(odd.ids(), (0, true));
    }

    #[test]
    fn an_encoded_filter_reads_back() {
        let grams = grams(&["some words to keep", "00000000-0000-0000-0000-000000000001"]);
        let mut bytes = Vec::new();
        grams.encode(&mut bytes);
        let read = TextFilter::read(&bytes).unwrap();
        assert_eq!((read.flags, read.bits), (grams.flags, grams.bits.as_slice()));
        assert!(TextFilter::read(&bytes[..bytes.len() - 1]).is_err());
    }
}
