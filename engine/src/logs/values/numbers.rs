//! Texts that are numbers or ids, recognised only where printing gives the same bytes again.

use super::Texts;

/// A whole number without plus sign, leading zeros or `-0`.
#[inline]
pub(super) fn int(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if digits.is_empty() || digits.len() > 19 || (digits[0] == b'0' && (digits.len() > 1 || negative)) {
        return None;
    }
    let mut n = 0i64;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        n = n.checked_mul(10)?.checked_sub(digit.into())?;
    }
    if negative { Some(n) } else { n.checked_neg() }
}

/// Appends a whole number.
#[inline]
pub(super) fn put_int(n: i64, out: &mut Vec<u8>) {
    if n < 0 {
        out.push(b'-');
    }
    put_digits(n.unsigned_abs(), 1, out);
}

/// Appends a number with at least `width` digits.
#[inline]
pub(super) fn put_digits(mut n: u64, width: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 24];
    let mut at = digits.len();
    while n > 0 {
        at -= 1;
        digits[at] = b'0' + (n % 10) as u8;
        n /= 10;
    }
    let at = at.min(digits.len() - width.clamp(1, digits.len()));
    out.extend_from_slice(&digits[at..]);
}

/// Whole numbers of all texts, if they are.
pub(super) fn ints(texts: &Texts) -> Option<Vec<i64>> {
    each(texts, int)
}

/// What `read` makes of all texts; none when it makes nothing of one.
pub(super) fn each<T>(texts: &Texts, read: impl Fn(&[u8]) -> Option<T>) -> Option<Vec<T>> {
    // Most columns show with their first text that they are not what they are taken for.
    let mut all = match texts.is_empty() {
        true => return Some(Vec::new()),
        false => {
            read(texts.get(0))?;
            Vec::with_capacity(texts.len())
        }
    };
    for text in texts.iter() {
        all.push(read(text)?);
    }
    Some(all)
}

/// Digits of one width with leading zeros, if all texts are such.
pub(super) fn padded(texts: &Texts) -> Option<(usize, Vec<i64>)> {
    let width = texts.get(0).len();
    if !(2..=18).contains(&width) {
        return None;
    }
    let number = |text: &[u8]| {
        let fits = text.len() == width && text.iter().all(u8::is_ascii_digit);
        fits.then(|| text.iter().fold(0i64, |n, d| n * 10 + i64::from(d - b'0')))
    };
    Some((width, each(texts, number)?))
}

/// A number with a fraction as its digits without the point, and how many stand behind the point; 0 for a whole number.
pub(super) fn decimal(text: &[u8]) -> Option<(i64, u8)> {
    let Some(point) = text.iter().position(|b| *b == b'.') else {
        return Some((int(text)?, 0));
    };
    let (whole, fraction) = (&text[..point], &text[point + 1..]);
    let unsigned = whole.strip_prefix(b"-").unwrap_or(whole);
    int(unsigned)?;
    if unsigned.first() == Some(&b'-')
        || fraction.is_empty()
        || fraction.len() > 17
        || !fraction.iter().all(u8::is_ascii_digit)
    {
        return None;
    }
    let n = unsigned
        .iter()
        .chain(fraction)
        .try_fold(0i64, |n, d| n.checked_mul(10)?.checked_add((d - b'0').into()))?;
    match whole.len() > unsigned.len() {
        true if n == 0 => None,
        true => Some((-n, fraction.len() as u8)),
        false => Some((n, fraction.len() as u8)),
    }
}

/// Appends what [`decimal`] read.
pub(super) fn put_decimal(n: i64, places: u8, out: &mut Vec<u8>) {
    if places == 0 {
        return put_int(n, out);
    }
    if n < 0 {
        out.push(b'-');
    }
    put_digits(n.unsigned_abs(), usize::from(places) + 1, out);
    let point = out.len() - usize::from(places);
    out.insert(point, b'.');
}

/// Bytes of hexadecimal digits in lower case, if all texts are of one even length.
pub(super) fn hex(texts: &Texts) -> Option<(usize, Vec<u8>)> {
    let width = texts.get(0).len();
    if width < 8 || !width.is_multiple_of(2) || width > 254 {
        return None;
    }
    let mut bytes = Vec::with_capacity(texts.len() * width / 2);
    for text in texts.iter() {
        if text.len() != width || !put_unhexed(text, &mut bytes) {
            return None;
        }
    }
    Some((width / 2, bytes))
}

fn put_unhexed(text: &[u8], out: &mut Vec<u8>) -> bool {
    let mut seen = 0;
    out.extend(text.as_chunks::<2>().0.iter().map(|[high, low]| {
        let (high, low) = (NIBBLES[usize::from(*high)], NIBBLES[usize::from(*low)]);
        seen |= high | low;
        high << 4 | low & 15
    }));
    seen != NO_NIBBLE
}

/// What [`NIBBLES`] has for bytes that are no digit in lower case; others are below 16.
const NO_NIBBLE: u8 = 0xff;

static NIBBLES: [u8; 256] = nibbles();

const fn nibbles() -> [u8; 256] {
    let mut out = [NO_NIBBLE; 256];
    let mut n = 0;
    while n < 16 {
        out[b"0123456789abcdef"[n] as usize] = n as u8;
        n += 1;
    }
    out
}

fn is_nibble(digit: u8) -> bool {
    NIBBLES[usize::from(digit)] != NO_NIBBLE
}

/// Appends bytes as hexadecimal digits in lower case.
pub(super) fn put_hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// Where the dashes of a UUID are.
const DASHES: [usize; 4] = [8, 13, 18, 23];

/// True for a UUID in lower case.
pub(super) fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(at, b)| match DASHES.contains(&at) {
            true => *b == b'-',
            false => is_nibble(*b),
        })
}

/// Bytes of UUIDs in lower case, if all texts are such.
pub(super) fn uuids(texts: &Texts) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(texts.len() * 16);
    for text in texts.iter() {
        if !is_uuid(text) {
            return None;
        }
        for part in [0..8, 9..13, 14..18, 19..23, 24..36] {
            put_unhexed(&text[part], &mut bytes);
        }
    }
    Some(bytes)
}

/// Appends a UUID in lower case.
pub(super) fn put_uuid(bytes: &[u8], out: &mut Vec<u8>) {
    for (n, part) in [0..4, 4..6, 6..8, 8..10, 10..16].into_iter().enumerate() {
        if n > 0 {
            out.push(b'-');
        }
        put_hex(&bytes[part], out);
    }
}

/// The bytes that pairs of hexadecimal digits stand for, a last single digit left out; none for other texts.
pub(in crate::logs) fn hex_bytes(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |b: &u8| char::from(*b).to_digit(16);
    let pairs = digits.as_chunks::<2>().0.iter();
    pairs
        .map(|[high, low]| Some((digit(high)? * 16 + digit(low)?) as u8))
        .collect()
}
